/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: taking a function by hand.
 * Thread: main. Ownership: see the header.
 */
#include "vm/by-hand.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/uapi-iommufd.h"

#define PRIVATE_NODE "/dev/measure-node"

void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", g_get_prgname(), what, why);
    exit(EXIT_FAILURE);
}

static void write_to(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        die(path, strerror(errno));
    close(fd);
}

static char *path_of(const ByHand *device, const char *name) {
    return g_strdup_printf("/sys/bus/pci/devices/%s/%s", device->address, name);
}

static void write_function(const ByHand *device, const char *name, const char *value) {
    g_autofree char *path = path_of(device, name);
    write_to(path, value);
}

static void unbind(const ByHand *device, const char *driver) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/drivers/%s/unbind", driver);
    write_to(path, device->address);
}

static void probe(const ByHand *device) {
    write_to("/sys/bus/pci/drivers_probe", device->address);
}

/* The name of the device's node below /dev/vfio/devices, as soon as it is there. */
static char *await_node(const ByHand *device) {
    g_autofree char *path = path_of(device, "vfio-dev");
    for (int i = 0; i < 5000; i++) {
        DIR *directory = opendir(path);
        struct dirent *entry = NULL;
        while (directory && (entry = readdir(directory)) && strncmp(entry->d_name, "vfio", 4) != 0)
            continue;
        char *node = entry ? g_build_filename("/dev/vfio/devices", entry->d_name, NULL) : NULL;
        if (directory)
            closedir(directory);
        if (node && access(node, F_OK) == 0)
            return node;
        g_free(node);
        g_usleep(1000);
    }
    die(path, "no node appeared");
}

static void read_function(const ByHand *device, const char *name, char text[64]) {
    g_autofree char *path = path_of(device, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, 63);
    if (n < 0)
        die(path, strerror(errno));
    text[n] = '\0';
    close(fd);
}

/* Whether the function's driver is that one; NULL: none. */
static void expect_driver(const ByHand *device, const char *driver) {
    g_autofree char *path = path_of(device, "driver");
    g_autofree char *target = g_file_read_link(path, NULL);
    g_autofree char *name = target ? g_path_get_basename(target) : NULL;
    if (g_strcmp0(name, driver) != 0)
        die(path, "another driver than expected");
}

/* Opens the device of a node by a node of its own, which nobody else sees. */
static int open_node(const char *path) {
    struct stat status;
    if (stat(path, &status) < 0 || mknod(PRIVATE_NODE, S_IFCHR | 0600, status.st_rdev) < 0)
        die(path, strerror(errno));
    int fd = open(PRIVATE_NODE, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        die(path, strerror(errno));
    unlink(PRIVATE_NODE);
    return fd;
}

int by_hand_iommufd(void) {
    struct iommu_option option = {
        .size = sizeof option,
        .option_id = IOMMU_OPTION_RLIMIT_MODE,
        .op = IOMMU_OPTION_OP_SET,
        .val64 = 1,
    };
    int fd = open_node("/dev/iommu");
    if (ioctl(fd, IOMMU_OPTION, &option) < 0)
        die("IOMMU_OPTION", strerror(errno));
    return fd;
}

void by_hand_take(ByHand *device) {
    expect_driver(device, device->driver);
    read_function(device, "driver_override", device->override);
    read_function(device, "power/control", device->control);
    read_function(device, "d3cold_allowed", device->d3cold);
    write_function(device, "driver_override", "vfio-pci");
    unbind(device, device->driver);
    expect_driver(device, NULL);
    probe(device);
    expect_driver(device, "vfio-pci");
    g_autofree char *node = await_node(device);
    write_function(device, "d3cold_allowed", "0");
    write_function(device, "power/control", "on");
    device->fd = open_node(node);
}

void by_hand_give_back(ByHand *device) {
    close(device->fd);
    unbind(device, "vfio-pci");
    write_function(device, "reset", "1");
    write_function(device, "driver_override", device->driver);
    probe(device);
    expect_driver(device, device->driver);
    write_function(device, "driver_override", "\n");
    write_function(device, "d3cold_allowed", device->d3cold);
    write_function(device, "power/control", device->control);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `measure ADDRESS DRIVER ROUNDS MAXIMUM`, as root in a VM: how long claim and open take
 * by libpcassign, beside the same steps done by this program itself (what was there is saved, each
 * write read back, the nodes are opened by private ones); fails when the medians' ratio is above
 * MAXIMUM. The two take turns, after one round of each that does not count. Thread: main.
 * Ownership: descriptors are closed within their round.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pcassign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/uapi-iommufd.h"

#define SETTLE_US G_USEC_PER_SEC
#define PRIVATE_NODE "/dev/measure-node"

static const char *address, *host_driver;

static void die(const char *what, const char *why) {
    fprintf(stderr, "measure: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void write_to(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        die(path, strerror(errno));
    close(fd);
}

static void write_function(const char *name, const char *value) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/%s", address, name);
    write_to(path, value);
}

static void unbind(const char *driver) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/drivers/%s/unbind", driver);
    write_to(path, address);
}

static void probe(const char *override) {
    write_function("driver_override", override);
    write_to("/sys/bus/pci/drivers_probe", address);
}

/* The name of the device's node below /dev/vfio/devices, as soon as it is there. */
static char *await_node(void) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/vfio-dev", address);
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
    return NULL;
}

static void read_function(const char *name, char text[64]) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/%s", address, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, 63);
    if (n < 0)
        die(path, strerror(errno));
    text[n] = '\0';
    close(fd);
}

/* Whether the function's driver is that one; NULL: none. */
static void expect_driver(const char *driver) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/driver", address);
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

static int open_iommufd(void) {
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

static gint64 run_by_hand(void) {
    char override[64];
    gint64 start = g_get_monotonic_time();
    expect_driver(host_driver);
    read_function("driver_override", override);
    write_function("driver_override", "vfio-pci");
    unbind(host_driver);
    expect_driver(NULL);
    write_to("/sys/bus/pci/drivers_probe", address);
    expect_driver("vfio-pci");
    g_autofree char *node = await_node();
    int device = open_node(node), iommufd = open_iommufd();
    gint64 took = g_get_monotonic_time() - start;
    close(device);
    close(iommufd);
    unbind("vfio-pci");
    write_function("reset", "1");
    probe(host_driver);
    write_function("driver_override", "\n");
    return took;
}

static gint64 run_by_library(struct pcassign *p) {
    struct pcassign_device device = {.name = address};
    struct pcassign_claim *claim = NULL;
    struct pcassign_fds *fds = NULL;
    gint64 start = g_get_monotonic_time();
    if (pcassign_claim(p, &device, 1, NULL, &claim) != 0)
        die("claim", pcassign_last_error(p));
    if (pcassign_open(claim, 0, &fds) != 0)
        die("open", pcassign_last_error(p));
    gint64 took = g_get_monotonic_time() - start;
    if (pcassign_fds_count(fds) != 2)
        die("open", "not exactly two descriptors came");
    pcassign_fds_free(fds);
    if (pcassign_release(claim) != 0)
        die("release", pcassign_last_error(p));
    pcassign_claim_free(claim);
    return took;
}

/* What came before has set off events that udev and the service look into; both sides are measured
 * on a machine that has done with them. */
static void settle(void) {
    g_usleep(SETTLE_US);
}

static int by_value(const void *a, const void *b) {
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static double report(const char *what, gint64 *times, int n) {
    qsort(times, (size_t)n, sizeof *times, by_value);
    double median = (double)times[n / 2] / 1000;
    printf("%s: median of %d %.1f ms (%.1f to %.1f)\n", what, n, median, (double)times[0] / 1000,
           (double)times[n - 1] / 1000);
    return median;
}

int main(int argc, char **argv) {
    if (argc != 5)
        die("usage", "measure ADDRESS DRIVER ROUNDS MAXIMUM");
    address = argv[1];
    host_driver = argv[2];
    int rounds = CLAMP(atoi(argv[3]), 1, 1000);
    struct pcassign *p = NULL;
    if (pcassign_connect(&p) != 0)
        die("system bus", pcassign_last_error(NULL));
    g_autofree gint64 *by_hand = g_new0(gint64, rounds), *by_library = g_new0(gint64, rounds);
    for (int i = -1; i < rounds; i++) {
        settle();
        by_hand[MAX(i, 0)] = run_by_hand();
        settle();
        by_library[MAX(i, 0)] = run_by_library(p);
    }
    double hand = report("override, unbind, bind, open by hand", by_hand, rounds);
    double service = report("claim and open by libpcassign", by_library, rounds);
    pcassign_close(p);
    printf("ratio %.2f\n", service / hand);
    return service / hand <= g_ascii_strtod(argv[4], NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}

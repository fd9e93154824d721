/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: an owner's whole life while services die: `owner UID OTHER DEVICE [HANDOFF ADDRESS]`, as
 * the user UID, claims the device, opens it, binds it and makes it master of the bus, has the user
 * OTHER ask for it in vain, closes it and releases it. DEVICE and ADDRESS may be several, with
 * commas between them. What it has been promised it insists on: as long as it has
 * the lease it asks a service that went away or whose worker died again.
 *   status 0  it all went well
 *   status 3  the claim failed: it has had nothing
 *   status 1  a promise was broken, which standard error names
 * `owner UID --refused DEVICE`: whether the claim is refused, and nothing else: 0 or 1.
 * Thread: main. Ownership: what is claimed here ends with the process.
 */
#include <pcassign.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define STATUS_NOTHING 3
#define MOST 2 /* devices */
#define MEMORY (64ull << 20)
#define INTERVAL 20000 /* microseconds between two tries */
#define TRIES 1000
#define DEATHS 6 /* of workers, one after the other */
#define CONFIG_SPACE ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40) /* drivers/vfio/pci */

static int broken(const char *what, int code, struct pcassign *p) {
    fprintf(stderr, "owner: %s: %s: %s\n", what, pcassign_strerror(code), pcassign_last_error(p));
    return EXIT_FAILURE;
}

typedef struct {
    const char *names[MOST], *addresses[MOST]; /* addresses: where the handoff needs them */
    size_t n;
    const char *handoff; /* NULL: cdev */
} Devices;

static size_t split(char *list, const char **parts) {
    size_t n = 0;
    for (char *part = strtok(list, ","); part && n < MOST; part = strtok(NULL, ","))
        parts[n++] = part;
    return n;
}

static int claim(struct pcassign *p, const Devices *wanted, struct pcassign_claim **ret) {
    struct pcassign_device devices[MOST] = {0};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    for (size_t i = 0; i < wanted->n; i++)
        devices[i].name = wanted->names[i];
    options.memory = MEMORY;
    options.handoff = wanted->handoff;
    int code = pcassign_claim(p, devices, wanted->n, &options, ret);
    if (code)
        printf("claim: %s: %s\n", pcassign_strerror(code), pcassign_last_error(p));
    return code;
}

/* Whether to ask again: the service has gone, or its worker died, which is Failed. */
static bool may_pass(int code, int *tries, int *deaths) {
    if (code == PCASSIGN_ERR_FAILED)
        ++*deaths;
    else if (code != PCASSIGN_ERR_NO_SERVICE)
        return false;
    usleep(INTERVAL);
    return ++*tries < TRIES && *deaths < DEATHS;
}

static int open_patiently(struct pcassign_claim *held, struct pcassign_fds **fds) {
    int code, tries = 0, deaths = 0;
    do
        code = pcassign_open(held, 0, fds);
    while (may_pass(code, &tries, &deaths));
    return code;
}

static int fail_driving(void) {
    perror("owner: driving the device");
    return EXIT_FAILURE;
}

static bool master(int device) {
    __u16 command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    return pwrite(device, &command, sizeof command, CONFIG_SPACE + PCI_COMMAND) == sizeof command;
}

static int find(const struct pcassign_fds *fds, const char *role, unsigned nth) {
    return pcassign_fds_get(fds, pcassign_fds_find(fds, role, NULL, nth), NULL, NULL, NULL);
}

static int drive_cdevs(const struct pcassign_fds *fds, const Devices *devices) {
    struct bind_iommufd bind = {.argsz = sizeof bind, .iommufd = find(fds, "iommufd", 0)};
    for (unsigned i = 0; i < devices->n; i++) {
        int device = find(fds, "device", i);
        if (ioctl_patiently(device, DEVICE_BIND_IOMMUFD, &bind) < 0 || !master(device))
            return fail_driving();
    }
    return 0;
}

/* All of them are in one group; *n of `opened` are to be closed. */
static int drive_group(const struct pcassign_fds *fds, const Devices *devices, int *opened,
                       size_t *n) {
    int container = find(fds, "container", 0), group = find(fds, "group", 0);
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
        ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
        return fail_driving();
    for (size_t i = 0; i < devices->n; i++) {
        int device =
            ioctl_patiently(group, VFIO_GROUP_GET_DEVICE_FD, (void *)devices->addresses[i]);
        if (device < 0)
            return fail_driving();
        opened[(*n)++] = device;
        if (!master(device))
            return fail_driving();
    }
    return 0;
}

/* The uid is real, effective and saved: there is no way back. */
static int become(const char *uid, struct pcassign **p) {
    uid_t number = (uid_t)atoi(uid);
    if (setresgid(number, number, number) < 0 || setresuid(number, number, number) < 0) {
        perror("owner: setresuid");
        return -1;
    }
    int code = pcassign_connect(p);
    return code ? broken("connecting", code, NULL) : 0;
}

static int is_refused(const char *uid, const Devices *devices) {
    struct pcassign *p = NULL;
    struct pcassign_claim *stolen = NULL;
    int code, tries = 0, deaths = 0;
    if (become(uid, &p) != 0)
        return EXIT_FAILURE;
    do
        code = claim(p, devices, &stolen);
    while (may_pass(code, &tries, &deaths));
    pcassign_claim_free(stolen);
    pcassign_close(p);
    if (code == PCASSIGN_ERR_BUSY || code == PCASSIGN_ERR_QUARANTINED)
        return EXIT_SUCCESS;
    fprintf(stderr, "owner: somebody else is not told that it is taken, but: %s\n",
            code ? pcassign_strerror(code) : "it is his");
    return EXIT_FAILURE;
}

/* Forked before this process changed its user. */
static int wait_for_other(pid_t other, int go) {
    int status;
    if (write(go, "", 1) != 1 || waitpid(other, &status, 0) != other)
        return EXIT_FAILURE;
    return status;
}

static int release(struct pcassign *p, struct pcassign_claim *held) {
    int code = pcassign_release(held);
    for (int i = 0; i < TRIES && code == PCASSIGN_ERR_NO_SERVICE; i++) {
        usleep(INTERVAL);
        code = pcassign_release(held);
    }
    return code && code != PCASSIGN_ERR_NOT_FOUND ? broken("release", code, p) : EXIT_SUCCESS;
}

static int own(struct pcassign *p, const Devices *devices, pid_t other, int go) {
    struct pcassign_claim *held;
    struct pcassign_fds *fds;
    int opened[MOST];
    size_t n = 0;
    if (claim(p, devices, &held))
        return STATUS_NOTHING;
    int code = open_patiently(held, &fds);
    if (code)
        return broken("its lease lives, but opening", code, p);
    int driven =
        devices->handoff ? drive_group(fds, devices, opened, &n) : drive_cdevs(fds, devices);
    int status = driven || wait_for_other(other, go) ? EXIT_FAILURE : EXIT_SUCCESS;
    while (n > 0)
        close(opened[--n]);
    pcassign_fds_free(fds);
    if (release(p, held) != EXIT_SUCCESS)
        status = EXIT_FAILURE;
    pcassign_claim_free(held);
    return status;
}

/* Waits for the word; at the end of the pipe there is nothing to ask for. */
static pid_t fork_other(const char *uid, const Devices *devices, int *go) {
    int ends[2];
    char word;
    if (pipe(ends) < 0)
        return -1;
    pid_t other = fork();
    if (other == 0) {
        close(ends[1]);
        _exit(read(ends[0], &word, 1) == 1 ? is_refused(uid, devices) : EXIT_SUCCESS);
    }
    close(ends[0]);
    *go = ends[1];
    return other;
}

int main(int argc, char **argv) {
    struct pcassign *p = NULL;
    int go = -1;
    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: owner UID OTHER|--refused DEVICE [group ADDRESS]\n");
        return 2;
    }
    Devices devices = {.handoff = argc == 6 ? argv[4] : NULL};
    devices.n = split(argv[3], devices.names);
    if (argc == 6 && split(argv[5], devices.addresses) != devices.n)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[2], "--refused") == 0)
        return is_refused(argv[1], &devices);
    pid_t other = fork_other(argv[2], &devices, &go);
    if (other < 0 || become(argv[1], &p) != 0)
        return EXIT_FAILURE;
    int status = own(p, &devices, other, go);
    pcassign_close(p);
    return status;
}

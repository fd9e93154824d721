/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: stands in for a VMM that devices are plugged into and out of. `join-client [--group]`
 * reads a command a line from standard input and answers each with one line, "ok" or "error":
 *
 *     claim NAME DEVICE...         the first claim: its devices, opened and attached
 *     join NAME FIRST DEVICE...    a claim that joins FIRST; attached to what that one brought
 *     async NAME FIRST DEVICE...   the same, but only until the claim is granted
 *     attach NAME                  opens the devices of an async claim, once it is ready
 *     read DEVICE                  vendor and the third register of BAR 0
 *     close DEVICE                 the device's descriptors
 *     back NAME DEVICE|ADDRESS...  gives these devices of the claim back
 *     release NAME                 ends the claim by a call
 *     free NAME                    ends the claim by its lease
 *     status NAME                  state and reason
 *
 * All devices share one address space, with a page of memory in it. Thread: main. Ownership: the
 * process keeps everything until it ends.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pcassign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

#define N_CLAIMS 8
#define N_DEVICES 16
#define PAGE 4096
#define IOVA 0x100000

struct vm_claim {
    char name[32];
    struct pcassign_claim *claim;
};

struct vm_device {
    char name[64], address[32];
    int fd, group; /* -1: none */
};

static struct pcassign *p;
static struct vm_claim claims[N_CLAIMS];
static struct vm_device devices[N_DEVICES];
static int by_groups;
static int context = -1; /* iommufd or container */
static __u32 ioas;

static int fail(const char *what) {
    printf("error %s: %s\n", what, strerror(errno));
    return -1;
}

static int refuse(int code) {
    printf("error %s: %s\n", pcassign_error_name(code), pcassign_last_error(p));
    return -1;
}

static struct vm_claim *find_claim(const char *name) {
    for (int i = 0; i < N_CLAIMS; i++)
        if (claims[i].claim && strcmp(claims[i].name, name) == 0)
            return &claims[i];
    return NULL;
}

static struct vm_device *find_device(const char *name) {
    for (int i = 0; i < N_DEVICES; i++)
        if (devices[i].fd >= 0 && strcmp(devices[i].name, name) == 0)
            return &devices[i];
    return NULL;
}

static int page_of_memory(void **page) {
    *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *page == MAP_FAILED ? fail("mmap") : 0;
}

/* What all devices are attached to; in a container that is there once it has a group. */
static int make_ioas(void) {
    struct ioas_alloc alloc = {.size = sizeof alloc};
    void *page;
    if (page_of_memory(&page) < 0)
        return -1;
    if (ioctl(context, IOAS_ALLOC, &alloc) < 0)
        return fail("IOAS_ALLOC");
    ioas = alloc.out_ioas_id;
    struct ioas_map map = {.size = sizeof map,
                           .flags = IOAS_MAP_FLAGS,
                           .ioas_id = ioas,
                           .user_va = (__u64)(unsigned long)page,
                           .length = PAGE,
                           .iova = IOVA};
    return ioctl(context, IOAS_MAP, &map) < 0 ? fail("IOAS_MAP") : 0;
}

static int make_container_space(void) {
    static int made;
    void *page;
    if (made)
        return 0;
    if (page_of_memory(&page) < 0)
        return -1;
    if (ioctl(context, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
        return fail("SET_IOMMU");
    struct vfio_iommu_type1_dma_map map = {.argsz = sizeof map,
                                           .flags =
                                               VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                           .vaddr = (__u64)(unsigned long)page,
                                           .iova = IOVA,
                                           .size = PAGE};
    made = 1;
    return ioctl(context, VFIO_IOMMU_MAP_DMA, &map) < 0 ? fail("MAP_DMA") : 0;
}

static int attach_cdev(struct vm_device *device) {
    struct bind_iommufd bind = {.argsz = sizeof bind, .iommufd = context};
    struct attach_pt attach = {.argsz = sizeof attach, .pt_id = ioas};
    if (ioctl_patiently(device->fd, DEVICE_BIND_IOMMUFD, &bind) < 0)
        return fail("BIND_IOMMUFD");
    return ioctl(device->fd, DEVICE_ATTACH_IOMMUFD_PT, &attach) < 0 ? fail("ATTACH_IOMMUFD_PT") : 0;
}

static int attach_group(struct vm_device *device) {
    if (ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &context) < 0)
        return fail("SET_CONTAINER");
    if (make_container_space() < 0)
        return -1;
    device->fd = ioctl_patiently(device->group, VFIO_GROUP_GET_DEVICE_FD, device->address);
    return device->fd < 0 ? fail("GET_DEVICE_FD") : 0;
}

static struct vm_device *new_device(const char *name, const char *address) {
    for (int i = 0; i < N_DEVICES; i++) {
        if (devices[i].fd >= 0)
            continue;
        snprintf(devices[i].name, sizeof devices[i].name, "%s", name);
        snprintf(devices[i].address, sizeof devices[i].address, "%s", address);
        return &devices[i];
    }
    return NULL;
}

/* The first claim brings what the others are attached to, and only that one. */
static int take_context(struct pcassign_fds *fds, int joined) {
    int index = pcassign_fds_find(fds, by_groups ? "container" : "iommufd", NULL, 0);
    if (joined != (index < 0)) {
        printf("error %s\n", joined ? "a second iommufd or container" : "nothing to attach to");
        return -1;
    }
    if (joined)
        return 0;
    context = pcassign_fds_steal(fds, index);
    return by_groups ? 0 : make_ioas();
}

static int attach_all(struct pcassign_claim *claim, int joined) {
    struct pcassign_fds *fds;
    const char *role, *name, *address;
    int code = pcassign_open(claim, 0, &fds);
    if (code)
        return refuse(code);
    int result = take_context(fds, joined);
    for (int i = 0; !result && i < (int)pcassign_fds_count(fds); i++) {
        if (pcassign_fds_get(fds, i, &role, &name, &address) < 0)
            continue;
        struct vm_device *device = new_device(name, address);
        *(by_groups ? &device->group : &device->fd) = pcassign_fds_steal(fds, i);
        result = by_groups ? attach_group(device) : attach_cdev(device);
    }
    pcassign_fds_free(fds);
    return result;
}

static int make_claim(const char *name, const char *first, char **words, int n, int async) {
    struct pcassign_device wanted[N_DEVICES] = {{0}};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    struct vm_claim *joined = first ? find_claim(first) : NULL, *free_one = claims;
    while (free_one->claim)
        free_one++;
    for (int i = 0; i < n; i++)
        wanted[i].name = words[i];
    options.title = name;
    options.join = joined ? joined->claim : NULL;
    options.handoff = joined ? NULL : by_groups ? "group" : "cdev";
    options.async = async;
    int code = pcassign_claim(p, wanted, (size_t)n, &options, &free_one->claim);
    if (code)
        return refuse(code);
    snprintf(free_one->name, sizeof free_one->name, "%s", name);
    return async ? 0 : attach_all(free_one->claim, joined != NULL);
}

static int do_claim(char **words, int n) {
    return make_claim(words[1], NULL, words + 2, n - 2, 0);
}

static int do_join(char **words, int n) {
    return make_claim(words[1], words[2], words + 3, n - 3, 0);
}

static int do_async(char **words, int n) {
    return make_claim(words[1], words[2], words + 3, n - 3, 1);
}

static int do_attach(char **words, int n) {
    return attach_all(find_claim(words[1])->claim, context >= 0);
}

static int region_word(int fd, __u32 index, off_t offset, __u32 *word) {
    struct vfio_region_info info = {.argsz = sizeof info, .index = index};
    if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info) < 0)
        return fail("GET_REGION_INFO");
    return pread(fd, word, sizeof *word, (off_t)info.offset + offset) == sizeof *word
               ? 0
               : fail("reading a region");
}

static int enable_memory(int fd) {
    struct vfio_region_info info = {.argsz = sizeof info, .index = VFIO_PCI_CONFIG_REGION_INDEX};
    __u16 command = PCI_COMMAND_MEMORY;
    if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info) < 0 ||
        pwrite(fd, &command, sizeof command, (off_t)info.offset + PCI_COMMAND) != sizeof command)
        return fail("enabling memory");
    return 0;
}

static int do_read(char **words, int n) {
    struct vm_device *device = find_device(words[1]);
    __u32 ids, word;
    if (!device || region_word(device->fd, VFIO_PCI_CONFIG_REGION_INDEX, 0, &ids) < 0 ||
        enable_memory(device->fd) < 0 || region_word(device->fd, 0, 8, &word) < 0)
        return -1;
    printf("ok %s vendor %04x register %08x\n", device->address, ids & 0xffff, word);
    return 1;
}

static int do_close(char **words, int n) {
    struct vm_device *device = find_device(words[1]);
    close(device->fd);
    device->fd = -1;
    if (device->group >= 0)
        close(device->group);
    device->group = -1;
    return 0;
}

/* By the names that Open gave or by address, also of devices that are closed already. */
static int do_back(char **words, int n) {
    const char *addresses[N_DEVICES];
    size_t found = 0;
    for (int w = 2; w < n; w++)
        for (int i = 0; i < N_DEVICES; i++)
            if (strcmp(devices[i].name, words[w]) == 0 || strcmp(devices[i].address, words[w]) == 0)
                addresses[found++] = devices[i].address;
    int code = pcassign_release_devices(find_claim(words[1])->claim, addresses, found);
    return code ? refuse(code) : 0;
}

static int do_free(char **words, int n) {
    struct vm_claim *claim = find_claim(words[1]);
    pcassign_claim_free(claim->claim);
    claim->claim = NULL;
    return 0;
}

static int do_release(char **words, int n) {
    int code = pcassign_release(find_claim(words[1])->claim);
    do_free(words, n);
    return code ? refuse(code) : 0;
}

static int do_status(char **words, int n) {
    const char *state, *reason;
    int code = pcassign_claim_status(find_claim(words[1])->claim, &state, &reason);
    if (code)
        return refuse(code);
    printf("ok %s %s\n", state, reason);
    return 1;
}

/* Each: negative when it has told an error, positive when it has told more than "ok". */
static const struct {
    const char *name;
    int words;    /* at least */
    int on_claim; /* the first is the name of a claim that there is */
    int (*run)(char **words, int n);
} commands[] = {
    {"claim", 3, 0, do_claim},   {"join", 4, 0, do_join},       {"async", 4, 0, do_async},
    {"attach", 2, 1, do_attach}, {"read", 2, 0, do_read},       {"close", 2, 0, do_close},
    {"back", 3, 1, do_back},     {"release", 2, 1, do_release}, {"free", 2, 1, do_free},
    {"status", 2, 1, do_status},
};

static void run_line(char *line) {
    char *words[N_DEVICES] = {NULL}, *rest = NULL;
    int n = 0;
    for (char *word = strtok_r(line, " \n", &rest); word && n < N_DEVICES;
         word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    for (size_t i = 0; n > 0 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, words[0]) != 0 || n < commands[i].words ||
            (commands[i].on_claim && !find_claim(words[1])))
            continue;
        if (commands[i].run(words, n) == 0)
            puts("ok");
        return;
    }
    puts("error no such command or claim");
}

int main(int argc, char **argv) {
    char line[512];
    by_groups = argc > 1 && strcmp(argv[1], "--group") == 0;
    for (int i = 0; i < N_DEVICES; i++)
        devices[i].fd = devices[i].group = -1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pcassign_connect(&p)) {
        printf("error %s\n", pcassign_last_error(NULL));
        return EXIT_FAILURE;
    }
    puts("ready");
    while (fgets(line, sizeof line, stdin))
        run_line(line);
    return EXIT_SUCCESS;
}

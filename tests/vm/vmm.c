/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a VMM without a guest: takes a device in one of the three ways and does with it what a
 * VMM does, step by step, each proved.
 *   vmm cdev|group|node [NAME=VALUE...] ACTION...
 *     iommufd=FD device=FD     cdev; otherwise from LISTEN_FDS and LISTEN_FDNAMES
 *     container=FD group=FD    group; the same
 *     address=ADDRESS          of the device: group, and node unless node= tells the group's node
 *     node=PATH                of the group
 *     count=N                  how often each interrupt is raised; even (6)
 *   Actions: read-id, bar, map, dma, intx, msi, msix; poke:OFFSET:VALUE and peek:OFFSET, of BAR 0
 * in hex; hold says "ready" and waits for a signal; leave-node, which must be the first one,
 *   leave-device, leave-mapping and leave-queue (vmm.h).
 * Thread: main. Ownership: see vmm.h.
 */
#include "vmm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LISTEN_FD 3
#define REGISTER 8 /* of BAR 0: e1000e's STATUS, NVMe's VS */

int vmm_fail(const char *what) {
    fprintf(stderr, "vmm: %s: %s\n", what, strerror(errno));
    return -1;
}

int vmm_complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("vmm: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return -1;
}

/* ---- Arguments ---- */

static bool is_iommu(const char *name, size_t length) {
    return (length == 7 && strncmp(name, "iommufd", length) == 0) ||
           (length == 9 && strncmp(name, "container", length) == 0);
}

static bool is_lease(const char *name, size_t length) {
    return length == 5 && strncmp(name, "lease", length) == 0;
}

/* As sd_listen_fds(3) has it; what is neither iommufd nor container nor lease is the device. */
static void take_listen_fds(struct vmm_arguments *a) {
    const char *pid = getenv("LISTEN_PID"), *name = getenv("LISTEN_FDNAMES");
    int fd = FIRST_LISTEN_FD;
    if (!pid || atoi(pid) != getpid())
        return;
    for (; name; fd++) {
        size_t length = strcspn(name, ":");
        if (is_iommu(name, length))
            a->iommu = fd;
        else if (!is_lease(name, length))
            a->device = fd;
        name = name[length] ? name + length + 1 : NULL;
    }
}

/* TRUE: the word was NAME=VALUE. */
static bool take_option(struct vmm_arguments *a, const char *word) {
    const char *value = strchr(word, '=');
    if (!value)
        return false;
    size_t length = (size_t)(value++ - word);
    if (is_iommu(word, length))
        a->iommu = atoi(value);
    else if (strncmp(word, "device=", length + 1) == 0 || strncmp(word, "group=", length + 1) == 0)
        a->device = atoi(value);
    else if (strncmp(word, "address=", length + 1) == 0)
        a->address = value;
    else if (strncmp(word, "node=", length + 1) == 0)
        a->node = value;
    else if (strncmp(word, "count=", length + 1) == 0)
        a->count = (unsigned)atoi(value);
    else
        return false;
    return true;
}

static bool is_mode(const char *word) {
    return strcmp(word, "cdev") == 0 || strcmp(word, "group") == 0 || strcmp(word, "node") == 0;
}

/* ---- Actions ---- */

static int read_id(struct vmm *vmm) {
    printf("id: %04x:%04x\n", vmm->vendor, vmm->id);
    return 0;
}

/* The same register by the mapping and by read(2). */
static int read_bar(struct vmm *vmm) {
    __u32 mapped = vmm_read(vmm, REGISTER), value;
    if (pread(vmm->device, &value, sizeof value, (off_t)(vmm->bar_offset + REGISTER)) !=
        sizeof value)
        return vmm_fail("reading BAR 0");
    printf("bar: register %x is %08x\n", REGISTER, mapped);
    if (mapped != value || mapped == 0 || mapped == ~0u)
        return vmm_complain("read(2) of the register says %08x", value);
    return 0;
}

static int hold(struct vmm *vmm) {
    puts("ready");
    fflush(stdout);
    while (pause() < 0)
        continue;
    return 0;
}

static int poke(struct vmm *vmm, const char *words) {
    unsigned offset, value;
    if (sscanf(words, "%x:%x", &offset, &value) != 2)
        return vmm_complain("poke:%s", words);
    vmm_write(vmm, offset, value);
    return 0;
}

static int peek(struct vmm *vmm, const char *word) {
    unsigned offset;
    if (sscanf(word, "%x", &offset) != 1)
        return vmm_complain("peek:%s", word);
    printf("peek: %x is %08x\n", offset, vmm_read(vmm, offset));
    return 0;
}

static bool is_leave(const char *word) {
    return strncmp(word, "leave-", strlen("leave-")) == 0;
}

static int act(struct vmm *vmm, const char *word) {
    static const struct {
        const char *word;
        int (*act)(struct vmm *vmm);
    } actions[] = {{"read-id", read_id},
                   {"bar", read_bar},
                   {"map", vmm_map},
                   {"dma", vmm_dma},
                   {"hold", hold}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(word, actions[i].word) == 0)
            return actions[i].act(vmm);
    if (strcmp(word, "intx") == 0 || strcmp(word, "msi") == 0 || strcmp(word, "msix") == 0)
        return vmm_interrupts(vmm, word);
    if (strncmp(word, "poke:", strlen("poke:")) == 0)
        return poke(vmm, word + strlen("poke:"));
    if (strncmp(word, "peek:", strlen("peek:")) == 0)
        return peek(vmm, word + strlen("peek:"));
    if (is_leave(word))
        return vmm_leave(vmm, word);
    return vmm_complain("unknown action %s", word);
}

int main(int argc, char **argv) {
    struct vmm_arguments arguments = {.iommu = -1, .device = -1, .count = 6};
    struct vmm vmm = {.arguments = &arguments, .iommu = -1, .device = -1};
    int first = 2, result = 0;
    if (argc < 3 || !is_mode(argv[1])) {
        fprintf(stderr, "usage: vmm cdev|group|node [NAME=VALUE...] ACTION...\n");
        return 2;
    }
    arguments.mode = argv[1];
    take_listen_fds(&arguments);
    while (first < argc && take_option(&arguments, argv[first]))
        first++;
    /* What was handed out is left as it came. */
    if (first < argc && strcmp(argv[first], "leave-node") == 0)
        vmm.device = arguments.device;
    else if (vmm_open(&vmm) < 0)
        return EXIT_FAILURE;
    for (int i = first; i < argc && result == 0; i++)
        result = act(&vmm, argv[i]);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: raises interrupts of an 82574L by its Interrupt Cause Set register and counts them by
 * eventfds: every one has to arrive, once, at the vector that was meant, and no other.
 * Thread: main. Ownership: see vmm.h; eventfds live until the process ends.
 */
#include "vmm.h"

#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { ICR = 0xc0, ITR = 0xc4, ICS = 0xc8, IMS = 0xd0, IMC = 0xd8, IVAR = 0xe4, EITR = 0xe8 };

/* The receive and transmit queues 0 and 1, and the rest, get vectors 0 to 4; each needs its "valid"
 * bit (82574 datasheet, 10.2.4.9). */
#define VECTORS 0xcba98u
#define N_VECTORS 5
#define FIRST_CAUSE 20 /* the bit of receive queue 0 in ICR; those of the others follow */
#define ALL_CAUSES 0xffffffffu
#define ARRIVES 10000 /* milliseconds; under TCG a processor may stand still for a while */
#define STAYS_AWAY 50
#define THROTTLE 16 /* the longest time that the throttling timers can be set to */
#define PAUSE 100   /* by when they have ended */
#define TRIES 100

struct kind {
    const char *name;
    __u32 index, vectors, required; /* what GET_IRQ_INFO must say */
};

static const struct kind kinds[] = {
    {"intx", VFIO_PCI_INTX_IRQ_INDEX, 1,
     VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED},
    {"msi", VFIO_PCI_MSI_IRQ_INDEX, 1, VFIO_IRQ_INFO_EVENTFD},
    {"msix", VFIO_PCI_MSIX_IRQ_INDEX, N_VECTORS, VFIO_IRQ_INFO_EVENTFD},
};

struct line {
    struct vmm *vmm;
    const struct kind *kind;
    int eventfds[N_VECTORS];
    __u64 counted[N_VECTORS];
};

/* ---- VFIO's side ---- */

static int check_info(const struct line *line) {
    struct vfio_irq_info info = {.argsz = sizeof info, .index = line->kind->index};
    if (ioctl(line->vmm->device, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0)
        return vmm_fail("GET_IRQ_INFO");
    if (info.count < line->kind->vectors)
        return vmm_complain("%s: %u vectors", line->kind->name, info.count);
    return (info.flags & line->kind->required) == line->kind->required
               ? 0
               : vmm_complain("%s: flags %x", line->kind->name, info.flags);
}

static int set_irqs(const struct line *line, __u32 flags, __u32 count, const int *eventfds) {
    _Alignas(
        struct vfio_irq_set) char buffer[sizeof(struct vfio_irq_set) + sizeof(int) * N_VECTORS];
    struct vfio_irq_set *set = (struct vfio_irq_set *)buffer;
    size_t extra = eventfds ? sizeof(int) * count : 0;
    *set = (struct vfio_irq_set){.argsz = (__u32)(sizeof *set + extra),
                                 .flags = flags,
                                 .index = line->kind->index,
                                 .count = count};
    if (extra)
        memcpy(set->data, eventfds, extra);
    return ioctl(line->vmm->device, VFIO_DEVICE_SET_IRQS, set) < 0 ? vmm_fail("SET_IRQS") : 0;
}

static int enable(struct line *line) {
    if (check_info(line) < 0)
        return -1;
    for (__u32 i = 0; i < line->kind->vectors; i++) {
        line->eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (line->eventfds[i] < 0)
            return vmm_fail("eventfd");
    }
    return set_irqs(line, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
                    line->kind->vectors, line->eventfds);
}

static int disable(const struct line *line) {
    for (__u32 i = 0; i < line->kind->vectors; i++)
        close(line->eventfds[i]);
    return set_irqs(line, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, NULL);
}

/* ---- The card's side ---- */

static bool is_intx(const struct line *line) {
    return line->kind->index == VFIO_PCI_INTX_IRQ_INDEX;
}

static bool is_msix(const struct line *line) {
    return line->kind->index == VFIO_PCI_MSIX_IRQ_INDEX;
}

static void prepare(const struct line *line) {
    vmm_write(line->vmm, IMC, ALL_CAUSES);
    vmm_read(line->vmm, ICR);
    vmm_write(line->vmm, ICR, ALL_CAUSES);
    vmm_write(line->vmm, ITR, 0xffff);
    for (__u32 i = 0; i < N_VECTORS; i++)
        vmm_write(line->vmm, EITR + 4 * i, 0xffff);
    if (is_msix(line))
        vmm_write(line->vmm, IVAR, VECTORS);
    vmm_write(line->vmm, IMS, ((1u << N_VECTORS) - 1) << FIRST_CAUSE);
}

/* With MSI-X reading clears nothing. */
static void acknowledge(const struct line *line) {
    if (is_msix(line))
        vmm_write(line->vmm, ICR, ALL_CAUSES);
    else
        vmm_read(line->vmm, ICR);
}

/* ---- Counting ---- */

static bool arrives(const struct line *line, __u32 vector, int milliseconds) {
    struct pollfd poll_fd = {.fd = line->eventfds[vector], .events = POLLIN};
    return poll(&poll_fd, 1, milliseconds) == 1;
}

static __u64 milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (__u64)now.tv_sec * 1000 + (__u64)now.tv_nsec / 1000000;
}

static __u64 drain(const struct line *line, __u32 vector) {
    __u64 value;
    ssize_t n = read(line->eventfds[vector], &value, sizeof value);
    return n == sizeof value ? value : 0;
}

/* vfio masks a line before it tells of it: though the card still asserts it, nothing more comes
 * until the line is unmasked. Unmasked too early it comes again at once. */
static int unmask(struct line *line, bool early) {
    __u32 flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK;
    if (arrives(line, 0, STAYS_AWAY))
        return vmm_complain("intx: it arrives though it is masked");
    if (early) {
        if (set_irqs(line, flags, 1, NULL) < 0)
            return -1;
        if (!arrives(line, 0, ARRIVES))
            return vmm_complain("intx: it does not arrive again when it is unmasked");
        drain(line, 0);
    }
    acknowledge(line);
    return set_irqs(line, flags, 1, NULL);
}

static int raise_one(struct line *line, __u32 vector) {
    vmm_write(line->vmm, ICS, 1u << (FIRST_CAUSE + vector));
    if (!arrives(line, vector, ARRIVES))
        return vmm_complain("%s: vector %u does not arrive", line->kind->name, vector);
    return 0;
}

/* After a message the card holds the next one back until its throttling timer ends; QEMU 10.0 sends
 * one then in any case. So they are raised in pairs, the second while the timer runs. Where this
 * process was stopped for as long, the pair is worth nothing and another one is tried. */
static int fire_pair(struct line *line, __u32 vector) {
    for (int tries = 0; tries < TRIES; tries++) {
        __u64 start = milliseconds();
        if (raise_one(line, vector) < 0)
            return -1;
        __u64 came = drain(line, vector);
        acknowledge(line);
        if (milliseconds() - start >= THROTTLE / 2) {
            usleep(PAUSE * 1000);
            drain(line, vector);
            continue;
        }
        if (raise_one(line, vector) < 0)
            return -1;
        line->counted[vector] += came + drain(line, vector);
        acknowledge(line);
        return 0;
    }
    return vmm_complain("%s: this machine is too slow", line->kind->name);
}

static int fire_intx(struct line *line, bool first) {
    if (raise_one(line, 0) < 0)
        return -1;
    line->counted[0] += drain(line, 0);
    return unmask(line, first);
}

static int fire_all(struct line *line) {
    unsigned count = line->vmm->arguments->count;
    for (unsigned i = 0; is_intx(line) && i < count; i++)
        if (fire_intx(line, i == 0) < 0)
            return -1;
    for (unsigned i = 0; !is_intx(line) && i < count / 2; i++)
        for (__u32 vector = 0; vector < line->kind->vectors; vector++)
            if (fire_pair(line, vector) < 0)
                return -1;
    return 0;
}

static int compare(struct line *line) {
    int result = 0;
    for (__u32 vector = 0; vector < line->kind->vectors; vector++) {
        if (arrives(line, vector, STAYS_AWAY))
            line->counted[vector] += drain(line, vector);
        printf("%s: vector %u: raised %u, counted %llu\n", line->kind->name, vector,
               line->vmm->arguments->count, (unsigned long long)line->counted[vector]);
        if (line->counted[vector] != line->vmm->arguments->count)
            result = -1;
    }
    return result;
}

int vmm_interrupts(struct vmm *vmm, const char *kind) {
    struct line line = {.vmm = vmm};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            line.kind = &kinds[i];
    if (!vmm_is_nic(vmm))
        return vmm_complain("no way to raise interrupts of %04x:%04x", vmm->vendor, vmm->id);
    if (enable(&line) < 0)
        return -1;
    prepare(&line);
    int result = fire_all(&line);
    if (result == 0)
        result = compare(&line);
    vmm_write(vmm, IMC, ALL_CAUSES);
    return disable(&line) < 0 ? -1 : result;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: enough of a driver to prove DMA: an NVMe controller describes itself into memory that
 * the VMM mapped; a network card fetches a descriptor from there and writes its status back.
 * Thread: main. Ownership: see vmm.h.
 */
#include "vmm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLASS_NVME 0x010802
#define PATIENCE 5000 /* milliseconds */

__u32 vmm_read(const struct vmm *vmm, __u32 offset) {
    return *(volatile __u32 *)(vmm->bar + offset);
}

void vmm_write(const struct vmm *vmm, __u32 offset, __u32 value) {
    *(volatile __u32 *)(vmm->bar + offset) = value;
}

bool vmm_is_nic(const struct vmm *vmm) {
    return vmm->vendor == 0x8086 && vmm->id == 0x10d3;
}

/* Until the byte that the device writes has the wanted bit; the memory is the device's as well. */
static bool await_bit(const volatile __u8 *byte, __u8 bit) {
    for (int i = 0; i < PATIENCE && !(*byte & bit); i++)
        usleep(1000);
    return *byte & bit;
}

/* ---- NVMe: base specification 1.4, 3.1 (registers), 5.15 (Identify) ---- */

enum { CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, SQ0_TAIL = 0x1000 };
enum { SQ_AT = 0, CQ_AT = 0x1000, DATA_AT = 0x2000 };

static int nvme_await_ready(const struct vmm *vmm, __u32 ready) {
    for (int i = 0; i < PATIENCE && (vmm_read(vmm, CSTS) & 1) != ready; i++)
        usleep(1000);
    return (vmm_read(vmm, CSTS) & 1) == ready ? 0
                                              : vmm_complain("CSTS.RDY does not become %u", ready);
}

static int nvme_enable(const struct vmm *vmm) {
    vmm_write(vmm, CC, 0);
    if (nvme_await_ready(vmm, 0) < 0)
        return -1;
    vmm_write(vmm, AQA, 1u << 16 | 1u); /* two entries each */
    vmm_write(vmm, ASQ, (__u32)VMM_IOVA + SQ_AT);
    vmm_write(vmm, ASQ + 4, 0);
    vmm_write(vmm, ACQ, (__u32)VMM_IOVA + CQ_AT);
    vmm_write(vmm, ACQ + 4, 0);
    vmm_write(vmm, CC, 4u << 20 | 6u << 16 | 1u); /* entries of 16 and 64 bytes; enable */
    return nvme_await_ready(vmm, 1);
}

static void nvme_identify(const struct vmm *vmm) {
    __u32 *command = (__u32 *)(vmm->memory + SQ_AT);
    memset(vmm->memory, 0, DATA_AT + 4096);
    command[0] = 1u << 16 | 0x06;           /* command 1: Identify */
    command[6] = (__u32)VMM_IOVA + DATA_AT; /* PRP 1 */
    command[10] = 1;                        /* of the controller */
}

static int nvme_dma(const struct vmm *vmm) {
    const __u8 *data = vmm->memory + DATA_AT;
    nvme_identify(vmm);
    if (nvme_enable(vmm) < 0)
        return -1;
    vmm_write(vmm, SQ0_TAIL, 1);
    if (!await_bit(vmm->memory + CQ_AT + 14, 1)) /* the phase tag */
        return vmm_complain("no completion arrives in memory");
    if (data[0] != (vmm->vendor & 0xff) || data[1] != vmm->vendor >> 8)
        return vmm_complain("it calls itself a device of vendor %02x%02x", data[1], data[0]);
    printf("dma: identified as %.22s\n", (const char *)data + 24);
    return 0;
}

/* ---- e1000e: 82574 datasheet, 10.2 (registers), 7.2.10.1 (legacy transmit descriptors) ---- */

enum { TCTL = 0x400, TDBAL = 0x3800, TDBAH = 0x3804, TDLEN = 0x3808, TDH = 0x3810, TDT = 0x3818 };
enum { RING_AT = 0x4000, FRAME_AT = 0x5000, FRAME = 64, N_DESCRIPTORS = 8 };

struct descriptor {
    __u64 address;
    __u16 length;
    __u8 cso, command, status, css;
    __u16 special;
};

static int nic_dma(const struct vmm *vmm) {
    volatile struct descriptor *ring = (void *)(vmm->memory + RING_AT);
    memset(vmm->memory + RING_AT, 0, sizeof(struct descriptor) * N_DESCRIPTORS);
    memset(vmm->memory + FRAME_AT, 0xff, FRAME);
    ring->address = VMM_IOVA + FRAME_AT;
    ring->length = FRAME;
    ring->command = 0x0b; /* end of packet, insert FCS, report status */
    vmm_write(vmm, TDBAL, (__u32)VMM_IOVA + RING_AT);
    vmm_write(vmm, TDBAH, 0);
    vmm_write(vmm, TDLEN, sizeof(struct descriptor) * N_DESCRIPTORS);
    vmm_write(vmm, TDH, 0);
    vmm_write(vmm, TDT, 0);
    vmm_write(vmm, TCTL, 2); /* enable */
    vmm_write(vmm, TDT, 1);
    if (!await_bit(&ring->status, 1))
        return vmm_complain("no status arrives in the descriptor");
    printf("dma: a frame was fetched and its descriptor marked done\n");
    return 0;
}

int vmm_dma(struct vmm *vmm) {
    if (vmm_map(vmm) < 0)
        return -1;
    if (vmm->class == CLASS_NVME)
        return nvme_dma(vmm);
    if (vmm_is_nic(vmm))
        return nic_dma(vmm);
    return vmm_complain("no driver for %04x:%04x", vmm->vendor, vmm->id);
}

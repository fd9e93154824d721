/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what programs of a VM that measure have in common: a function is taken from its driver
 * and given back by bare writes to sysfs (what was there is saved, each write is looked at, the
 * nodes are opened by private ones). Whatever fails ends the program.
 * Thread: main. Ownership: the strings of a ByHand are the caller's.
 */
#pragma once

#include <glib.h>

typedef struct {
    const char *address;
    const char *driver; /* the host's */
    char override[64];  /* as it was found */
    char control[64];   /* power/control, as it was found */
    char d3cold[64];    /* d3cold_allowed, as it was found */
    int fd;             /* the open device */
} ByHand;

void die(const char *what, const char *why) G_GNUC_NORETURN;

/* Override, unbind, bind to vfio-pci, keep it from sleeping, open the device. */
void by_hand_take(ByHand *device);

/* A new iommufd that accounts by process; the caller's to close. */
int by_hand_iommufd(void);

/* Close, unbind, reset, back to the host's driver, power management as it was. */
void by_hand_give_back(ByHand *device);

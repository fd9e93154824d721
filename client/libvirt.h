/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: PCI host devices in libvirt's XML: writing one, and reading those of a domain. All of it
 * is in a module (modules.c): where that cannot be loaded, everything fails with Unsupported.
 * Thread: main. Ownership: what is returned is the caller's.
 */
#pragma once

#include "pci/address.h"
#include "pci/config.h"

/* FALSE with Unsupported, which names the file, when the module cannot be loaded. */
gboolean pca_libvirt_check(GError **error);

/* One function to give to a domain. */
typedef struct {
    PcaAddress source;
    PcaTri rom;             /* whether it has an expansion ROM; UNKNOWN leaves that to libvirt */
    gboolean placed;        /* the guest's slot and function are given; else libvirt chooses */
    guint8 slot, function;  /* on the guest's first bus */
    gboolean multifunction; /* further functions of this slot follow */
} PcaHostdev;

/* A <hostdev> with managed='no', its lines each with a newline at the end. NULL with Unsupported
 * where libvirt cannot name the function: its PCI domains have 16 bits. */
char *pca_hostdev_format(const PcaHostdev *hostdev, GError **error);

/* One PCI host device of a domain. */
typedef struct {
    guint number; /* which <hostdev type='pci'> of the file it is, from 1 */
    guint line;   /* where that begins */
    PcaAddress address;
    gboolean managed; /* libvirt unbinds and binds by itself */
} PcaDomainHostdev;

typedef struct {
    GArray *hostdevs;    /* of PcaDomainHostdev, in the file's order; one at least */
    GArray *other_lines; /* of guint: where an <interface type='hostdev'> begins */
} PcaDomain;

/* Reads a domain's XML; "-" is standard input. NULL with Failed when the file cannot be read; with
 * InvalidArgument, which names file and line, when it is not XML, not a domain, or has no PCI host
 * device, or one whose address makes no sense or is another's as well. */
PcaDomain *pca_domain_read(const char *file, GError **error);
void pca_domain_free(PcaDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaDomain, pca_domain_free)

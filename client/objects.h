/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: devices and claims as the daemon tells them, and how a word of the command line names
 * one. Thread: main. Ownership: the arrays own their elements; strings are borrowed from these.
 */
#pragma once

#include "connection.h"
#include "pci/address.h"

typedef struct {
    PcaAddress address;
    GVariant *properties; /* a{sv} */
} PcaDeviceView;

typedef struct {
    char *path;
    const char *id;       /* the last element of the path */
    GVariant *details;    /* a{sv}, as Describe tells them */
    const char **devices; /* addresses; ends with NULL */
    const char **stubbed; /* the same, of siblings that are only kept from the host */
} PcaClaimView;

/* Takes the floating or owned dictionary over; NULL when it names no address. */
PcaDeviceView *pca_device_view_new(GVariant *properties);
void pca_device_view_free(gpointer device);

/* All PCI functions, sorted by address, by one call. */
GPtrArray *pca_devices_fetch(GDBusConnection *bus, GError **error);

/* A property; NULL when it is empty or not there. */
const char *pca_device_string(const PcaDeviceView *device, const char *property);

/* A property; -1 when it is not there. */
int pca_device_number(const PcaDeviceView *device, const char *property);

/* "vendor:device". Caller frees. */
char *pca_device_ids(const PcaDeviceView *device);

/* What people call it: by the hardware database, or else its ids. Caller frees. */
char *pca_device_title(const PcaDeviceView *device);

/* Whether a word of the command line, an address or a policy name, means this device. */
gboolean pca_device_is(const PcaDeviceView *device, const char *word);

/* The claims that the caller may see, by one call. */
GPtrArray *pca_claims_fetch(GDBusConnection *bus, GError **error);

/* The same from an answer of ListClaims. */
GPtrArray *pca_claims_read(GVariant *reply);

/* The claim that has this device, or keeps it from the host; NULL when none does. */
const PcaClaimView *pca_claims_find_device(GPtrArray *claims, const PcaAddress *address);

/* The claim with this id or path, or whose id alone begins so (4 characters or more); NULL when
 * there is none. */
const PcaClaimView *pca_claims_find(GPtrArray *claims, const char *word);

/* Who holds the claim; NULL when the daemon does not tell the caller. Caller frees. */
char *pca_claim_owner(const PcaClaimView *claim);

/* Since when, microseconds of wall clock; 0 when not told. */
guint64 pca_claim_since(const PcaClaimView *claim);

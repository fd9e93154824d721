/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: SELinux: which label a client's nodes get, and whether the policy of the kernel in force
 * lets a caller do what it asks for. Where SELinux is off there are no labels and everything is let
 * through; a permissive kernel lets everything through and says what it would have refused.
 * Thread: the main one; asks the kernel by selinuxfs, which does not block. Ownership: strings are
 * the caller's.
 *
 * The class is our own, "pcassign_device", with a permission for each name below; the object is the
 * label of the claim's nodes. A policy without that class is asked whether the caller may read and
 * write a character device with this label, for claim and open; the rest has no counterpart in it.
 */
#pragma once

#include "auth/subject.h"

/* The type of our own policy module; without it that of virtual_image_context(5) is taken. */
#define PCA_SELINUX_TYPE "pcassign_device_t"
#define PCA_SELINUX_CLASS "pcassign_device"

typedef enum {
    PCA_PERMISSION_NONE, /* nothing is asked */
    PCA_PERMISSION_CLAIM,
    PCA_PERMISSION_OPEN,
    PCA_PERMISSION_RELEASE,
    PCA_PERMISSION_RESERVE, /* and to end that */
    PCA_PERMISSION_RESET,
    PCA_PERMISSION_RECOVER,
    PCA_N_PERMISSIONS,
} PcaPermission;

/* "claim", ...: as the policy has it. */
const char *pca_permission_name(PcaPermission permission);

/* Constant while the process lives. */
gboolean pca_selinux_is_on(void);

/* Where the kernel has SELinux on and pca_selinux_is_on() does not see it: that, why, and what
 * mends it, as one line for the journal; NULL elsewhere. For the daemon's start; `sysfs` and `proc`
 * are paths. libselinux takes SELinux for off without a selinuxfs that is mounted to be written,
 * and without /etc/selinux/config (selinux_enabled(), init_selinuxmnt()). g_free. */
char *pca_selinux_unseen(const char *sysfs, const char *proc);

/* The label of the nodes of whoever has this label: our type, or that of virtual machines' images,
 * and the client's low level, as for a file that it makes. *label is NULL where SELinux is off.
 * NotPermitted without a label or with a malformed one, Unsupported when the policy has no such
 * type at that level. */
gboolean pca_selinux_node_label(const char *client, char **label, GError **error);

/* The categories of a label's low level, "c1,c2"; "" without any, and where SELinux is off. */
char *pca_selinux_categories(const char *label);

/* Whether the subject may. `node_label`: of the claim that it is about; NULL: of a claim that it
 * would make (PCA_PERMISSION_CLAIM), or of a device that is nobody's. `what` is for messages: a
 * device's address, a claim's id, or NULL. NotPermitted when not. */
gboolean pca_selinux_allows(const PcaSubject *subject, PcaPermission permission,
                            const char *node_label, const char *what, GError **error);

/* The same of whoever has this label, for one who only wants to know: nothing is logged. */
gboolean pca_selinux_would_allow(const char *label, PcaPermission permission,
                                 const char *node_label, GError **error);

/* What this needs of libselinux; tests have others. */
typedef struct {
    gboolean (*is_on)(void);
    gboolean (*is_valid)(const char *label);
    char *(*image_label)(void); /* first line of virtual_image_context(5); g_free; NULL without */
    gboolean (*has_class)(const char *class);
    gboolean (*may)(const char *subject, const char *object, const char *class,
                    const char *permission,
                    const char *remark); /* goes to the log with a refusal; NULL: neither does */
} PcaSelinuxOps;

/* NULL: those of libselinux. */
void pca_selinux_use(const PcaSelinuxOps *ops);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: labels of nodes, and what the kernel's policy lets callers do.
 * Thread: the main one. Ownership: see the header.
 */
#include "auth/selinux.h"

#include <sys/statvfs.h>

#include "auth/libselinux.h"
#include "base/error.h"

#define FALLBACK_CLASS "chr_file"

static const PcaSelinuxOps *ops = &pca_libselinux_ops;

void pca_selinux_use(const PcaSelinuxOps *others) {
    ops = others ? others : &pca_libselinux_ops;
}

gboolean pca_selinux_is_on(void) {
    return ops->is_on();
}

static const char *const names[PCA_N_PERMISSIONS] = {
    [PCA_PERMISSION_NONE] = "",           [PCA_PERMISSION_CLAIM] = "claim",
    [PCA_PERMISSION_OPEN] = "open",       [PCA_PERMISSION_RELEASE] = "release",
    [PCA_PERMISSION_RESERVE] = "reserve", [PCA_PERMISSION_RESET] = "reset",
    [PCA_PERMISSION_RECOVER] = "recover",
};

const char *pca_permission_name(PcaPermission permission) {
    return names[permission];
}

/* "s0:c1,c2" of "user:role:type:s0:c1,c2-s0:c0.c1023"; "" of a policy without levels; NULL when
 * malformed. */
static char *low_level(const char *label) {
    g_auto(GStrv) parts = g_strsplit(label ? label : "", ":", 4);
    guint n = g_strv_length(parts);
    if (n < 3 || !*parts[0] || !*parts[1] || !*parts[2])
        return NULL;
    g_auto(GStrv) levels = g_strsplit(n > 3 ? parts[3] : "", "-", 2);
    return g_strdup(levels[0] ? levels[0] : "");
}

static char *sensitivity(const char *level) {
    return g_strndup(level, strcspn(level, ":"));
}

char *pca_selinux_categories(const char *label) {
    g_autofree char *level = ops->is_on() ? low_level(label) : NULL;
    const char *colon = level ? strchr(level, ':') : NULL;
    return g_strdup(colon ? colon + 1 : "");
}

/* A process has a label of three parts where a policy is in force. Without SELinux there is no
 * selinuxfs either. */
static gboolean kernel_has_policy(const char *proc) {
    g_autofree char *known = g_build_filename(proc, "filesystems", NULL);
    g_autofree char *current = g_build_filename(proc, "self", "attr", "current", NULL);
    g_autofree char *filesystems = NULL;
    g_autofree char *label = NULL;
    if (!g_file_get_contents(known, &filesystems, NULL, NULL) ||
        !g_file_get_contents(current, &label, NULL, NULL))
        return FALSE;
    g_autofree char *level = low_level(label);
    return level && strstr(filesystems, "\tselinuxfs\n");
}

char *pca_selinux_unseen(const char *sysfs, const char *proc) {
    struct statvfs found;
    if (ops->is_on() || !kernel_has_policy(proc))
        return NULL;
    g_autofree char *enforce = g_build_filename(sysfs, "fs", "selinux", "enforce", NULL);
    const char *why = "/etc/selinux/config is missing", *mend = "a file there";
    if (statvfs(enforce, &found) < 0) {
        why = "/sys/fs/selinux is hidden from it";
        mend = "no InaccessiblePaths= or TemporaryFileSystem= over it in pcassignd.service";
    } else if (found.f_flag & ST_RDONLY) {
        why = "/sys/fs/selinux is read-only for it";
        mend = "ReadWritePaths=-/sys/fs/selinux in pcassignd.service";
    }
    return g_strdup_printf("SELinux is on, and the daemon has to take it for off, since %s: nodes "
                           "get no labels, categories do not count, and SELinux is not asked who "
                           "may do what; what mends it: %s, and a restart of the daemon",
                           why, mend);
}

/* "system_u:object_r:svirt_image_t" of the policy's own file. */
static char *image_type(void) {
    g_autofree char *label = ops->image_label();
    g_auto(GStrv) parts = g_strsplit(label ? label : "", ":", 4);
    return g_strv_length(parts) < 3 ? NULL
                                    : g_strdup_printf("%s:%s:%s", parts[0], parts[1], parts[2]);
}

static char *at_level(const char *type, const char *level) {
    return g_strconcat(type, *level ? ":" : "", level, NULL);
}

static char *choose_label(const char *level) {
    g_autofree char *own = at_level("system_u:object_r:" PCA_SELINUX_TYPE, level);
    if (ops->is_valid(own))
        return g_steal_pointer(&own);
    g_autofree char *type = image_type();
    g_autofree char *label = type ? at_level(type, level) : NULL;
    return label && ops->is_valid(label) ? g_steal_pointer(&label) : NULL;
}

static gboolean label_at(const char *level, char **label, GError **error) {
    *label = choose_label(level);
    if (!*label)
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "the SELinux policy in force has neither " PCA_SELINUX_TYPE
                    " nor the type of its virtual_image_context at the level \"%s\"; load the "
                    "module pcassign, or the policy's module for virtual machines",
                    level);
    return *label != NULL;
}

gboolean pca_selinux_node_label(const char *client, char **label, GError **error) {
    *label = NULL;
    if (!ops->is_on())
        return TRUE;
    g_autofree char *level = low_level(client);
    if (level)
        return label_at(level, label, error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                "SELinux is on, and the bus tells no label of the caller%s%s",
                client ? " that could be one: " : "", client ? client : "");
    return FALSE;
}

/* The object that the policy is asked about. */
static gboolean object_of(const PcaSubject *subject, PcaPermission permission, char **label,
                          GError **error) {
    if (permission == PCA_PERMISSION_CLAIM)
        return pca_selinux_node_label(subject->label, label, error);
    g_autofree char *level = low_level(subject->label);
    g_autofree char *plain = level ? sensitivity(level) : NULL;
    return plain ? label_at(plain, label, error)
                 : pca_selinux_node_label(subject->label, label, error);
}

static gboolean may(const char *subject, const char *object, PcaPermission permission,
                    const char *remark) {
    if (ops->has_class(PCA_SELINUX_CLASS))
        return ops->may(subject, object, PCA_SELINUX_CLASS, names[permission], remark);
    if (permission != PCA_PERMISSION_CLAIM && permission != PCA_PERMISSION_OPEN)
        return TRUE;
    return ops->may(subject, object, FALLBACK_CLASS, "read", remark) &&
           ops->may(subject, object, FALLBACK_CLASS, "write", remark);
}

static gboolean refuse(const char *subject, const char *object, PcaPermission permission,
                       const char *more, GError **error) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_PERMITTED,
                "SELinux refuses it: its policy does not let %s %s devices of the label %s%s",
                subject ? subject : "whoever has no label", names[permission], object, more);
    return FALSE;
}

gboolean pca_selinux_would_allow(const char *label, PcaPermission permission,
                                 const char *node_label, GError **error) {
    if (!ops->is_on() || (label && may(label, node_label, permission, NULL)))
        return TRUE;
    return refuse(label, node_label, permission, "", error);
}

gboolean pca_selinux_allows(const PcaSubject *subject, PcaPermission permission,
                            const char *node_label, const char *what, GError **error) {
    g_autofree char *object = g_strdup(node_label);
    if (permission == PCA_PERMISSION_NONE || !ops->is_on())
        return TRUE;
    if (!object && !object_of(subject, permission, &object, error))
        return FALSE;
    g_autofree char *remark =
        g_strdup_printf("%s%s%s uid=%u pid=%u", names[permission], what ? " of " : "",
                        what ? what : "", subject->uid, subject->pid);
    if (subject->label && may(subject->label, object, permission, remark))
        return TRUE;
    return refuse(subject->label, object, permission, "; the journal has its message (avc: denied)",
                  error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: libselinux behind the table of auth/selinux.h: the running kernel's policy, and what its
 * decisions leave in the journal. No audit record is sent to the kernel: that takes
 * CAP_AUDIT_WRITE, and the daemon has no capability. Thread: the main one. Ownership: libselinux
 * keeps its cache of decisions for the process.
 */
#include "auth/libselinux.h"

#include <selinux/avc.h>
#include <selinux/selinux.h>
#include <stdarg.h>

/* A message of its own that libselinux writes by several calls ends with a line end. */
static int on_log(int type, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    gboolean matters = type == SELINUX_AVC || type == SELINUX_ERROR || type == SELINUX_WARNING;
    g_strchomp(text);
    if (*text)
        g_log_structured(G_LOG_DOMAIN, matters ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE,
                         "PCASSIGN_SELINUX", type == SELINUX_AVC ? "avc" : "notice", "MESSAGE",
                         "SELinux: %s", text);
    return 0;
}

static int on_audit(void *remark, security_class_t class, char *text, size_t size) {
    g_snprintf(text, size, "%s", (const char *)remark);
    return 0;
}

static gboolean is_on(void) {
    static int on = -1;
    if (on >= 0)
        return on;
    on = is_selinux_enabled() > 0;
    selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){.func_log = on_log});
    selinux_set_callback(SELINUX_CB_AUDIT, (union selinux_callback){.func_audit = on_audit});
    return on;
}

static gboolean is_valid(const char *label) {
    return security_check_context_raw(label) == 0;
}

static char *image_label(void) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents(selinux_virtual_image_context_path(), &text, NULL, NULL))
        return NULL;
    return g_strndup(text, strcspn(text, "\n"));
}

/* Asked anew each time: a module may be loaded while the daemon runs. */
static gboolean has_class(const char *class) {
    return string_to_security_class(class) != 0;
}

/* As selinux_check_access(3), but for its log and for its cache, which is of what was asked for. */
static gboolean would(const char *subject, const char *object, const char *class,
                      const char *permission) {
    security_class_t number = string_to_security_class(class);
    access_vector_t wanted = string_to_av_perm(number, permission);
    struct av_decision decision;
    if (number == 0 || wanted == 0)
        return security_deny_unknown() == 0;
    if (security_compute_av_flags_raw(subject, object, number, wanted, &decision) < 0)
        return security_getenforce() == 0;
    return (wanted & ~decision.allowed) == 0 || decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE ||
           security_getenforce() == 0;
}

static gboolean may(const char *subject, const char *object, const char *class,
                    const char *permission, const char *remark) {
    if (!remark)
        return would(subject, object, class, permission);
    return selinux_check_access(subject, object, class, permission, (void *)remark) == 0;
}

const PcaSelinuxOps pca_libselinux_ops = {is_on, is_valid, image_label, has_class, may};

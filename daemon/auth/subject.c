/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: credentials of callers, from what the bus answers.
 * Thread: the main one. Ownership: see the header.
 */
#include "auth/subject.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>

#include "base/fds.h"

PcaSubject *pca_subject_ref(PcaSubject *subject) {
    subject->refs++;
    return subject;
}

void pca_subject_unref(PcaSubject *subject) {
    if (--subject->refs > 0)
        return;
    g_free(subject->sender);
    g_free(subject->label);
    g_free(subject->unit);
    g_array_unref(subject->gids);
    pca_fd_close(&subject->pidfd);
    g_free(subject);
}

PcaSubject *pca_subject_new(const char *sender, guint32 uid, guint32 pid) {
    PcaSubject *subject = g_new0(PcaSubject, 1);
    subject->sender = g_strdup(sender);
    subject->uid = uid;
    subject->pid = pid;
    subject->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
    subject->pidfd = -1;
    subject->refs = 1;
    return subject;
}

static char *get_label(GVariant *credentials) {
    g_autoptr(GVariant) bytes =
        g_variant_lookup_value(credentials, "LinuxSecurityLabel", G_VARIANT_TYPE_BYTESTRING);
    return bytes ? g_variant_dup_bytestring(bytes, NULL) : NULL;
}

static void get_groups(GVariant *credentials, GArray *gids) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(credentials, "UnixGroupIDs", G_VARIANT_TYPE("au"));
    gsize n = 0;
    const guint32 *values = list ? g_variant_get_fixed_array(list, &n, sizeof(guint32)) : NULL;
    if (n)
        g_array_append_vals(gids, values, (guint)n);
}

/* A bus that gives no pidfd leaves a gap in which the number could come to name another process: so
 * it must be the caller's uid at least. */
static int open_process(guint32 pid, guint32 uid) {
    PCA_AUTO_FD pidfd = pid ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
    g_autofree char *path = g_strdup_printf("/proc/%u", pid);
    struct stat st;
    if (pidfd < 0 || stat(path, &st) < 0 || st.st_uid != uid)
        return -1;
    return pca_fd_steal(&pidfd);
}

/* GUnixFDList asserts on an index that it does not have. */
static int pidfd_of_bus(GVariant *credentials, GUnixFDList *fds) {
    gint32 index;
    if (!fds || !g_variant_lookup(credentials, "ProcessFD", "h", &index) || index < 0 ||
        index >= g_unix_fd_list_get_length(fds))
        return -1;
    return g_unix_fd_list_get(fds, index, NULL);
}

PcaSubject *pca_subject_read(const char *sender, GVariant *credentials, GUnixFDList *fds) {
    guint32 uid, pid = 0;
    if (!g_variant_lookup(credentials, "UnixUserID", "u", &uid))
        return NULL;
    g_variant_lookup(credentials, "ProcessID", "u", &pid);
    PcaSubject *subject = pca_subject_new(sender, uid, pid);
    subject->label = get_label(credentials);
    get_groups(credentials, subject->gids);
    subject->pidfd = pidfd_of_bus(credentials, fds);
    subject->pidfd_from_bus = subject->pidfd >= 0;
    if (subject->pidfd < 0)
        subject->pidfd = open_process(pid, uid);
    return subject;
}

pid_t pca_process_of(int pidfd) {
    g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", pidfd);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    const char *line = strstr(text, "\nPid:");
    long pid = line ? strtol(line + strlen("\nPid:"), NULL, 10) : 0;
    return pid > 0 && pid <= G_MAXINT32 ? (pid_t)pid : 0;
}

/* As long as the pidfd's process lives, its number is no other's. */
char *pca_process_unit(int pidfd) {
    pid_t pid = pca_process_of(pidfd);
    char *unit = NULL;
    if (pid == 0 || sd_pid_get_unit(pid, &unit) < 0)
        return NULL;
    char *copy = pca_process_of(pidfd) == pid ? g_strdup(unit) : NULL;
    free(unit);
    return copy;
}

const char *pca_subject_unit(PcaSubject *subject) {
    if (!subject->unit_known && subject->pidfd_from_bus)
        subject->unit = pca_process_unit(subject->pidfd);
    subject->unit_known = TRUE;
    return subject->unit;
}

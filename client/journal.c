/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading the journal by the fields that the daemon gives its messages.
 * Thread: any. Ownership: see the header.
 */
#include "journal.h"

#include <string.h>
#include <systemd/sd-journal.h>

typedef sd_journal Journal;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Journal, sd_journal_close)

static gboolean match(Journal *journal, const char *field, const char *value) {
    g_autofree char *text = g_strconcat(field, "=", value, NULL);
    return sd_journal_add_match(journal, text, 0) >= 0;
}

/* (the claim) or (one of the devices), and root's: anybody may give a message any other field. */
static gboolean choose(Journal *journal, const char *claim, const char *const *devices) {
    gboolean ok = TRUE;
    if (claim)
        ok = match(journal, "_UID", "0") && match(journal, "PCASSIGN_CLAIM", claim) &&
             sd_journal_add_disjunction(journal) >= 0;
    ok = ok && (!devices[0] || match(journal, "_UID", "0"));
    for (; ok && *devices; devices++)
        ok = match(journal, "PCASSIGN_DEVICE", *devices);
    return ok;
}

static char *read_line(Journal *journal) {
    static const char field[] = "MESSAGE=";
    const void *data = NULL;
    size_t length = 0;
    guint64 usec = 0;
    if (sd_journal_get_data(journal, "MESSAGE", &data, &length) < 0 || length < strlen(field) ||
        sd_journal_get_realtime_usec(journal, &usec) < 0)
        return NULL;
    g_autofree char *message =
        g_strndup((const char *)data + strlen(field), length - strlen(field));
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(usec / G_USEC_PER_SEC));
    g_autofree char *stamp = time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : NULL;
    return g_strdup_printf("%s %s", stamp ? stamp : "-", message);
}

GPtrArray *pca_journal_last(const char *claim, const char *const *devices, guint max) {
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Journal) journal = NULL;
    if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY) < 0 || !choose(journal, claim, devices) ||
        sd_journal_seek_tail(journal) < 0 || sd_journal_previous_skip(journal, max) <= 0)
        return lines;
    do {
        char *line = read_line(journal);
        if (line)
            g_ptr_array_add(lines, line);
    } while (lines->len < max && sd_journal_next(journal) > 0);
    return lines;
}

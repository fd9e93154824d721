/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the journal's record of decisions. GLib's log writer sends the fields to the journal's
 * socket where standard error leads there, as in the unit, and else prints the message.
 * Thread: the main one. Ownership: see the header.
 */
#include "auth/audit.h"

#include "base/error.h"

#define MAX_FIELDS 16

typedef struct {
    GLogField fields[MAX_FIELDS];
    gsize n;
} Record;

static void add(Record *record, const char *key, const char *value) {
    if (value && record->n < MAX_FIELDS)
        record->fields[record->n++] = (GLogField){key, value, -1};
}

/* What a client sent is in messages: no line of its own making shall look like one of ours. */
static char *flatten(char *text) {
    for (char *c = text; *c; c++)
        if (g_ascii_iscntrl(*c))
            *c = '?';
    return text;
}

static char *make_message(const PcaSubject *subject, const PcaDecision *d, const GError *error) {
    g_autoptr(GString) text = g_string_new(d->verb);
    if (d->device)
        g_string_append_printf(text, " of %s", d->device);
    if (d->claim)
        g_string_append_printf(text, " of claim %s", d->claim);
    g_string_append_printf(text, " by uid %u (process %u): %s", subject->uid, subject->pid,
                           error ? "refused" : "allowed");
    if (d->rule)
        g_string_append_printf(text, ", %s", d->rule);
    if (error)
        g_string_append_printf(text, ": %s", error->message);
    else if (d->remark)
        g_string_append_printf(text, ", %s", d->remark);
    return flatten(g_string_free(g_steal_pointer(&text), FALSE));
}

/* Those of syslog: 5 is a notice, 4 a warning. */
static const char *priority_of(const PcaDecision *decision) {
    return decision->risky ? "4" : "5";
}

static const char *error_name(const GError *error) {
    const char *name = error && error->domain == PCA_ERROR ? pca_error_name(error->code) : NULL;
    return error && !name ? "Failed" : name;
}

void pca_audit(PcaSubject *subject, const PcaDecision *decision, const GError *error) {
    g_autofree char *message = make_message(subject, decision, error);
    g_autofree char *uid = g_strdup_printf("%u", subject->uid);
    g_autofree char *pid = g_strdup_printf("%u", subject->pid);
    Record record = {.n = 0};
    add(&record, "MESSAGE", message);
    add(&record, "PRIORITY", priority_of(decision));
    add(&record, "MESSAGE_ID", error ? PCA_MESSAGE_REFUSED : PCA_MESSAGE_ALLOWED);
    add(&record, "PCASSIGN_VERB", decision->verb);
    add(&record, "PCASSIGN_VERDICT", error ? "refused" : "allowed");
    add(&record, "PCASSIGN_ERROR", error_name(error));
    add(&record, "PCASSIGN_DEVICE", decision->device);
    add(&record, "PCASSIGN_CLAIM", decision->claim);
    add(&record, "PCASSIGN_RULE", decision->rule);
    add(&record, "PCASSIGN_CALLER_UID", uid);
    add(&record, "PCASSIGN_CALLER_PID", pid);
    add(&record, "PCASSIGN_CALLER_UNIT", pca_subject_unit(subject));
    add(&record, "GLIB_DOMAIN", G_LOG_DOMAIN);
    g_log_structured_array(decision->risky ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE,
                           record.fields, record.n);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: callers as policies know them.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/names.h"

#include "auth/selinux.h"

PcaNames *pca_names_new(guint32 uid) {
    PcaNames *names = g_new0(PcaNames, 1);
    names->uid = uid;
    names->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
    return names;
}

PcaNames *pca_names_of(PcaSubject *subject) {
    PcaNames *names = pca_names_new(subject->uid);
    if (subject->gids->len)
        g_array_append_vals(names->gids, subject->gids->data, subject->gids->len);
    names->unit = g_strdup(pca_subject_unit(subject));
    names->label = g_strdup(subject->label);
    names->is_other = !*subject->sender;
    if (!names->is_other)
        pca_selinux_node_label(subject->label, &names->node_label, &names->label_error);
    return names;
}

void pca_names_free(PcaNames *names) {
    g_free(names->user);
    g_free(names->unit);
    g_free(names->label);
    g_free(names->node_label);
    g_clear_error(&names->label_error);
    g_array_unref(names->gids);
    g_free(names);
}

PcaCaller pca_names_caller(const PcaNames *names) {
    return (PcaCaller){.uid = names->uid,
                       .gids = (const guint32 *)(gpointer)names->gids->data,
                       .n_gids = names->gids->len,
                       .unit = names->unit,
                       .label = names->label};
}

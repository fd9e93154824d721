/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: callers as policies know them.
 * Thread: the main one. Ownership: see the header.
 */
#include "judge/names.h"

PcaNames *pca_names_new(guint32 uid) {
    PcaNames *names = g_new0(PcaNames, 1);
    names->uid = uid;
    names->gids = g_array_new(FALSE, FALSE, sizeof(guint32));
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the names of callers.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/caller.h"

#include "auth/selinux.h"

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

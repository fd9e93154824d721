/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what polkit has been asked and has to be asked.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/authorise.h"

#include "service/private.h"

PcaAuthorised *pca_authorised_new(void) {
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void pca_authorised_add(PcaAuthorised *authorised, GVariant *details) {
    g_hash_table_add(authorised, g_variant_print(details, FALSE));
}

/* One question for all functions of a section: a person is asked once. */
static GVariant *details_of(const PcaService *service, const PcaTargets *targets,
                            const PcaSection *section) {
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(targets, i);
        if (target->match.device == section && !target->stub)
            g_array_append_val(addresses, target->function->address);
    }
    return g_variant_ref_sink(pca_service_details(service, "Claim", addresses));
}

GVariant *pca_authorised_lack(PcaService *service, const PcaExamination *examination,
                              PcaAuthorised *authorised) {
    for (guint i = 0; i < examination->targets->len; i++) {
        const PcaTarget *target = g_ptr_array_index(examination->targets, i);
        /* Nobody gets a stub. */
        if (target->stub || !target->match.device || !target->match.device->polkit)
            continue;
        g_autoptr(GVariant) details =
            details_of(service, examination->targets, target->match.device);
        g_autofree char *text = g_variant_print(details, FALSE);
        if (!g_hash_table_contains(authorised, text))
            return g_steal_pointer(&details);
    }
    return NULL;
}

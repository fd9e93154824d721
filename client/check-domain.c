/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: host devices of a domain, by their place in its file.
 * Thread: main. Ownership: see the header.
 */
#include "check-domain.h"
#include "specs.h"

#include <stdio.h>

static const PcaDomainHostdev *hostdev_at(const PcaDomain *domain, guint i) {
    return &g_array_index(domain->hostdevs, PcaDomainHostdev, i);
}

GPtrArray *pca_domain_specs(const PcaDomain *domain, GError **error) {
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < domain->hostdevs->len; i++)
        g_ptr_array_add(words, pca_address_format(&hostdev_at(domain, i)->address));
    g_ptr_array_add(words, NULL);
    return pca_specs_parse((const char *const *)words->pdata, error);
}

void pca_domain_warn(const char *file, const PcaDomain *domain) {
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const PcaDomainHostdev *hostdev = hostdev_at(domain, i);
        g_autofree char *address = pca_address_format(&hostdev->address);
        if (hostdev->managed)
            pca_complain("%s:%u: warning: hostdev %u has managed='yes': libvirt would rebind %s by "
                         "itself, whatever pcassign knows of it; managed='no' leaves that to "
                         "pcassign",
                         file, hostdev->line, hostdev->number, address);
    }
    for (guint i = 0; i < domain->other_lines->len; i++)
        pca_complain("%s:%u: warning: an <interface type='hostdev'> is not checked, only <hostdev> "
                     "is",
                     file, g_array_index(domain->other_lines, guint, i));
}

void pca_domain_print(const char *file, const PcaDomain *domain) {
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const PcaDomainHostdev *hostdev = hostdev_at(domain, i);
        g_autofree char *address = pca_address_format(&hostdev->address);
        printf("%s:%u: hostdev %u is %s\n", file, hostdev->line, hostdev->number, address);
    }
}

void pca_domain_name_culprits(const PcaDomain *domain, PcaFindings *findings) {
    for (guint i = 0; i < findings->len; i++) {
        PcaFinding *finding = g_ptr_array_index(findings, i);
        PcaAddress culprit;
        if (finding->ok || !finding->culprit || !pca_address_parse(finding->culprit, &culprit))
            continue;
        for (guint j = 0; j < domain->hostdevs->len; j++) {
            const PcaDomainHostdev *hostdev = hostdev_at(domain, j);
            if (!pca_address_equal(&hostdev->address, &culprit))
                continue;
            g_autofree char *text = finding->text;
            finding->text = g_strdup_printf("hostdev %u: %s", hostdev->number, text);
        }
    }
}

void pca_domain_json(JsonBuilder *builder, const PcaDomain *domain) {
    json_builder_set_member_name(builder, "hostdevs");
    json_builder_begin_array(builder);
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const PcaDomainHostdev *hostdev = hostdev_at(domain, i);
        g_autofree char *address = pca_address_format(&hostdev->address);
        json_builder_begin_object(builder);
        pca_json_number(builder, "hostdev", hostdev->number);
        pca_json_number(builder, "line", hostdev->line);
        pca_json_string(builder, "address", address);
        json_builder_set_member_name(builder, "managed");
        json_builder_add_boolean_value(builder, hostdev->managed);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

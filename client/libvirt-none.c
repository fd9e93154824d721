/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what a build that was configured --without-libvirt says in place of libvirt.c.
 * Thread: any. Ownership: see the header.
 */
#include "libvirt.h"

#include "base/error.h"

gboolean pca_libvirt_check(GError **error) {
    g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                "this pcassignctl was built without libvirt");
    return FALSE;
}

char *pca_hostdev_format(const PcaHostdev *hostdev, GError **error) {
    pca_libvirt_check(error);
    return NULL;
}

PcaDomain *pca_domain_read(const char *file, GError **error) {
    pca_libvirt_check(error);
    return NULL;
}

void pca_domain_free(PcaDomain *domain) {
    g_free(domain);
}

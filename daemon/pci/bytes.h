/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: three-valued facts, and little-endian reads that cannot leave what was read.
 * Thread: any. Ownership: a PcaBytes borrows.
 */
#pragma once

#include <glib.h>

/* A fact of which the bytes at hand may say nothing. Zeroed memory says nothing. */
typedef enum {
    PCA_TRI_UNKNOWN,
    PCA_TRI_NO,
    PCA_TRI_YES,
} PcaTri;

static inline PcaTri pca_tri(gboolean yes) {
    return yes ? PCA_TRI_YES : PCA_TRI_NO;
}

typedef struct {
    const guint8 *data;
    gsize length;
} PcaBytes;

/* Reads 1 to 4 bytes; FALSE, with *value 0, when not all of them are there. */
static inline gboolean pca_bytes_read(PcaBytes bytes, gsize offset, guint width, guint32 *value) {
    *value = 0;
    if (offset > bytes.length || width > bytes.length - offset)
        return FALSE;
    for (guint i = 0; i < width; i++)
        *value |= (guint32)bytes.data[offset + i] << (8 * i);
    return TRUE;
}

/* At most the first `length` bytes. */
static inline PcaBytes pca_bytes_first(PcaBytes bytes, gsize length) {
    return (PcaBytes){bytes.data, MIN(bytes.length, length)};
}

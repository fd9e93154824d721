/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: polkit's authority on the world's bus, which answers as it is told.
 * Thread: its own, beside the one that calls these. Ownership: the caller's; it ends with
 * pca_polkit_mock_free. Returned texts are the caller's.
 */
#pragma once

#include "world.h"

typedef enum {
    PCA_POLKIT_NO,
    PCA_POLKIT_YES,
    PCA_POLKIT_CHALLENGE, /* a person would have to be asked, which the message does not allow */
    PCA_POLKIT_DISMISSED,
    PCA_POLKIT_ERROR,
    PCA_POLKIT_MALFORMED, /* an answer of another type */
    PCA_POLKIT_SILENT,    /* none, until it is told something else */
} PcaPolkitAnswer;

typedef struct PcaPolkitMock PcaPolkitMock;

PcaPolkitMock *pca_polkit_mock_new(const PcaWorld *world);
void pca_polkit_mock_free(PcaPolkitMock *mock);

/* From now on; questions that wait get it as well. */
void pca_polkit_mock_answer(PcaPolkitMock *mock, PcaPolkitAnswer answer);

/* How many questions there were so far; how many of them wait, or were withdrawn. */
guint pca_polkit_mock_asked(PcaPolkitMock *mock);
guint pca_polkit_mock_waiting(PcaPolkitMock *mock);
guint pca_polkit_mock_withdrawn(PcaPolkitMock *mock);

/* Waits until there were so many. */
void pca_polkit_mock_await(PcaPolkitMock *mock, guint asked);

/* The last question as text: "SENDER ACTION FLAGS {details}". */
char *pca_polkit_mock_last(PcaPolkitMock *mock);

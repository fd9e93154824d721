/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: asks polkit whether a caller may do an action, by its interface on the bus
 * (org.freedesktop.PolicyKit1.Authority) and not by its library: that would cost every daemon 150
 * KiB of its own though polkit were never asked, and wake it up whenever polkit's rules change.
 * Thread: the main one; nothing blocks, and nothing is watched unless a question is open.
 * Ownership: reference-counted; lives as long as a question is open.
 */
#pragma once

#include "auth/subject.h"

typedef struct PcaPolkit PcaPolkit;

PcaPolkit *pca_polkit_new(GDBusConnection *bus);
PcaPolkit *pca_polkit_ref(PcaPolkit *polkit);
void pca_polkit_unref(PcaPolkit *polkit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PcaPolkit, pca_polkit_unref)

/* How long polkit may take where it may ask nobody, instead of 10 s; for tests. */
void pca_polkit_set_patience(PcaPolkit *polkit, guint milliseconds);

/* Whether the connection of the subject may do the action. `details` (a{ss}, taken over if
 * floating, may be NULL) are for polkit's rules and for who is asked; only where `interactive` may
 * polkit ask a person. A caller that disconnects withdraws the question. */
void pca_polkit_ask_async(PcaPolkit *polkit, const PcaSubject *subject, const char *action,
                          GVariant *details, gboolean interactive, GAsyncReadyCallback callback,
                          gpointer data);

/* TRUE on a yes alone. NotPermitted otherwise: polkit says no, is not there, answers with an error
 * or too late, or the caller has gone; the message says which. */
gboolean pca_polkit_ask_finish(GAsyncResult *result, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: several pieces of work that each wait in the kernel, at the same time. Processes, not
 * threads: a thread that is blocked there keeps its whole process from ending, a child only itself.
 * Thread: one, in a process without others. Ownership: see pca_side_by_side.
 */
#pragma once

#include <glib.h>

/* One of them; FALSE with *error. It is safe to do again. */
typedef gboolean (*PcaWork)(gpointer data, guint index, GError **error);

/* Does work 0 to n - 1, each in a child that is like the caller in all it has, and returns once all
 * of them have ended. So nothing remains of work but what it did to the kernel, and errors[i]: set
 * where it failed; else left as it was, NULL; the caller's. The children die with the caller, and
 * until they have, they keep its descriptors: a lock, a connection. What no child can be made for,
 * and what one has died over, is done by the caller. */
void pca_side_by_side(PcaWork work, gpointer data, guint n, GError **errors);

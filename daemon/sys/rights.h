/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: CAP_SYS_ADMIN of this process, without which the kernel opens only the first 64 bytes of
 * a config space. It is permitted, not effective, but for the moment in which it is needed.
 * Thread: the process's only one: rights belong to threads. Ownership: none.
 *
 * Each returns 0 or a negative errno; a process that never had the right succeeds.
 */
#pragma once

/* Effective, where it is permitted. */
int pca_rights_raise(void);

/* Permitted alone. */
int pca_rights_lower(void);

/* Gone, for this process and all that it forks. */
int pca_rights_drop(void);

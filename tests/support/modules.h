/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: modules of a kernel that consist of aliases alone, and the index that depmod(8) makes of
 * them, in a tree that has lib and proc. What cannot be done ends the test.
 * Thread: one. Ownership: files below `root`, whoever's that is.
 */
#pragma once

#include <glib.h>

#define PCA_MODULES_RELEASE "6.12.0-test"
#define PCA_MODULES_DIRECTORY "lib/modules/" PCA_MODULES_RELEASE

/* The tree's kernel is this one, without a module. */
void pca_modules_begin(const char *root);
void pca_modules_add(const char *root, const char *name, const char *const *aliases);

/* FALSE, and says so, where there is no depmod; a failure where CI is set. */
gboolean pca_modules_index(const char *root);

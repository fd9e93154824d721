/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: libselinux behind the table of auth/selinux.h. Thread: the main one. Ownership: none.
 */
#pragma once

#include "auth/selinux.h"

extern const PcaSelinuxOps pca_libselinux_ops;

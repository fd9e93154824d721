/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: one representation of what readers see of a policy: the daemon's answers, and what
 * pcassignctl reads from the files by itself, are made of it.
 *
 * What a section does not have is left out. Keys of dictionaries inside another are the JSON's own.
 * Thread: any; pure. Ownership: descriptions are floating.
 */
#pragma once

#include "policy/policy.h"

/* clang-format off */
/* An a{sv}:
 *
 *   always           Kind ("Device", "Deny"), Name, File s, Line u,
 *                    Lines a{su}: on which line each key stands
 *   as in the file   Description, Path, Serial, Address s, Id, Subsystem, Class as,
 *                    Functions ("one", "all"), Authorize ("none", "polkit") s,
 *                    AllowUser, AllowGroup, AllowUnit, RequireUnit, RequireLabel as,
 *                    PerUser u, MaxMemory t (bytes), Reset as (["any"], ["none"], or methods),
 *                    Driver, OnRelease, Siblings s, AllowInUse as, SysfsFiles b, Reserve s ("no")
 */
GVariant *pca_describe_section(const PcaSection *section);

/* Of pca_policy_explain, an aa{sv}:
 *
 *   kind, name, file s, line u, applies b,
 *   conditions aa{sv}: key s, line u, ok b, text s
 */
GVariant *pca_describe_verdicts(const GPtrArray *verdicts);
/* clang-format on */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: check --domain: what is told about the host devices of a libvirt domain beside the
 * verdicts.
 * Thread: main. Ownership: what is returned is the caller's.
 */
#pragma once

#include "libvirt.h"
#include "output.h"
#include "base/finding.h"

/* The PcaSpecs that one Check call takes: all host devices. */
GPtrArray *pca_domain_specs(const PcaDomain *domain, GError **error);

/* Complains of what the checks cannot see: that libvirt binds by itself, and network interfaces. */
void pca_domain_warn(const char *file, const PcaDomain *domain);

/* Prints a line for each host device: its number, place and address. */
void pca_domain_print(const char *file, const PcaDomain *domain);

/* Puts the host device before the text of the findings whose culprit it is. */
void pca_domain_name_culprits(const PcaDomain *domain, PcaFindings *findings);

/* The member "hostdevs" of the object that is open in the builder. */
void pca_domain_json(JsonBuilder *builder, const PcaDomain *domain);

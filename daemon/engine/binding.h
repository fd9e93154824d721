/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: to what a function is bound, and what else of it a claim changes, as the details of
 * steps tell it.
 * Thread: any. Ownership: results are the caller's.
 */
#pragma once

#include "pci/function.h"
#include "sys/owner.h"

/* A binding in a detail: "driver=nvme override=" . Free with g_free. */
char *pca_binding_format(const char *driver, const char *override);

/* How the function was found, with what restores its reset methods and its power where these are
 * asked for. Free with g_free. */
char *pca_binding_of(const PcaFunction *function, gboolean methods, gboolean power);

/* The strings are newly allocated, NULL for an empty value. FALSE when malformed. */
gboolean pca_binding_parse(const char *text, char **driver, char **override);

/* A binding may begin with "node=0:107:0660 " (pca_owner_format): who has the node of the
 * function's IOMMU group. FALSE without that, or when it is malformed. */
gboolean pca_binding_node(const char *text, PcaOwner *owner);

/* Next may come "power=auto,1 ": what power/control and d3cold_allowed were ("auto,1", newly
 * allocated). NULL without that: then they are not touched. */
char *pca_binding_power(const char *text);

/* Next may come "methods=flr,bus ": what reset_method was ("flr bus", newly allocated). NULL
 * without that: then it is not touched. */
char *pca_binding_methods(const char *text);

/* The binding without all three, in the form of pca_binding_format. */
const char *pca_binding_plain(const char *text);

/* The detail of `give`; FALSE when malformed. */
gboolean pca_give_parse(const char *detail, int *group, PcaOwner *owner);

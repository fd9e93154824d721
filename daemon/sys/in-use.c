/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the in-use guard's frame: what every function is asked, and bridges.
 * Thread: any. Ownership: see the headers.
 */
#include "sys/in-use-internal.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CLASS_HOST_BRIDGE 0x0600
#define CLASS_ISA_BRIDGE 0x0601
#define CLASS_IOMMU 0x0806

/* ---- What the files of the guard share ---- */

gboolean pca_root_is_live(const PcaRoot *root) {
    struct statfs info;
    return statfs(root->sysfs, &info) == 0 && info.f_type == SYSFS_MAGIC;
}

static void fail(const PcaUse *use, guint kind, const char *culprit, const char *fix,
                 const char *format, va_list args) {
    g_autofree char *text = g_strdup_vprintf(format, args);
    pca_findings_fail(use->findings, "in-use", PCA_ERROR_IN_USE, culprit, fix, "%s", text);
    PcaFinding *finding = g_ptr_array_index(use->findings, use->findings->len - 1);
    finding->use = kind;
    /* So begins each of them that says what could not be read, and no other. */
    finding->unknown = g_str_has_prefix(text, "cannot tell ");
}

void pca_use_fail(const PcaUse *use, const char *culprit, const char *fix, const char *format,
                  ...) {
    va_list args;
    va_start(args, format);
    fail(use, 0, culprit, fix, format, args);
    va_end(args);
}

void pca_use_fail_as(const PcaUse *use, PcaUses kind, const char *culprit, const char *fix,
                     const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail(use, kind, culprit, fix, format, args);
    va_end(args);
}

void pca_use_fail_read(const PcaUse *use, const char *what, const GError *error) {
    pca_use_fail(use, what, NULL, "cannot tell whether the host uses %s: %s", use->address,
                 error->message);
}

char **pca_use_list(const PcaUse *use, const char *path) {
    g_autoptr(GError) error = NULL;
    char **names = pca_list(path, &error);
    if (!names)
        pca_use_fail_read(use, path, error);
    return names;
}

gboolean pca_path_below(const char *path, const char *directory) {
    gsize length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

char *pca_class_directory(const PcaRoot *root, const char *class, const char *name) {
    g_autofree char *link = g_build_filename(root->sysfs, "class", class, name, NULL);
    return pca_resolve_link(link);
}

/* ---- Bridges and what the machine itself is made of ---- */

/* The bus behind a bridge; -1 when the kernel does not say. It does not wait for a reset, as
 * whoever reads the config space does. */
static int secondary_bus(const PcaUse *use) {
    guint64 bus;
    return pca_read_number(use->directory, "secondary_bus_number", &bus) && bus <= G_MAXUINT8
               ? (int)bus
               : -1;
}

static void fail_bridge(const PcaUse *use) {
    int bus = secondary_bus(use);
    const char *fix = "name the functions behind it instead";
    if (bus > 0)
        pca_use_fail(use, use->address, fix,
                     "%s is a bridge: the host reaches bus %04x:%02x through it", use->address,
                     use->function->address.domain, bus);
    else
        pca_use_fail(use, use->address, fix,
                     "%s is a bridge: the host reaches what is behind it through it", use->address);
}

/* TRUE: the function is no endpoint, and that has been said. */
static gboolean is_part_of_host(const PcaUse *use) {
    guint32 class = use->function->class >> 8;
    if (pca_function_is_bridge(use->function))
        fail_bridge(use);
    else if (class == CLASS_HOST_BRIDGE || class == CLASS_ISA_BRIDGE)
        pca_use_fail(use, use->address, NULL, "%s is the host's own %s bridge", use->address,
                     class == CLASS_HOST_BRIDGE ? "host" : "ISA");
    else if (class == CLASS_IOMMU)
        pca_use_fail(use, use->address, NULL, "%s is an IOMMU of the host", use->address);
    else if (use->function->header_type != PCA_HEADER_ENDPOINT)
        pca_use_fail(use, use->address, "if it does not answer, reset or power-cycle it",
                     "cannot tell whether %s is a bridge: its config space cannot be read",
                     use->address);
    else
        return FALSE;
    return TRUE;
}

/* FALSE, with errno: the function is not there. */
static gboolean use_open_address(PcaUse *use, PcaUseLook *look, const PcaAddress *address,
                                 PcaFindings *findings) {
    const PcaRoot *root = pca_use_look_root(look);
    char *text = pca_address_format(address);
    g_autofree char *link = g_build_filename(root->sysfs, "bus/pci/devices", text, NULL);
    *use = (PcaUse){look, root, NULL, text, pca_resolve_link(link), findings};
    return use->directory != NULL;
}

static gboolean use_open(PcaUse *use, PcaUseLook *look, const PcaFunction *function,
                         PcaFindings *findings) {
    gboolean there = use_open_address(use, look, &function->address, findings);
    use->function = function;
    return there;
}

static void use_close(PcaUse *use) {
    g_free((char *)use->address);
    g_free((char *)use->directory);
}

#define AUTO_USE __attribute__((cleanup(use_close))) PcaUse

/* The same, and that has been said. */
static gboolean use_open_or_fail(PcaUse *use, PcaUseLook *look, const PcaFunction *function,
                                 PcaFindings *findings) {
    if (use_open(use, look, function, findings))
        return TRUE;
    pca_use_fail(use, use->address, NULL, "cannot tell whether the host uses %s: %s", use->address,
                 g_strerror(errno));
    return FALSE;
}

/* Those that lead to it are only found by all of them. */
static void check_characters(const PcaUse *use) {
    g_autoptr(GError) error = NULL;
    if (!pca_use_look_characters(use->look, &error))
        pca_use_fail_read(use, "dev/char", error);
}

static void find(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    AUTO_USE use;
    if (!use_open_or_fail(&use, look, function, findings) || is_part_of_host(&use))
        return;
    check_characters(&use);
    pca_use_storage(&use);
    pca_use_network(&use);
    pca_use_display(&use);
    pca_use_devices(&use);
}

void pca_in_use_ahead(PcaUseLook *look, const PcaFunction *function) {
    g_autoptr(GPtrArray) findings = pca_findings_new();
    find(look, function, findings);
    pca_use_look_keep(look, function, findings);
}

void pca_in_use(PcaUseLook *look, const PcaFunction *function, PcaFindings *findings) {
    if (!pca_use_look_recall(look, function, findings))
        find(look, function, findings);
}

PcaUseNodes *pca_in_use_nodes(PcaUseLook *look, const PcaFunction *function) {
    g_autoptr(GPtrArray) ignored = pca_findings_new();
    AUTO_USE use;
    /* What cannot be read is what pca_in_use tells. */
    return use_open(&use, look, function, ignored) && !pca_function_is_bridge(function)
               ? pca_use_nodes(&use)
               : pca_use_nodes_new();
}

static void drop_partitions(PcaUseNodes *nodes) {
    for (guint i = nodes->len; i-- > 0;)
        if (!((PcaUseNode *)g_ptr_array_index(nodes, i))->whole)
            g_ptr_array_remove_index(nodes, i);
}

PcaUseNodes *pca_in_use_disks(PcaUseLook *look, const PcaAddress *address, GError **error) {
    g_autoptr(GPtrArray) findings = pca_findings_new(), nodes = NULL;
    AUTO_USE use;
    if (use_open_address(&use, look, address, findings))
        nodes = pca_use_disk_nodes(&use);
    else
        pca_use_fail(&use, use.address, NULL, "cannot tell which disks %s has: %s", use.address,
                     g_strerror(errno));
    if (!pca_findings_to_error(findings, error))
        return NULL;
    drop_partitions(nodes);
    return g_steal_pointer(&nodes);
}

void pca_in_use_opened(PcaUseLook *look, const PcaFunction *function, PcaUseNodes *nodes,
                       PcaFindings *findings) {
    AUTO_USE use;
    if (use_open_or_fail(&use, look, function, findings))
        pca_use_opened(&use, nodes);
}

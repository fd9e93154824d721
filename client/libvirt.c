/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: PCI host devices in libvirt's XML, by libvirt-gconfig. What that does not tell, on which
 * line an element begins and whether a number is one, is asked of libxml2, on which it stands.
 * Thread: main. Ownership: see the header.
 */
#include "libvirt.h"

#include <libvirt-gconfig/libvirt-gconfig.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "base/error.h"
#include "sys/root.h"

typedef GVirConfigDomainAddressPci Address;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Address, g_object_unref)
typedef GVirConfigDomainHostdevPci Hostdev;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hostdev, g_object_unref)
typedef GVirConfigDomain Domain;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Domain, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

gboolean pca_libvirt_check(GError **error) {
    return TRUE;
}

/* ---- Writing ---- */

static Address *make_address(const PcaAddress *from) {
    Address *address = gvir_config_domain_address_pci_new();
    gvir_config_domain_address_pci_set_domain(address, (guint16)from->domain);
    gvir_config_domain_address_pci_set_bus(address, from->bus);
    gvir_config_domain_address_pci_set_slot(address, from->device);
    gvir_config_domain_address_pci_set_function(address, from->function);
    return address;
}

static char *format_guest_address(const PcaHostdev *hostdev) {
    const PcaAddress place = {.device = hostdev->slot, .function = hostdev->function};
    g_autoptr(Address) address = make_address(&place);
    if (hostdev->multifunction)
        gvir_config_domain_address_pci_set_multifunction(address, TRUE);
    return gvir_config_object_to_xml(GVIR_CONFIG_OBJECT(address));
}

/* The library has no setter for the guest's address of a host device. */
static char *add_guest_address(const char *xml, const PcaHostdev *hostdev) {
    const char *end = g_strrstr(xml, "</hostdev>");
    g_autofree char *address = format_guest_address(hostdev);
    g_return_val_if_fail(end != NULL, NULL);
    return g_strdup_printf("%.*s  %s\n</hostdev>\n", (int)(end - xml), xml, g_strstrip(address));
}

char *pca_hostdev_format(const PcaHostdev *hostdev, GError **error) {
    if (hostdev->source.domain > G_MAXUINT16) {
        g_autofree char *name = pca_address_format(&hostdev->source);
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "libvirt cannot name %s: its PCI domains end at ffff", name);
        return NULL;
    }
    g_autoptr(Hostdev) pci = gvir_config_domain_hostdev_pci_new();
    g_autoptr(Address) source = make_address(&hostdev->source);
    gvir_config_domain_hostdev_pci_set_managed(pci, FALSE);
    gvir_config_domain_hostdev_pci_set_address(pci, source);
    if (hostdev->rom != PCA_TRI_UNKNOWN)
        gvir_config_domain_hostdev_pci_set_rom_bar(pci, hostdev->rom == PCA_TRI_YES);
    g_autofree char *xml = gvir_config_object_to_xml(GVIR_CONFIG_OBJECT(pci));
    if (hostdev->placed)
        return add_guest_address(xml, hostdev);
    return g_strdup_printf("%s\n", g_strchomp(xml));
}

/* ---- Where things stand in a file ---- */

static gboolean is_element(const xmlNode *node, const char *name) {
    return node->type == XML_ELEMENT_NODE && g_str_equal((const char *)node->name, name);
}

static const xmlNode *find_child(const xmlNode *parent, const char *name) {
    const xmlNode *child = parent ? parent->children : NULL;
    while (child && !is_element(child, name))
        child = child->next;
    return child;
}

static gboolean has_type(const xmlNode *node, const char *type) {
    xmlChar *value = xmlGetProp(node, (const xmlChar *)"type");
    gboolean same = value && g_str_equal((const char *)value, type);
    xmlFree(value);
    return same;
}

static gboolean fail_at(const char *file, guint line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static gboolean fail_at(const char *file, guint line, GError **error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s:%u: %s", file, line, text);
    return FALSE;
}

static xmlDoc *parse(const char *file, const char *text, GError **error) {
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlDoc *document = xmlReadMemory(text, (int)MIN(strlen(text), G_MAXINT), file, NULL, options);
    if (document)
        return document;
    const xmlError *last = xmlGetLastError();
    g_autofree char *said = g_strdup(last && last->message ? last->message : "no text");
    fail_at(file, last ? (guint)last->line : 1, error, "not XML: %s", g_strchomp(said));
    return NULL;
}

/* ---- Reading ---- */

/* The library takes what is no number for 0. */
static gboolean check_number(const xmlNode *address, const char *name, guint64 most,
                             const char *file, GError **error) {
    guint64 number;
    xmlChar *value = xmlGetProp(address, (const xmlChar *)name);
    gboolean good = !value || (pca_parse_number((const char *)value, &number) && number <= most);
    if (!good)
        fail_at(file, (guint)xmlGetLineNo(address), error, "%s='%s' is not that of a PCI function",
                name, (const char *)value);
    xmlFree(value);
    return good;
}

static gboolean check_source(const xmlNode *node, guint number, const char *file, GError **error) {
    const xmlNode *address = find_child(find_child(node, "source"), "address");
    if (!address)
        return fail_at(file, (guint)xmlGetLineNo(node), error,
                       "hostdev %u has no address in its source", number);
    return check_number(address, "domain", G_MAXUINT32, file, error) &&
           check_number(address, "bus", 0xff, file, error) &&
           check_number(address, "slot", 0x1f, file, error) &&
           check_number(address, "function", 7, file, error);
}

/* What is left out is 0, as libvirt has it. */
static PcaAddress read_address(GVirConfigDomainHostdevPci *pci) {
    g_autoptr(Address) address = gvir_config_domain_hostdev_pci_get_address(pci);
    return (PcaAddress){
        .domain = (guint32)MAX(gvir_config_domain_address_pci_get_domain(address), 0),
        .bus = (guint8)MAX(gvir_config_domain_address_pci_get_bus(address), 0),
        .device = (guint8)MAX(gvir_config_domain_address_pci_get_slot(address), 0),
        .function = (guint8)MAX(gvir_config_domain_address_pci_get_function(address), 0),
    };
}

static gboolean add_hostdev(PcaDomain *domain, GVirConfigDomainHostdevPci *pci, const xmlNode *node,
                            const char *file, GError **error) {
    PcaDomainHostdev hostdev = {.number = domain->hostdevs->len + 1,
                                .line = (guint)xmlGetLineNo(node)};
    if (!check_source(node, hostdev.number, file, error))
        return FALSE;
    hostdev.address = read_address(pci);
    hostdev.managed = gvir_config_domain_hostdev_pci_get_managed(pci);
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const PcaDomainHostdev *other = &g_array_index(domain->hostdevs, PcaDomainHostdev, i);
        g_autofree char *name = pca_address_format(&hostdev.address);
        if (pca_address_equal(&other->address, &hostdev.address))
            return fail_at(file, hostdev.line, error, "hostdev %u is %s, as hostdev %u is",
                           hostdev.number, name, other->number);
    }
    g_array_append_val(domain->hostdevs, hostdev);
    return TRUE;
}

static void free_devices(GList *devices) {
    g_list_free_full(devices, g_object_unref);
}
typedef GList Devices;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Devices, free_devices)

/* The library's devices are in the order of the file: the Nth of this kind is the Nth element. */
static gboolean read_hostdevs(PcaDomain *domain, GVirConfigDomain *config, const xmlNode *devices,
                              const char *file, GError **error) {
    g_autoptr(Devices) list = gvir_config_domain_get_devices(config);
    const GList *item = list;
    for (const xmlNode *node = devices ? devices->children : NULL; node; node = node->next) {
        guint line = (guint)xmlGetLineNo(node);
        if (is_element(node, "interface") && has_type(node, "hostdev"))
            g_array_append_val(domain->other_lines, line);
        if (!is_element(node, "hostdev") || !has_type(node, "pci"))
            continue;
        while (item && !GVIR_CONFIG_IS_DOMAIN_HOSTDEV_PCI(item->data))
            item = item->next;
        if (!item)
            return fail_at(file, line, error, "libvirt-gconfig does not understand this hostdev");
        if (!add_hostdev(domain, item->data, node, file, error))
            return FALSE;
        item = item->next;
    }
    return TRUE;
}

static gboolean fill_domain(PcaDomain *domain, const char *file, const char *text, GError **error) {
    g_autoptr(GError) reason = NULL;
    g_autoptr(xmlDoc) document = parse(file, text, error);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    if (!root)
        return FALSE;
    if (!is_element(root, "domain"))
        return fail_at(file, (guint)xmlGetLineNo(root), error,
                       "not a domain of libvirt: the file is about a <%s>",
                       (const char *)root->name);
    g_autoptr(Domain) config = gvir_config_domain_new_from_xml(text, &reason);
    if (!config)
        return fail_at(file, (guint)xmlGetLineNo(root), error, "not a domain of libvirt: %s",
                       reason->message);
    const xmlNode *devices = find_child(root, "devices");
    if (!read_hostdevs(domain, config, devices, file, error))
        return FALSE;
    if (domain->hostdevs->len > 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "%s: the domain has no <hostdev> of type 'pci'", file);
    return FALSE;
}

static char *read_file(const char *file, GError **error) {
    g_autoptr(GError) reason = NULL;
    const char *path = g_str_equal(file, "-") ? "/dev/stdin" : file;
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, &reason))
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "cannot read the domain: %s",
                    reason->message);
    return text;
}

PcaDomain *pca_domain_read(const char *file, GError **error) {
    g_autofree char *text = read_file(file, error);
    if (!text)
        return NULL;
    g_autoptr(PcaDomain) domain = g_new0(PcaDomain, 1);
    domain->hostdevs = g_array_new(FALSE, FALSE, sizeof(PcaDomainHostdev));
    domain->other_lines = g_array_new(FALSE, FALSE, sizeof(guint));
    return fill_domain(domain, file, text, error) ? g_steal_pointer(&domain) : NULL;
}

void pca_domain_free(PcaDomain *domain) {
    g_array_unref(domain->hostdevs);
    g_array_unref(domain->other_lines);
    g_free(domain);
}

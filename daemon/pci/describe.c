/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: functions, config spaces and isolation sets as dictionaries.
 * Thread: any. Ownership: see the header.
 */
#include "pci/describe.h"

PcaFunctionFacts *pca_function_facts_new(void) {
    return g_new0(PcaFunctionFacts, 1);
}

void pca_function_facts_free(PcaFunctionFacts *facts) {
    if (!facts)
        return;
    g_free(facts->name);
    g_free(facts->state);
    g_free(facts->claim);
    g_strfreev(facts->intx_shared_with);
    g_clear_pointer(&facts->reserved_regions, g_array_unref);
    g_clear_pointer(&facts->vfs, g_array_unref);
    g_free(facts->vfio_driver);
    g_free(facts);
}

/* ---- Entries ---- */

/* A GVariantDict would forget the order. */
typedef GVariantBuilder Dict;

#define DICT G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT)
#define DICT_ARRAY G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"))

static void add(Dict *dict, const char *key, GVariant *value) {
    g_variant_builder_add(dict, "{sv}", key, value);
}

static void add_string(Dict *dict, const char *key, const char *value) {
    if (value && *value)
        add(dict, key, g_variant_new_string(value));
}

/* The words of the kernel are bytes; those of a variant are UTF-8. */
static void add_text(Dict *dict, const char *key, const char *value) {
    if (!value || !*value)
        return;
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    add_string(dict, key, valid);
}

static void add_number(Dict *dict, const char *key, int value) {
    if (value >= 0)
        add(dict, key, g_variant_new_int32(value));
}

static void add_unsigned(Dict *dict, const char *key, guint32 value) {
    add(dict, key, g_variant_new_uint32(value));
}

static void add_tri(Dict *dict, const char *key, PcaTri value) {
    if (value != PCA_TRI_UNKNOWN)
        add(dict, key, g_variant_new_boolean(value == PCA_TRI_YES));
}

static void add_hex(Dict *dict, const char *key, guint32 value, int digits) {
    char text[9];
    g_snprintf(text, sizeof text, "%0*x", digits, value);
    add(dict, key, g_variant_new_string(text));
}

static GVariant *strings(const char *const *values) {
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);
    for (; values && *values; values++) {
        g_autofree char *valid = g_utf8_make_valid(*values, -1);
        g_variant_builder_add(&builder, "s", valid);
    }
    return g_variant_builder_end(&builder);
}

static GVariant *addresses(const GArray *array) {
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < array->len; i++) {
        g_autofree char *text = pca_address_format(&g_array_index(array, PcaAddress, i));
        g_variant_builder_add(&builder, "s", text);
    }
    return g_variant_builder_end(&builder);
}

static GVariant *acs_bits(guint16 bits) {
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);
    for (guint16 bit = PCA_ACS_SV; bit <= PCA_ACS_DT; bit <<= 1)
        if (bits & bit)
            g_variant_builder_add(&builder, "s", pca_acs_bit_name(bit));
    return g_variant_builder_end(&builder);
}

/* An element of an aa{sv}, which empties the dictionary. */
static void add_element(GVariantBuilder *array, Dict *dict) {
    g_variant_builder_add_value(array, g_variant_builder_end(dict));
}

/* ---- What the kernel says of the function ---- */

static void add_identity(Dict *dict, const PcaFunction *f) {
    g_autofree char *address = pca_address_format(&f->address);
    add_string(dict, "Address", address);
    add_hex(dict, "Vendor", f->vendor, 4);
    add_hex(dict, "Device", f->device, 4);
    add_hex(dict, "SubsystemVendor", f->subsystem_vendor, 4);
    add_hex(dict, "SubsystemDevice", f->subsystem_device, 4);
    add_hex(dict, "Class", f->class, 6);
    add_hex(dict, "Revision", f->revision, 2);
    add_number(dict, "HeaderType", f->header_type);
    add_text(dict, "Path", f->slot_path);
    add_text(dict, "Description", f->description);
}

static void add_condition(Dict *dict, const PcaFunction *f) {
    add_text(dict, "Driver", f->driver);
    add_text(dict, "DriverOverride", f->driver_override);
    add_number(dict, "IommuGroup", f->iommu_group);
    add_number(dict, "NumaNode", f->numa_node);
    add(dict, "ResetMethods", strings((const char *const *)f->reset_methods));
}

static void add_sriov(Dict *dict, const PcaFunction *f, const GArray *vfs) {
    Dict sriov = DICT;
    if (!f->is_vf && f->total_vfs == 0)
        return;
    if (f->is_vf) {
        g_autofree char *pf = pca_address_format(&f->pf);
        add_string(&sriov, "pf", pf);
    } else {
        add_unsigned(&sriov, "total_vfs", f->total_vfs);
        add_unsigned(&sriov, "num_vfs", f->num_vfs);
        if (vfs)
            add(&sriov, "vfs", addresses(vfs));
    }
    add(dict, "Sriov", g_variant_builder_end(&sriov));
}

/* ---- What its config space says ---- */

static void add_capabilities(GVariantBuilder *array, const PcaCapabilityList *list) {
    for (guint i = 0; i < list->entries->len; i++) {
        const PcaCapability *capability = &g_array_index(list->entries, PcaCapability, i);
        Dict entry = DICT;
        add_unsigned(&entry, "id", capability->id);
        add_unsigned(&entry, "offset", capability->offset);
        add_string(&entry, "name", capability->name);
        add(&entry, "extended", g_variant_new_boolean(capability->extended));
        add_element(array, &entry);
    }
}

/* Without the end of the standard list, nothing that was read is worth a list. */
static void add_lists(Dict *dict, const PcaConfig *config) {
    GVariantBuilder array = DICT_ARRAY;
    add(dict, "CapabilitiesComplete",
        g_variant_new_boolean(config->standard.complete && config->extended.complete));
    if (!config->standard.complete)
        return;
    add_capabilities(&array, &config->standard);
    add_capabilities(&array, &config->extended);
    add(dict, "Capabilities", g_variant_builder_end(&array));
}

static void add_bars(Dict *dict, const PcaConfig *config) {
    static const char *const types[] = {[PCA_BAR_IO] = "io",
                                        [PCA_BAR_MEM32] = "mem32",
                                        [PCA_BAR_MEM64] = "mem64",
                                        [PCA_BAR_ROM] = "rom"};
    GVariantBuilder array = DICT_ARRAY;
    if (!config->bars_complete)
        return;
    for (guint i = 0; i < config->bars->len; i++) {
        const PcaBar *bar = &g_array_index(config->bars, PcaBar, i);
        Dict entry = DICT;
        add_unsigned(&entry, "index", bar->index);
        add_string(&entry, "type", types[bar->type]);
        add(&entry, "prefetchable", g_variant_new_boolean(bar->prefetchable));
        add(&entry, "address", g_variant_new_uint64(bar->address));
        if (bar->size_known)
            add(&entry, "size", g_variant_new_uint64(bar->size));
        add_tri(&entry, "page_aligned", bar->page_aligned);
        add_element(&array, &entry);
    }
    add(dict, "Bars", g_variant_builder_end(&array));
}

static void add_vectors(Dict *dict, const char *key, const PcaMsi *msi) {
    if (msi->present == PCA_TRI_NO)
        add_unsigned(dict, key, 0);
    else if (msi->known)
        add_unsigned(dict, key, msi->vectors);
}

static void add_interrupts(Dict *dict, const PcaConfig *config, const PcaFunctionFacts *facts) {
    Dict interrupts = DICT;
    if (config->interrupt_pin >= 0)
        add_unsigned(&interrupts, "pin", config->interrupt_pin);
    if (facts) {
        add_tri(&interrupts, "intx_maskable", facts->intx_maskable);
        if (facts->intx_shared_with)
            add(&interrupts, "intx_shared_with",
                strings((const char *const *)facts->intx_shared_with));
    }
    add_vectors(&interrupts, "msi_vectors", &config->msi);
    add_vectors(&interrupts, "msix_vectors", &config->msix);
    add(dict, "Interrupts", g_variant_builder_end(&interrupts));
}

static void add_acs(Dict *dict, const PcaAcs *acs) {
    Dict entry = DICT;
    if (!acs->known)
        return;
    add(&entry, "capabilities", acs_bits(acs->capabilities));
    add(&entry, "control", acs_bits(acs->control));
    add(dict, "Acs", g_variant_builder_end(&entry));
}

static void add_link(Dict *dict, const PcaPcie *pcie) {
    Dict link = DICT;
    if (!pcie->known || pcie->max_width == 0)
        return;
    add_string(&link, "speed", pca_pcie_speed_name(pcie->speed));
    add_string(&link, "max_speed", pca_pcie_speed_name(pcie->max_speed));
    add_unsigned(&link, "width", pcie->width);
    add_unsigned(&link, "max_width", pcie->max_width);
    add(dict, "Link", g_variant_builder_end(&link));
}

static void add_buses(Dict *dict, const PcaConfig *config) {
    Dict bridge = DICT;
    if (!config->buses_known)
        return;
    add_unsigned(&bridge, "primary", config->primary);
    add_unsigned(&bridge, "secondary", config->secondary);
    add_unsigned(&bridge, "subordinate", config->subordinate);
    add(dict, "Bridge", g_variant_builder_end(&bridge));
}

static void add_config(Dict *dict, const PcaConfig *config, const PcaFunctionFacts *facts) {
    add_tri(dict, "Multifunction", config->multifunction);
    if (config->pcie.known)
        add_number(dict, "PcieType", config->pcie.type);
    add_lists(dict, config);
    add_bars(dict, config);
    add_interrupts(dict, config, facts);
    add_acs(dict, &config->acs);
    add_link(dict, &config->pcie);
    add_buses(dict, config);
}

/* ---- What others know ---- */

static void add_regions(Dict *dict, const GArray *regions) {
    GVariantBuilder array = DICT_ARRAY;
    for (guint i = 0; i < regions->len; i++) {
        const PcaReservedRegion *region = &g_array_index(regions, PcaReservedRegion, i);
        Dict entry = DICT;
        add(&entry, "start", g_variant_new_uint64(region->start));
        add(&entry, "end", g_variant_new_uint64(region->end));
        add_text(&entry, "type", region->type);
        add_element(&array, &entry);
    }
    add(dict, "ReservedRegions", g_variant_builder_end(&array));
}

static void add_facts(Dict *dict, const PcaFunctionFacts *facts) {
    add_text(dict, "Name", facts->name);
    add_text(dict, "State", facts->state);
    add_text(dict, "Claim", facts->claim);
    add_text(dict, "VfioDriver", facts->vfio_driver);
    if (facts->reserved_regions)
        add_regions(dict, facts->reserved_regions);
}

GVariant *pca_describe_function(const PcaFunction *function, const PcaConfig *config,
                                const PcaFunctionFacts *facts) {
    Dict dict = DICT;
    add_identity(&dict, function);
    add_condition(&dict, function);
    add_sriov(&dict, function, facts ? facts->vfs : NULL);
    if (config)
        add_config(&dict, config, facts);
    if (facts)
        add_facts(&dict, facts);
    return g_variant_builder_end(&dict);
}

/* ---- Isolation ---- */

static GVariant *reasons(const GPtrArray *list) {
    GVariantBuilder array = DICT_ARRAY;
    for (guint i = 0; i < list->len; i++) {
        const PcaReason *reason = g_ptr_array_index(list, i);
        g_autofree char *member = pca_address_format(&reason->member);
        g_autofree char *at = pca_address_format(&reason->at);
        Dict entry = DICT;
        add_string(&entry, "member", member);
        add_string(&entry, "cause", pca_cause_name(reason->cause));
        add_string(&entry, "at", at);
        add(&entry, "missing", acs_bits(reason->missing));
        add_text(&entry, "text", reason->text);
        add_element(&array, &entry);
    }
    return g_variant_builder_end(&array);
}

GVariant *pca_describe_isolation(const PcaIsolation *isolation, const PcaFunction *function,
                                 const char *const *warnings) {
    Dict dict = DICT;
    g_autofree char *address = pca_address_format(&isolation->address);
    add_string(&dict, "Address", address);
    add_number(&dict, "IommuGroup", function->iommu_group);
    if (isolation->kernel_group)
        add(&dict, "KernelGroup", addresses(isolation->kernel_group));
    add(&dict, "IsolationSet", addresses(isolation->set));
    add_tri(&dict, "Agrees", isolation->agrees);
    add(&dict, "Reasons", reasons(isolation->reasons));
    add(&dict, "Warnings", strings(warnings));
    return g_variant_builder_end(&dict);
}

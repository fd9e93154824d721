/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: JSON of devices, by tables of members: what a dictionary lacks is null.
 * Thread: main. Ownership: see the header.
 */
#include "device-json.h"

#include "pci/function.h"

typedef struct {
    const char *name, *key; /* of the JSON, of the dictionary */
} Member;

/* ---- Values ---- */

static void add_value(JsonBuilder *builder, GVariant *value);

static void add_array(JsonBuilder *builder, GVariant *value) {
    GVariantIter iter;
    g_variant_iter_init(&iter, value);
    json_builder_begin_array(builder);
    for (GVariant *child; (child = g_variant_iter_next_value(&iter)); g_variant_unref(child))
        add_value(builder, child);
    json_builder_end_array(builder);
}

static void add_dictionary(JsonBuilder *builder, GVariant *value) {
    GVariantIter iter;
    const char *key;
    GVariant *child;
    g_variant_iter_init(&iter, value);
    json_builder_begin_object(builder);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &child))
        pca_json_variant(builder, key, child);
    json_builder_end_object(builder);
}

static void add_string_or_null(JsonBuilder *builder, const char *text) {
    if (*text)
        json_builder_add_string_value(builder, text);
    else
        json_builder_add_null_value(builder);
}

static void add_number_or_null(JsonBuilder *builder, gint64 number) {
    if (number >= 0)
        json_builder_add_int_value(builder, number);
    else
        json_builder_add_null_value(builder);
}

static void add_wide(JsonBuilder *builder, guint64 number) {
    char text[24];
    g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, number);
    json_builder_add_string_value(builder, text);
}

static void add_value(JsonBuilder *builder, GVariant *value) {
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_STRING:
        add_string_or_null(builder, g_variant_get_string(value, NULL));
        break;
    case G_VARIANT_CLASS_BOOLEAN:
        json_builder_add_boolean_value(builder, g_variant_get_boolean(value));
        break;
    case G_VARIANT_CLASS_INT32:
        add_number_or_null(builder, g_variant_get_int32(value));
        break;
    case G_VARIANT_CLASS_UINT32:
        json_builder_add_int_value(builder, g_variant_get_uint32(value));
        break;
    case G_VARIANT_CLASS_UINT64:
        add_wide(builder, g_variant_get_uint64(value));
        break;
    case G_VARIANT_CLASS_ARRAY:
        if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT))
            add_dictionary(builder, value);
        else
            add_array(builder, value);
        break;
    default:
        json_builder_add_null_value(builder);
    }
}

void pca_json_variant(JsonBuilder *builder, const char *name, GVariant *value) {
    json_builder_set_member_name(builder, name);
    if (value)
        add_value(builder, value);
    else
        json_builder_add_null_value(builder);
}

/* ---- Tables ---- */

static void unref_value(gpointer value) {
    if (value)
        g_variant_unref(value);
}

/* Those of the dictionary in the order of the members, NULL where it has none, by one walk: each
 * look-up would walk again, and big machines have a thousand devices. */
static GPtrArray *find_values(GVariant *description, const Member *members, gsize n) {
    GPtrArray *values = g_ptr_array_new_full(n, unref_value);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_ptr_array_set_size(values, (gint)n);
    g_variant_iter_init(&iter, description);
    while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
        gsize i = 0;
        while (i < n && (values->pdata[i] || !g_str_equal(members[i].key, key)))
            i++;
        if (i < n)
            values->pdata[i] = value;
        else
            g_variant_unref(value);
    }
    return values;
}

static void add_members(JsonBuilder *builder, GVariant *description, const Member *members,
                        gsize n) {
    g_autoptr(GPtrArray) values = find_values(description, members, n);
    for (gsize i = 0; i < n; i++)
        pca_json_variant(builder, members[i].name, g_ptr_array_index(values, i));
}

/* An object with these members, whatever the dictionary lacks; `names` end with NULL. */
static void add_object(JsonBuilder *builder, GVariant *dictionary, const char *const *names) {
    json_builder_begin_object(builder);
    for (; *names; names++) {
        g_autoptr(GVariant) value =
            dictionary ? g_variant_lookup_value(dictionary, *names, NULL) : NULL;
        pca_json_variant(builder, *names, value);
    }
    json_builder_end_object(builder);
}

static GVariant *look_up_array(GVariant *description, const char *key, const char *type) {
    return g_variant_lookup_value(description, key, G_VARIANT_TYPE(type));
}

static void add_objects(JsonBuilder *builder, const char *name, GVariant *list,
                        const char *const *names) {
    json_builder_set_member_name(builder, name);
    if (!list) {
        json_builder_add_null_value(builder);
        return;
    }
    GVariantIter iter;
    g_variant_iter_init(&iter, list);
    json_builder_begin_array(builder);
    for (GVariant *child; (child = g_variant_iter_next_value(&iter)); g_variant_unref(child))
        add_object(builder, child, names);
    json_builder_end_array(builder);
}

/* An object, or null without one: an empty dictionary is the bus's word for that. */
static void add_part(JsonBuilder *builder, GVariant *description, const char *name, const char *key,
                     const char *const *names) {
    g_autoptr(GVariant) part = look_up_array(description, key, "a{sv}");
    json_builder_set_member_name(builder, name);
    if (part && g_variant_n_children(part) > 0)
        add_object(builder, part, names);
    else
        json_builder_add_null_value(builder);
}

/* ---- Devices ---- */

void pca_json_device_brief(JsonBuilder *builder, GVariant *description, const char *claim) {
    static const Member members[] = {{"address", "Address"},
                                     {"vendor", "Vendor"},
                                     {"device", "Device"},
                                     {"subsystem_vendor", "SubsystemVendor"},
                                     {"subsystem_device", "SubsystemDevice"},
                                     {"class", "Class"},
                                     {"revision", "Revision"},
                                     {"driver", "Driver"},
                                     {"driver_override", "DriverOverride"},
                                     {"iommu_group", "IommuGroup"},
                                     {"numa_node", "NumaNode"},
                                     {"name", "Name"},
                                     {"state", "State"},
                                     {"description", "Description"}};
    g_autoptr(GPtrArray) values = find_values(description, members, G_N_ELEMENTS(members));
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        if (g_str_equal(members[i].name, "description"))
            pca_json_string(builder, "claim", claim);
        pca_json_variant(builder, members[i].name, g_ptr_array_index(values, i));
    }
}

static gboolean has_known_header(GVariant *description) {
    gint32 type = PCA_HEADER_UNKNOWN;
    return g_variant_lookup(description, "HeaderType", "i", &type) && type >= 0;
}

/* The bus has an empty list where nothing is known. */
static GVariant *known_list(GVariant *description, const char *key, gboolean empty_is_known) {
    g_autoptr(GVariant) list = look_up_array(description, key, "aa{sv}");
    gboolean known = list && (empty_is_known || g_variant_n_children(list) > 0);
    return known ? g_steal_pointer(&list) : NULL;
}

static void add_lists(JsonBuilder *builder, GVariant *description) {
    static const char *const capability[] = {"id", "offset", "name", "extended", NULL};
    static const char *const bar[] = {"index",        "type", "prefetchable", "address", "size",
                                      "page_aligned", NULL};
    gboolean complete = FALSE;
    g_variant_lookup(description, "CapabilitiesComplete", "b", &complete);
    g_autoptr(GVariant) capabilities = known_list(description, "Capabilities", complete);
    g_autoptr(GVariant) bars = known_list(description, "Bars", has_known_header(description));
    add_objects(builder, "capabilities", capabilities, capability);
    json_builder_set_member_name(builder, "capabilities_complete");
    json_builder_add_boolean_value(builder, complete);
    add_objects(builder, "bars", bars, bar);
}

static void add_interrupts(JsonBuilder *builder, GVariant *description) {
    static const char *const names[] = {"pin",         "intx_maskable", "intx_shared_with",
                                        "msi_vectors", "msix_vectors",  NULL};
    g_autoptr(GVariant) part = look_up_array(description, "Interrupts", "a{sv}");
    json_builder_set_member_name(builder, "interrupts");
    add_object(builder, part, names);
}

static void add_regions(JsonBuilder *builder, GVariant *description) {
    static const char *const names[] = {"start", "end", "type", NULL};
    gint32 group = PCA_NO_GROUP;
    g_variant_lookup(description, "IommuGroup", "i", &group);
    g_autoptr(GVariant) regions = known_list(description, "ReservedRegions", group >= 0);
    add_objects(builder, "reserved_regions", regions, names);
}

/* Nobody knows whether a function is multifunction whose header could not be read. */
static void add_multifunction(JsonBuilder *builder, GVariant *description) {
    g_autoptr(GVariant) value = has_known_header(description)
                                    ? g_variant_lookup_value(description, "Multifunction", NULL)
                                    : NULL;
    pca_json_variant(builder, "multifunction", value);
}

void pca_json_device_rest(JsonBuilder *builder, GVariant *description) {
    static const char *const acs[] = {"capabilities", "control", NULL};
    static const char *const sriov[] = {"total_vfs", "num_vfs", "pf", "vfs", NULL};
    static const char *const link[] = {"speed", "width", "max_speed", "max_width", NULL};
    static const char *const bridge[] = {"primary", "secondary", "subordinate", NULL};
    static const Member header[] = {{"header_type", "HeaderType"}};
    static const Member place[] = {{"pcie_type", "PcieType"}, {"path", "Path"}};
    static const Member reset[] = {{"reset_methods", "ResetMethods"}};
    static const Member driver[] = {{"vfio_driver", "VfioDriver"}};
    add_members(builder, description, header, G_N_ELEMENTS(header));
    add_multifunction(builder, description);
    add_members(builder, description, place, G_N_ELEMENTS(place));
    add_lists(builder, description);
    add_interrupts(builder, description);
    add_members(builder, description, reset, G_N_ELEMENTS(reset));
    add_part(builder, description, "acs", "Acs", acs);
    add_part(builder, description, "sriov", "Sriov", sriov);
    add_regions(builder, description);
    add_members(builder, description, driver, G_N_ELEMENTS(driver));
    add_part(builder, description, "link", "Link", link);
    add_part(builder, description, "bridge", "Bridge", bridge);
}

void pca_json_isolation(JsonBuilder *builder, GVariant *description) {
    static const Member members[] = {{"address", "Address"},
                                     {"iommu_group", "IommuGroup"},
                                     {"kernel_group", "KernelGroup"},
                                     {"isolation_set", "IsolationSet"},
                                     {"agrees", "Agrees"}};
    static const char *const reason[] = {"member", "cause", "at", "missing", "text", NULL};
    g_autoptr(GVariant) reasons = look_up_array(description, "Reasons", "aa{sv}");
    g_autoptr(GVariant) warnings = look_up_array(description, "Warnings", "as");
    add_members(builder, description, members, G_N_ELEMENTS(members));
    add_objects(builder, "reasons", reasons, reason);
    pca_json_variant(builder, "warnings", warnings);
}

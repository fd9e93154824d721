/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: dictionaries of sections and verdicts.
 * Thread: any. Ownership: see the header.
 */
#include "policy/describe.h"

#include "policy/values.h"

typedef GVariantDict Dict;

static GVariant *strings(char **list) {
    return g_variant_new_strv((const char *const *)list, -1);
}

static GVariant *word(const char *text) {
    return g_variant_new_strv(&text, 1);
}

static GVariant *ids(const GArray *list) {
    GVariantBuilder array;
    g_variant_builder_init(&array, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < list->len; i++) {
        guint32 id = g_array_index(list, guint32, i);
        g_autofree char *text = g_strdup_printf("%04x:%04x", id >> 16, id & 0xffff);
        g_variant_builder_add(&array, "s", text);
    }
    return g_variant_builder_end(&array);
}

static GVariant *classes(const GArray *list) {
    GVariantBuilder array;
    g_variant_builder_init(&array, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < list->len; i++) {
        const PcaClassMatch *class = &g_array_index(list, PcaClassMatch, i);
        g_autofree char *text = g_strdup_printf("%0*x", (int)class->digits, class->value);
        g_variant_builder_add(&array, "s", text);
    }
    return g_variant_builder_end(&array);
}

static GVariant *serial(guint64 number) {
    return g_variant_new_take_string(pca_serial_format(number));
}

static GVariant *reset(char **methods) {
    return !methods ? word("any") : *methods ? strings(methods) : word("none");
}

static GVariant *uses(guint set) {
    GVariantBuilder array;
    g_variant_builder_init(&array, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; pca_use_names[i]; i++)
        if (set & 1u << i)
            g_variant_builder_add(&array, "s", pca_use_names[i]);
    return g_variant_builder_end(&array);
}

static GVariant *siblings(PcaSiblings value) {
    static const char *const names[] = {
        [PCA_SIBLINGS_REFUSE] = "refuse",
        [PCA_SIBLINGS_STUB] = "stub",
        [PCA_SIBLINGS_CLAIM] = "claim",
    };
    return g_variant_new_string(names[value]);
}

static GVariant *one_of(gboolean second, const char *a, const char *b) {
    return g_variant_new_string(second ? b : a);
}

/* The value of what is meant; NULL when the key is another one. */
static GVariant *describe_what(const PcaSection *s, PcaKey key) {
    switch (key) {
    case PCA_KEY_DESCRIPTION:
        return g_variant_new_string(s->description);
    case PCA_KEY_PATH:
        return g_variant_new_string(s->path);
    case PCA_KEY_ID:
        return ids(s->ids);
    case PCA_KEY_SUBSYSTEM:
        return ids(s->subsystems);
    case PCA_KEY_CLASS:
        return classes(s->classes);
    case PCA_KEY_SERIAL:
        return serial(s->serial);
    case PCA_KEY_ADDRESS:
        return g_variant_new_string(s->address);
    case PCA_KEY_FUNCTIONS:
        return one_of(s->all_functions, "one", "all");
    default:
        return NULL;
    }
}

static GVariant *describe_who(const PcaSection *s, PcaKey key) {
    switch (key) {
    case PCA_KEY_ALLOW_USER:
        return strings(s->allow_users);
    case PCA_KEY_ALLOW_GROUP:
        return strings(s->allow_groups);
    case PCA_KEY_ALLOW_UNIT:
        return strings(s->allow_units);
    case PCA_KEY_REQUIRE_UNIT:
        return strings(s->require_units);
    case PCA_KEY_REQUIRE_LABEL:
        return strings(s->require_labels);
    case PCA_KEY_AUTHORIZE:
        return one_of(s->polkit, "none", "polkit");
    case PCA_KEY_PER_USER:
        return g_variant_new_uint32(s->per_user);
    case PCA_KEY_MAX_MEMORY:
        return g_variant_new_uint64(s->max_memory);
    default:
        return NULL;
    }
}

static GVariant *describe_how(const PcaSection *s, PcaKey key) {
    switch (key) {
    case PCA_KEY_RESET:
        return reset(s->reset);
    case PCA_KEY_DRIVER:
        return g_variant_new_string(s->driver ? s->driver : "auto");
    case PCA_KEY_ON_RELEASE:
        return one_of(s->reserve_on_release, "host", "reserved");
    case PCA_KEY_SIBLINGS:
        return siblings(s->siblings);
    case PCA_KEY_ALLOW_IN_USE:
        return uses(s->allow_in_use);
    case PCA_KEY_SYSFS_FILES:
        return g_variant_new_boolean(s->sysfs_files);
    default:
        return g_variant_new_string("no");
    }
}

static GVariant *describe_key(const PcaSection *section, PcaKey key) {
    GVariant *value = describe_what(section, key);
    value = value ? value : describe_who(section, key);
    return value ? value : describe_how(section, key);
}

GVariant *pca_describe_section(const PcaSection *section) {
    g_auto(GVariantDict) dict;
    GVariantBuilder lines;
    g_variant_dict_init(&dict, NULL);
    g_variant_builder_init(&lines, G_VARIANT_TYPE("a{su}"));
    g_variant_dict_insert(&dict, "Kind", "s", pca_section_kind_name(section->kind));
    g_variant_dict_insert(&dict, "Name", "s", section->name);
    g_variant_dict_insert(&dict, "File", "s", section->file);
    g_variant_dict_insert(&dict, "Line", "u", section->line);
    for (PcaKey key = 0; key < PCA_N_KEYS; key++) {
        if (!section->lines[key])
            continue;
        g_variant_dict_insert_value(&dict, pca_key_name(key), describe_key(section, key));
        g_variant_builder_add(&lines, "{su}", pca_key_name(key), section->lines[key]);
    }
    g_variant_dict_insert_value(&dict, "Lines", g_variant_builder_end(&lines));
    return g_variant_dict_end(&dict);
}

/* ---- Verdicts ---- */

static GVariant *describe_condition(const PcaCondition *condition) {
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "key", "s", condition->key);
    g_variant_dict_insert(&dict, "line", "u", condition->line);
    g_variant_dict_insert(&dict, "ok", "b", condition->ok);
    g_variant_dict_insert(&dict, "text", "s", condition->text);
    return g_variant_dict_end(&dict);
}

static GVariant *describe_conditions(const GPtrArray *conditions) {
    GVariantBuilder array;
    g_variant_builder_init(&array, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < conditions->len; i++)
        g_variant_builder_add_value(&array, describe_condition(g_ptr_array_index(conditions, i)));
    return g_variant_builder_end(&array);
}

static GVariant *describe_verdict(const PcaSectionVerdict *verdict) {
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "kind", "s", pca_section_kind_name(verdict->section->kind));
    g_variant_dict_insert(&dict, "name", "s", verdict->section->name);
    g_variant_dict_insert(&dict, "file", "s", verdict->section->file);
    g_variant_dict_insert(&dict, "line", "u", verdict->section->line);
    g_variant_dict_insert(&dict, "applies", "b", verdict->applies);
    g_variant_dict_insert_value(&dict, "conditions", describe_conditions(verdict->conditions));
    return g_variant_dict_end(&dict);
}

GVariant *pca_describe_verdicts(const GPtrArray *verdicts) {
    GVariantBuilder array;
    g_variant_builder_init(&array, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < verdicts->len; i++)
        g_variant_builder_add_value(&array, describe_verdict(g_ptr_array_index(verdicts, i)));
    return g_variant_builder_end(&array);
}

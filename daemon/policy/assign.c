/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the value of a key into its section.
 * Thread: any. Ownership: see the header.
 */
#include "policy/assign.h"

#include "policy/values.h"

static const char *const functions[] = {"one", "all", NULL};
static const char *const authorizers[] = {"none", "polkit", NULL};
static const char *const ends[] = {"host", "reserved", NULL};
static const char *const siblings[] = {"refuse", "stub", "claim", NULL};
static const char *const answers[] = {"no", "yes", NULL};
static const char *const reserves[] = {"no", "boot", NULL};

/* A malformed value leaves the default, which is the first word. */
static int take_word(PcaPlace *place, PcaKey key, const char *value, const char *const *words) {
    return MAX(pca_value_word(place, value, pca_key_name(key), words), 0);
}

static void set_reserve(PcaPlace *place, const char *value) {
    if (take_word(place, PCA_KEY_RESERVE, value, reserves) > 0)
        pca_place_error(place, value, "Reserve=boot is not supported yet");
}

/* Returns whether it was one of these keys. */
static gboolean set_what(PcaPlace *place, PcaSection *section, PcaKey key, const char *value) {
    switch (key) {
    case PCA_KEY_PATH:
        section->path = pca_value_path(place, value);
        return TRUE;
    case PCA_KEY_ADDRESS:
        section->address = pca_value_address(place, value);
        return TRUE;
    case PCA_KEY_ID:
        pca_value_ids(place, value, section->ids);
        return TRUE;
    case PCA_KEY_SUBSYSTEM:
        pca_value_ids(place, value, section->subsystems);
        return TRUE;
    case PCA_KEY_CLASS:
        pca_value_classes(place, value, section->classes);
        return TRUE;
    case PCA_KEY_SERIAL:
        section->has_serial = pca_value_serial(place, value, &section->serial);
        return TRUE;
    case PCA_KEY_FUNCTIONS:
        section->all_functions = take_word(place, key, value, functions) == 1;
        return TRUE;
    default:
        return FALSE;
    }
}

static void set_names(char ***list, char **names) {
    g_strfreev(*list);
    *list = names;
}

static gboolean set_who(PcaPlace *place, PcaSection *section, PcaKey key, const char *value) {
    switch (key) {
    case PCA_KEY_ALLOW_USER:
        set_names(&section->allow_users, pca_value_principals(place, value, "user"));
        return TRUE;
    case PCA_KEY_ALLOW_GROUP:
        set_names(&section->allow_groups, pca_value_principals(place, value, "group"));
        return TRUE;
    case PCA_KEY_ALLOW_UNIT:
        set_names(&section->allow_units, pca_value_units(place, value));
        return TRUE;
    case PCA_KEY_REQUIRE_UNIT:
        set_names(&section->require_units, pca_value_units(place, value));
        return TRUE;
    case PCA_KEY_REQUIRE_LABEL:
        set_names(&section->require_labels, pca_value_labels(place, value));
        return TRUE;
    case PCA_KEY_AUTHORIZE:
        section->polkit = take_word(place, key, value, authorizers) == 1;
        return TRUE;
    case PCA_KEY_PER_USER:
        pca_value_number(place, value, &section->per_user);
        return TRUE;
    case PCA_KEY_MAX_MEMORY:
        pca_value_size(place, value, &section->max_memory);
        return TRUE;
    default:
        return FALSE;
    }
}

static void set_how(PcaPlace *place, PcaSection *section, PcaKey key, const char *value) {
    switch (key) {
    case PCA_KEY_RESET:
        section->reset = pca_value_reset_methods(place, value);
        break;
    case PCA_KEY_DRIVER:
        section->driver = pca_value_driver(place, value);
        break;
    case PCA_KEY_ON_RELEASE:
        section->reserve_on_release = take_word(place, key, value, ends) == 1;
        break;
    case PCA_KEY_SIBLINGS:
        section->siblings = (PcaSiblings)take_word(place, key, value, siblings);
        break;
    case PCA_KEY_ALLOW_IN_USE:
        section->allow_in_use = pca_value_uses(place, value);
        break;
    case PCA_KEY_SYSFS_FILES:
        section->sysfs_files = take_word(place, key, value, answers) == 1;
        break;
    case PCA_KEY_RESERVE:
        set_reserve(place, value);
        break;
    default:
        break;
    }
}

void pca_section_assign(PcaPlace *place, PcaSection *section, PcaKey key, const char *value) {
    if (key == PCA_KEY_DESCRIPTION)
        section->description = g_strdup(value);
    else if (!set_what(place, section, key, value) && !set_who(place, section, key, value))
        set_how(place, section, key, value);
}

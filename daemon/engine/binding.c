/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: bindings as text.
 * Thread: any. Ownership: see the header.
 */
#include "engine/binding.h"

char *pca_binding_format(const char *driver, const char *override) {
    return g_strdup_printf("driver=%s override=%s", driver ? driver : "", override ? override : "");
}

static const char node_key[] = "node=";
static const char power_key[] = "power=";
static const char methods_key[] = "methods=";

char *pca_binding_of(const PcaFunction *f, gboolean methods, gboolean power) {
    g_autofree char *binding = pca_binding_format(f->driver, f->driver_override);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *list = g_strjoinv(",", f->reset_methods);
    if (f->node_owner)
        g_string_append_printf(text, "%s%s ", node_key, f->node_owner);
    if (power && f->power)
        g_string_append_printf(text, "%s%s ", power_key, f->power);
    if (methods && *list)
        g_string_append_printf(text, "%s%s ", methods_key, list);
    g_string_append(text, binding);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean pca_binding_node(const char *text, PcaOwner *owner) {
    const char *space = strchr(text, ' ');
    if (!g_str_has_prefix(text, node_key) || !space)
        return FALSE;
    const char *start = text + strlen(node_key);
    g_autofree char *value = g_strndup(start, (gsize)(space - start));
    return pca_owner_parse(value, owner);
}

static const char *skip_node(const char *text) {
    PcaOwner owner;
    return pca_binding_node(text, &owner) ? strchr(text, ' ') + 1 : text;
}

/* The value of the word with this key that the text begins with, newly allocated; NULL without. */
static char *first_value(const char *text, const char *key) {
    const char *space = strchr(text, ' ');
    if (!g_str_has_prefix(text, key) || !space)
        return NULL;
    const char *start = text + strlen(key);
    return g_strndup(start, (gsize)(space - start));
}

char *pca_binding_power(const char *text) {
    return first_value(skip_node(text), power_key);
}

static const char *skip_power(const char *text) {
    g_autofree char *power = first_value(text, power_key);
    return power ? strchr(text, ' ') + 1 : text;
}

char *pca_binding_methods(const char *text) {
    char *methods = first_value(skip_power(skip_node(text)), methods_key);
    return methods ? g_strdelimit(methods, ",", ' ') : NULL;
}

const char *pca_binding_plain(const char *text) {
    g_autofree char *methods = pca_binding_methods(text);
    text = skip_power(skip_node(text));
    return methods ? strchr(text, ' ') + 1 : text;
}

gboolean pca_give_parse(const char *detail, int *group, PcaOwner *owner) {
    const char *space = strchr(detail, ' ');
    g_autofree char *number = g_strndup(detail, space ? (gsize)(space - detail) : 0);
    guint64 wide;
    if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT, &wide, NULL))
        return FALSE;
    *group = (int)wide;
    return pca_owner_parse(space + 1, owner);
}

gboolean pca_binding_parse(const char *text, char **driver, char **override) {
    static const char first[] = "driver=", second[] = " override=";
    text = pca_binding_plain(text);
    const char *middle = strstr(text, second);
    if (!g_str_has_prefix(text, first) || !middle)
        return FALSE;
    const char *start = text + strlen(first), *rest = middle + strlen(second);
    *driver = middle > start ? g_strndup(start, (gsize)(middle - start)) : NULL;
    /* The kernel takes any line as an override, also one with spaces. */
    *override = *rest ? g_strdup(rest) : NULL;
    return TRUE;
}

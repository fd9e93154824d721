/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: whom a section allows, and why not.
 * Thread: any. Ownership: see the header.
 */
#include "policy/allow.h"

#include "policy/values.h"

#include <string.h>

/* '*' stands for any text, '/' and spaces too. Goes back to the last '*' only, which is enough. */
static gboolean glob(const char *pattern, const char *text) {
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else
            return FALSE;
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static gboolean any_glob(char **patterns, const char *text) {
    for (char **pattern = patterns; text && *pattern; pattern++)
        if (glob(*pattern, text))
            return TRUE;
    return FALSE;
}

static gboolean is_user(char **list, const PcaCaller *caller, const PcaAccounts *accounts) {
    guint32 number;
    for (char **item = list; *item; item++)
        if ((pca_principal_number(*item, &number) || pca_accounts_user(accounts, *item, &number)) &&
            number == caller->uid)
            return TRUE;
    return FALSE;
}

static gboolean has_group(const PcaCaller *caller, guint32 gid) {
    for (gsize i = 0; i < caller->n_gids; i++)
        if (caller->gids[i] == gid)
            return TRUE;
    return FALSE;
}

static gboolean in_group(char **list, const PcaCaller *caller, const PcaAccounts *accounts) {
    guint32 number;
    for (char **item = list; *item; item++)
        if ((pca_principal_number(*item, &number) ||
             pca_accounts_group(accounts, *item, &number)) &&
            has_group(caller, number))
            return TRUE;
    return FALSE;
}

static char **list_of(const PcaSection *section, PcaKey key) {
    switch (key) {
    case PCA_KEY_ALLOW_USER:
        return section->allow_users;
    case PCA_KEY_ALLOW_GROUP:
        return section->allow_groups;
    case PCA_KEY_ALLOW_UNIT:
        return section->allow_units;
    case PCA_KEY_REQUIRE_UNIT:
        return section->require_units;
    default:
        return section->require_labels;
    }
}

gboolean pca_key_allows(const PcaSection *section, PcaKey key, const PcaCaller *caller,
                        const PcaAccounts *accounts) {
    char **list = list_of(section, key);
    if (key == PCA_KEY_ALLOW_USER)
        return is_user(list, caller, accounts);
    if (key == PCA_KEY_ALLOW_GROUP)
        return in_group(list, caller, accounts);
    return any_glob(list, key == PCA_KEY_REQUIRE_LABEL ? caller->label : caller->unit);
}

/* ---- In words ---- */

/* An account that is not known grants nobody, which is worth to be told beside it. */
static gboolean is_unknown(PcaKey key, const char *item, const PcaAccounts *accounts) {
    guint32 number;
    if (pca_principal_number(item, &number))
        return FALSE;
    if (key == PCA_KEY_ALLOW_USER)
        return !pca_accounts_user(accounts, item, &number);
    return key == PCA_KEY_ALLOW_GROUP && !pca_accounts_group(accounts, item, &number);
}

char *pca_key_names(const PcaSection *section, PcaKey key, const PcaAccounts *accounts) {
    g_autoptr(GString) text = g_string_new(NULL);
    char **list = list_of(section, key);
    for (char **item = list; *item; item++)
        g_string_append_printf(text, "%s%s%s", item > list ? ", " : "", *item,
                               is_unknown(key, *item, accounts) ? " (not known)" : "");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *describe_groups(const PcaCaller *caller) {
    g_autoptr(GString) text = g_string_new("the caller is in ");
    if (caller->n_gids == 0)
        g_string_append(text, "no group");
    for (gsize i = 0; i < caller->n_gids; i++)
        g_string_append_printf(text, "%s%u", i == 0 ? "gid " : ", ", caller->gids[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *pca_key_caller(PcaKey key, const PcaCaller *caller) {
    if (key == PCA_KEY_ALLOW_USER)
        return g_strdup_printf("the caller is uid %u", caller->uid);
    if (key == PCA_KEY_ALLOW_GROUP)
        return describe_groups(caller);
    if (key == PCA_KEY_REQUIRE_LABEL)
        return caller->label ? g_strdup_printf("the caller's label is %s", caller->label)
                             : g_strdup("the caller has no security label");
    return caller->unit ? g_strdup_printf("the caller is in %s", caller->unit)
                        : g_strdup("the caller's unit is not known");
}

static void append_reason(GString *text, const PcaSection *section, PcaKey key,
                          const PcaCaller *caller, const PcaAccounts *accounts) {
    g_autofree char *names = pca_key_names(section, key, accounts);
    g_autofree char *who = pca_key_caller(key, caller);
    g_string_append_printf(text, "%s%s (line %u) names %s; %s", text->len ? "; " : "",
                           pca_key_name(key), section->lines[key], names, who);
}

static const PcaKey allows[] = {PCA_KEY_ALLOW_USER, PCA_KEY_ALLOW_GROUP, PCA_KEY_ALLOW_UNIT};
static const PcaKey requires[] = {PCA_KEY_REQUIRE_UNIT, PCA_KEY_REQUIRE_LABEL};

/* Whether one of them does; otherwise each is told in `text`. */
static gboolean check_allows(const PcaSection *section, const PcaCaller *caller,
                             const PcaAccounts *accounts, GString *text) {
    for (guint i = 0; i < G_N_ELEMENTS(allows); i++)
        if (pca_key_allows(section, allows[i], caller, accounts))
            return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(allows); i++)
        if (section->lines[allows[i]])
            append_reason(text, section, allows[i], caller, accounts);
    if (text->len == 0)
        g_string_append(text, "it has no AllowUser, AllowGroup or AllowUnit");
    return FALSE;
}

static gboolean check_requires(const PcaSection *section, const PcaCaller *caller, GString *text) {
    gboolean all = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(requires); i++) {
        if (!section->lines[requires[i]] || pca_key_allows(section, requires[i], caller, NULL))
            continue;
        append_reason(text, section, requires[i], caller, NULL);
        all = FALSE;
    }
    return all;
}

gboolean pca_section_allows(const PcaSection *section, const PcaCaller *caller,
                            const PcaAccounts *accounts, char **reason) {
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean allowed = check_allows(section, caller, accounts, text);
    allowed = check_requires(section, caller, text) && allowed;
    if (reason)
        *reason = allowed ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
    return allowed;
}

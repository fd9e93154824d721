/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: names, numbers and placeholders of the descriptors that run hands on.
 * Thread: any. Ownership: see the header.
 */
#include "run-fds.h"
#include "base/error.h"
#include "pci/address.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The number of the descriptor that a placeholder's word means, or -1. */
typedef int (*Lookup)(const char *word, gconstpointer data);

/* The known words, for the message about an unknown one. Caller frees. */
typedef char *(*Describe)(gconstpointer data);

typedef struct {
    Lookup lookup;
    Describe describe;
    gconstpointer data;
    guint used;
} Expansion;

static gboolean occupy(int number, GError **error) {
    /* The command gets /dev/null where its caller left 0, 1 or 2 closed. */
    int flags = number < PCA_RUN_FIRST_FD ? 0 : O_CLOEXEC;
    if (fcntl(number, F_GETFD) >= 0)
        return TRUE;
    /* What is below this number is open: it is the one that open() takes. */
    if (open("/dev/null", O_RDWR | flags) == number)
        return TRUE;
    pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "descriptor %d for /dev/null", number);
    return FALSE;
}

gboolean pca_run_reserve(GError **error) {
    for (int i = 0; i < PCA_RUN_FIRST_FD + PCA_RUN_MAX_FDS; i++)
        if (!occupy(i, error))
            return FALSE;
    return TRUE;
}

gboolean pca_run_is_device(const char *role) {
    return g_str_equal(role, "device") || g_str_equal(role, "group");
}

const char *pca_run_key(const PcaNamedFd *named) {
    return pca_run_is_device(named->role) && *named->name ? named->name : named->role;
}

void pca_run_number(PcaFds *fds) {
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < fds->len; i++) {
        PcaNamedFd *named = pca_fds_get(fds, i);
        if (!pca_run_is_device(named->role))
            continue;
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(seen, named->name));
        g_hash_table_insert(seen, g_strdup(named->name), GUINT_TO_POINTER(before + 1));
        if (before == 0)
            continue;
        g_autofree char *plain = g_steal_pointer(&named->name);
        named->name = g_strdup_printf("%s.%u", plain, before);
    }
}

static gboolean is_name(const char *word, const char *name) {
    PcaAddress x, y;
    if (g_str_equal(word, name))
        return TRUE;
    return pca_address_parse(word, &x) && pca_address_parse(name, &y) && pca_address_equal(&x, &y);
}

/* "gpu.1" without its ".1"; NULL when there is no such end. */
static char *without_index(const char *word) {
    const char *dot = strrchr(word, '.');
    if (!dot || dot == word || dot[1] < '1' || dot[1] > '9')
        return NULL;
    for (const char *p = dot + 1; *p; p++)
        if (!g_ascii_isdigit(*p))
            return NULL;
    return g_strndup(word, (gsize)(dot - word));
}

int pca_run_spec_of(const char *name, const char *const *names) {
    g_autofree char *base = without_index(name);
    for (int i = 0; names[i]; i++)
        if (is_name(name, names[i]))
            return i;
    for (int i = 0; base && names[i]; i++)
        if (is_name(base, names[i]))
            return i;
    return -1;
}

/* The end of the placeholder that begins at the brace, or NULL when none does: "{" and a word of
 * letters, digits and ".:_-", and "}". So the JSON in arguments of QEMU is left alone. */
static const char *placeholder_end(const char *brace) {
    const char *p = brace + 1;
    while (g_ascii_isalnum(*p) || (*p && strchr(".:_-", *p)))
        p++;
    return *p == '}' && p > brace + 1 ? p : NULL;
}

static gboolean expand_word(Expansion *expansion, const char *word, GString *result,
                            GError **error) {
    int number = expansion->lookup(word, expansion->data);
    if (number >= 0) {
        g_string_append_printf(result, "%d", number);
        expansion->used++;
        return TRUE;
    }
    g_autofree char *known = expansion->describe(expansion->data);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                "unknown placeholder {%s}; known are %s; for a brace as such write {{", word,
                known);
    return FALSE;
}

static char *expand_one(Expansion *expansion, const char *text, GError **error) {
    g_autoptr(GString) result = g_string_new(NULL);
    for (const char *p = text; *p; p++) {
        const char *end = *p == '{' ? placeholder_end(p) : NULL;
        if (end) {
            g_autofree char *word = g_strndup(p + 1, (gsize)(end - p - 1));
            if (!expand_word(expansion, word, result, error))
                return NULL;
            p = end;
            continue;
        }
        g_string_append_c(result, *p);
        if (p[0] == '{' && p[1] == '{')
            p++;
    }
    return g_string_free(g_steal_pointer(&result), FALSE);
}

static char **expand_all(Expansion *expansion, const char *const *arguments, GError **error) {
    g_autoptr(GPtrArray) result = g_ptr_array_new_with_free_func(g_free);
    for (; *arguments; arguments++) {
        char *expanded = expand_one(expansion, *arguments, error);
        if (!expanded)
            return NULL;
        g_ptr_array_add(result, expanded);
    }
    g_ptr_array_add(result, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&result), FALSE);
}

/* Before Open: any number will do, and how many functions a name brings is not known yet. */
static int lookup_name(const char *word, gconstpointer data) {
    static const char *const roles[] = {PCA_RUN_IOMMUFD, PCA_RUN_CONTAINER, PCA_RUN_LEASE, NULL};
    if (g_strv_contains(roles, word))
        return 0;
    return pca_run_spec_of(word, data) >= 0 ? 0 : -1;
}

static char *describe_names(gconstpointer data) {
    const char *const *names = data;
    g_autoptr(GString) text = g_string_new("{" PCA_RUN_IOMMUFD "} or {" PCA_RUN_CONTAINER "}");
    for (; *names; names++)
        g_string_append_printf(text, ", {%s}", *names);
    g_string_append(text, " and {" PCA_RUN_LEASE "}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean pca_run_check(const char *const *arguments, const char *const *names, guint *used,
                       GError **error) {
    Expansion expansion = {.lookup = lookup_name, .describe = describe_names, .data = names};
    g_auto(GStrv) ignored = expand_all(&expansion, arguments, error);
    *used = expansion.used;
    return ignored != NULL;
}

static int lookup_lease(const char *word, gconstpointer data) {
    return g_str_equal(word, PCA_RUN_LEASE) ? 0 : -1;
}

static char *describe_lease(gconstpointer data) {
    return g_strdup("no others than {" PCA_RUN_LEASE "}, because with --handoff=node the command "
                    "opens /dev/vfio/GROUP itself");
}

gboolean pca_run_check_without_fds(const char *const *arguments, GError **error) {
    Expansion expansion = {.lookup = lookup_lease, .describe = describe_lease};
    g_auto(GStrv) ignored = expand_all(&expansion, arguments, error);
    return ignored != NULL;
}

static int lookup_fd(const char *word, gconstpointer data) {
    const PcaFds *fds = data;
    for (guint i = 0; i < fds->len; i++)
        if (is_name(word, pca_run_key(g_ptr_array_index(fds, i))))
            return PCA_RUN_FIRST_FD + (int)i;
    return -1;
}

static char *describe_fds(gconstpointer data) {
    const PcaFds *fds = data;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < fds->len; i++)
        g_string_append_printf(text, "%s{%s}",
                               i == 0             ? ""
                               : i + 1 < fds->len ? ", "
                                                  : " and ",
                               pca_run_key(g_ptr_array_index(fds, i)));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char **pca_run_expand(const char *const *arguments, PcaFds *fds, GError **error) {
    Expansion expansion = {.lookup = lookup_fd, .describe = describe_fds, .data = fds};
    return expand_all(&expansion, arguments, error);
}

char *pca_run_listen_names(PcaFds *fds) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < fds->len; i++) {
        const char *key = pca_run_key(pca_fds_get(fds, i));
        if (i > 0)
            g_string_append_c(text, ':');
        for (const char *p = key; *p && p - key < 255; p++)
            g_string_append_c(text, *p > ' ' && *p < 127 && *p != ':' ? *p : '_');
    }
    return g_string_free(text, FALSE);
}

/* A source that has the number of another's target must move away before that is overwritten. */
static gboolean move_away(PcaFds *fds, GError **error) {
    int beyond = PCA_RUN_FIRST_FD + (int)fds->len;
    for (guint i = 0; i < fds->len; i++) {
        PcaNamedFd *named = pca_fds_get(fds, i);
        if (named->fd < PCA_RUN_FIRST_FD || named->fd >= beyond)
            continue;
        int moved = fcntl(named->fd, F_DUPFD_CLOEXEC, beyond);
        if (moved < 0) {
            pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "descriptor for %s",
                                pca_run_key(named));
            return FALSE;
        }
        pca_fd_close(&named->fd);
        named->fd = moved;
    }
    return TRUE;
}

gboolean pca_run_place(PcaFds *fds, GError **error) {
    if (!move_away(fds, error))
        return FALSE;
    for (guint i = 0; i < fds->len; i++) {
        PcaNamedFd *named = pca_fds_get(fds, i);
        int target = PCA_RUN_FIRST_FD + (int)i;
        if (dup2(named->fd, target) < 0) {
            pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "descriptor for %s",
                                pca_run_key(named));
            return FALSE;
        }
        pca_fd_close(&named->fd);
        named->fd = target;
    }
    return TRUE;
}

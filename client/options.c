/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading the command line. Options may stand anywhere before "--".
 * Thread: main. Ownership: see the header.
 */
#include "options.h"
#include "base/error.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

typedef enum {
    FLAG,
    VALUE,
    LIST,      /* a value with commas, which may be repeated */
    REPEATED,  /* a value that may be repeated */
    JSON,      /* --json=MODE */
    JSON_AUTO, /* -j */
} Kind;

static const struct option_spec {
    const char *name;
    char letter;
    Kind kind;
    /* The verbs that have it, parted by '|', of policy with the word behind it; NULL: all. */
    const char *verbs;
    size_t offset;
} specs[] = {
    {"--help", 'h', FLAG, NULL, offsetof(PcaOptions, help)},
    {"--version", 0, FLAG, NULL, offsetof(PcaOptions, version)},
    {"--json", 0, JSON, NULL, offsetof(PcaOptions, json)},
    {"-j", 'j', JSON_AUTO, NULL, offsetof(PcaOptions, json)},
    {"--no-legend", 0, FLAG, NULL, offsetof(PcaOptions, no_legend)},
    {"--no-pager", 0, FLAG, NULL, offsetof(PcaOptions, no_pager)},
    {"--offline", 0, FLAG, NULL, offsetof(PcaOptions, offline)},
    {"--sysfs", 0, VALUE, NULL, offsetof(PcaOptions, sysfs)},
    {"--all", 'a', FLAG, "list", offsetof(PcaOptions, all)},
    {"--output", 'o', VALUE, "list", offsetof(PcaOptions, columns)},
    {"--domain", 0, VALUE, "check", offsetof(PcaOptions, domain)},
    {"--wait", 0, VALUE, "run", offsetof(PcaOptions, wait)},
    {"--handoff", 0, VALUE, "run", offsetof(PcaOptions, handoff)},
    {"--memory", 0, VALUE, "run", offsetof(PcaOptions, memory)},
    {"--viommu", 0, FLAG, "run", offsetof(PcaOptions, viommu)},
    {"--title", 0, VALUE, "run", offsetof(PcaOptions, title)},
    {"--vmm", 0, VALUE, "run", offsetof(PcaOptions, vmm)},
    {"--dry-run", 0, FLAG, "run", offsetof(PcaOptions, dry_run)},
    {"--method", 0, VALUE, "reset", offsetof(PcaOptions, method)},
    {"--accept-risk", 0, FLAG, "recover", offsetof(PcaOptions, accept_risk)},
    {"--force", 0, FLAG, "release", offsetof(PcaOptions, force)},
    {"--as", 0, VALUE, "check|policy explain", offsetof(PcaOptions, as)},
    {"--name", 0, VALUE, "policy new", offsetof(PcaOptions, name)},
    {"--user", 0, LIST, "policy new", offsetof(PcaOptions, users)},
    {"--group", 0, LIST, "policy new", offsetof(PcaOptions, groups)},
    {"--unit", 0, LIST, "policy new", offsetof(PcaOptions, units)},
    {"--write", 0, FLAG, "policy new", offsetof(PcaOptions, write)},
    {"--policy-directory", 0, REPEATED,
     "check|plan|policy check|policy show|policy explain|policy new",
     offsetof(PcaOptions, policy_directories)},
};

static const char *const names[] = {
    "--help", "--version", "--json",    "--no-legend", "--no-pager",         "--offline", "--sysfs",
    "--all",  "--output",  "--domain",  "--wait",      "--handoff",          "--memory",  "--title",
    "--vmm",  "--viommu",  "--dry-run", "--method",    "--accept-risk",      "--as",      "--name",
    "--user", "--group",   "--unit",    "--write",     "--policy-directory", "--force",   NULL};

typedef struct {
    PcaOptions *options;
    char **next; /* the argument after the one being read */
    gboolean seen[G_N_ELEMENTS(specs)];
} Parser;

void pca_options_clear(PcaOptions *options) {
    g_clear_pointer(&options->words, g_ptr_array_unref);
    g_clear_pointer(&options->command, g_ptr_array_unref);
    g_clear_pointer(&options->users, g_ptr_array_unref);
    g_clear_pointer(&options->groups, g_ptr_array_unref);
    g_clear_pointer(&options->units, g_ptr_array_unref);
    g_clear_pointer(&options->policy_directories, g_ptr_array_unref);
}

static guint distance(const char *a, const char *b) {
    size_t n = strlen(b);
    g_autofree guint *row = g_new(guint, n + 1);
    for (size_t j = 0; j <= n; j++)
        row[j] = (guint)j;
    for (size_t i = 0; a[i]; i++) {
        guint diagonal = row[0];
        row[0] = (guint)i + 1;
        for (size_t j = 0; j < n; j++) {
            guint replaced = diagonal + (g_ascii_tolower(a[i]) != g_ascii_tolower(b[j]));
            diagonal = row[j + 1];
            row[j + 1] = MIN(replaced, MIN(row[j], diagonal) + 1);
        }
    }
    return row[n];
}

const char *pca_suggest(const char *word, const char *const *candidates) {
    const char *best = NULL;
    guint least = 3;
    for (; *candidates && strlen(word) <= 64; candidates++) {
        guint d = distance(word, *candidates);
        if (d < least && d * 2 <= strlen(*candidates)) {
            best = *candidates;
            least = d;
        }
    }
    return best;
}

char *pca_suggestion(const char *word, const char *const *candidates) {
    const char *meant = pca_suggest(word, candidates);
    if (meant)
        return g_strdup_printf("; did you mean '%s'?", meant);
    g_autoptr(GString) text = g_string_new("; known are ");
    for (guint i = 0; candidates[i]; i++)
        g_string_append_printf(text, "%s%s",
                               i == 0              ? ""
                               : candidates[i + 1] ? ", "
                                                   : " and ",
                               candidates[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean pca_parse_size(const char *text, guint64 unit, guint64 *bytes) {
    static const char suffixes[] = "KMGT";
    char *end = NULL;
    if (!g_ascii_isdigit(*text))
        return FALSE;
    double value = g_ascii_strtod(text, &end);
    const char *suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (*end && (!suffix || end[1]))
        return FALSE;
    value *= suffix ? (double)((guint64)1 << 10 * (suffix - suffixes + 1)) : (double)unit;
    /* Also false for a NaN; 2^62 is beyond any memory. */
    if (!(value >= 1 && value < 0x1p62))
        return FALSE;
    *bytes = (guint64)value;
    return TRUE;
}

static gboolean set_json(PcaOptions *options, const char *value, GError **error) {
    static const char *const modes[] = {"off", "short", "pretty", NULL};
    for (guint i = 0; modes[i]; i++) {
        if (g_str_equal(value, modes[i])) {
            options->json = (PcaJsonMode)i;
            return TRUE;
        }
    }
    g_autofree char *hint = pca_suggestion(value, modes);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "--json: unknown mode '%s'%s", value,
                hint);
    return FALSE;
}

/* Empty items stay: whoever takes the list says what is wrong with them. */
static void append(GPtrArray **list, const char *value, gboolean commas) {
    g_auto(GStrv) items = g_strsplit(value, ",", commas ? -1 : 1);
    *list = *list ? *list : g_ptr_array_new_with_free_func(g_free);
    for (char **item = items; *item; item++)
        g_ptr_array_add(*list, g_strdup(*item));
}

static gboolean apply(Parser *parser, guint index, const char *value, GError **error) {
    char *field = (char *)parser->options + specs[index].offset;
    parser->seen[index] = TRUE;
    switch (specs[index].kind) {
    case FLAG:
        *(gboolean *)field = TRUE;
        return TRUE;
    case VALUE:
        *(const char **)field = value;
        return TRUE;
    case LIST:
        append((GPtrArray **)field, value, TRUE);
        return TRUE;
    case REPEATED:
        append((GPtrArray **)field, value, FALSE);
        return TRUE;
    case JSON:
        return set_json(parser->options, value, error);
    case JSON_AUTO:
        parser->options->json = isatty(STDOUT_FILENO) ? PCA_JSON_PRETTY : PCA_JSON_SHORT;
        return TRUE;
    }
    return TRUE;
}

static gboolean wants_value(guint index) {
    return specs[index].kind != FLAG && specs[index].kind != JSON_AUTO;
}

/* The value of an option: what was attached to it, or the next argument. */
static gboolean take(Parser *parser, guint index, const char *shown, const char *attached,
                     GError **error) {
    if (!wants_value(index)) {
        if (!attached)
            return apply(parser, index, NULL, error);
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s takes no value", shown);
        return FALSE;
    }
    if (!attached && *parser->next && !g_str_equal(*parser->next, "--"))
        attached = *parser->next++;
    if (attached)
        return apply(parser, index, attached, error);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s needs a value", shown);
    return FALSE;
}

static gboolean parse_long(Parser *parser, const char *argument, GError **error) {
    const char *equals = strchr(argument, '=');
    g_autofree char *name =
        equals ? g_strndup(argument, (gsize)(equals - argument)) : g_strdup(argument);
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++)
        if (g_str_equal(specs[i].name, name))
            return take(parser, i, name, equals ? equals + 1 : NULL, error);
    g_autofree char *hint = pca_suggestion(name, names);
    g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "unknown option '%s'%s", name, hint);
    return FALSE;
}

/* A cluster such as -aj or -oNAME. */
static gboolean parse_short(Parser *parser, const char *argument, GError **error) {
    for (const char *p = argument + 1; *p; p++) {
        const char shown[] = {'-', *p, 0};
        guint i = 0;
        while (i < G_N_ELEMENTS(specs) && specs[i].letter != *p)
            i++;
        if (i == G_N_ELEMENTS(specs)) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                        "unknown option '%s'; known are -h, -j, -a and -o", shown);
            return FALSE;
        }
        if (wants_value(i))
            return take(parser, i, shown, p[1] ? p + 1 : NULL, error);
        if (!take(parser, i, shown, NULL, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_one(Parser *parser, char *argument, GError **error) {
    if (g_str_has_prefix(argument, "--"))
        return parse_long(parser, argument, error);
    if (argument[0] == '-' && argument[1])
        return parse_short(parser, argument, error);
    if (!parser->options->verb)
        parser->options->verb = argument;
    else
        g_ptr_array_add(parser->options->words, argument);
    return TRUE;
}

/* What follows "--": the command of run; with any other verb, words that may begin with a dash. */
static void parse_rest(PcaOptions *options, char **rest) {
    if (options->verb && g_str_equal(options->verb, "run")) {
        options->command = g_ptr_array_new();
        for (; *rest; rest++)
            g_ptr_array_add(options->command, *rest);
        g_ptr_array_add(options->command, NULL);
        return;
    }
    for (; *rest; rest++) {
        if (!options->verb)
            options->verb = *rest;
        else
            g_ptr_array_add(options->words, *rest);
    }
}

/* "policy new" is a verb here. Caller frees. */
static char *full_verb(const PcaOptions *options) {
    const char *word = pca_options_word(options, 0);
    if (word && g_str_equal(options->verb, "policy"))
        return g_strdup_printf("policy %s", word);
    return g_strdup(options->verb);
}

static gboolean check_fit(const Parser *parser, GError **error) {
    const PcaOptions *options = parser->options;
    g_autofree char *verb = full_verb(options);
    for (guint i = 0; i < G_N_ELEMENTS(specs); i++) {
        if (!parser->seen[i] || !specs[i].verbs)
            continue;
        g_auto(GStrv) verbs = g_strsplit(specs[i].verbs, "|", -1);
        if (g_strv_contains((const char *const *)verbs, verb))
            continue;
        g_autofree char *list = g_strjoinv("', '", verbs);
        g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT,
                    "%s is an option of '%s', not of '%s'", specs[i].name, list, verb);
        return FALSE;
    }
    return TRUE;
}

gboolean pca_options_parse(PcaOptions *options, int argc, char **argv, GError **error) {
    Parser parser = {.options = options, .next = argc > 0 ? argv + 1 : argv};
    options->words = g_ptr_array_new();
    while (*parser.next && !g_str_equal(*parser.next, "--")) {
        char *argument = *parser.next++;
        if (!parse_one(&parser, argument, error))
            return FALSE;
    }
    if (*parser.next)
        parse_rest(options, parser.next + 1);
    g_ptr_array_add(options->words, NULL);
    options->verb_given = options->verb != NULL;
    if (!options->verb)
        options->verb = "list";
    options->offline |= options->sysfs != NULL;
    return check_fit(&parser, error);
}

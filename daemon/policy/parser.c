/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading policy files line by line. What is malformed is reported and reading goes on, so
 * that one load shows all errors.
 * Thread: any. Ownership: the sections read belong to the policy that is being made.
 */
#include "policy/assign.h"
#include "policy/check.h"
#include "policy/private.h"
#include "policy/values.h"

#include <string.h>

#define LINE_MAX_BYTES 4096
#define ERRORS_MAX 1000 /* of one file; it is refused anyway */
#define BOM "\xef\xbb\xbf"

typedef struct {
    PcaPlace place;
    const PcaPolicyFile *file;
    PcaPolicy *policy;
    PcaSeen *seen;
    PcaSection *section; /* the one being read; NULL before the first header */
    gboolean known;      /* its kind is supported */
    gboolean lost;       /* it has a line that could have been what it must have */
    gboolean told_crlf;
} Parser;

static void end_section(Parser *parser) {
    if (parser->section && parser->known)
        pca_section_check(parser->section, parser->lost, parser->seen, parser->place.diagnostics);
}

/* Begins a section of a kind not known yet, so that no key is blamed for a broken header. */
static void begin_section(Parser *parser) {
    end_section(parser);
    parser->section = pca_policy_add(parser->policy, parser->file->name, parser->place.line);
    parser->known = FALSE;
    parser->lost = FALSE;
}

/* A line that cannot be read at all. */
static void lose_line(Parser *parser, const char *text) {
    if (*text == '[')
        begin_section(parser);
    parser->lost = TRUE;
}

/* Cuts white space off the end of [start, end) and reports it. */
static const char *trim_end(Parser *parser, const char *start, const char *end, const char *text) {
    const char *p = end;
    while (p > start && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    if (p < end)
        pca_place_error(&parser->place, p, "%s", text);
    return p;
}

static void report_trailing_comment(Parser *parser, const char *at) {
    pca_place_error(&parser->place, at, "a comment stands on a line of its own");
}

/* What follows the ']' of a header. */
static void check_header_end(Parser *parser, const char *tail) {
    const char *p = tail + strspn(tail, " \t");
    if (*p == '#')
        report_trailing_comment(parser, p);
    else if (*p)
        pca_place_error(&parser->place, p, "nothing may follow the ']' of a section header");
    else if (p > tail)
        pca_place_error(&parser->place, tail, "white space at the end of the line");
}

static void report_unknown_section(Parser *parser, const char *at, const char *word) {
    g_autofree char *quoted = pca_quote(word, strlen(word));
    int guess = pca_section_kind_guess(word);
    if (guess >= 0)
        pca_place_error(&parser->place, at, "unknown section %s; did you mean '%s'?", quoted,
                        pca_section_kind_name(guess));
    else
        pca_place_error(&parser->place, at,
                        "unknown section %s: expected [Device NAME] or [Deny NAME]", quoted);
}

/* The word after '['; returns whether the section is one that can be read on. */
static gboolean read_kind(Parser *parser, const char *at, const char *word) {
    int kind = pca_section_kind_find(word);
    if (!*word)
        pca_place_error(&parser->place, at,
                        "the section's kind is missing: expected [Device NAME] or [Deny NAME]");
    else if (kind < 0)
        report_unknown_section(parser, at, word);
    else if (kind >= (int)PCA_N_SECTIONS)
        pca_place_error(&parser->place, at, "[%s] is not supported yet", word);
    else if (parser->file->is_vendor && kind != PCA_SECTION_DENY)
        pca_place_error(&parser->place, at,
                        "[%s] in a vendor file: a package may deny, but not grant", word);
    if (kind < 0 || kind >= (int)PCA_N_SECTIONS)
        return FALSE;
    parser->section->kind = (PcaSectionKind)kind;
    return TRUE;
}

/* The name between the kind and the ']' at `end`. */
static void read_name(Parser *parser, const char *text, const char *end) {
    const char *kind = pca_section_kind_name(parser->section->kind);
    const char *name = *text == ' ' ? text + 1 : text;
    g_free(parser->section->name);
    parser->section->name = g_strndup(name, (gsize)(end - name));
    guint errors = parser->place.errors;
    if (name == end)
        pca_place_error(&parser->place, end, "the section has no name: expected [%s NAME]", kind);
    else if (*name == ' ' || *name == '\t')
        pca_place_error(&parser->place, name, "one space stands before the section's name");
    else
        pca_value_section_name(&parser->place, name, end);
    if (parser->place.errors > errors)
        return;
    const PcaSection *before = pca_seen_name(parser->seen, parser->section);
    if (before)
        pca_place_error(&parser->place, parser->place.start, "[%s %s] is already at %s:%u", kind,
                        before->name, before->file, before->line);
    else if (parser->section->kind == PCA_SECTION_DEVICE)
        g_hash_table_insert(parser->policy->by_name, parser->section->name, parser->section);
}

static void read_header(Parser *parser, const char *text) {
    begin_section(parser);
    const char *end = strchr(text, ']');
    if (end)
        check_header_end(parser, end + 1);
    else
        pca_place_error(&parser->place, text + strlen(text),
                        "the section header is not closed: ']' is missing");
    const char *at = text + 1;
    gsize length = strcspn(at, " \t]");
    g_autofree char *word = g_strndup(at, length);
    parser->known = read_kind(parser, at, word);
    if (parser->known && end)
        read_name(parser, at + length, end);
}

/* Where the value ends: before a comment and white space, both of which are reported. */
static const char *value_end(Parser *parser, PcaKey key, const char *value) {
    const char *end = value + strlen(value);
    for (const char *p = value; key != PCA_KEY_DESCRIPTION && *p; p++) {
        if (*p != '#' || (p[-1] != ' ' && p[-1] != '\t'))
            continue;
        report_trailing_comment(parser, p);
        while (p > value && (p[-1] == ' ' || p[-1] == '\t'))
            p--;
        return p;
    }
    return trim_end(parser, value, end, "white space at the end of the line");
}

/* `text` follows the '='. What comes after the value is cut off. */
static void read_value(Parser *parser, PcaKey key, char *text) {
    char *start = text + strspn(text, " \t");
    if (start > text && *start)
        pca_place_error(&parser->place, text, "white space after '=': write %s=VALUE",
                        pca_key_name(key));
    const char *end = *start ? value_end(parser, key, start) : start;
    if (end == start) {
        pca_place_error(&parser->place, text, "%s has no value", pca_key_name(key));
        return;
    }
    const char *tab = memchr(start, '\t', (gsize)(end - start));
    if (key == PCA_KEY_DESCRIPTION && tab)
        pca_place_error(&parser->place, tab, "a tab: write spaces");
    start[end - start] = '\0';
    pca_section_assign(&parser->place, parser->section, key, start);
}

static void report_unknown_key(Parser *parser, const char *at, const char *word) {
    g_autofree char *quoted = pca_quote(word, strlen(word));
    int guess = pca_key_guess(word);
    if (guess < 0) {
        pca_place_error(&parser->place, at, "unknown key %s", quoted);
        return;
    }
    pca_place_error(&parser->place, at, "unknown key %s; did you mean '%s'%s?", quoted,
                    pca_key_name(guess), guess < PCA_N_KEYS ? "" : " (not supported yet)");
    parser->lost |= pca_key_selects(guess);
}

/* Whether the key at `at` is one that the section may have now; its value is read then. */
static gboolean check_key(Parser *parser, const char *at, const char *word, int key) {
    if (!*word)
        pca_place_error(&parser->place, at, "there is no key before '='");
    else if (!parser->section)
        pca_place_error(&parser->place, at,
                        "a key before the first section: expected [Device NAME] or [Deny NAME]");
    else if (key < 0)
        report_unknown_key(parser, at, word);
    else if (key >= PCA_N_KEYS) {
        pca_place_error(&parser->place, at, "%s is not supported yet", word);
        parser->lost |= pca_key_selects(key);
    } else if (parser->known && !pca_key_belongs(key, parser->section->kind))
        pca_place_error(&parser->place, at, "[%s] may not have %s",
                        pca_section_kind_name(parser->section->kind), word);
    else if (parser->section->lines[key])
        pca_place_error(&parser->place, at, "%s is already on line %u", word,
                        parser->section->lines[key]);
    else
        return TRUE;
    return FALSE;
}

static void read_key(Parser *parser, char *text) {
    char *equals = strchr(text, '=');
    if (!equals) {
        pca_place_error(&parser->place, text,
                        "neither Key=Value, nor [Section NAME], nor a comment (#)");
        parser->lost = TRUE;
        return;
    }
    const char *end = trim_end(parser, text, equals, "white space before '='");
    g_autofree char *word = g_strndup(text, (gsize)(end - text));
    int key = pca_key_find(word);
    if (!check_key(parser, text, word, key))
        return;
    parser->section->lines[key] = parser->place.line;
    read_value(parser, (PcaKey)key, equals + 1);
}

static void read_text(Parser *parser, char *text) {
    char *p = text + strspn(text, " \t");
    if (!*p)
        return;
    if (p > text)
        pca_place_error(&parser->place, text, "white space at the start of the line");
    if (*p == '#')
        return;
    if (*p == '[')
        read_header(parser, p);
    else
        read_key(parser, p);
}

/* Control characters would reach terminals and logs. Tabs are looked at where they stand. */
static const char *find_control(const char *text) {
    for (const char *p = text; *p; p = g_utf8_next_char(p))
        if (*p != '\t' && g_unichar_iscntrl(g_utf8_get_char(p)))
            return p;
    return NULL;
}

/* Whether the line, `length` bytes with a NUL behind, is text. */
static gboolean check_bytes(Parser *parser, const char *text, gsize length) {
    const char *bad;
    if (!g_utf8_validate_len(text, length, &bad)) {
        if (*bad)
            pca_place_error(&parser->place, bad, "byte 0x%02x is not UTF-8", (guint8)*bad);
        else
            pca_place_error(&parser->place, bad, "a NUL byte");
        return FALSE;
    }
    const char *control = find_control(text);
    if (control)
        pca_place_error(&parser->place, control, "control character U+%04X",
                        g_utf8_get_char(control));
    return !control;
}

/* `line` is a copy of the line without its LF, `length` bytes and a NUL. */
static void read_line(Parser *parser, char *line, gsize length) {
    if (length > 0 && line[length - 1] == '\r') {
        line[--length] = '\0';
        if (!parser->told_crlf)
            pca_place_error(&parser->place, line + length, "lines end in CR LF: write LF only");
        parser->told_crlf = TRUE;
    }
    char *text = line;
    if (parser->place.line == 1 && g_str_has_prefix(line, BOM)) {
        pca_place_error(&parser->place, line, "a byte order mark: write UTF-8 without it");
        text += strlen(BOM);
    }
    if (check_bytes(parser, text, length - (gsize)(text - line)))
        read_text(parser, text);
    else
        lose_line(parser, text);
}

static void take_line(Parser *parser, const char *line, gsize length) {
    gsize kept = MIN(length, LINE_MAX_BYTES);
    g_autofree char *copy = g_malloc(kept + 1);
    if (kept > 0)
        memcpy(copy, line, kept);
    copy[kept] = '\0';
    parser->place.line++;
    parser->place.start = copy;
    if (length == kept) {
        read_line(parser, copy, length);
        return;
    }
    pca_place_error(&parser->place, copy + kept, "the line is longer than %d bytes",
                    LINE_MAX_BYTES);
    lose_line(parser, copy);
}

static void read_lines(Parser *parser) {
    const char *p = parser->file->text;
    gsize left = parser->file->length;
    while (left > 0 && parser->place.errors < ERRORS_MAX) {
        const char *end = memchr(p, '\n', left);
        gsize length = end ? (gsize)(end - p) : left;
        take_line(parser, p, length);
        gsize taken = end ? length + 1 : length;
        p += taken;
        left -= taken;
    }
    end_section(parser);
    if (left > 0)
        pca_diagnostics_add(parser->place.diagnostics, parser->file->name, parser->place.line + 1,
                            0, PCA_SEVERITY_ERROR,
                            "more than %d errors: the rest of the file is not read", ERRORS_MAX);
}

static void parse_file(const PcaPolicyFile *file, PcaPolicy *policy, PcaSeen *seen,
                       PcaDiagnostics *diagnostics) {
    g_autoptr(GPtrArray) own = pca_diagnostics_new();
    Parser parser = {.file = file, .policy = policy, .seen = seen};
    parser.place = (PcaPlace){.diagnostics = own, .file = file->name};
    read_lines(&parser);
    pca_diagnostics_move_sorted(own, diagnostics);
}

PcaPolicy *pca_policy_parse(const PcaPolicyFile *files, gsize n_files,
                            PcaDiagnostics *diagnostics) {
    g_autoptr(PcaPolicy) policy = pca_policy_new();
    g_autoptr(GHashTable) seen = pca_seen_new();
    for (gsize i = 0; i < n_files; i++)
        parse_file(&files[i], policy, seen, diagnostics);
    if (pca_diagnostics_have_errors(diagnostics))
        return NULL;
    policy->places = pca_index_new(policy->sections);
    return g_steal_pointer(&policy);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what can be told of a record that this version does not understand.
 * Thread: any. Ownership: see the header.
 */
#include <fcntl.h>

#include "base/fds.h"
#include "claim/records.h"
#include "claim/store.h"
#include "engine/journal.h"

/* An address in any text; what else it may mean is left to pca_address_parse(). */
#define ADDRESS "(?<![0-9A-Za-z:])[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7](?![0-9A-Za-z])"

static const char *const files[] = {"claim", "journal"};

/* The file's text, of a journal's size at most; empty when it cannot be read. */
static GString *read_file(const char *path) {
    GString *text = g_string_new(NULL);
    PCA_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char buffer[4096];
    ssize_t n = 0;
    while (fd >= 0 && text->len < PCA_JOURNAL_MAX && (n = read(fd, buffer, sizeof buffer)) > 0)
        g_string_append_len(text, buffer, n);
    for (gsize i = 0; i < text->len; i++)
        if (text->str[i] == '\0')
            text->str[i] = '\n';
    return text;
}

static void add_addresses(GHashTable *devices, const char *text) {
    g_autoptr(GRegex) regex = g_regex_new(ADDRESS, G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_regex_match(regex, text, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *word = g_match_info_fetch(match, 0);
        PcaAddress address;
        if (pca_address_parse(word, &address))
            g_hash_table_add(devices, pca_address_format(&address));
    }
}

/* The functions that its files name, wherever that is; not in a title, which its owner chose. */
GHashTable *pca_record_addresses(const char *directory, const char *id) {
    GHashTable *devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = pca_store_path(directory, id, files[i]);
        g_autoptr(GString) text = read_file(path);
        g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
        for (char **line = lines; *line; line++)
            if (!g_str_has_prefix(*line, "Title="))
                add_addresses(devices, *line);
    }
    return devices;
}

char *pca_record_text(const GError *error) {
    return g_strdup_printf("%s; the record stays as it is, and nobody gets what it is about",
                           error->message);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: records that this version does not understand, because a newer one wrote them or they
 * are damaged. They stay as they are, and the functions that they name are quarantined: somebody
 * may have them.
 * Thread: the main one. Ownership: see the headers.
 */
#include <fcntl.h>

#include "base/error.h"
#include "base/fds.h"
#include "claim/internal.h"
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
static GHashTable *find_devices(PcaClaims *claims, const char *id) {
    GHashTable *devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = pca_store_path(claims->directory, id, files[i]);
        g_autoptr(GString) text = read_file(path);
        g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
        for (char **line = lines; *line; line++)
            if (!g_str_has_prefix(*line, "Title="))
                add_addresses(devices, *line);
    }
    return devices;
}

void pca_claims_keep_foreign(PcaClaims *claims, const char *id, const GError *error) {
    g_autoptr(GHashTable) devices = find_devices(claims, id);
    g_autofree char *text = g_strdup_printf(
        "%s; the record stays as it is, and nobody gets what it is about", error->message);
    GHashTableIter iter;
    gpointer device;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PCASSIGN_CLAIM", id, "MESSAGE",
                     "claim %s is not understood: %s%s", id, text,
                     g_hash_table_size(devices) > 0 ? "" : "; it names no function");
    g_hash_table_iter_init(&iter, devices);
    while (g_hash_table_iter_next(&iter, &device, NULL))
        pca_claims_add_residue(claims, id, device, TRUE, text);
}

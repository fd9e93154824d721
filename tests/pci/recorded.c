/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reader of recorded hosts, and their comparison with the kernel.
 * Thread: any. Ownership: see the header.
 */
#include "pci/recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define PAGE_SIZE 4096
#define SPACE_SIZE 4096

/* ---- Lines ---- */

typedef struct {
    RecordedHost *host;
    RecordedFunction *function; /* the last that was begun; NULL before the first */
    gboolean in_config;         /* entries are of its config space, else of its resources */
} Reader;

static RecordedFunction *find(const RecordedHost *host, const PcaAddress *address) {
    for (guint i = 0; i < host->functions->len; i++) {
        RecordedFunction *function = g_ptr_array_index(host->functions, i);
        if (pca_address_equal(&function->function->address, address))
            return function;
    }
    return NULL;
}

static gboolean read_word(RecordedFunction *function, const char *key, const char *value) {
    PcaFunction *f = function->function;
    if (g_str_equal(key, "vendor"))
        f->vendor = strtoul(value, NULL, 16);
    else if (g_str_equal(key, "device"))
        f->device = strtoul(value, NULL, 16);
    else if (g_str_equal(key, "subsystem_vendor"))
        f->subsystem_vendor = strtoul(value, NULL, 16);
    else if (g_str_equal(key, "subsystem_device"))
        f->subsystem_device = strtoul(value, NULL, 16);
    else if (g_str_equal(key, "group"))
        function->group = atoi(value);
    else if (g_str_equal(key, "below"))
        f->has_upstream = pca_address_parse(value, &f->upstream);
    else if (g_str_equal(key, "physfn"))
        return f->is_vf = pca_address_parse(value, &f->pf);
    return TRUE;
}

static gboolean read_function(Reader *reader, char **words) {
    PcaAddress address;
    if (!words[0] || !pca_address_parse(words[0], &address))
        return FALSE;
    RecordedFunction *function = reader->function = g_new0(RecordedFunction, 1);
    function->function = pca_function_new(&address);
    function->group = PCA_NO_GROUP;
    g_ptr_array_add(reader->host->functions, function);
    for (char **word = words + 1; *word; word++) {
        char *value = strchr(*word, '=');
        if (!value)
            return FALSE;
        *value = '\0';
        if (!read_word(function, *word, value + 1))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_resource(Reader *reader, char **words) {
    gint64 lines;
    if (!words[0] || !g_ascii_string_to_signed(words[0], 10, 0, 64, &lines, NULL))
        return FALSE;
    reader->in_config = FALSE;
    reader->function->resources = g_array_new(FALSE, TRUE, sizeof(PcaResource));
    g_array_set_size(reader->function->resources, lines);
    return TRUE;
}

static gboolean read_config(Reader *reader, char **words) {
    gint64 length;
    PcaAddress address;
    const RecordedFunction *like = NULL;
    if (!words[0] || !g_ascii_string_to_signed(words[0], 10, 0, SPACE_SIZE, &length, NULL))
        return FALSE;
    if (words[1] &&
        (!g_str_equal(words[1], "like") || !words[2] || !pca_address_parse(words[2], &address) ||
         !(like = find(reader->host, &address))))
        return FALSE;
    reader->in_config = TRUE;
    reader->function->bytes = g_malloc0(SPACE_SIZE);
    reader->function->length = length;
    if (like && like->bytes)
        memcpy(reader->function->bytes, like->bytes, MIN(like->length, reader->function->length));
    return TRUE;
}

static gboolean read_numbers(RecordedFunction *function, guint64 index, const char *text) {
    if (!function->resources || index >= function->resources->len)
        return FALSE;
    g_autoptr(GArray) line = pca_resources_parse(text, NULL);
    if (!line || line->len != 1)
        return FALSE;
    g_array_index(function->resources, PcaResource, index) = g_array_index(line, PcaResource, 0);
    return TRUE;
}

static gboolean read_bytes(RecordedFunction *function, guint64 offset, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]) || offset >= function->length)
            return FALSE;
        function->bytes[offset++] =
            g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]);
        text++;
    }
    return TRUE;
}

/* " INDEX: WORDS": of the resources in decimal, of the config space in hexadecimal. */
static gboolean read_entry(const Reader *reader, const char *line) {
    char *rest;
    guint64 index = g_ascii_strtoull(line + 1, &rest, reader->in_config ? 16 : 10);
    if (!reader->function || rest[0] != ':' || rest[1] != ' ')
        return FALSE;
    return reader->in_config ? read_bytes(reader->function, index, rest + 2)
                             : read_numbers(reader->function, index, rest + 2);
}

static gboolean read_line(Reader *reader, const char *line) {
    if (*line == '#' || *line == '\0' || g_str_has_prefix(line, "group ") ||
        g_str_has_prefix(line, "module "))
        return TRUE;
    if (*line == ' ')
        return read_entry(reader, line);
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    if (g_str_equal(words[0], "function"))
        return read_function(reader, words + 1);
    if (g_str_equal(words[0], "resource") && reader->function)
        return read_resource(reader, words + 1);
    if (g_str_equal(words[0], "config") && reader->function)
        return read_config(reader, words + 1);
    return FALSE;
}

/* ---- Hosts ---- */

static void free_function(gpointer data) {
    RecordedFunction *function = data;
    pca_function_unref(function->function);
    g_clear_pointer(&function->resources, g_array_unref);
    g_clear_pointer(&function->config, pca_config_unref);
    g_free(function->bytes);
    g_free(function);
}

void recorded_host_free(RecordedHost *host) {
    g_ptr_array_unref(host->functions);
    g_free(host);
}

static void make_configs(RecordedHost *host) {
    for (guint i = 0; i < host->functions->len; i++) {
        RecordedFunction *function = g_ptr_array_index(host->functions, i);
        if (function->bytes)
            function->config = pca_config_new(function->bytes, function->length, function->length,
                                              function->resources, PAGE_SIZE);
    }
}

RecordedHost *recorded_host_read(const char *path, GError **error) {
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error))
        return NULL;
    g_autoptr(RecordedHost) host = g_new0(RecordedHost, 1);
    host->functions = g_ptr_array_new_with_free_func(free_function);
    Reader reader = {.host = host};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++)
        if (!read_line(&reader, lines[i])) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_INVALID_ARGUMENT, "%s:%u is not of a host: %s",
                        path, i + 1, lines[i]);
            return NULL;
        }
    make_configs(host);
    return g_steal_pointer(&host);
}

static int by_name(gconstpointer a, gconstpointer b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *recorded_hosts_in(const char *directory) {
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        if (g_str_has_suffix(name, ".host"))
            g_ptr_array_add(paths, g_build_filename(directory, name, NULL));
    g_ptr_array_sort(paths, by_name);
    return paths;
}

/* ---- Comparing ---- */

static GString *append_address(GString *text, const PcaAddress *address) {
    g_autofree char *name = pca_address_format(address);
    g_string_append_printf(text, " %s", name);
    return text;
}

static char *format_set(const GArray *set) {
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < set->len; i++)
        append_address(text, &g_array_index(set, PcaAddress, i));
    return g_string_free(text, FALSE);
}

static int by_address(gconstpointer a, gconstpointer b) {
    return pca_address_compare(a, b);
}

static char *format_group(const RecordedHost *host, int group) {
    g_autoptr(GArray) set = g_array_new(FALSE, FALSE, sizeof(PcaAddress));
    for (guint i = 0; i < host->functions->len; i++) {
        const RecordedFunction *function = g_ptr_array_index(host->functions, i);
        if (function->group == group)
            g_array_append_val(set, function->function->address);
    }
    g_array_sort(set, by_address);
    return format_set(set);
}

static PcaTopology *make_topology(const RecordedHost *host) {
    PcaTopology *topology = pca_topology_new();
    for (guint i = 0; i < host->functions->len; i++) {
        const RecordedFunction *function = g_ptr_array_index(host->functions, i);
        pca_topology_add(topology, function->function, function->config);
    }
    pca_topology_seal(topology);
    return topology;
}

char *recorded_host_differences(const RecordedHost *host, guint *disagreements) {
    GString *text = g_string_new(NULL);
    g_autoptr(PcaTopology) topology = make_topology(host);
    for (guint i = 0; i < host->functions->len; i++) {
        const RecordedFunction *function = g_ptr_array_index(host->functions, i);
        const PcaAddress *address = &function->function->address;
        g_autoptr(PcaIsolation) isolation = pca_topology_explain(topology, address);
        g_autofree char *computed = format_set(isolation->set);
        g_autofree char *kernel = format_group(host, function->group);
        if (function->group == PCA_NO_GROUP || g_str_equal(computed, kernel))
            continue;
        (*disagreements)++;
        append_address(text, address);
        g_string_append_printf(text, "\n  computed:%s\n  kernel:%s\n", computed, kernel);
    }
    return g_string_free(text, FALSE);
}

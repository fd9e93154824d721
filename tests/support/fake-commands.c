/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the language of fake machines, and the hooks of a worker on one.
 * Thread: one a process. Ownership: see the header.
 */
#include "support/fake-commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/fds.h"
#include "support/fake-machine.h"

struct PcaFakeCommands {
    PcaTree *tree;
    PcaFakeKernel *fake;
    GHashTable *users; /* address → descriptor of `use` */
    gulong slow;       /* microseconds */
    guint operations;  /* of this worker */
    int lock;          /* taken by the operation at work, so that workers side by side never meet in
                          the middle of a change of the tree */
};

static void close_user(gpointer fd) {
    close(GPOINTER_TO_INT(fd));
}

PcaFakeCommands *pca_fake_commands_new(PcaTree *tree, PcaFakeKernel *fake) {
    PcaFakeCommands *commands = g_new0(PcaFakeCommands, 1);
    commands->tree = tree;
    commands->fake = fake;
    commands->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_user);
    commands->lock = -1;
    return commands;
}

void pca_fake_commands_free(PcaFakeCommands *commands) {
    g_hash_table_unref(commands->users);
    pca_fd_close(&commands->lock);
    g_free(commands);
}

/* ---- What is there ---- */

static const char *option(char **words, const char *name) {
    gsize length = strlen(name);
    for (char **word = words; *word; word++)
        if (strncmp(*word, name, length) == 0 && (*word)[length] == '=')
            return *word + length + 1;
    return NULL;
}

static guint64 number(char **words, const char *name, guint base) {
    const char *text = option(words, name);
    return text ? g_ascii_strtoull(text, NULL, base) : 0;
}

static void read_id(char **words, const char *name, guint16 *first, guint16 *second) {
    const char *text = option(words, name);
    unsigned vendor = 0, device = 0;
    if (text && sscanf(text, "%x:%x", &vendor, &device) == 2) {
        *first = (guint16)vendor;
        *second = (guint16)device;
    }
}

static void add_function(PcaFakeCommands *c, char **words) {
    g_autofree char *reset = g_strdup(option(words, "reset"));
    PcaTreeFunction f = {
        .address = words[1],
        .below = option(words, "below"),
        .class = (guint32)number(words, "class", 16),
        .header_type = (guint8)number(words, "header", 16),
        .interrupt_pin = (guint8)number(words, "pin", 10),
        .group = (int)number(words, "group", 10),
        .driver = option(words, "driver"),
        .override = option(words, "override"),
        .reset_method = reset ? g_strdelimit(reset, ",", ' ') : NULL,
        .power = option(words, "power"),
        .pf = option(words, "pf"),
        .vf_number = (guint)number(words, "vf", 10),
        .total_vfs = (guint)number(words, "total-vfs", 10),
    };
    read_id(words, "id", &f.vendor, &f.device);
    read_id(words, "subsystem", &f.subsystem_vendor, &f.subsystem_device);
    pca_tree_add(c->tree, &f);
    pca_fake_make_nodes(c->fake, words[1], NULL);
}

static void add_port(PcaFakeCommands *c, char **words) {
    pca_tree_add_port(c->tree, words[1], atoi(words[2]));
}

static void add_driver(PcaFakeCommands *c, char **words) {
    pca_tree_add_driver(c->tree, words[1]);
}

static void add_disk(PcaFakeCommands *c, char **words) {
    pca_tree_add_disk(c->tree, words[1], words[2], words[3], words[4]);
}

static void add_mount(PcaFakeCommands *c, char **words) {
    pca_tree_mount(c->tree, atoi(words[1]), words[2], words[3], words[4], words[5]);
}

static void add_interface(PcaFakeCommands *c, char **words) {
    pca_tree_add_interface(c->tree, words[1], NULL, words[2], atoi(words[3]));
}

static void add_character(PcaFakeCommands *c, char **words) {
    pca_tree_add_character(c->tree, words[1], words[2], words[3], words[4], words[5]);
}

static void add_opener(PcaFakeCommands *c, char **words) {
    pca_tree_add_opener(c->tree, atoi(words[1]), words[2], words[3]);
}

static void add_route(PcaFakeCommands *c, char **words) {
    pca_tree_add_default_route(c->tree, words[1], FALSE);
}

static void do_set(PcaFakeCommands *c, char **words) {
    pca_tree_set(c->tree, words[1], words[2], "%s", words[3]);
}

static void do_unset(PcaFakeCommands *c, char **words) {
    pca_tree_unset(c->tree, words[1], words[2]);
}

static void do_register(PcaFakeCommands *c, char **words) {
    pca_tree_set_config16(c->tree, words[1], (unsigned)strtoul(words[2], NULL, 16),
                          (guint16)strtoul(words[3], NULL, 16));
}

static void do_write(PcaFakeCommands *c, char **words) {
    pca_tree_write(c->tree, words[1], "%s\n", words[2]);
}

static void do_delete(PcaFakeCommands *c, char **words) {
    pca_tree_delete(c->tree, words[1]);
}

static void do_unplug(PcaFakeCommands *c, char **words) {
    pca_fake_kernel_unplug(c->fake, words[1]);
}

/* ---- What goes wrong ---- */

static void do_use(PcaFakeCommands *c, char **words) {
    int fd = pca_fake_kernel_use(c->fake, words[1]);
    if (fd >= 0)
        g_hash_table_replace(c->users, g_strdup(words[1]), GINT_TO_POINTER(fd));
}

static void do_unuse(PcaFakeCommands *c, char **words) {
    g_hash_table_remove(c->users, words[1]);
}

static void do_refuse(PcaFakeCommands *c, char **words) {
    pca_fake_kernel_refuse(c->fake, words[1], g_str_equal(words[2], "-") ? NULL : words[2]);
}

static void do_dead_reset(PcaFakeCommands *c, char **words) {
    pca_fake_kernel_die_at_reset(c->fake, words[1]);
}

static void do_fail(PcaFakeCommands *c, char **words) {
    pca_fake_kernel_fail_matching(c->fake, words[1], atoi(words[2]), 0);
}

static void do_heal(PcaFakeCommands *c, char **words) {
    g_ptr_array_set_size(c->fake->faults, 0);
}

static void do_forget(PcaFakeCommands *c, char **words) {
    pca_fake_kernel_forget(c->fake);
}

/* Kept in files, so that it holds for whichever worker comes first. */
static void do_note(PcaFakeCommands *c, char **words) {
    pca_fake_set_state(c->fake, "stage", words[0], words[1]);
}

static void do_pause(PcaFakeCommands *c, char **words) {
    pca_fake_set_state(c->fake, "stage", "paused", NULL);
    do_note(c, words);
}

static void do_resume(PcaFakeCommands *c, char **words) {
    pca_fake_set_state(c->fake, "stage", "pause", NULL);
}

static void do_slow(PcaFakeCommands *c, char **words) {
    c->slow = strtoul(words[1], NULL, 10);
}

static const struct {
    const char *name;
    guint words; /* at least, the name included */
    void (*run)(PcaFakeCommands *commands, char **words);
    gboolean needs_function; /* words[1] is the address of one that is there */
} table[] = {
    {"port", 3, add_port, FALSE},
    {"function", 2, add_function, FALSE},
    {"driver", 2, add_driver, FALSE},
    {"disk", 5, add_disk, TRUE},
    {"mount", 6, add_mount, FALSE},
    {"interface", 4, add_interface, TRUE},
    {"character", 6, add_character, TRUE},
    {"opener", 4, add_opener, FALSE},
    {"route", 2, add_route, FALSE},
    {"set", 4, do_set, TRUE},
    {"unset", 3, do_unset, TRUE},
    {"register", 4, do_register, TRUE},
    {"write", 3, do_write, FALSE},
    {"delete", 2, do_delete, FALSE},
    {"unplug", 2, do_unplug, TRUE},
    {"use", 2, do_use, TRUE},
    {"unuse", 2, do_unuse, FALSE},
    {"refuse", 3, do_refuse, TRUE},
    {"dead-reset", 2, do_dead_reset, TRUE},
    {"fail", 3, do_fail, FALSE},
    {"heal", 1, do_heal, FALSE},
    {"forget", 1, do_forget, FALSE},
    {"die", 2, do_note, FALSE},
    {"die-after", 2, do_note, FALSE},
    {"pause", 2, do_pause, FALSE},
    {"resume", 1, do_resume, FALSE},
    {"slow", 2, do_slow, FALSE},
};

char *pca_fake_command(PcaFakeCommands *commands, const char *line) {
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_shell_parse_argv(line, NULL, &words, &error))
        return g_error_matches(error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING)
                   ? NULL
                   : g_strdup(error->message);
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (!g_str_equal(words[0], table[i].name))
            continue;
        if (g_strv_length(words) < table[i].words)
            return g_strdup_printf("%s needs more words: %s", words[0], line);
        if (table[i].needs_function && !pca_tree_has(commands->tree, words[1]))
            return g_strdup_printf("there is no function %s", words[1]);
        table[i].run(commands, words);
        return NULL;
    }
    return g_strdup_printf("unknown command %s", words[0]);
}

/* ---- A worker ---- */

static void lock(PcaFakeCommands *c) {
    while (flock(c->lock, LOCK_EX) < 0 && errno == EINTR)
        continue;
}

static gboolean is_due(PcaFakeCommands *c, const char *name) {
    g_autofree char *text = pca_fake_get_state(c->fake, "stage", name);
    if (!text || strtoul(text, NULL, 10) != c->operations)
        return FALSE;
    pca_fake_set_state(c->fake, "stage", name, NULL);
    return TRUE;
}

static gboolean is_paused(PcaFakeCommands *c, const char *line) {
    g_autofree char *glob = pca_fake_get_state(c->fake, "stage", "pause");
    return glob && *glob && g_pattern_match_simple(glob, line);
}

static void on_before(PcaFakeKernel *fake, const char *line, gpointer data) {
    PcaFakeCommands *c = data;
    c->operations++;
    if (is_due(c, "die"))
        raise(SIGKILL);
    if (c->slow)
        g_usleep(c->slow);
    if (is_paused(c, line))
        pca_fake_set_state(c->fake, "stage", "paused", line);
    while (is_paused(c, line))
        g_usleep(1000);
    lock(c);
}

static void on_after(PcaFakeKernel *fake, const char *line, gpointer data) {
    PcaFakeCommands *c = data;
    flock(c->lock, LOCK_UN);
    if (is_due(c, "die-after"))
        raise(SIGKILL);
}

/* Waits, as the kernel does, until the last copy of every descriptor is closed. */
static void on_blocked(PcaFakeKernel *fake, const char *address, gpointer data) {
    static const char *const kinds[] = {"use", "cdev"};
    PcaFakeCommands *c = data;
    flock(c->lock, LOCK_UN);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path =
            g_build_filename(pca_tree_path(c->tree), "fake", kinds[i], address, NULL);
        PCA_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
        while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
            continue;
    }
    lock(c);
}

void pca_fake_commands_enter(PcaFakeCommands *c) {
    g_autofree char *path = g_build_filename(pca_tree_path(c->tree), "fake", "lock", NULL);
    /* A worker with a copy of a user's descriptor would wait for itself. */
    g_hash_table_remove_all(c->users);
    c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    c->fake->before = on_before;
    c->fake->after = on_after;
    c->fake->blocked = on_blocked;
    c->fake->data = c;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the cases of the administrator's methods share.
 * Thread: main. Ownership: see cases.h.
 */
#include "admin.h"

GVariant *options(const char *text) {
    GVariant *dictionary = g_variant_new_parsed(*text ? text : "@a{sv} {}");
    return g_variant_new("(@a{sv})", dictionary);
}

void does(const char *path, const char *method, const char *text) {
    g_variant_unref(pca_call(bus, path, method, options(text), NULL));
}

void refuses(const char *path, const char *method, const char *text, const char *error,
             const char *words) {
    const char *message = pca_refused(bus, path, method, options(text), error);
    ck_assert_msg(strstr(message, words), "\"%s\" lacks \"%s\"", message, words);
}

void expect_property(const char *path, const char *interface, const char *name, const char *value) {
    g_autofree char *now = pca_property(bus, path, interface, name);
    ck_assert_msg(g_strcmp0(now, value) == 0, "%s of %s is %s, not %s", name, path, now, value);
}

void expect_state(const char *path, const char *state, const char *driver) {
    expect_property(path, DEVICE, "State", state);
    expect_property(path, DEVICE, "Driver", driver);
}

void expect_logged(const char *words, gboolean wanted) {
    g_autofree char *log = pca_world_log(world);
    ck_assert_msg((strstr(log, words) != NULL) == wanted, "%s%s in:\n%s", words,
                  wanted ? " is not" : " is", log);
}

void await_logged(const char *words) {
    for (int i = 0; i < 2000; i++) {
        g_autofree char *log = pca_world_log(world);
        if (strstr(log, words))
            return;
        g_usleep(5000);
    }
    expect_logged(words, TRUE);
}

void restart(int signal) {
    pca_world_end_daemon(world, signal);
    pca_world_start_daemon(world);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: several users: what each may do, and what each is told of the others.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TITLE "the title of alice"

static char *list_claims(GDBusConnection *c) {
    g_autoptr(GVariant) reply = pca_call(c, ROOT_PATH, "Manager.ListClaims", NULL, NULL);
    return g_variant_print(reply, TRUE);
}

static PcaHeld claim_titled(GDBusConnection *c) {
    return pca_claim_with(c, "nic", "{'title': <'" TITLE "'>}");
}

/* The whole way of a user, whose process has another real uid. */
START_TEST(own_claim) {
    if (!pca_become(ALICE))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect(world);
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    g_autoptr(GUnixFDList) fds = pca_open_held(alice, &held, NULL, NULL);
    ck_assert_int_eq(g_unix_fd_list_get_length(fds), 2);
    g_clear_object(&fds);
    g_variant_unref(pca_call(alice, held.path, "Claim.Describe", NULL, NULL));
    g_variant_unref(pca_call(alice, held.path, "Claim.Release", NULL, NULL));
    pca_become(0);
    pca_world_await_driver(world, NIC, "e1000e");
}
END_TEST

START_TEST(by_group) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) member = pca_world_connect_as(world, CAROL, VM_GROUP);
    g_autoptr(GDBusConnection) stranger = pca_world_connect_as(world, CAROL, CAROL);
    pca_refused(stranger, ROOT_PATH, "Manager.Claim", pca_devices("nic", NULL), "NotPermitted");
    g_auto(PcaHeld) held = pca_claim_words(member, "nic");
}
END_TEST

/* The one that counts is the last of very many. */
START_TEST(by_one_of_many_groups) {
    gid_t groups[200];
    if (!pca_become(0))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        groups[i] = VM_GROUP - (gid_t)(G_N_ELEMENTS(groups) - 1 - i);
    ck_assert_int_eq(setgroups(G_N_ELEMENTS(groups), groups), 0);
    ck_assert(setegid(CAROL) == 0 && seteuid(CAROL) == 0);
    g_autoptr(GDBusConnection) member = pca_world_connect(world);
    ck_assert(pca_become(0));
    g_auto(PcaHeld) held = pca_claim_words(member, "nic");
}
END_TEST

/* A connection that a process has left to another one: the bus goes on to say who made it, and its
 * number may be anybody's by then. */
static GDBusConnection *connect_by_another_process(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, world->address + strlen("unix:path="), sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, NULL);
    g_autoptr(GSocketConnection) stream = g_socket_connection_factory_create_connection(socket);
    GDBusConnection *c =
        g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL,
                                   G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                       G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                   NULL, NULL, NULL);
    ck_assert_ptr_nonnull(c);
    return c;
}

START_TEST(left_by_its_process) {
    g_autoptr(GDBusConnection) c = connect_by_another_process();
    g_auto(PcaHeld) held = pca_claim_words(c, "nic");
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_open_held(c, &held, NULL, &error));
    ck_assert_msg(pca_is_error(error, "NotPermitted") && strstr(error->message, "has gone"), "%s",
                  error->message);
}
END_TEST

static void expect_hidden(const char *text) {
    static const char *const secrets[] = {"uint32 65534", TITLE,    "'pid'",
                                          "'user'",       "policy", "50-test"};
    for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++)
        ck_assert_msg(!strstr(text, secrets[i]), "%s tells %s", text, secrets[i]);
}

START_TEST(strangers) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    g_auto(PcaHeld) held = claim_titled(alice);
    g_autofree char *own = list_claims(alice), *roots = list_claims(bus), *bobs = list_claims(bob);
    ck_assert_ptr_nonnull(strstr(own, TITLE));
    ck_assert_ptr_nonnull(strstr(roots, TITLE));
    ck_assert_ptr_nonnull(strstr(roots, "'uid': <uint32 65534>"));
    ck_assert_ptr_nonnull(strstr(bobs, NIC));
    expect_hidden(bobs);
    pca_refused(bob, held.path, "Claim.Describe", NULL, "NotPermitted");
    pca_refused(bob, held.path, "Claim.Release", NULL, "NotPermitted");
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) fds = pca_open_held(bob, &held, NULL, &error);
    ck_assert_msg(!fds && pca_is_error(error, "NotPermitted"), "%s", error ? error->message : "");
    g_autofree char *state = pca_property(bob, held.path, CLAIM, "State");
    ck_assert_pstr_eq(state, "ready");
    g_variant_unref(pca_call(bus, held.path, "Claim.Release", NULL, NULL));
}
END_TEST

/* The words of a refusal tell no more than the list does. */
START_TEST(refusal_tells_nothing) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    g_auto(PcaHeld) held = claim_titled(bus);
    g_autoptr(GVariant) seen =
        pca_call(bob, ROOT_PATH, "Manager.Check", pca_devices("nic", NULL), NULL);
    g_autofree char *text = g_variant_print(seen, FALSE);
    ck_assert_msg(strstr(text, "held by another user") && !strstr(text, TITLE), "%s", text);
    const char *id = strrchr(held.path, '/') + 1;
    ck_assert_msg(!strstr(text, id), "%s", text);
}
END_TEST

static GString *broadcast;

static void on_signal(GDBusConnection *c, const char *sender, const char *path,
                      const char *interface, const char *signal, GVariant *args, gpointer data) {
    g_autofree char *text = g_variant_print(args, TRUE);
    g_string_append_printf(broadcast, "%s.%s %s\n", interface, signal, text);
}

START_TEST(broadcasts) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    g_autoptr(GDBusConnection) bob = pca_world_connect_as(world, BOB, BOB);
    broadcast = g_string_new(NULL);
    g_dbus_connection_signal_subscribe(bob, "org.pcassign1", NULL, NULL, NULL, NULL,
                                       G_DBUS_SIGNAL_FLAGS_NONE, on_signal, NULL, NULL);
    g_autofree char *first = pca_property(bob, ROOT_PATH, MANAGER, "Version");
    g_auto(PcaHeld) held = claim_titled(alice);
    /* The daemon tells of a state when it has nothing else to do: a release right now would be told
     * of instead. */
    while (!strstr(broadcast->str, "ready"))
        g_main_context_iteration(NULL, TRUE);
    g_variant_unref(pca_call(alice, held.path, "Claim.Release", NULL, NULL));
    g_autofree char *last = pca_property(bob, ROOT_PATH, MANAGER, "Version");
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    expect_hidden(broadcast->str);
    ck_assert_ptr_null(strstr(broadcast->str, "uid"));
    g_string_free(broadcast, TRUE);
}
END_TEST

/* ---- The policy ---- */

static void write_policy(const char *text) {
    g_autofree char *path = g_build_filename(world->tree, "policy.d/60-more.conf", NULL);
    ck_assert(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

static char *reload(GDBusConnection *c) {
    g_autoptr(GVariant) reply = pca_call(c, ROOT_PATH, "Manager.ReloadPolicy", NULL, NULL);
    return g_variant_print(reply, FALSE);
}

static void expect_policy(const char *generation, const char *stale) {
    g_autofree char *g = pca_property(bus, ROOT_PATH, MANAGER, "PolicyGeneration");
    g_autofree char *s = pca_property(bus, ROOT_PATH, MANAGER, "PolicyStale");
    ck_assert_pstr_eq(g, generation);
    ck_assert_pstr_eq(s, stale);
}

START_TEST(policy) {
    if (!pca_become(0))
        return;
    g_autoptr(GDBusConnection) alice = pca_world_connect_as(world, ALICE, ALICE);
    pca_refused(alice, ROOT_PATH, "Manager.ReloadPolicy", NULL, "NotPermitted");
    pca_refused(alice, ROOT_PATH, "Manager.Claim", pca_devices("08:00.0", NULL), "NotPermitted");
    write_policy("[Deny nic]\nPath=01.0/00.0\nPath=01.0/00.0\nColour=red\n");
    g_autofree char *broken = reload(bus);
    ck_assert_msg(strstr(broken, "60-more.conf', uint32 4, 1, 'error'") ||
                      strstr(broken, "60-more.conf', 4, 1, 'error'"),
                  "%s", broken);
    expect_policy("1", "true");
    g_auto(PcaHeld) held = pca_claim_words(alice, "nic");
    g_variant_unref(pca_call(alice, held.path, "Claim.Release", NULL, NULL));
    write_policy("[Deny nic]\nPath=01.0/00.0\n");
    g_autofree char *good = reload(bus);
    ck_assert_msg(!strstr(good, "'error'"), "%s", good);
    expect_policy("2", "false");
    pca_refused(alice, ROOT_PATH, "Manager.Claim", pca_devices("nic", NULL), "NotPermitted");
    g_autofree char *path = g_build_filename(world->tree, "policy.d/60-more.conf", NULL);
    ck_assert_int_eq(unlink(path), 0);
    g_autofree char *usual = reload(bus);
    expect_policy("3", "false");
}
END_TEST

TCase *pca_user_cases(void) {
    TCase *tcase = pca_shared_case_new("users");
    tcase_add_test(tcase, own_claim);
    tcase_add_test(tcase, by_group);
    tcase_add_test(tcase, by_one_of_many_groups);
    tcase_add_test(tcase, left_by_its_process);
    tcase_add_test(tcase, strangers);
    tcase_add_test(tcase, refusal_tells_nothing);
    tcase_add_test(tcase, broadcasts);
    tcase_add_test(tcase, policy);
    return tcase;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: each kind of request as the daemon makes it, and as it never should.
 * Thread: main: the request waits in the socket while the worker's side answers it.
 * Ownership: each test's own.
 */
#include "engine/serve.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "engine/journal.h"
#include "engine/request.h"
#include "engine/wire.h"

static GVariant *run_request(PcaPlanKind kind) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, NULL});
    g_autoptr(PcaPlan) plan = kind == PCA_PLAN_CLAIM ? pca_plan_claim(functions, on_vfio)
                                                     : pca_plan_release(functions, on_vfio);
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", "run");
    g_variant_dict_insert_value(&request, "plan", pca_plan_to_variant(plan));
    return g_variant_dict_end(&request);
}

/* ---- Plans ---- */

START_TEST(run_runs_the_plan) {
    PCA_AUTO_FD journal = open_journal();
    AUTO_REPLY reply = ask(run_request(PCA_PLAN_CLAIM), journal);
    assert_ok(&reply);
    assert_value(&reply, "residue", "[]");
    assert_binding(NIC, "driver=vfio-pci override=vfio-pci");
    g_autoptr(PcaJournal) progress = pca_journal_read(journal, NULL);
    ck_assert_int_eq(progress->result, PCA_JOURNAL_DONE);
}
END_TEST

START_TEST(run_tells_the_residue) {
    PCA_AUTO_FD journal = open_journal();
    g_autoptr(GVariant) release = g_variant_ref_sink(run_request(PCA_PLAN_RELEASE));
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    pca_tree_unset(tree, NIC, "reset_method");
    AUTO_REPLY reply = ask(release, journal);
    assert_refused(&reply, "NoReset");
    assert_value(&reply, "residue", "[('0000:01:00.0', true, '0000:01:00.0 has no reset method')]");
}
END_TEST

START_TEST(undo_undoes) {
    PCA_AUTO_FD journal = open_journal();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    AUTO_REPLY reply = ask_text("{'kind': <'undo'>}", journal);
    assert_ok(&reply);
    assert_value(&reply, "residue", "[]");
    assert_binding(NIC, "driver=e1000e override=");
}
END_TEST

START_TEST(a_held_journal_is_busy) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD other = open_journal();
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    AUTO_REPLY run = ask(run_request(PCA_PLAN_CLAIM), journal);
    assert_refused(&run, "Busy");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

static gpointer let_go_soon(gpointer lock) {
    g_usleep(50 * G_TIME_SPAN_MILLISECOND);
    flock(GPOINTER_TO_INT(lock), LOCK_UN);
    return NULL;
}

START_TEST(a_dying_worker_may_hold_the_journal_a_moment_longer) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD other = open_journal();
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    GThread *thread = g_thread_new("dying", let_go_soon, GINT_TO_POINTER(other));
    AUTO_REPLY run = ask(run_request(PCA_PLAN_CLAIM), journal);
    assert_ok(&run);
    g_thread_join(thread);
}
END_TEST

static void try_the_lock(PcaFakeKernel *machine, const char *line, gpointer other) {
    ck_assert_int_lt(flock(GPOINTER_TO_INT(other), LOCK_EX | LOCK_NB), 0);
}

START_TEST(the_lock_is_held_until_just_before_the_reply) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD other = open_journal();
    fake->before = fake->after = try_the_lock;
    fake->data = GINT_TO_POINTER(other);
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    assert_ok(&claimed);
    ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
}
END_TEST

START_TEST(a_malformed_journal_is_not_undone) {
    PCA_AUTO_FD journal = open_journal();
    ck_assert_int_eq(write(journal, "nonsense\n", 9), 9);
    AUTO_REPLY reply = ask_text("{'kind': <'undo'>}", journal);
    assert_refused(&reply, "Failed");
}
END_TEST

START_TEST(nothing_is_begun_for_a_daemon_that_went) {
    int ends[2];
    PCA_AUTO_FD journal = open_journal();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert(pca_wire_send(ends[0], run_request(PCA_PLAN_CLAIM), &journal, 1, NULL));
    pca_fd_close(&ends[0]);
    pca_serve(kernel, ends[1]);
    pca_fd_close(&ends[1]);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    g_autoptr(PcaJournal) progress = pca_journal_read(journal, NULL);
    ck_assert_int_eq(progress->result, PCA_JOURNAL_EMPTY);
}
END_TEST

/* ---- Descriptors ---- */

#define OPEN_NIC                                                                                   \
    "{'kind': <'open'>, 'memory': <uint64 4096>, "                                                 \
    "'devices': <[('0000:01:00.0', '8086:10d3 0000:0000', 'net')]>}"

START_TEST(open_hands_descriptors_over) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    guint before = count_fds();
    AUTO_REPLY reply = ask_text(OPEN_NIC, pidfd);
    assert_ok(&reply);
    assert_value(&reply, "fds", "[('iommufd', '', ''), ('device', 'net', '0000:01:00.0')]");
    ck_assert_uint_eq(reply.fds->len, 2);
    ck_assert_uint_eq(count_fds(), before + 2);
    g_autofree char *what = pca_fake_kernel_describe_fd(fake, g_array_index(reply.fds, int, 1));
    ck_assert_pstr_eq(what, "cdev " NIC);
    ck_assert_uint_eq(fake->n_operations, pca_fake_kernel_count(fake, "*"));
}
END_TEST

/* What the request tells of the machine, and how much above 1 GiB the limit is. */
static const struct {
    const char *told;
    guint64 mib;
} machines[] = {
    {"", 64},
    {", 'viommu': <true>", 64},
    {", 'viommu': <true>, 'beside': <['0000:02:00.0', '0000:03:00.0']>", 192},
    {", 'beside': <['0000:02:00.0', '0000:03:00.0']>", 64},
    {", 'viommu': <false>, 'beside': <@as []>", 64},
};

START_TEST(open_counts_the_whole_machine) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    for (guint i = 0; i < G_N_ELEMENTS(machines); i++) {
        g_autofree char *request =
            g_strdup_printf("{'kind': <'open'>, 'handoff': <'group'>, 'memory': <uint64 67108864>, "
                            "'devices': <[('" NIC "', '8086:10d3 0000:0000', 'net')]>%s}",
                            machines[i].told);
        fake->memlock = 0;
        AUTO_REPLY reply = ask_text(request, pidfd);
        assert_ok(&reply);
        ck_assert_uint_eq(fake->memlock >> 20, 1024 + machines[i].mib);
    }
}
END_TEST

START_TEST(open_hands_groups_over) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    AUTO_REPLY reply = ask_text("{'kind': <'open'>, 'handoff': <'group'>, 'devices': "
                                "<[('0000:01:00.0', '8086:10d3 0000:0000', 'net')]>}",
                                pidfd);
    assert_ok(&reply);
    assert_value(&reply, "fds", "[('container', '', ''), ('group', 'net', '0000:01:00.0')]");
    ck_assert_uint_eq(reply.fds->len, 2);
}
END_TEST

#define OPEN_NODE                                                                                  \
    "{'kind': <'open'>, 'handoff': <'node'>, %s'devices': "                                        \
    "<[('0000:01:00.0', '8086:10d3 0000:0000', 'net')]>}"

START_TEST(open_of_nodes_wants_their_owner_and_sends_nothing) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    machine_give(NIC, "1000:0:0600");
    g_autofree char *of_nobody = g_strdup_printf(OPEN_NODE, "");
    g_autofree char *of_bob = g_strdup_printf(OPEN_NODE, "'owner': <uint32 1001>, ");
    g_autofree char *of_alice = g_strdup_printf(OPEN_NODE, "'owner': <uint32 1000>, ");
    AUTO_REPLY nobody = ask_text(of_nobody, pidfd);
    assert_refused(&nobody, "InvalidArgument");
    AUTO_REPLY bob = ask_text(of_bob, pidfd);
    assert_refused(&bob, "Busy");
    AUTO_REPLY alice = ask_text(of_alice, pidfd);
    assert_ok(&alice);
    assert_value(&alice, "fds", "[]");
}
END_TEST

START_TEST(open_for_who_joins_sends_the_device_alone) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    AUTO_REPLY reply = ask_text("{'kind': <'open'>, 'joins': <true>, 'devices': "
                                "<[('0000:01:00.0', '8086:10d3 0000:0000', 'net')]>}",
                                pidfd);
    assert_ok(&reply);
    assert_value(&reply, "fds", "[('device', 'net', '0000:01:00.0')]");
}
END_TEST

START_TEST(open_that_fails_sends_nothing) {
    PCA_AUTO_FD journal = open_journal();
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY claimed = ask(run_request(PCA_PLAN_CLAIM), journal);
    pca_fake_kernel_fail_matching(fake, "raise_memlock *", EPERM, 0);
    guint before = count_fds();
    AUTO_REPLY reply = ask_text(OPEN_NIC, pidfd);
    assert_refused(&reply, "Failed");
    assert_value(&reply, "fds", "[]");
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(open_of_too_many_is_refused) {
    g_autoptr(GString) text = g_string_new("{'kind': <'open'>, 'devices': <[");
    for (int i = 0; i < PCA_WIRE_MAX_FDS; i++)
        g_string_append_printf(text, "%s('', '', '')", i ? ", " : "");
    g_string_append(text, "]>}");
    PCA_AUTO_FD pidfd = self_pidfd();
    AUTO_REPLY reply = ask_text(text->str, pidfd);
    assert_refused(&reply, "LimitExceeded");
}
END_TEST

START_TEST(probe_tells_which_groups_are_used) {
    PCA_AUTO_FD user = pca_fake_kernel_use(fake, SPARE);
    guint before = count_fds();
    AUTO_REPLY reply = ask_text("{'kind': <'probe'>, 'groups': <[4, 2, 99]>}", -1);
    assert_ok(&reply);
    assert_value(&reply, "busy", "[4]");
    assert_value(&reply, "owners", "[(4, '0:0:0600')]");
    pca_fd_close(&user);
    AUTO_REPLY idle = ask_text("{'kind': <'probe'>, 'groups': <[4]>}", -1);
    assert_value(&idle, "busy", "[]");
    ck_assert_uint_eq(count_fds(), before - 1);
}
END_TEST

static char *config_request(guint n) {
    GString *text = g_string_new("{'kind': <'config'>, 'devices': <[");
    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s'%s'", i ? ", " : "", NIC);
    g_string_append(text, "]>}");
    return g_string_free(text, FALSE);
}

START_TEST(config_hands_over_what_there_is) {
    guint before = count_fds();
    {
        guint16 vendor = 0;
        AUTO_REPLY reply =
            ask_text("{'kind': <'config'>, 'devices': <['0000:01:00.0', '0000:77:00.0', 'x/../y', "
                     "'0000:04:00.0']>}",
                     -1);
        assert_ok(&reply);
        assert_value(&reply, "fds",
                     "[('config', '', '0000:01:00.0'), ('config', '', '0000:04:00.0')]");
        ck_assert_uint_eq(reply.fds->len, 2);
        int fd = g_array_index(reply.fds, int, 0);
        ck_assert_int_eq(pread(fd, &vendor, sizeof vendor, 0), sizeof vendor);
        ck_assert_uint_eq(GUINT16_FROM_LE(vendor), 0x8086);
        ck_assert_int_eq(pread(fd, &vendor, sizeof vendor, 0xf0), sizeof vendor);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    }
    ck_assert(!fake->renounced);
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(config_of_as_many_as_fit) {
    g_autofree char *most = config_request(PCA_WIRE_MAX_FDS);
    g_autofree char *more = config_request(PCA_WIRE_MAX_FDS + 1);
    AUTO_REPLY reply = ask_text(most, -1);
    assert_ok(&reply);
    ck_assert_uint_eq(reply.fds->len, PCA_WIRE_MAX_FDS);
    AUTO_REPLY refused = ask_text(more, -1);
    assert_refused(&refused, "LimitExceeded");
}
END_TEST

/* All other requests, also those that fail: first of all they give up what they do not need. */
START_TEST(others_renounce_the_right) {
    static const char *const requests[] = {
        "{'kind': <'run'>}",     "{'kind': <'undo'>}", "{'kind': <'open'>}", "{'kind': <'probe'>}",
        "{'kind': <'holders'>}", "{'kind': <'uses'>}", "{'kind': <'stop'>}"};
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        fake->renounced = FALSE;
        AUTO_REPLY reply = ask_text(requests[i], -1);
        ck_assert_msg(fake->renounced, "%s", requests[i]);
    }
}
END_TEST

START_TEST(what_cannot_renounce_does_nothing) {
    PCA_AUTO_FD journal = open_journal();
    pca_fake_kernel_fail_matching(fake, "renounce", EPERM, 0);
    AUTO_REPLY reply = ask(run_request(PCA_PLAN_CLAIM), journal);
    assert_refused(&reply, "Failed");
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
}
END_TEST

/* ---- Requests that the daemon never makes ---- */

static const struct {
    const char *request;
    gboolean with_fd;
} malformed[] = {
    {"@a{sv} {'x': <1>}", TRUE},
    {"{'kind': <''>}", TRUE},
    {"{'kind': <'explode'>}", TRUE},
    {"{'kind': <7>}", TRUE},
    {"{'kind': <'run'>}", TRUE},
    {"{'kind': <'run'>, 'plan': <'all of them'>}", TRUE},
    {"{'kind': <'run'>, 'plan': <(byte 0x07, @a(ssssss) [])>}", TRUE},
    {"{'kind': <'run'>, 'plan': <(byte 0x00, @a(ssssss) [])>}", FALSE},
    {"{'kind': <'undo'>}", FALSE},
    {"{'kind': <'open'>}", TRUE},
    {"{'kind': <'open'>, 'devices': <['x']>}", TRUE},
    {"{'kind': <'open'>, 'devices': <@a(sss) []>}", FALSE},
    {"{'kind': <'probe'>}", FALSE},
    {"{'kind': <'probe'>, 'groups': <'4'>}", FALSE},
    {"{'kind': <'uses'>}", FALSE},
    {"{'kind': <'uses'>, 'nodes': <[uint64 1]>}", FALSE},
    {"{'kind': <'stop'>}", FALSE},
    {"{'kind': <'stop'>, 'owner': <'0'>, 'kill': <true>}", FALSE},
    {"{'kind': <'config'>}", FALSE},
    {"{'kind': <'config'>, 'devices': <'0000:01:00.0'>}", FALSE},
};

START_TEST(a_malformed_request_is_an_invalid_argument) {
    machine_set_up();
    {
        PCA_AUTO_FD journal = open_journal();
        guint before = count_fds();
        AUTO_REPLY reply = ask_text(malformed[_i].request, malformed[_i].with_fd ? journal : -1);
        assert_refused(&reply, "InvalidArgument");
        ck_assert_uint_eq(count_fds(), before);
        ck_assert_uint_eq(pca_fake_kernel_count(fake, "*"), 0);
    }
    machine_tear_down();
}
END_TEST

START_TEST(what_is_no_request_gets_no_reply) {
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert_int_eq(send(ends[0], "garbage", 7, 0), 7);
    pca_serve(kernel, ends[1]);
    pca_fd_close(&ends[1]);
    g_autoptr(GArray) fds = pca_wire_fds_new();
    ck_assert_ptr_null(pca_wire_receive(ends[0], fds, NULL));
    pca_fd_close(&ends[0]);
}
END_TEST

void add_serve(Suite *suite) {
    ADD_CASE(suite, "serve plans", run_runs_the_plan, run_tells_the_residue, undo_undoes,
             a_held_journal_is_busy, a_dying_worker_may_hold_the_journal_a_moment_longer,
             the_lock_is_held_until_just_before_the_reply, a_malformed_journal_is_not_undone,
             nothing_is_begun_for_a_daemon_that_went, what_is_no_request_gets_no_reply);
    ADD_CASE(suite, "serve descriptors", open_hands_descriptors_over, open_counts_the_whole_machine,
             open_hands_groups_over, open_of_nodes_wants_their_owner_and_sends_nothing,
             open_for_who_joins_sends_the_device_alone, open_that_fails_sends_nothing,
             open_of_too_many_is_refused, probe_tells_which_groups_are_used,
             config_hands_over_what_there_is, config_of_as_many_as_fit, others_renounce_the_right,
             what_cannot_renounce_does_nothing);
    PCA_TABLE(suite, "malformed requests", a_malformed_request_is_an_invalid_argument, malformed);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the messages between daemon and worker, and the daemon's calls.
 * Thread: main. Ownership: the fixture owns the pair of sockets.
 */
#include "engine/wire.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/client.h"
#include "engine/support.h"

static int ends[2];

static void open_pair(void) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void close_pair(void) {
    pca_fd_close(&ends[0]);
    pca_fd_close(&ends[1]);
}

static GVariant *message(const char *key, const char *value) {
    g_auto(GVariantDict) dict;
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, key, "s", value);
    return g_variant_dict_end(&dict);
}

static void assert_not_received(const char *text) {
    guint before = count_fds();
    {
        g_autoptr(GArray) fds = pca_wire_fds_new();
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(pca_wire_receive(ends[1], fds, &error));
        assert_error(error, PCA_ERROR_FAILED);
        ck_assert_msg(strstr(error->message, text), "%s", error->message);
    }
    ck_assert_uint_eq(count_fds(), before);
}

START_TEST(a_message_goes_round_with_its_descriptors) {
    PCA_AUTO_FD first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    PCA_AUTO_FD second = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    const int sent[] = {first, second};
    guint before = count_fds();
    {
        g_autoptr(GArray) fds = pca_wire_fds_new();
        ck_assert(pca_wire_send(ends[0], message("kind", "x"), sent, 2, NULL));
        g_autoptr(GVariant) got = pca_wire_receive(ends[1], fds, NULL);
        const char *kind = NULL;
        ck_assert(got && g_variant_lookup(got, "kind", "&s", &kind));
        ck_assert_str_eq(kind, "x");
        ck_assert_uint_eq(fds->len, 2);
        ck_assert_int_eq(fcntl(g_array_index(fds, int, 0), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        PCA_AUTO_FD stolen = pca_wire_steal_fd(fds, 1);
        char byte;
        ck_assert_int_eq(read(stolen, &byte, 1), 1);
        ck_assert_int_eq(pca_wire_steal_fd(fds, 1), -1);
        ck_assert_int_eq(pca_wire_steal_fd(fds, 2), -1);
    }
    ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(too_large_is_refused_by_the_sender) {
    g_autofree char *text = g_strnfill(PCA_WIRE_MAX_SIZE, 'x');
    g_autoptr(GError) bytes = NULL, descriptors = NULL;
    int fds[PCA_WIRE_MAX_FDS + 1];
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = ends[0];
    ck_assert(!pca_wire_send(ends[0], message("kind", text), NULL, 0, &bytes));
    assert_error(bytes, PCA_ERROR_LIMIT_EXCEEDED);
    ck_assert(!pca_wire_send(ends[0], message("kind", "x"), fds, G_N_ELEMENTS(fds), &descriptors));
    assert_error(descriptors, PCA_ERROR_LIMIT_EXCEEDED);
    ck_assert(pca_wire_send(ends[0], message("kind", "x"), fds, PCA_WIRE_MAX_FDS, NULL));
}
END_TEST

START_TEST(a_plan_of_many_functions_fits) {
    g_autofree char *text = g_strnfill(128 * 1024, 'x');
    g_autoptr(GArray) fds = pca_wire_fds_new();
    ck_assert(pca_wire_send(ends[0], message("kind", text), NULL, 0, NULL));
    g_autoptr(GVariant) got = pca_wire_receive(ends[1], fds, NULL);
    ck_assert_ptr_nonnull(got);
}
END_TEST

START_TEST(truncated_is_refused) {
    int size = PCA_WIRE_MAX_SIZE * 4;
    g_autofree char *text = g_strnfill(PCA_WIRE_MAX_SIZE + 1, 'x');
    ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    if (send(ends[0], text, PCA_WIRE_MAX_SIZE + 1, 0) < 0)
        return; /* Only root may have a buffer this large. */
    assert_not_received("cut short");
}
END_TEST

#define MOST_FDS 253 /* of a message, for the kernel */
G_STATIC_ASSERT(MOST_FDS > PCA_WIRE_MAX_FDS + 1);

/* Bytes with a descriptor beside them; more descriptors than a message may have. */
static void send_raw(const char *bytes, gsize size, guint n_fds) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * MOST_FDS)];
    } control = {0};
    struct iovec part = {(void *)bytes, size};
    struct msghdr raw = {.msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds)};
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * n_fds),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS};
    for (guint i = 0; i < n_fds; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &ends[0], sizeof(int));
    ck_assert_int_eq(sendmsg(ends[0], &raw, 0), (gssize)size);
}

START_TEST(garbage_is_refused_and_its_descriptors_closed) {
    send_raw("no dictionary", 13, 1);
    assert_not_received("not a dictionary");
    send_raw("\xff\xff\xff\xff\xff\xff\xff\xff", 8, 3);
    assert_not_received("not a dictionary");
    send_raw("", 0, 1);
    assert_not_received("connection ended");
}
END_TEST

START_TEST(too_many_descriptors_are_refused_and_closed) {
    send_raw("x", 1, MOST_FDS);
    assert_not_received("cut short");
}
END_TEST

START_TEST(a_peer_that_went_is_told) {
    g_autoptr(GError) error = NULL;
    pca_fd_close(&ends[0]);
    assert_not_received("the connection ended");
    ck_assert(!pca_wire_send(ends[1], message("kind", "x"), NULL, 0, &error));
    assert_error(error, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(no_socket_is_an_error) {
    pca_fd_close(&ends[1]);
    assert_not_received("receiving");
}
END_TEST

/* ---- The daemon's calls ---- */

typedef struct {
    GMainLoop *loop;
    GVariant *reply;
    GError *error;
    guint n_fds;
    guint calls;
} Answer;

static void on_answer(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    Answer *answer = data;
    answer->calls++;
    answer->reply = reply ? g_variant_ref(reply) : NULL;
    answer->error = error ? g_error_copy(error) : NULL;
    answer->n_fds = fds->len;
    g_main_loop_quit(answer->loop);
}

static void answer_free(Answer *answer) {
    g_main_loop_unref(answer->loop);
    g_clear_pointer(&answer->reply, g_variant_unref);
    g_clear_error(&answer->error);
}

#define AUTO_ANSWER __attribute__((cleanup(answer_free))) Answer

static char *socket_path;
static int listener;

static void start_listening(void) {
    machine_set_up();
    socket_path = g_build_filename(pca_tree_path(tree), "socket", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 4), 0);
}

static void stop_listening(void) {
    pca_fd_close(&listener);
    g_clear_pointer(&socket_path, g_free);
    machine_tear_down();
}

/* What the worker answers; NULL: it dies. */
static GVariant *planned;

static gboolean on_connection(int fd, GIOCondition condition, gpointer data) {
    PCA_AUTO_FD connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    g_autoptr(GArray) fds = pca_wire_fds_new();
    g_autoptr(GVariant) request = pca_wire_receive(connection, fds, NULL);
    ck_assert_ptr_nonnull(request);
    if (planned)
        pca_wire_send(connection, g_steal_pointer(&planned), &fd, 1, NULL);
    return G_SOURCE_REMOVE;
}

static Answer call(const char *path, GVariant *reply) {
    Answer answer = {.loop = g_main_loop_new(NULL, FALSE)};
    planned = reply;
    guint source = g_unix_fd_add(listener, G_IO_IN, on_connection, NULL);
    pca_worker_call(path, message("kind", "x"), NULL, 0, on_answer, &answer);
    ck_assert_uint_eq(answer.calls, 0);
    g_main_loop_run(answer.loop);
    ck_assert_uint_eq(answer.calls, 1);
    if (g_main_context_find_source_by_id(NULL, source))
        g_source_remove(source);
    return answer;
}

START_TEST(an_answer_comes_with_descriptors) {
    AUTO_ANSWER answer = call(socket_path, g_variant_new_parsed("{'ok': <true>}"));
    ck_assert(answer.reply && !answer.error);
    ck_assert_uint_eq(answer.n_fds, 1);
}
END_TEST

static const struct {
    const char *reply;
    PcaError error;
    const char *message;
} failures[] = {
    {"{'ok': <false>, 'error': <'InUse'>, 'message': <'why'>}", PCA_ERROR_IN_USE, "why"},
    {"{'ok': <false>, 'error': <'Strange'>, 'message': <'why'>}", PCA_ERROR_FAILED, "why"},
    {"{'ok': <false>}", PCA_ERROR_FAILED, "the worker gave no reason"},
    {"{'ok': <'yes'>}", PCA_ERROR_FAILED, "the worker gave no reason"},
};

START_TEST(a_failure_is_an_error_beside_the_reply) {
    GVariant *reply = g_variant_parse(G_VARIANT_TYPE_VARDICT, failures[_i].reply, NULL, NULL, NULL);
    start_listening();
    {
        AUTO_ANSWER answer = call(socket_path, reply);
        ck_assert_ptr_nonnull(answer.reply);
        assert_error(answer.error, failures[_i].error);
        ck_assert_str_eq(answer.error->message, failures[_i].message);
    }
    stop_listening();
    g_variant_unref(reply);
}
END_TEST

START_TEST(a_worker_that_dies_did_not_answer) {
    AUTO_ANSWER answer = call(socket_path, NULL);
    ck_assert_ptr_null(answer.reply);
    assert_error(answer.error, PCA_ERROR_FAILED);
    ck_assert_ptr_nonnull(strstr(answer.error->message, "did not answer: the connection ended"));
}
END_TEST

START_TEST(no_worker_is_told_from_the_loop) {
    g_autofree char *absent = g_strconcat(socket_path, ".not", NULL);
    g_autofree char *endless = g_strnfill(200, 'x');
    AUTO_ANSWER none = call(absent, NULL);
    ck_assert_ptr_nonnull(strstr(none.error->message, "connecting to"));
    AUTO_ANSWER never = call(endless, NULL);
    ck_assert_ptr_nonnull(strstr(never.error->message, "too long"));
}
END_TEST

static void add_case_with(Suite *suite, const char *name, SFun set_up, SFun tear_down,
                          const TTest *const tests[], gsize n) {
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (gsize i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

void add_wire(Suite *suite) {
    const TTest *const messages[] = {a_message_goes_round_with_its_descriptors,
                                     too_large_is_refused_by_the_sender,
                                     a_plan_of_many_functions_fits,
                                     truncated_is_refused,
                                     garbage_is_refused_and_its_descriptors_closed,
                                     too_many_descriptors_are_refused_and_closed,
                                     a_peer_that_went_is_told,
                                     no_socket_is_an_error};
    const TTest *const calls[] = {an_answer_comes_with_descriptors,
                                  a_worker_that_dies_did_not_answer,
                                  no_worker_is_told_from_the_loop};
    add_case_with(suite, "wire", open_pair, close_pair, messages, G_N_ELEMENTS(messages));
    add_case_with(suite, "client", start_listening, stop_listening, calls, G_N_ELEMENTS(calls));
    PCA_TABLE(suite, "failures", a_failure_is_an_error_beside_the_reply, failures);
}

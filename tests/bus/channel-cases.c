/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: descriptors past the bus: what is taken for a channel, and clients that do not read it.
 * Thread: main. Ownership: see cases.h.
 */
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define IN_TIME 2000 /* milliseconds; the service gives up after 5 s */

typedef struct {
    int mine, theirs;
} Pair;

static Pair make_pair(int type) {
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    return (Pair){ends[0], ends[1]};
}

static void close_pair(Pair *pair) {
    pca_fd_close(&pair->mine);
    pca_fd_close(&pair->theirs);
}

#define AUTO_PAIR __attribute__((cleanup(close_pair))) Pair

/* ---- Open ---- */

typedef struct {
    guint ended;
    GVariant *reply;
    GError *error;
} Opened;

static void opened_clear(Opened *opened) {
    g_clear_pointer(&opened->reply, g_variant_unref);
    g_clear_error(&opened->error);
}

#define AUTO_OPENED __attribute__((cleanup(opened_clear))) Opened

static void on_opened(GObject *source, GAsyncResult *result, gpointer data) {
    Opened *opened = data;
    opened->reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), NULL,
                                                                    result, &opened->error);
    opened->ended++;
}

/* The service has a copy of the end, and no one else. */
static void begin_open(const PcaHeld *held, int *channel, Opened *opened) {
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    GVariantBuilder options;
    g_unix_fd_list_append(fds, held->lease, NULL);
    g_unix_fd_list_append(fds, *channel, NULL);
    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "channel", g_variant_new_handle(1));
    g_dbus_connection_call_with_unix_fd_list(
        bus, "org.pcassign1", held->path, CLAIM, "Open", g_variant_new("(ha{sv})", 0, &options),
        NULL, G_DBUS_CALL_FLAGS_NONE, -1, fds, NULL, on_opened, opened);
    g_dbus_connection_flush_sync(bus, NULL, NULL);
    pca_fd_close(channel);
}

static void expect_failed(const Opened *opened, const char *name, const char *words) {
    ck_assert_msg(pca_is_error(opened->error, name), "%s instead of %s",
                  opened->error ? opened->error->message : "success", name);
    ck_assert_msg(strstr(opened->error->message, words), "%s", opened->error->message);
}

static void expect_empty_reply(const Opened *opened) {
    ck_assert_msg(!opened->error, "%s", opened->error ? opened->error->message : "");
    g_autoptr(GVariant) list = g_variant_get_child_value(opened->reply, 0);
    ck_assert_uint_eq(g_variant_n_children(list), 0);
}

/* ---- Packets ---- */

/* "role|name|address|" and whether a descriptor came with it; "" when there is none to read. */
static char *receive(int channel) {
    char text[512];
    union {
        char space[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {text, sizeof text};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    ssize_t n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header) {
        PCA_AUTO_FD fd = -1;
        ck_assert_uint_eq(header->cmsg_len, CMSG_LEN(sizeof fd));
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
        ck_assert_int_ge(fd, 0);
    }
    for (ssize_t i = 0; i < n; i++)
        if (text[i] == '\0')
            text[i] = '|';
    return g_strdup_printf("%.*s%s", (int)MAX(n, 0), text, header ? "fd" : "");
}

static void expect_packets(int channel, const char *const *wanted) {
    for (; *wanted; wanted++) {
        g_autofree char *packet = receive(channel);
        ck_assert_str_eq(packet, *wanted);
    }
    g_autofree char *more = receive(channel);
    ck_assert_str_eq(more, "");
}

static const char *const of_the_card[] = {"iommufd|||fd", "device|01:00.0|" NIC "|fd", "end|",
                                          NULL};

/* No packet of the service's finds room. */
static guint fill(int end) {
    static const char packet[1024];
    guint n = 0;
    while (send(end, packet, sizeof packet, MSG_DONTWAIT) > 0)
        n++;
    ck_assert_int_eq(errno, EAGAIN);
    return n;
}

static void drain(int end, guint n) {
    char packet[1024];
    while (n-- > 0)
        ck_assert_int_gt(recv(end, packet, sizeof packet, MSG_DONTWAIT), 0);
}

START_TEST(past_the_bus) {
    guint before = pca_world_count_fds(world);
    AUTO_OPENED opened = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC + strlen("0000:"));
    AUTO_PAIR pair = make_pair(SOCK_SEQPACKET);
    begin_open(&held, &pair.theirs, &opened);
    pca_await(&opened.ended, 1);
    expect_empty_reply(&opened);
    expect_packets(pair.mine, of_the_card);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

/* What is sent by and by is read by and by. */
START_TEST(a_slow_reader) {
    AUTO_OPENED opened = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC + strlen("0000:"));
    AUTO_PAIR pair = make_pair(SOCK_SEQPACKET);
    guint n = fill(pair.theirs);
    gint64 end = g_get_monotonic_time() + IN_TIME * G_TIME_SPAN_MILLISECOND / 4;
    begin_open(&held, &pair.theirs, &opened);
    while (g_get_monotonic_time() < end) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    ck_assert_uint_eq(opened.ended, 0);
    drain(pair.mine, n);
    pca_await(&opened.ended, 1);
    expect_empty_reply(&opened);
    expect_packets(pair.mine, of_the_card);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

/* The claim stays as it is, and the service keeps nothing open. */
START_TEST(who_never_reads) {
    guint before = pca_world_count_fds(world);
    AUTO_OPENED opened = {0}, again = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC + strlen("0000:"));
    AUTO_PAIR pair = make_pair(SOCK_SEQPACKET);
    fill(pair.theirs);
    begin_open(&held, &pair.theirs, &opened);
    pca_await(&opened.ended, 1);
    expect_failed(&opened, "TimedOut", "did not read its channel within 5 seconds");
    AUTO_PAIR better = make_pair(SOCK_SEQPACKET);
    begin_open(&held, &better.theirs, &again);
    pca_await(&again.ended, 1);
    expect_packets(better.mine, of_the_card);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
    ck_assert(pca_world_await_fds(world, before));
}
END_TEST

START_TEST(who_hangs_up) {
    AUTO_OPENED opened = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    AUTO_PAIR pair = make_pair(SOCK_SEQPACKET);
    pca_fd_close(&pair.mine);
    begin_open(&held, &pair.theirs, &opened);
    pca_await(&opened.ended, 1);
    expect_failed(&opened, "Failed", "sending on the channel");
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

/* ---- What is no channel ---- */

static int a_pipe(void) {
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    return ends[1];
}

static int a_stream(void) {
    Pair pair = make_pair(SOCK_STREAM);
    close(pair.mine);
    return pair.theirs;
}

static int an_unconnected(void) {
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static const struct {
    int (*make)(void);
} not_channels[] = {{a_pipe}, {a_stream}, {an_unconnected}};

START_TEST(no_channel) {
    AUTO_OPENED opened = {0};
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    PCA_AUTO_FD channel = not_channels[_i].make();
    begin_open(&held, &channel, &opened);
    pca_await(&opened.ended, 1);
    expect_failed(&opened, "InvalidArgument", "not a connected AF_UNIX socket");
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

/* Listens at the address until it is killed. */
static pid_t start_listener(const struct sockaddr_un *address) {
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (bind(listener, (const struct sockaddr *)address, sizeof *address) < 0 ||
            listen(listener, 1) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

/* Connected well enough, but to another process. */
START_TEST(somebody_else_s_channel) {
    AUTO_OPENED opened = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_snprintf(address.sun_path, sizeof address.sun_path, "%s/other", world->tree);
    g_auto(PcaHeld) held = pca_claim_words(bus, NIC);
    pid_t other = start_listener(&address);
    PCA_AUTO_FD channel = an_unconnected();
    ck_assert_int_eq(connect(channel, (const struct sockaddr *)&address, sizeof address), 0);
    begin_open(&held, &channel, &opened);
    pca_await(&opened.ended, 1);
    g_autofree char *words = g_strdup_printf("made by another process (%d of uid", (int)other);
    expect_failed(&opened, "NotPermitted", words);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    pca_fd_close(&held.lease);
    pca_await_all_back(world);
}
END_TEST

TCase *pca_channel_cases(void) {
    TCase *tcase = pca_patient_shared_case_new("channel");
    tcase_add_test(tcase, past_the_bus);
    tcase_add_test(tcase, a_slow_reader);
    tcase_add_test(tcase, who_never_reads);
    tcase_add_test(tcase, who_hangs_up);
    tcase_add_loop_test(tcase, no_channel, 0, G_N_ELEMENTS(not_channels));
    tcase_add_test(tcase, somebody_else_s_channel);
    return tcase;
}

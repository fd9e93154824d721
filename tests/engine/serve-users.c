/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: requests about the processes that have nodes open: who they are, and that they end.
 * Thread: main. Ownership: each test its processes.
 */
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "engine/request.h"

/* ---- Who has them open ---- */

/* /dev/null stands for a node: its number is put where the device's would be. */
static void make_holder(int pid, const char *comm) {
    struct stat st;
    ck_assert_int_eq(stat("/dev/null", &st), 0);
    pca_tree_add_opener(tree, pid, comm, "/dev/null");
    pca_tree_write(tree, "sys/class/vfio/2/dev", "%u:%u\n", major(st.st_rdev), minor(st.st_rdev));
}

START_TEST(holders_are_named_in_printable_text) {
    make_holder(4242, "vmm\033[2J\xff");
    AUTO_REPLY reply =
        ask_text("{'kind': <'holders'>, 'groups': <[2]>, 'devices': <['0000:03:00.0', 'x']>}", -1);
    assert_ok(&reply);
    g_autofree char *expected =
        g_strdup_printf("[(4242, %u, 'vmm?[2J\357\277\275')]", (unsigned)getuid());
    assert_value(&reply, "holders", expected);
}
END_TEST

START_TEST(holders_by_the_numbers_that_a_node_had) {
    make_holder(4242, "vmm");
    pca_tree_delete(tree, "sys/class/vfio/2");
    g_autofree char *text = g_strdup_printf("{'kind': <'holders'>, 'numbers': <[uint64 %ju]>}",
                                            (uintmax_t)makedev(1, 3));
    AUTO_REPLY reply = ask_text(text, -1);
    g_autofree char *expected = g_strdup_printf("[(4242, %u, 'vmm')]", (unsigned)getuid());
    assert_value(&reply, "holders", expected);
}
END_TEST

START_TEST(nobody_holds_what_has_no_node) {
    AUTO_REPLY reply = ask_text("{'kind': <'holders'>}", -1);
    assert_ok(&reply);
    assert_value(&reply, "holders", "[]");
}
END_TEST

/* ---- Processes that are in the way ---- */

#define OWNER 1000

static pid_t start_vmm(void) {
    /* Before the fork, so that no signal finds the test runner's handler in the child. */
    void (*before)(int) = signal(SIGTERM, SIG_DFL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        for (;;)
            pause();
    signal(SIGTERM, before);
    make_holder((int)pid, "vmm");
    g_autofree char *status = g_strdup_printf("proc/%d/status", (int)pid);
    pca_tree_write(tree, status, "Name:\tvmm\nPPid:\t1\nUid:\t%d\t0\t0\t0\n", OWNER);
    return pid;
}

static gboolean lives(pid_t pid) {
    return waitpid(pid, NULL, WNOHANG) == 0;
}

static void end_vmm(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static Reply stop(guint32 owner, gboolean kill) {
    g_autofree char *text =
        g_strdup_printf("{'kind': <'stop'>, 'groups': <[2]>, 'owner': <uint32 %u>, 'kill': <%s>}",
                        owner, kill ? "true" : "false");
    return ask_text(text, -1);
}

START_TEST(stop_hands_over_whom_it_means) {
    pid_t vmm = start_vmm();
    AUTO_REPLY reply = stop(OWNER, FALSE);
    g_autofree char *expected = g_strdup_printf("[(%d, %u, 'vmm')]", (int)vmm, (unsigned)getuid());
    assert_ok(&reply);
    assert_value(&reply, "processes", expected);
    ck_assert_uint_eq(reply.fds->len, 1);
    struct pollfd poller = {g_array_index(reply.fds, int, 0), POLLIN, 0};
    ck_assert_int_eq(poll(&poller, 1, 0), 0);
    ck_assert(lives(vmm));
    kill(vmm, SIGKILL);
    ck_assert_int_eq(poll(&poller, 1, 10000), 1);
    end_vmm(vmm);
}
END_TEST

START_TEST(stop_ends_it) {
    pid_t vmm = start_vmm();
    AUTO_REPLY reply = stop(OWNER, TRUE);
    int status = 0;
    assert_ok(&reply);
    ck_assert_uint_eq(reply.fds->len, 0);
    ck_assert_int_eq(waitpid(vmm, &status, 0), vmm);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
END_TEST

/* Each change makes it somebody who must not be meant; `%d` is the process. */
static const struct {
    const char *what, *file, *text;
} spared[] = {
    {"no uid", "status", "PPid:\t1\n"},
    {"an odd uid", "status", "PPid:\t1\nUid:\tx\n"},
    {"no parent", "status", "Uid:\t1000\t0\t0\t0\n"},
    {"its effective uid alone", "status", "x\nPPid:\t1\nUid:\t0\t1000\t1000\t1000\n"},
    {"a worker", "status", NULL},
    {"has closed it", "fd", NULL},
};

START_TEST(stop_spares_others) {
    machine_set_up();
    pid_t vmm = start_vmm();
    g_autofree char *path = g_strdup_printf("proc/%d/%s", (int)vmm, spared[_i].file);
    if (spared[_i].text)
        pca_tree_write(tree, path, "%s", spared[_i].text);
    else if (g_str_equal(spared[_i].file, "fd"))
        pca_tree_delete(tree, path);
    else
        pca_tree_write(tree, path, "x\nPPid:\t%d\nUid:\t1000\t0\t0\t0\n", (int)getppid());
    {
        AUTO_REPLY reply = stop(OWNER, TRUE);
        assert_ok(&reply);
        assert_value(&reply, "processes", "[]");
        ck_assert_msg(lives(vmm), "%s", spared[_i].what);
    }
    end_vmm(vmm);
    machine_tear_down();
}
END_TEST

/* Its number is another node's by now: whoever has that one open is not in the way. */
START_TEST(a_number_given_anew_means_nobody) {
    pid_t vmm = start_vmm();
    pca_tree_write(tree, "sys/class/vfio-dev/vfio7/dev", "1:3\n");
    pca_tree_delete(tree, "sys/class/vfio/2");
    g_autofree char *text = g_strdup_printf("{'kind': <'stop'>, 'numbers': <[uint64 %ju]>, "
                                            "'owner': <uint32 %u>, 'kill': <true>}",
                                            (uintmax_t)makedev(1, 3), OWNER);
    AUTO_REPLY reply = ask_text(text, -1);
    assert_value(&reply, "processes", "[]");
    ck_assert(lives(vmm));
    pca_tree_delete(tree, "sys/class/vfio-dev/vfio7");
    AUTO_REPLY again = ask_text(text, -1);
    end_vmm(vmm);
    g_autofree char *expected = g_strdup_printf("[(%d, %u, 'vmm')]", (int)vmm, (unsigned)getuid());
    assert_value(&again, "processes", expected);
}
END_TEST

START_TEST(a_number_of_no_vfio_device_means_nobody) {
    pid_t vmm = start_vmm();
    pca_tree_write(tree, "proc/devices",
                   "Character devices:\n  1 mem\n10 vfio\n\nBlock devices:\n  1 vfio\n");
    g_autofree char *text = g_strdup_printf("{'kind': <'stop'>, 'numbers': <[uint64 %ju]>, "
                                            "'owner': <uint32 %u>, 'kill': <true>}",
                                            (uintmax_t)makedev(1, 3), OWNER);
    AUTO_REPLY reply = ask_text(text, -1);
    assert_value(&reply, "processes", "[]");
    ck_assert(lives(vmm));
    end_vmm(vmm);
}
END_TEST

/* Nobody can tell who has what open where that cannot be listed. */
static void refuses_without_list(const char *directory) {
    make_holder(4242, "vmm");
    pca_tree_delete(tree, directory);
    pca_tree_write(tree, directory, "%s", "no directory");
    g_autofree char *text = g_strdup_printf(
        "{'kind': <'uses'>, 'nodes': <[(uint64 %ju, true, true)]>}", (uintmax_t)makedev(259, 0));
    AUTO_REPLY reply = ask_text(text, -1);
    assert_refused(&reply, "Failed");
}

START_TEST(uses_needs_the_list_of_processes) {
    refuses_without_list("proc");
}
END_TEST

START_TEST(uses_needs_what_each_process_has_open) {
    refuses_without_list("proc/4242/fd");
}
END_TEST

START_TEST(uses_tells_who_has_what_open) {
    make_holder(4242, "vmm");
    make_holder(4243, "cat");
    pca_tree_write(tree, "proc/4242/fdinfo/5", "pos:\t0\nflags:\t0100002\nmnt_id:\t30\n");
    pca_tree_write(tree, "proc/4243/fdinfo/5", "pos:\t0\nflags:\t0100000\nmnt_id:\t30\n");
    pca_fake_kernel_fail_matching(fake, "hold_disk 259:0", EBUSY, 0);
    g_autofree char *text = g_strdup_printf(
        "{'kind': <'uses'>, 'nodes': <[(uint64 %ju, true, true), (%ju, true, false), "
        "(%ju, false, false), (%ju, true, true)]>}",
        (uintmax_t)makedev(259, 0), (uintmax_t)makedev(1, 3), (uintmax_t)makedev(1, 3),
        (uintmax_t)makedev(8, 0));
    AUTO_REPLY reply = ask_text(text, -1);
    g_autofree char *openers =
        g_strdup_printf("[(2, 4242, %u, 'vmm', true), (2, 4243, %u, 'cat', false)]",
                        (unsigned)getuid(), (unsigned)getuid());
    assert_ok(&reply);
    assert_value(&reply, "refused", "[16, 0, 0, 0]");
    assert_value(&reply, "openers", openers);
    ck_assert_uint_eq(pca_fake_kernel_count(fake, "hold_disk *"), 2);
}
END_TEST

void add_serve_users(Suite *suite) {
    ADD_CASE(suite, "serve users", holders_are_named_in_printable_text,
             holders_by_the_numbers_that_a_node_had, nobody_holds_what_has_no_node,
             stop_hands_over_whom_it_means, stop_ends_it, a_number_given_anew_means_nobody,
             a_number_of_no_vfio_device_means_nobody, uses_needs_the_list_of_processes,
             uses_needs_what_each_process_has_open, uses_tells_who_has_what_open);
    PCA_TABLE(suite, "stop spares others", stop_spares_others, spared);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the suite of the engine.
 * Thread: main. Ownership: none.
 */
#include "engine/support.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int open_journal(void) {
    g_autofree char *path = g_build_filename(pca_tree_path(tree), "journal", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

int self_pidfd(void) {
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

Suite *pca_suite(void) {
    Suite *suite = suite_create("engine");
    add_plan(suite);
    add_journal(suite);
    add_run(suite);
    add_sweep(suite);
    add_handover(suite);
    add_node(suite);
    add_wire(suite);
    add_serve(suite);
    add_admin(suite);
    return suite;
}

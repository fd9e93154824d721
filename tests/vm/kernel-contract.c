/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the kernel contract on the running kernel: `kernel-contract ADDRESS DRIVER`, as root in
 * a VM, for a function that nobody needs and the driver that takes it. The function is taken from
 * its driver and reset many times.
 * Thread: main. Ownership: the runner owns the suite.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/kernel-contract.h"

static PcaRoot *host;
static PcaKernel running;
static char **arguments;

static void prepare(PcaSubject *subject) {
    running = (PcaKernel){.ops = &pca_kernel_ops, .root = host};
    *subject = (PcaSubject){
        .kernel = &running,
        .address = arguments[1],
        .host_driver = arguments[2],
        .without_labels = !g_file_test("/sys/fs/selinux/enforce", G_FILE_TEST_EXISTS),
    };
}

static void finish(PcaSubject *subject) {
}

static int run(void) {
    Suite *suite = suite_create("running kernel");
    suite_add_tcase(suite, pca_kernel_contract(prepare, finish));
    SRunner *runner = srunner_create(suite);
    /* A test that hangs in the kernel cannot be killed: a process of its own would not help. */
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_VERBOSE);
    int failed = srunner_ntests_failed(runner);
    int ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    if (argc != 3 || geteuid() != 0) {
        fprintf(stderr, "usage, as root: %s ADDRESS DRIVER\n", argv[0]);
        return 2;
    }
    arguments = argv;
    host = pca_root_new_host();
    int status = run();
    pca_root_free(host);
    return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the main function of every test program. Each test runs in a process of its own unless
 * CK_FORK=no is set.
 * Thread: main. Ownership: the runner owns the suite.
 */
#include "support/suite.h"

#include <stdlib.h>

int main(void) {
    SRunner *runner = srunner_create(pca_suite());
    srunner_run_all(runner, CK_ENV); /* CK_VERBOSITY=verbose names what passed */
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

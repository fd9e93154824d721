/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: CAP_SYS_ADMIN, by libcap-ng, which reads the rights of a process once and knows from
 * then on what it has changed. Thread: see the header. Ownership: the process that has read them.
 */
#include "sys/rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <unistd.h>

/* To read them takes several files of /proc; a fork has to read them again. */
static int read_rights(void) {
    static pid_t known;
    if (known == getpid())
        return 0;
    if (capng_get_caps_process() < 0)
        return -EIO;
    known = getpid();
    return 0;
}

/* Where it is in one of `has`, does `action` with it in `which`. */
static int change(capng_type_t has, capng_act_t action, capng_type_t which) {
    int result = read_rights();
    if (result < 0)
        return result;
    if (!capng_have_capability(has, CAP_SYS_ADMIN))
        return 0;
    if (capng_update(action, which, CAP_SYS_ADMIN) < 0)
        return -EINVAL;
    return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

int pca_rights_raise(void) {
    return change(CAPNG_PERMITTED, CAPNG_ADD, CAPNG_EFFECTIVE);
}

int pca_rights_lower(void) {
    return change(CAPNG_EFFECTIVE, CAPNG_DROP, CAPNG_EFFECTIVE);
}

int pca_rights_drop(void) {
    return change(CAPNG_PERMITTED, CAPNG_DROP,
                  CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE);
}

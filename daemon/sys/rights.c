/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: CAP_SYS_ADMIN, by capset(2) itself: the C library has no function for it.
 * Thread: see the header. Ownership: none.
 */
#include "sys/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORD CAP_TO_INDEX(CAP_SYS_ADMIN)
#define MASK CAP_TO_MASK(CAP_SYS_ADMIN)

typedef struct {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
} Rights;

static int get(Rights *rights) {
    *rights = (Rights){.header = {.version = _LINUX_CAPABILITY_VERSION_3}};
    return syscall(SYS_capget, &rights->header, rights->data) < 0 ? -errno : 0;
}

static int set(Rights *rights) {
    return syscall(SYS_capset, &rights->header, rights->data) < 0 ? -errno : 0;
}

int pca_rights_raise(void) {
    Rights rights;
    int result = get(&rights);
    if (result < 0 || !(rights.data[WORD].permitted & MASK))
        return result;
    rights.data[WORD].effective |= MASK;
    return set(&rights);
}

int pca_rights_lower(void) {
    Rights rights;
    int result = get(&rights);
    if (result < 0 || !(rights.data[WORD].effective & MASK))
        return result;
    rights.data[WORD].effective &= ~MASK;
    return set(&rights);
}

int pca_rights_drop(void) {
    Rights rights;
    int result = get(&rights);
    if (result < 0 || !(rights.data[WORD].permitted & MASK))
        return result;
    rights.data[WORD].effective &= ~MASK;
    rights.data[WORD].permitted &= ~MASK;
    rights.data[WORD].inheritable &= ~MASK;
    return set(&rights);
}

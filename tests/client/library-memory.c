/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: libpcassign without memory: a claim's whole life, once for each allocation in it, which
 * fails. No run may end by a signal or keep a descriptor. Run by test-libpcassign.
 * Thread: main, in a process for each run. Ownership: none.
 *
 * The program's own allocator counts; sanitizers and valgrind bring theirs, so not under those.
 */
#include "pcassign.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEVER (-1L)

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);

static long allocations, failing = NEVER;

static int fails(void) {
    return allocations++ == failing;
}

void *malloc(size_t n) {
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n) {
    return fails() ? NULL : __libc_realloc(old, n);
}

static int use_claim(struct pcassign_claim *claim, unsigned flags) {
    struct pcassign_fds *fds = NULL;
    const char *state;
    int code = pcassign_open(claim, flags, &fds);
    pcassign_fds_free(fds);
    if (!code)
        code = pcassign_claim_status(claim, &state, NULL);
    if (!code)
        code = pcassign_claim_release_requested(claim, &state, NULL);
    if (!code)
        code = pcassign_release_devices(claim, (const char *[]){"0000:02:00.0"}, 1);
    return code ? code : pcassign_release(claim);
}

static int use_joined(struct pcassign *p, const struct pcassign_claim *claim) {
    struct pcassign_device device = {"fine", NULL};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    struct pcassign_claim *second = NULL;
    options.join = claim;
    int code = pcassign_claim(p, &device, 1, &options, &second);
    pcassign_claim_free(second);
    return code;
}

static int life(unsigned flags) {
    struct pcassign_device device = {"fine", "gpu"};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    struct pcassign *p = NULL;
    struct pcassign_claim *claim = NULL;
    int code = pcassign_connect(&p);
    if (code)
        return code;
    options.title = "memory";
    options.memory = options.wait_usec = 1;
    pcassign_set_timeout(p, 1000 * 1000);
    code = pcassign_claim(p, &device, 1, &options, &claim);
    if (!code)
        code = use_joined(p, claim);
    if (!code)
        code = use_claim(claim, flags);
    pcassign_claim_free(claim);
    pcassign_close(p);
    return code;
}

static int count_fds(void) {
    int n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Whether the life without its `nth` allocation ends in peace. */
static int survives(unsigned flags, long nth) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        int before = count_fds();
        allocations = 0;
        failing = nth;
        life(flags);
        _exit(count_fds() != before);
    }
    if (waitpid(child, &status, 0) == child && status == 0)
        return 1;
    printf("flags %u, allocation %ld: wait status %#x\n", flags, nth, status);
    return 0;
}

int main(void) {
    int passed = 0, failed = 0;
    for (unsigned flags = 0; flags <= PCASSIGN_OPEN_CHANNEL; flags++) {
        allocations = 0;
        int code = life(flags);
        long total = allocations;
        if (code)
            failed++;
        for (long i = 0; i < total; i++)
            survives(flags, i) ? passed++ : failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

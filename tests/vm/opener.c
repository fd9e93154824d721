/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: looks, with libpcassign and /proc/self/fd, at what Open gives and to whom.
 *   opener open HANDOFF DEVICE OTHER   claims both and opens DEVICE: prints "ROLE NAME ADDRESS
 *                                      WHAT" of each descriptor that came, in the order of their
 *                                      roles, then how a second Open ends. WHAT: MAJOR:MINOR, or
 *                                      of a fake kernel's file the last two words of its path
 *   opener intrude CLAIM               Open of a claim whose lease this process does not have
 * Thread: main. Ownership: what it opens is closed again, which it also looks at.
 */
#include <pcassign.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_FDS 256

/* What is open: one bit each. */
struct fds {
    bool open[MAX_FDS];
};

static int complain(const char *what, struct pcassign *p) {
    fprintf(stderr, "opener: %s: %s\n", what, pcassign_last_error(p));
    return -1;
}

static int look(struct fds *fds) {
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    memset(fds, 0, sizeof *fds);
    if (!directory)
        return -1;
    while ((entry = readdir(directory))) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(directory) && fd < MAX_FDS)
            fds->open[fd] = true;
    }
    closedir(directory);
    return 0;
}

/* ---- Wrong leases ---- */

/* The claim `id` opened with another pipe's or claim's writing end, which this function consumes.
 */
static int open_with(struct pcassign *p, const char *id, int lease) {
    struct pcassign_claim *claim;
    struct pcassign_fds *fds = NULL;
    int code = lease < 0 ? PCASSIGN_ERR_FAILED : pcassign_claim_adopt(p, id, lease, &claim);
    if (code) {
        fprintf(stderr, "opener: no lease to try: %s\n", pcassign_strerror(code));
        return -1;
    }
    code = pcassign_open(claim, 0, &fds);
    pcassign_fds_free(fds);
    pcassign_claim_free(claim);
    if (code == PCASSIGN_ERR_NOT_PERMITTED)
        return 0;
    fprintf(stderr, "opener: a wrong lease: %s\n", code ? pcassign_strerror(code) : "it opens");
    return -1;
}

static int open_with_pipe(struct pcassign *p, const char *id) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    int result = open_with(p, id, ends[1]);
    close(ends[0]);
    return result;
}

/* ---- What comes ---- */

static bool is_listed(const struct pcassign_fds *list, int fd, int *index) {
    for (*index = 0; *index < (int)pcassign_fds_count(list); (*index)++)
        if (pcassign_fds_get(list, *index, NULL, NULL, NULL) == fd)
            return true;
    return false;
}

static int print_what(int fd) {
    char link[64], path[4096];
    struct stat info;
    if (fstat(fd, &info) < 0)
        return -1;
    if (S_ISCHR(info.st_mode))
        return printf("%u:%u\n", major(info.st_rdev), minor(info.st_rdev));
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return -1;
    path[length] = '\0';
    char *word = strrchr(path, '/');
    while (word && word > path && *--word != '/')
        ;
    return printf("%s\n", word ? word + 1 : path);
}

static int print_one(const struct pcassign_fds *list, int index) {
    const char *role, *name, *address;
    int fd = pcassign_fds_get(list, index, &role, &name, &address);
    printf("%s %s %s ", role, *name ? name : "-", *address ? address : "-");
    return print_what(fd) < 0 ? -1 : 0;
}

/* Every descriptor that was not there before is in the list, and close-on-exec. */
static int compare(const struct fds *before, const struct pcassign_fds *list) {
    struct fds now;
    size_t found = 0;
    int index;
    if (look(&now) < 0)
        return -1;
    for (int fd = 0; fd < MAX_FDS; fd++) {
        if (now.open[fd] == before->open[fd])
            continue;
        if (!now.open[fd] || !is_listed(list, fd, &index) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC)) {
            fprintf(stderr, "opener: descriptor %d came or went, or is inherited\n", fd);
            return -1;
        }
        found++;
    }
    if (found != pcassign_fds_count(list))
        return -1;
    for (index = 0; index < (int)found; index++)
        if (print_one(list, index) < 0)
            return -1;
    return 0;
}

static int open_twice(struct pcassign *p, struct pcassign_claim *claim) {
    struct fds before, after;
    struct pcassign_fds *list, *second = NULL;
    look(&before);
    if (pcassign_open(claim, 0, &list) != 0)
        return complain("open", p);
    int result = compare(&before, list);
    int code = pcassign_open(claim, 0, &second);
    printf("second: %s\n", code ? pcassign_error_name(code) : "opens");
    pcassign_fds_free(second);
    pcassign_fds_free(list);
    look(&after);
    return result < 0 || memcmp(&before, &after, sizeof before) != 0 ? -1 : 0;
}

/* ---- Commands ---- */

static int claim(struct pcassign *p, const char *name, const char *handoff,
                 struct pcassign_claim **ret) {
    struct pcassign_device device = {.name = name};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    options.handoff = handoff;
    return pcassign_claim(p, &device, 1, &options, ret) == 0 ? 0 : complain(name, p);
}

static int run_open(struct pcassign *p, char **words) {
    struct pcassign_claim *mine = NULL, *other = NULL;
    int result = -1;
    if (claim(p, words[1], words[0], &mine) == 0 && claim(p, words[2], words[0], &other) == 0 &&
        open_with_pipe(p, pcassign_claim_id(mine)) == 0 &&
        open_with(p, pcassign_claim_id(mine), dup(pcassign_claim_lease(other))) == 0 &&
        open_twice(p, mine) == 0)
        result = pcassign_release(mine) == 0 ? 0 : complain("release", p);
    pcassign_claim_free(mine);
    pcassign_claim_free(other);
    return result;
}

int main(int argc, char **argv) {
    struct pcassign *p = NULL;
    int result;
    bool intrudes = argc == 3 && strcmp(argv[1], "intrude") == 0;
    if (!intrudes && (argc != 5 || strcmp(argv[1], "open") != 0)) {
        fprintf(stderr, "usage: opener open HANDOFF DEVICE OTHER | intrude CLAIM\n");
        return 2;
    }
    if (pcassign_connect(&p) != 0)
        result = complain("connect", NULL);
    else
        result = intrudes ? open_with_pipe(p, argv[2]) : run_open(p, argv + 2);
    pcassign_close(p);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

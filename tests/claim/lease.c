/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: leases: when they live, when they have ended, what proves one.
 * Thread: main. Ownership: the fixture owns the machine, each test its descriptors.
 */
#include "claim/lease.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "claim/support.h"

static char *path_of(const char *name) {
    return g_build_filename(pca_tree_path(tree), name, NULL);
}

static void create(const char *name, int *reader, int *writer) {
    g_autofree char *path = path_of(name);
    ck_assert(pca_lease_create(path, reader, writer, NULL));
}

static gboolean hung_up(int reader) {
    struct pollfd poller = {.fd = reader};
    return poll(&poller, 1, 0) == 1 && (poller.revents & POLLHUP);
}

START_TEST(it_lives_as_long_as_any_copy_of_the_writer) {
    PCA_AUTO_FD reader = -1, writer = -1;
    create("lease", &reader, &writer);
    PCA_AUTO_FD copy = dup(writer);
    ck_assert(pca_lease_alive(reader));
    pca_fd_close(&writer);
    ck_assert(pca_lease_alive(reader) && !hung_up(reader));
    pca_fd_close(&copy);
    ck_assert(!pca_lease_alive(reader) && hung_up(reader));
}
END_TEST

START_TEST(only_its_owner_may_open_it) {
    g_autofree char *path = path_of("lease");
    PCA_AUTO_FD reader = -1, writer = -1;
    create("lease", &reader, &writer);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0600);
    ck_assert_int_eq(fcntl(reader, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(fcntl(writer, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}
END_TEST

START_TEST(junk_is_thrown_away) {
    char junk[4096] = {0};
    PCA_AUTO_FD reader = -1, writer = -1;
    create("lease", &reader, &writer);
    ck_assert_int_eq(fcntl(writer, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_gt(fcntl(writer, F_SETPIPE_SZ, 1024 * 1024), 0);
    while (write(writer, junk, sizeof junk) > 0)
        ;
    ck_assert(pca_lease_alive(reader) && !hung_up(reader));
    ck_assert_int_gt(write(writer, junk, sizeof junk), 0);
    pca_fd_close(&writer);
    ck_assert(!pca_lease_alive(reader));
}
END_TEST

START_TEST(opened_again_it_tells_whether_the_writer_died) {
    g_autofree char *path = path_of("lease");
    PCA_AUTO_FD reader = -1, writer = -1;
    create("lease", &reader, &writer);
    pca_fd_close(&reader);
    PCA_AUTO_FD again = pca_lease_open(path, NULL);
    ck_assert(pca_lease_alive(again));
    pca_fd_close(&writer);
    ck_assert(hung_up(again) && !pca_lease_alive(again));
    pca_fd_close(&again);
    PCA_AUTO_FD late = pca_lease_open(path, NULL);
    /* This is why it is asked by read(). */
    ck_assert(!hung_up(late) && !pca_lease_alive(late));
}
END_TEST

START_TEST(the_writing_end_alone_proves_it) {
    g_autofree char *path = path_of("lease");
    PCA_AUTO_FD reader = -1, writer = -1, other_reader = -1, other_writer = -1;
    create("lease", &reader, &writer);
    create("other", &other_reader, &other_writer);
    PCA_AUTO_FD copy = dup(writer);
    PCA_AUTO_FD both = open(path, O_RDWR | O_CLOEXEC);
    PCA_AUTO_FD file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    PCA_AUTO_FD reference = open(path, O_PATH | O_CLOEXEC);
    ck_assert(pca_lease_proves(reader, writer));
    ck_assert(pca_lease_proves(reader, copy));
    ck_assert(!pca_lease_proves(reader, reader));
    ck_assert(!pca_lease_proves(reader, both));
    ck_assert(!pca_lease_proves(reader, other_writer));
    ck_assert(!pca_lease_proves(reader, file));
    ck_assert(!pca_lease_proves(reader, reference));
    ck_assert(!pca_lease_proves(reader, -1));
    ck_assert(!pca_lease_proves(-1, writer));
}
END_TEST

START_TEST(it_is_made_only_where_there_is_none) {
    g_autofree char *nowhere = path_of("absent/lease");
    g_autofree char *taken = path_of("lease");
    g_autoptr(GError) missing = NULL, exists = NULL, unopened = NULL;
    int reader = -1, writer = -1;
    ck_assert(!pca_lease_create(nowhere, &reader, &writer, &missing));
    assert_error(missing, PCA_ERROR_FAILED);
    pca_tree_write(tree, "lease", "%s", "");
    ck_assert(!pca_lease_create(taken, &reader, &writer, &exists));
    assert_error(exists, PCA_ERROR_FAILED);
    ck_assert(reader == -1 && writer == -1);
    ck_assert_int_eq(pca_lease_open(nowhere, &unopened), -1);
    assert_error(unopened, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(without_descriptors_none_is_left_behind) {
    g_autofree char *path = path_of("lease");
    g_autoptr(GError) error = NULL;
    int reader = -1, writer = -1;
    GArray *full = g_array_new(FALSE, FALSE, sizeof(int));
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        g_array_append_val(full, fd);
    /* Room for the reader alone. */
    close(g_array_index(full, int, 0));
    gboolean made = pca_lease_create(path, &reader, &writer, &error);
    for (guint i = 1; i < full->len; i++)
        close(g_array_index(full, int, i));
    g_array_unref(full);
    ck_assert(!made && reader == -1 && writer == -1);
    assert_error(error, PCA_ERROR_FAILED);
    ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
}
END_TEST

void add_lease(Suite *suite) {
    ADD_CASE(suite, "lease", it_lives_as_long_as_any_copy_of_the_writer, only_its_owner_may_open_it,
             junk_is_thrown_away, opened_again_it_tells_whether_the_writer_died,
             the_writing_end_alone_proves_it, it_is_made_only_where_there_is_none,
             without_descriptors_none_is_left_behind);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the queue: what runs at once, what waits, and in which order.
 * Thread: main. Ownership: the fixture owns the queue.
 */
#include "claim/queue.h"

#include "claim/support.h"

static PcaQueue *queue;
static GString *started;

static void set_up(void) {
    queue = pca_queue_new();
    started = g_string_new(NULL);
}

static void tear_down(void) {
    pca_queue_free(queue);
    g_string_free(started, TRUE);
}

/* A job is named by a letter. */
static void start(gpointer name) {
    g_string_append_c(started, *(const char *)name);
}

static void add(const char *name, int first, int second) {
    const int groups[] = {first, second};
    pca_queue_add(queue, groups, first == second ? 1 : 2, start, (gpointer)name);
}

static void done(const char *name) {
    pca_queue_done(queue, (gpointer)name);
}

static const char a[] = "a", b[] = "b", c[] = "c", d[] = "d";

START_TEST(disjoint_jobs_run_at_once) {
    add(a, 1, 2);
    add(b, 3, 3);
    add(c, 4, 5);
    ck_assert_str_eq(started->str, "abc");
}
END_TEST

START_TEST(jobs_that_share_a_group_wait) {
    add(a, 1, 2);
    add(b, 2, 3);
    ck_assert_str_eq(started->str, "a");
    done(a);
    ck_assert_str_eq(started->str, "ab");
}
END_TEST

START_TEST(order_of_arrival_within_a_group) {
    add(a, 1, 1);
    add(b, 1, 1);
    add(c, 1, 1);
    done(a);
    ck_assert_str_eq(started->str, "ab");
    done(b);
    ck_assert_str_eq(started->str, "abc");
}
END_TEST

START_TEST(no_later_job_overtakes_one_that_waits) {
    add(a, 1, 1);
    add(b, 1, 2);
    /* Group 2 is idle, but b, who waits for group 1, was first. */
    add(c, 2, 2);
    add(d, 3, 3);
    ck_assert_str_eq(started->str, "ad");
    done(a);
    ck_assert_str_eq(started->str, "adb");
    done(b);
    ck_assert_str_eq(started->str, "adbc");
}
END_TEST

START_TEST(one_end_may_start_several) {
    add(a, 1, 2);
    add(b, 1, 1);
    add(c, 2, 2);
    done(a);
    ck_assert_str_eq(started->str, "abc");
}
END_TEST

START_TEST(what_waits_may_leave) {
    add(a, 1, 1);
    add(b, 1, 2);
    add(c, 2, 2);
    done(b);
    ck_assert_str_eq(started->str, "ac");
}
END_TEST

static void start_and_end(gpointer name) {
    start(name);
    pca_queue_done(queue, name);
}

START_TEST(a_job_may_end_while_it_starts) {
    const int group = 1;
    add(a, 1, 1);
    pca_queue_add(queue, &group, 1, start_and_end, (gpointer)b);
    pca_queue_add(queue, &group, 1, start_and_end, (gpointer)c);
    add(d, 1, 1);
    done(a);
    ck_assert_str_eq(started->str, "abcd");
}
END_TEST

START_TEST(a_stranger_ends_nothing) {
    add(a, 1, 1);
    add(b, 1, 1);
    done(c);
    ck_assert_str_eq(started->str, "a");
}
END_TEST

void add_queue(Suite *suite) {
    TCase *tcase = tcase_create("queue");
    const TTest *const tests[] = {
        disjoint_jobs_run_at_once,       jobs_that_share_a_group_wait,
        order_of_arrival_within_a_group, no_later_job_overtakes_one_that_waits,
        one_end_may_start_several,       what_waits_may_leave,
        a_job_may_end_while_it_starts,   a_stranger_ends_nothing};
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: journals: every record, what is malformed, and what a death leaves behind.
 * Thread: main. Ownership: each test's own.
 */
#include "engine/support.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/journal.h"

#define HEAD "pcassign-journal 1\n"
#define RUN "run 42 99\n"
#define STEP "('bind', '0000:01:00.0', '8086:10d3 0000:0000', 'vfio-pci', 'unbind', 'vfio-pci')"
#define PLAN "plan (0x00, [" STEP ", " STEP "])\n"
#define START HEAD RUN PLAN

static const struct {
    const char *text;
    PcaJournalResult result;
    PcaStepState first, second;
    const char *failure;
} records[] = {
    {START, PCA_JOURNAL_RUNNING, PCA_STEP_PENDING, PCA_STEP_PENDING, NULL},
    {START "begin 0\n", PCA_JOURNAL_RUNNING, PCA_STEP_BEGUN, PCA_STEP_PENDING, NULL},
    {START "begin 0\ndone 0\n", PCA_JOURNAL_RUNNING, PCA_STEP_DONE, PCA_STEP_PENDING, NULL},
    {START "begin 1\nfail 1 it burns\n", PCA_JOURNAL_RUNNING, PCA_STEP_PENDING, PCA_STEP_BEGUN,
     "it burns"},
    {START "begin 1\nfail 1 it burns\ngone 1\n", PCA_JOURNAL_RUNNING, PCA_STEP_PENDING,
     PCA_STEP_DONE, "it burns"},
    {START "done 0\nundo 0\n", PCA_JOURNAL_RUNNING, PCA_STEP_BEGUN, PCA_STEP_PENDING, NULL},
    {START "done 0\nundo 0\nundone 0\n", PCA_JOURNAL_RUNNING, PCA_STEP_UNDONE, PCA_STEP_PENDING,
     NULL},
    {START "fail 0 first\nundo-failed 1 last\n", PCA_JOURNAL_RUNNING, PCA_STEP_BEGUN,
     PCA_STEP_BEGUN, "last"},
    {START "end done\n", PCA_JOURNAL_DONE, PCA_STEP_PENDING, PCA_STEP_PENDING, NULL},
    {START "end undone\n", PCA_JOURNAL_UNDONE, PCA_STEP_PENDING, PCA_STEP_PENDING, NULL},
    {START "end residue\n", PCA_JOURNAL_RESIDUE, PCA_STEP_PENDING, PCA_STEP_PENDING, NULL},
    /* A later run of the same plan, and of another one. */
    {START "done 0\nend done\nrun 7 8\n", PCA_JOURNAL_DONE, PCA_STEP_DONE, PCA_STEP_PENDING, NULL},
    {START "done 0\nend done\nrun 7 8\nundo 0\n", PCA_JOURNAL_RUNNING, PCA_STEP_BEGUN,
     PCA_STEP_PENDING, NULL},
    {START "done 0\nfail 1 x\nend done\nrun 7 8\n" PLAN, PCA_JOURNAL_RUNNING, PCA_STEP_PENDING,
     PCA_STEP_PENDING, NULL},
    /* A torn last line counts as not written. */
    {START "begin 0\ndone", PCA_JOURNAL_RUNNING, PCA_STEP_BEGUN, PCA_STEP_PENDING, NULL},
    {START "end don", PCA_JOURNAL_RUNNING, PCA_STEP_PENDING, PCA_STEP_PENDING, NULL},
};

START_TEST(each_record_is_read) {
    g_autoptr(GError) error = NULL;
    g_autoptr(PcaJournal) journal = pca_journal_parse(records[_i].text, &error);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->result, records[_i].result);
    ck_assert_int_eq(journal->states[0], records[_i].first);
    ck_assert_int_eq(journal->states[1], records[_i].second);
    ck_assert_pstr_eq(journal->last_failure, records[_i].failure);
}
END_TEST

static const char *const empty[] = {"",       "pcassign-jou",           HEAD, HEAD "run 42",
                                    HEAD RUN, HEAD RUN "plan (0x00, [("};

static const struct {
    const char *text;
    gboolean first, second, undoing;
} at_work[] = {
    {START, FALSE, FALSE, FALSE},
    {START "begin 0\n", TRUE, FALSE, FALSE},
    {START "begin 0\ndone 0\nbegin 1\n", FALSE, TRUE, FALSE},
    {START "begin 0\nbegin 1\n", TRUE, TRUE, FALSE},
    {START "begin 0\nbegin 1\ndone 0\n", FALSE, TRUE, FALSE},
    {START "begin 0\nbegin 1\ndone 0\nfail 1 it burns\n", FALSE, FALSE, FALSE},
    {START "begin 0\ngone 0\n", FALSE, FALSE, FALSE},
    {START "begin 0\nfail 0 it burns\nundo 0\n", TRUE, FALSE, TRUE},
    {START "undo 1\nundone 1\n", FALSE, FALSE, FALSE},
    {START "undo 1\nundo-failed 1 it burns\n", FALSE, FALSE, FALSE},
    {START "begin 0\nrun 7 8\n", FALSE, FALSE, FALSE},
    {START "begin 0\nrun 7 8\n" PLAN, FALSE, FALSE, FALSE},
    {START "begin 0\nend residue\n", FALSE, FALSE, FALSE},
};

START_TEST(at_which_step_its_worker_is) {
    g_autoptr(PcaJournal) journal = pca_journal_parse(at_work[_i].text, NULL);
    ck_assert_ptr_nonnull(journal);
    gboolean first = at_work[_i].first, second = at_work[_i].second;
    GPtrArray *steps = journal->plan->steps;
    ck_assert_uint_eq(journal->current->len, (guint)(first + second));
    ck_assert(g_ptr_array_find(journal->current, g_ptr_array_index(steps, 0), NULL) == first);
    ck_assert(g_ptr_array_find(journal->current, g_ptr_array_index(steps, 1), NULL) == second);
    ck_assert(!(first || second) || journal->undoing == at_work[_i].undoing);
}
END_TEST

START_TEST(without_a_plan_nothing_was_touched) {
    g_autoptr(PcaJournal) journal = pca_journal_parse(empty[_i], NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->result, PCA_JOURNAL_EMPTY);
    ck_assert_ptr_null(journal->plan);
}
END_TEST

START_TEST(the_last_run_is_told) {
    g_autoptr(PcaJournal) journal = pca_journal_parse(START "run 7 18446744073709551615\n", NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->pid, 7);
    ck_assert(journal->start_time == G_MAXUINT64);
}
END_TEST

static const char *const malformed[] = {
    "\n",
    "pcassign-journals 2\n",
    HEAD "\n",
    HEAD "nonsense\n",
    HEAD "nonsense 1\n",
    HEAD "run\n",
    HEAD "run 1\n",
    HEAD "run 0 1\n",
    HEAD "run -1 1\n",
    HEAD "run 1 2 3\n",
    HEAD "run 99999999999 2\n",
    HEAD "run 1 18446744073709551616\n",
    HEAD "plan\n",
    HEAD "plan nonsense\n",
    HEAD "plan (0x09, [" STEP "])\n",
    HEAD "plan (0x00, [('bind', 'x', '', '', '', '')])\n",
    HEAD "begin 0\n",
    HEAD "end done\n",
    START "begin 2\n",
    START "begin -1\n",
    START "begin +1\n",
    START "begin  1\n",
    START "begin x\n",
    START "begin 1 \n",
    START "begin 1x\n",
    START "begin 99999999999999999999\n",
    START "fail 1\n",
    START "undo-failed 1\n",
    START "end\n",
    START "end nonsense\n",
    START "end done \n",
    START "\nend done\n",
    START HEAD,
};

START_TEST(another_format_is_unsupported) {
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_journal_parse("pcassign-journal 2\xff\nbegin x\n", &error));
    assert_error(error, PCA_ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error->message, "its format is 2"));
    ck_assert(g_utf8_validate(error->message, -1, NULL));
}
END_TEST

START_TEST(a_malformed_journal_is_refused) {
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(pca_journal_parse(malformed[_i], &error));
    assert_error(error, PCA_ERROR_FAILED);
    ck_assert_ptr_nonnull(strstr(error->message, "malformed"));
}
END_TEST

/* ---- The file ---- */

static void put(int fd, const char *text, gsize size) {
    ck_assert_int_eq(write(fd, text, size), (gssize)size);
}

static char *get(int fd) {
    char buffer[8192] = {0};
    ck_assert_int_ge(pread(fd, buffer, sizeof buffer - 1, 0), 0);
    return g_strdup(buffer);
}

START_TEST(nul_and_endless_journals_are_refused) {
    PCA_AUTO_FD fd = open_journal();
    g_autoptr(GError) nul = NULL, huge = NULL, unreadable = NULL;
    put(fd, HEAD, strlen(HEAD) + 1);
    ck_assert_ptr_null(pca_journal_read(fd, &nul));
    assert_error(nul, PCA_ERROR_FAILED);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    g_autofree char *block = g_strnfill(PCA_JOURNAL_MAX, 'x');
    put(fd, block, PCA_JOURNAL_MAX);
    put(fd, "x", 1);
    ck_assert_ptr_null(pca_journal_read(fd, &huge));
    assert_error(huge, PCA_ERROR_FAILED);
    ck_assert_ptr_null(pca_journal_read(-1, &unreadable));
    assert_error(unreadable, PCA_ERROR_FAILED);
}
END_TEST

START_TEST(a_run_begins_with_header_run_and_plan) {
    PCA_AUTO_FD fd = open_journal();
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){NIC, NULL});
    g_autoptr(PcaPlan) plan = pca_plan_claim(functions, on_vfio);
    g_autoptr(GError) error = NULL;
    ck_assert(pca_journal_begin_run(fd, plan, &error));
    ck_assert(pca_journal_begin_run(fd, NULL, &error));
    g_autoptr(PcaJournal) journal = pca_journal_read(fd, &error);
    ck_assert_ptr_nonnull(journal);
    ck_assert_int_eq(journal->pid, getpid());
    ck_assert(journal->start_time != 0 && journal->start_time == pca_process_start_time(getpid()));
    ck_assert_uint_eq(journal->plan->steps->len, plan->steps->len);
    g_autofree char *text = get(fd);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    ck_assert_uint_eq(g_strv_length(lines), 5);
    ck_assert_str_eq(lines[0], "pcassign-journal 1");
    ck_assert_str_eq(lines[1], lines[3]);
}
END_TEST

START_TEST(a_new_run_cuts_a_torn_line_off) {
    static const char *const whole[] = {"", START "begin 0\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(whole); i++) {
        PCA_AUTO_FD fd = open_journal();
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        put(fd, whole[i], strlen(whole[i]));
        put(fd, "don", 3);
        ck_assert(pca_journal_begin_run(fd, NULL, NULL));
        g_autofree char *text = get(fd);
        g_autofree char *expected =
            g_strdup_printf("%srun %d %" G_GUINT64_FORMAT "\n", i ? whole[i] : HEAD, getpid(),
                            pca_process_start_time(getpid()));
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(a_record_stays_one_line_of_text) {
    PCA_AUTO_FD fd = open_journal();
    put(fd, START, strlen(START));
    ck_assert(pca_journal_append(fd, NULL, "fail 0 %s", "two\nlines\tand \xff"));
    g_autoptr(PcaJournal) journal = pca_journal_read(fd, NULL);
    ck_assert_ptr_nonnull(journal);
    ck_assert_str_eq(journal->last_failure, "two lines and \357\277\275");
}
END_TEST

START_TEST(a_record_that_does_not_fit_leaves_nothing) {
    PCA_AUTO_FD fd = open_journal();
    g_autoptr(GError) error = NULL;
    put(fd, START, strlen(START));
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {strlen(START) + 4, RLIM_INFINITY};
    int set = setrlimit(RLIMIT_FSIZE, &limit);
    gboolean written = pca_journal_append(fd, &error, "begin 0");
    limit.rlim_cur = RLIM_INFINITY;
    int unset = setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(set == 0 && unset == 0);
    ck_assert(!written);
    assert_error(error, PCA_ERROR_FAILED);
    g_autofree char *text = get(fd);
    ck_assert_str_eq(text, START);
}
END_TEST

START_TEST(a_process_that_is_gone_has_no_start_time) {
    ck_assert(pca_process_start_time(G_MAXINT) == 0);
}
END_TEST

void add_journal(Suite *suite) {
    PCA_TABLE(suite, "records", each_record_is_read, records);
    PCA_TABLE(suite, "at work", at_which_step_its_worker_is, at_work);
    PCA_TABLE(suite, "empty journals", without_a_plan_nothing_was_touched, empty);
    PCA_TABLE(suite, "malformed journals", a_malformed_journal_is_refused, malformed);
    ADD_CASE(suite, "journal", the_last_run_is_told, another_format_is_unsupported,
             nul_and_endless_journals_are_refused, a_run_begins_with_header_run_and_plan,
             a_new_run_cuts_a_torn_line_off, a_record_stays_one_line_of_text,
             a_record_that_does_not_fit_leaves_nothing, a_process_that_is_gone_has_no_start_time);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: writing and reading claim journals.
 * Thread: any. Ownership: see the header.
 */
#include "engine/journal.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"

#define NAME "pcassign-journal "
#define FORMAT "1"
#define HEADER NAME FORMAT

void pca_journal_free(PcaJournal *journal) {
    g_clear_pointer(&journal->plan, pca_plan_free);
    g_free(journal->states);
    g_free(journal->last_failure);
    g_ptr_array_unref(journal->current);
    g_free(journal);
}

gboolean pca_journal_step_left(const PcaJournal *journal, guint index) {
    const PcaStep *step = g_ptr_array_index(journal->plan->steps, index);
    PcaStepState state = journal->states[index];
    return journal->plan->kind == PCA_PLAN_RELEASE
               ? state != PCA_STEP_DONE
               : step->undo != PCA_OP_NONE && (state == PCA_STEP_BEGUN || state == PCA_STEP_DONE);
}

gboolean pca_journal_step_quarantines(const PcaJournal *journal, const PcaStep *step) {
    return journal->plan->kind == PCA_PLAN_RELEASE && !pca_op_gives_back(step->op);
}

static gboolean read_run(PcaJournal *journal, const char *arguments) {
    g_auto(GStrv) words = g_strsplit(arguments, " ", 0);
    guint64 pid;
    if (g_strv_length(words) != 2 ||
        !g_ascii_string_to_unsigned(words[0], 10, 1, G_MAXINT, &pid, NULL) ||
        !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXUINT64, &journal->start_time, NULL))
        return FALSE;
    journal->pid = (pid_t)pid;
    g_ptr_array_set_size(journal->current, 0);
    return TRUE;
}

static gboolean read_plan(PcaJournal *journal, const char *arguments) {
    g_autoptr(GVariant) variant =
        g_variant_parse(G_VARIANT_TYPE(PCA_PLAN_TYPE), arguments, NULL, NULL, NULL);
    g_ptr_array_set_size(journal->current, 0);
    g_clear_pointer(&journal->plan, pca_plan_free);
    g_clear_pointer(&journal->states, g_free);
    g_clear_pointer(&journal->last_failure, g_free);
    journal->plan = variant ? pca_plan_from_variant(variant, NULL) : NULL;
    if (!journal->plan)
        return FALSE;
    journal->states = g_new0(PcaStepState, journal->plan->steps->len + 1);
    journal->result = PCA_JOURNAL_RUNNING;
    return TRUE;
}

static gboolean read_step(PcaJournal *journal, const char *arguments, PcaStepState state,
                          gboolean failure) {
    char *end;
    guint64 index = g_ascii_strtoull(arguments, &end, 10);
    if (!journal->plan || !g_ascii_isdigit(*arguments) || index >= journal->plan->steps->len)
        return FALSE;
    if (failure ? *end != ' ' : *end != '\0')
        return FALSE;
    journal->states[index] = state;
    g_ptr_array_remove(journal->current, g_ptr_array_index(journal->plan->steps, index));
    /* Also after an end: then an undo of the finished plan was begun. */
    journal->result = PCA_JOURNAL_RUNNING;
    if (failure) {
        g_free(journal->last_failure);
        journal->last_failure = g_strdup(end + 1);
    }
    return TRUE;
}

static gboolean read_end(PcaJournal *journal, const char *arguments) {
    static const char *const results[] = {NULL, NULL, "done", "undone", "residue"};
    for (int i = PCA_JOURNAL_DONE; journal->plan && i <= PCA_JOURNAL_RESIDUE; i++)
        if (g_str_equal(arguments, results[i])) {
            journal->result = (PcaJournalResult)i;
            g_ptr_array_set_size(journal->current, 0);
            return TRUE;
        }
    return FALSE;
}

static gboolean read_begin(PcaJournal *journal, const char *arguments, gboolean undo) {
    if (!read_step(journal, arguments, PCA_STEP_BEGUN, FALSE))
        return FALSE;
    guint index = (guint)g_ascii_strtoull(arguments, NULL, 10);
    g_ptr_array_add(journal->current, g_ptr_array_index(journal->plan->steps, index));
    journal->undoing = undo;
    return TRUE;
}

static gboolean read_record(PcaJournal *journal, const char *line) {
    const char *space = strchr(line, ' ');
    if (!space)
        return FALSE;
    g_autofree char *word = g_strndup(line, (gsize)(space - line));
    const char *arguments = space + 1;
    if (g_str_equal(word, "run"))
        return read_run(journal, arguments);
    if (g_str_equal(word, "plan"))
        return read_plan(journal, arguments);
    if (g_str_equal(word, "begin") || g_str_equal(word, "undo"))
        return read_begin(journal, arguments, g_str_equal(word, "undo"));
    if (g_str_equal(word, "done") || g_str_equal(word, "gone"))
        return read_step(journal, arguments, PCA_STEP_DONE, FALSE);
    if (g_str_equal(word, "undone"))
        return read_step(journal, arguments, PCA_STEP_UNDONE, FALSE);
    if (g_str_equal(word, "fail") || g_str_equal(word, "undo-failed"))
        return read_step(journal, arguments, PCA_STEP_BEGUN, TRUE);
    return g_str_equal(word, "end") && read_end(journal, arguments);
}

/* The message ends up on the bus, which takes UTF-8 alone. */
static void set_malformed(GError **error, guint number, const char *line) {
    gsize begin = strlen(NAME);
    g_autofree char *format =
        g_str_has_prefix(line, NAME)
            ? g_utf8_make_valid(line + begin, (gssize)strnlen(line + begin, 20))
            : NULL;
    if (number == 1 && format)
        g_set_error(error, PCA_ERROR, PCA_ERROR_UNSUPPORTED,
                    "its format is %s, this version knows " FORMAT, format);
    else
        g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED, "line %u of the journal is malformed",
                    number);
}

PcaJournal *pca_journal_parse(const char *text, GError **error) {
    g_autoptr(PcaJournal) journal = g_new0(PcaJournal, 1);
    journal->current = g_ptr_array_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    guint n = g_strv_length(lines);
    /* The piece after the last newline is empty, or torn. */
    for (guint i = 0; i + 1 < n; i++) {
        gboolean good = i == 0 ? g_str_equal(lines[i], HEADER) : read_record(journal, lines[i]);
        if (!good) {
            set_malformed(error, i + 1, lines[i]);
            return NULL;
        }
    }
    return g_steal_pointer(&journal);
}

static gboolean read_all(int fd, GString *text, GError **error) {
    char buffer[8192];
    ssize_t n;
    while ((n = pread(fd, buffer, sizeof buffer, (off_t)text->len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "reading the journal");
            return FALSE;
        }
        g_string_append_len(text, buffer, n);
        if (text->len > PCA_JOURNAL_MAX || memchr(buffer, '\0', (size_t)n)) {
            g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED,
                        "the journal is longer than %d bytes or not a text", PCA_JOURNAL_MAX);
            return FALSE;
        }
    }
    return TRUE;
}

PcaJournal *pca_journal_read(int fd, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    return read_all(fd, text, error) ? pca_journal_parse(text->str, error) : NULL;
}

/* The kernel's columns are in lock_get_status() in fs/locks.c. */
gboolean pca_journal_is_locked(int fd) {
    struct stat st;
    g_autofree char *text = NULL;
    if (fstat(fd, &st) < 0 || !g_file_get_contents("/proc/locks", &text, NULL, NULL))
        return FALSE;
    g_autofree char *place = g_strdup_printf(" %02x:%02x:%" G_GUINT64_FORMAT " ", major(st.st_dev),
                                             minor(st.st_dev), (guint64)st.st_ino);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (strstr(*line, " FLOCK ") && strstr(*line, place))
            return TRUE;
    return FALSE;
}

gboolean pca_journal_handed_out(const PcaJournal *journal) {
    for (guint i = 0; journal->plan && i < journal->plan->steps->len; i++)
        if (pca_op_hands_out(((const PcaStep *)g_ptr_array_index(journal->plan->steps, i))->op) &&
            journal->states[i] != PCA_STEP_PENDING)
            return TRUE;
    return FALSE;
}

static gboolean write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        data += n;
        size -= (size_t)n;
    }
    return TRUE;
}

/* A line torn by a killed worker must not run into the next record. */
static gboolean drop_torn_line(int fd, GError **error) {
    g_autoptr(GString) text = g_string_new(NULL);
    if (!read_all(fd, text, error))
        return FALSE;
    const char *newline = strrchr(text->str, '\n');
    off_t whole = newline ? newline + 1 - text->str : 0;
    if (whole == (off_t)text->len || ftruncate(fd, whole) == 0)
        return TRUE;
    pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "cutting a torn line off the journal");
    return FALSE;
}

gboolean pca_journal_append(int fd, GError **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_vprintf(line, format, args);
    va_end(args);
    g_autofree char *text = g_utf8_make_valid(line->str, (gssize)line->len);
    for (char *p = text; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = ' ';
    g_string_printf(line, "%s\n", text);
    off_t before = lseek(fd, 0, SEEK_END);
    if (before >= 0 && write_all(fd, line->str, line->len))
        return TRUE;
    pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "writing the journal");
    /* What was written of the line must not run into the next one. */
    if (before >= 0 && lseek(fd, 0, SEEK_END) != before && ftruncate(fd, before) < 0)
        g_warning("cutting a torn line off the journal: %s", g_strerror(errno));
    return FALSE;
}

gboolean pca_journal_begin_run(int fd, const PcaPlan *plan, GError **error) {
    struct stat st;
    if (!drop_torn_line(fd, error))
        return FALSE;
    if (fstat(fd, &st) < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "fstat of the journal");
        return FALSE;
    }
    if (st.st_size == 0 && !pca_journal_append(fd, error, HEADER))
        return FALSE;
    if (!pca_journal_append(fd, error, "run %d %" G_GUINT64_FORMAT, (int)getpid(),
                            pca_process_start_time(getpid())))
        return FALSE;
    if (!plan)
        return TRUE;
    g_autoptr(GVariant) variant = g_variant_ref_sink(pca_plan_to_variant(plan));
    g_autofree char *printed = g_variant_print(variant, FALSE);
    return pca_journal_append(fd, error, "plan %s", printed);
}

guint64 pca_process_start_time(pid_t pid) {
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    /* The command's name is in parentheses and may hold anything; field 22 counts from 1. */
    const char *p = strrchr(text, ')');
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? g_ascii_strtoull(p + 1, NULL, 10) : 0;
}

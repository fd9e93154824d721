/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassignctl's command line.
 * Thread: main. Ownership: strings are borrowed from argv; words and command belong to the options.
 */
#pragma once

#include <glib.h>

typedef enum {
    PCA_JSON_OFF,
    PCA_JSON_SHORT,
    PCA_JSON_PRETTY,
} PcaJsonMode;

typedef struct {
    PcaJsonMode json;
    gboolean no_legend;
    gboolean no_pager; /* for scripts that give it everywhere; output never goes to a pager */
    gboolean help;
    gboolean version;
    gboolean all;      /* list */
    gboolean offline;  /* without the daemon */
    gboolean dry_run;  /* run */
    const char *sysfs; /* a tree like /sys; makes it offline; NULL: the host's */
    const char *columns;
    const char *domain; /* check: a file */
    const char *wait;
    const char *handoff;
    const char *memory;
    gboolean viommu;
    const char *title;
    const char *vmm;
    const char *method;   /* reset */
    gboolean accept_risk; /* recover */
    gboolean force;       /* release */
    const char *as;       /* check, policy explain: a user */
    const char *name;     /* policy new */
    GPtrArray *users; /* policy new; this and what follows: of strings, owned; NULL: not given */
    GPtrArray *groups;
    GPtrArray *units;
    gboolean write;
    GPtrArray *policy_directories; /* policy: instead of the system's */
    const char *verb;              /* "list" when none was given */
    gboolean verb_given;
    GPtrArray *words;   /* what follows the verb, without options; ends with NULL */
    GPtrArray *command; /* run: what follows "--", ends with NULL; NULL without a "--" */
} PcaOptions;

/* How many words there are, the closing NULL left out. */
static inline guint pca_options_n_words(const PcaOptions *options) {
    return options->words->len - 1;
}

static inline const char *pca_options_word(const PcaOptions *options, guint i) {
    return g_ptr_array_index(options->words, i);
}

void pca_options_clear(PcaOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PcaOptions, pca_options_clear)

/* Fills zeroed options. Fails with InvalidArgument, naming the culprit and what was probably meant.
 * Whether an option fits the verb is checked as well; whether the verb exists is not. */
gboolean pca_options_parse(PcaOptions *options, int argc, char **argv, GError **error);

/* The candidate that differs least from `word`, when the difference is small; else NULL. */
const char *pca_suggest(const char *word, const char *const *candidates);

/* "; did you mean 'X'?", or "; known are A, B and C" when nothing comes near. Caller frees. */
char *pca_suggestion(const char *word, const char *const *candidates);

/* A size in bytes: a number, with a K, M, G or T behind it for binary multiples; `unit` multiplies
 * a number without a suffix. FALSE for anything else, and for 0. */
gboolean pca_parse_size(const char *text, guint64 unit, guint64 *bytes);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: why each section applies to a function and a caller, or does not.
 * Thread: any. Ownership: see the header.
 */
#include "policy/allow.h"
#include "policy/attribute.h"
#include "policy/private.h"

typedef struct {
    PcaView view;
    const PcaCaller *caller; /* NULL: nobody in particular */
    const PcaAccounts *accounts;
    const char *ambiguity; /* NULL, or why no [Device] that means the function applies */
} Question;

static void condition_free(gpointer data) {
    PcaCondition *condition = data;
    g_free(condition->text);
    g_free(condition);
}

static void verdict_free(gpointer data) {
    PcaSectionVerdict *verdict = data;
    g_ptr_array_unref(verdict->conditions);
    g_free(verdict);
}

/* Takes `text` over. */
static void add(PcaSectionVerdict *verdict, const char *key, guint line, gboolean ok, char *text) {
    PcaCondition *condition = g_new0(PcaCondition, 1);
    condition->key = key;
    condition->line = line;
    condition->ok = ok;
    condition->text = text;
    g_ptr_array_add(verdict->conditions, condition);
}

/* ---- The function ---- */

static char *describe_attribute(const PcaSection *section, PcaKey key, const PcaView *view) {
    PcaTri agrees = pca_attribute_agrees(section, key, view);
    gboolean hint = pca_attribute_is_hint(section, key) && agrees == PCA_TRI_NO;
    gboolean feared = agrees == PCA_TRI_UNKNOWN && section->kind == PCA_SECTION_DENY;
    g_autofree char *expected = pca_attribute_expected(section, key, view);
    g_autofree char *found = pca_attribute_found(section, key, view);
    return g_strdup_printf("expects %s, found %s%s", expected, found,
                           hint     ? "; a hint only"
                           : feared ? ": denied, as it may be this one"
                                    : "");
}

/* Returns whether the section means the function; *related whether anything that it says is so. */
static gboolean judge_function(PcaSectionVerdict *verdict, const Question *question,
                               gboolean *related) {
    const PcaSection *section = verdict->section;
    gboolean matches = TRUE;
    for (PcaKey key = PCA_KEY_PATH; key <= PCA_KEY_ADDRESS; key++) {
        if (!section->lines[key])
            continue;
        gboolean ok = pca_attribute_holds(section, key, &question->view);
        add(verdict, pca_key_name(key), section->lines[key], ok,
            describe_attribute(section, key, &question->view));
        matches = matches && ok;
        *related |= pca_attribute_agrees(section, key, &question->view) == PCA_TRI_YES;
    }
    if (section->kind == PCA_SECTION_DENY || !question->ambiguity ||
        !pca_section_means(section, question->view.function))
        return matches;
    add(verdict, pca_key_name(PCA_KEY_PATH), section->lines[PCA_KEY_PATH], FALSE,
        g_strdup(question->ambiguity));
    return FALSE;
}

/* ---- The caller ---- */

static void add_names(PcaSectionVerdict *verdict, PcaKey key, const Question *question) {
    const PcaSection *section = verdict->section;
    g_autofree char *names = pca_key_names(section, key, question->accounts);
    g_autofree char *who = pca_key_caller(key, question->caller);
    add(verdict, pca_key_name(key), section->lines[key],
        pca_key_allows(section, key, question->caller, question->accounts),
        g_strdup_printf("names %s; %s", names, who));
}

static gboolean judge_caller(PcaSectionVerdict *verdict, const Question *question) {
    const PcaSection *section = verdict->section;
    if (question->caller->uid == 0) {
        add(verdict, pca_key_name(PCA_KEY_ALLOW_USER), section->lines[PCA_KEY_ALLOW_USER], TRUE,
            g_strdup("the caller is root, who needs no Allow"));
        return TRUE;
    }
    for (PcaKey key = PCA_KEY_ALLOW_USER; key <= PCA_KEY_REQUIRE_LABEL; key++)
        if (section->lines[key])
            add_names(verdict, key, question);
    g_autofree char *reason = NULL;
    if (!pca_section_allows(section, question->caller, question->accounts, &reason)) {
        if (!section->lines[PCA_KEY_ALLOW_USER] && !section->lines[PCA_KEY_ALLOW_GROUP] &&
            !section->lines[PCA_KEY_ALLOW_UNIT])
            add(verdict, pca_key_name(PCA_KEY_ALLOW_USER), 0, FALSE, g_steal_pointer(&reason));
        return FALSE;
    }
    if (section->polkit)
        add(verdict, pca_key_name(PCA_KEY_AUTHORIZE), section->lines[PCA_KEY_AUTHORIZE], TRUE,
            g_strdup("polkit is asked as well"));
    return TRUE;
}

static void explain_section(const PcaSection *section, const Question *question,
                            GPtrArray *verdicts) {
    gboolean related = FALSE, asked = question->caller && section->kind == PCA_SECTION_DEVICE;
    PcaSectionVerdict *verdict = g_new0(PcaSectionVerdict, 1);
    verdict->section = section;
    verdict->conditions = g_ptr_array_new_with_free_func(condition_free);
    verdict->applies = judge_function(verdict, question, &related);
    gboolean allowed = !asked || judge_caller(verdict, question);
    verdict->applies = verdict->applies && allowed;
    related = related || (asked && allowed && question->caller->uid != 0);
    /* A [Deny] by a serial number that cannot be read. */
    related = related || verdict->applies;
    if (related)
        g_ptr_array_add(verdicts, verdict);
    else
        verdict_free(verdict);
}

GPtrArray *pca_policy_explain(const PcaPolicy *policy, const PcaSnapshot *snapshot,
                              const PcaFunction *function, PcaSerialFunc serial, gpointer data,
                              const PcaCaller *caller, const PcaAccounts *accounts) {
    PcaMatch match;
    GPtrArray *verdicts = g_ptr_array_new_with_free_func(verdict_free);
    pca_policy_match(policy, snapshot, function, serial, data, &match);
    Question question = {{snapshot, function, serial, data},
                         caller,
                         accounts,
                         match.ambiguous ? match.mismatch : NULL};
    for (guint i = 0; i < policy->sections->len; i++)
        explain_section(g_ptr_array_index(policy->sections, i), &question, verdicts);
    pca_match_clear(&match);
    return verdicts;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: properties of many random policies: the order of sections and files decides nothing,
 * and a [Deny] always wins. Random numbers with fixed seeds.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/support.h"

#include <string.h>

#define SECTIONS 12
#define ROUNDS 6

/* What random sections are made of: keys that hit this host often. */
static const char *const paths[] = {"01.1/00.0",     "01.1/00.1",          "1c.0/00.0",
                                    "03.0/00.0",     "03.0/00.1",          "03.0/00.0/vf0",
                                    "03.0/00.0/vf1", "10000:e0:06.0/00.0", "1e.0/00.0"};
static const char *const denials[] = {"Path=01.1/00.0",
                                      "Path=03.0/00.1\nId=8086:1889",
                                      "Id=10de:2230 8086:188a",
                                      "Id=8086:188a",
                                      "Class=03",
                                      "Class=0302 0200",
                                      "Subsystem=8086:0001\nClass=02",
                                      "Address=02:00.0",
                                      "Serial=00-1b-21-00-00-00-00-02",
                                      "Serial=00-1b-21-00-00-00-00-01\nClass=03"};
static const char *const ids[] = {"10de:2230", "8086:1889", "8086:1533 8086:188a", "10de:1aef"};

#define PICK(random, list) (list)[g_rand_int_range(random, 0, (gint32)G_N_ELEMENTS(list))]

static char *make_device(GRand *random, guint number) {
    gboolean all = g_rand_int_range(random, 0, 4) == 0;
    const char *path = PICK(random, paths);
    return g_strdup_printf("[Device s%u]\nPath=%s\nId=%s\n%sAllowUser=%d\n", number, path,
                           PICK(random, ids), all && !strstr(path, "vf") ? "Functions=all\n" : "",
                           g_rand_int_range(random, 1000, 1003));
}

static char *make_deny(GRand *random, guint number) {
    return g_strdup_printf("[Deny s%u]\n%s\n", number, PICK(random, denials));
}

/* Sections that may stand beside each other. */
static GPtrArray *make_sections(GRand *random) {
    GPtrArray *sections = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < SECTIONS; i++) {
        g_autofree char *section =
            g_rand_int_range(random, 0, 3) > 0 ? make_device(random, i) : make_deny(random, i);
        g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
        gsize before = text->len;
        g_string_append(text, section);
        g_autoptr(PcaPolicy) policy = parse_text(text->str, diagnostics);
        if (policy)
            g_ptr_array_add(sections, g_steal_pointer(&section));
        else
            g_string_truncate(text, before);
    }
    return sections;
}

static void shuffle(GRand *random, GPtrArray *sections) {
    for (guint i = sections->len; i > 1; i--) {
        guint other = (guint)g_rand_int_range(random, 0, (gint32)i);
        gpointer kept = sections->pdata[i - 1];
        sections->pdata[i - 1] = sections->pdata[other];
        sections->pdata[other] = kept;
    }
}

/* In one to three files. */
static PcaPolicy *parse_sections(GRand *random, GPtrArray *sections) {
    static const char *const names[] = {"a.conf", "b.conf", "c.conf"};
    GString *texts[] = {g_string_new(NULL), g_string_new(NULL), g_string_new(NULL)};
    PcaPolicyFile files[G_N_ELEMENTS(texts)];
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    for (guint i = 0; i < sections->len; i++)
        g_string_append(PICK(random, texts), g_ptr_array_index(sections, i));
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        files[i] = (PcaPolicyFile){names[i], texts[i]->str, texts[i]->len, FALSE};
    PcaPolicy *policy = pca_policy_parse(files, G_N_ELEMENTS(files), diagnostics);
    ck_assert_ptr_nonnull(policy);
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_string_free(texts[i], TRUE);
    return policy;
}

/* What each function gets, without what names places in files: verdicts, and whom they allow. */
static char *judge_all(const PcaPolicy *policy, const PcaSnapshot *snapshot) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        PcaMatch match;
        pca_policy_match(policy, snapshot, g_ptr_array_index(snapshot->functions, i), read_serial,
                         NULL, &match);
        g_string_append_printf(text, "%u: %s%s%s%s", i, match.deny ? "denied " : "",
                               match.ambiguous ? "ambiguous " : "",
                               match.mismatch && !match.ambiguous ? "mismatch " : "",
                               match.device && !match.ambiguous ? match.device->name : "-");
        for (guint32 uid = 1000; match.device && !match.ambiguous && uid < 1003; uid++) {
            PcaCaller caller = {.uid = uid};
            if (pca_section_allows(match.device, &caller, NULL, NULL))
                g_string_append_printf(text, " %u", uid);
        }
        g_string_append_c(text, '\n');
        pca_match_clear(&match);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

START_TEST(order_never_decides) {
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)_i + 1);
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(GPtrArray) sections = make_sections(random);
    g_autofree char *first = NULL;
    for (guint round = 0; round < ROUNDS; round++) {
        g_autoptr(PcaPolicy) policy = parse_sections(random, sections);
        g_autofree char *judged = judge_all(policy, snapshot);
        if (!first)
            first = g_steal_pointer(&judged);
        else
            ck_assert_str_eq(judged, first);
        shuffle(random, sections);
    }
}
END_TEST

/* The index finds what a look at each section alone finds. */
START_TEST(index_overlooks_nothing) {
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)_i + 1000);
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(GPtrArray) sections = make_sections(random);
    g_autoptr(PcaPolicy) policy = parse_sections(random, sections);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        PcaMatch match;
        guint denials_of_one = 0, devices_of_one = 0;
        pca_policy_match(policy, snapshot, function, read_serial, NULL, &match);
        for (guint s = 0; s < sections->len; s++) {
            g_autoptr(PcaPolicy) alone = parse_good(g_ptr_array_index(sections, s));
            PcaMatch one;
            pca_policy_match(alone, snapshot, function, read_serial, NULL, &one);
            denials_of_one += one.deny != NULL;
            devices_of_one += one.device != NULL;
            pca_match_clear(&one);
        }
        ck_assert_int_eq(match.deny != NULL, denials_of_one > 0);
        ck_assert_int_eq(match.device != NULL, devices_of_one > 0);
        ck_assert_int_eq(match.ambiguous, devices_of_one > 1);
        pca_match_clear(&match);
    }
}
END_TEST

/* Whatever else there is: one [Deny] more denies. */
START_TEST(deny_wins) {
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)_i + 2000);
    g_autoptr(PcaSnapshot) snapshot = make_host();
    g_autoptr(GPtrArray) sections = make_sections(random);
    const char *denial = PICK(random, denials);
    g_autofree char *alone_text = g_strdup_printf("[Deny last]\n%s\n", denial);
    g_autoptr(PcaPolicy) alone = parse_good(alone_text);
    g_ptr_array_add(sections, g_strdup(alone_text));
    shuffle(random, sections);
    g_autoptr(PcaPolicy) policy = parse_sections(random, sections);
    for (guint i = 0; i < snapshot->functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(snapshot->functions, i);
        PcaMatch match, one;
        pca_policy_match(policy, snapshot, function, read_serial, NULL, &match);
        pca_policy_match(alone, snapshot, function, read_serial, NULL, &one);
        ck_assert(!one.deny || match.deny);
        pca_match_clear(&match);
        pca_match_clear(&one);
    }
}
END_TEST

void add_shuffle(Suite *suite) {
    TCase *properties = tcase_create("properties");
    tcase_add_loop_test(properties, order_never_decides, 0, 16);
    tcase_add_loop_test(properties, index_overlooks_nothing, 0, 12);
    tcase_add_loop_test(properties, deny_wins, 0, 16);
    suite_add_tcase(suite, properties);
}

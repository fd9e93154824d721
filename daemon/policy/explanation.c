/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: verdicts of the policy in words.
 * Thread: any. Ownership: see the header.
 */
#include "policy/explanation.h"

#include "base/error.h"
#include "policy/attribute.h"
#include "policy/describe.h"

PcaFunction *pca_policy_view_find(const PcaPolicyView *view, const char *word, GError **error) {
    PcaAddress address;
    gboolean is_address = pca_address_parse(word, &address);
    PcaFunction *function = is_address ? pca_snapshot_find(view->snapshot, &address) : NULL;
    const PcaSection *section =
        is_address || !view->policy ? NULL : pca_policy_find(view->policy, word);
    if (section) {
        g_autoptr(GPtrArray) functions = pca_section_functions(section, view->snapshot);
        /* The snapshot has them too. */
        function = functions->len > 0 ? g_ptr_array_index(functions, 0) : NULL;
    }
    if (function)
        return function;
    if (section)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND,
                    "nothing is there now that [Device %s] means (%s:%u)", word, section->file,
                    section->line);
    else if (is_address)
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "there is no PCI function %s", word);
    else
        g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND,
                    "\"%s\" is neither a PCI address nor the name of a [Device] section", word);
    return NULL;
}

/* ---- Sections ---- */

static gboolean is_meant(const PcaPolicyView *view, const PcaSection *section,
                         const PcaFunction *function) {
    const PcaView one = {view->snapshot, function, view->serial, view->data};
    return section->kind == PCA_SECTION_DENY ? pca_section_denies(section, &one)
                                             : pca_section_means(section, function);
}

static GVariant *addresses_of(const PcaPolicyView *view, const PcaSection *section) {
    const GPtrArray *functions = view->snapshot->functions;
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < functions->len; i++) {
        const PcaFunction *function = g_ptr_array_index(functions, i);
        if (!is_meant(view, section, function))
            continue;
        g_autofree char *address = pca_address_format(&function->address);
        g_variant_builder_add(&list, "s", address);
    }
    return g_variant_builder_end(&list);
}

GVariant *pca_policy_view_sections(const PcaPolicyView *view) {
    const GPtrArray *sections = view->policy ? pca_policy_sections(view->policy) : NULL;
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; sections && i < sections->len; i++) {
        const PcaSection *section = g_ptr_array_index(sections, i);
        g_autoptr(GVariant) description = g_variant_ref_sink(pca_describe_section(section));
        g_auto(GVariantDict) dict;
        g_variant_dict_init(&dict, description);
        g_variant_dict_insert_value(&dict, "Devices", addresses_of(view, section));
        g_variant_builder_add_value(&list, g_variant_dict_end(&dict));
    }
    return g_variant_builder_end(&list);
}

/* ---- The verdict ---- */

typedef struct {
    const PcaPolicyView *view;
    const PcaFunction *function;
    const PcaCaller *caller;
    const char *who;    /* "alice" or "uid 1000" */
    const char *user;   /* what stands in AllowUser for them: a name or a number */
    const char *device; /* the address */
    gboolean allowed;
    char *verdict, *fix;
} Verdict;

static char *place_of(const PcaSection *section) {
    return g_strdup_printf("[%s %s] (%s:%u)", pca_section_kind_name(section->kind), section->name,
                           section->file, section->line);
}

static void judge_deny(Verdict *v, const PcaSection *deny) {
    g_autofree char *place = place_of(deny);
    v->verdict = g_strdup_printf("nobody may have %s: %s", v->device, place);
    v->fix = g_strdup_printf("an administrator can remove or narrow %s; then pcassignctl policy "
                             "reload",
                             place);
}

static void judge_unnamed(Verdict *v) {
    v->verdict =
        g_strdup_printf("%s may not have %s: no [Device] section names it", v->who, v->device);
    v->fix = g_strdup_printf("as root: pcassignctl policy new %s --name=NAME --user=%s --write",
                             v->device, v->user);
}

static void judge_mismatch(Verdict *v, const PcaMatch *match) {
    g_autofree char *place = place_of(match->device);
    v->verdict = g_strdup_printf("nobody may have %s: %s is for another device: %s", v->device,
                                 place, match->mismatch);
    v->fix = g_strdup_printf("put the right device into its place; or, if this one is meant, put "
                             "into the section what pcassignctl policy new %s --name=NAME "
                             "--user=USER prints, then pcassignctl policy reload",
                             v->device);
}

static void judge_caller(Verdict *v, const PcaSection *section) {
    g_autofree char *place = place_of(section);
    g_autofree char *reason = NULL;
    v->allowed =
        v->caller->uid == 0 || pca_section_allows(section, v->caller, v->view->accounts, &reason);
    if (v->allowed) {
        v->verdict = g_strdup_printf(
            "%s may have %s%s: %s", v->who, v->device,
            section->polkit && v->caller->uid != 0 ? ", if polkit agrees" : "", place);
        return;
    }
    v->verdict = g_strdup_printf("%s may not have %s: %s: %s", v->who, v->device, place, reason);
    v->fix =
        g_strdup_printf("an administrator can add AllowUser=%s or a group of theirs to %s; then "
                        "pcassignctl policy reload",
                        v->user, place);
}

static void judge(Verdict *v) {
    const PcaPolicyView *view = v->view;
    PcaMatch match = {0};
    if (!view->policy) {
        v->verdict = g_strdup_printf("nobody may have %s: no policy is in force", v->device);
        v->fix = g_strdup("pcassignctl policy check tells what is wrong in the files; then "
                          "pcassignctl policy reload");
        return;
    }
    pca_policy_match(view->policy, view->snapshot, v->function, view->serial, view->data, &match);
    if (match.deny) {
        judge_deny(v, match.deny);
    } else if (match.ambiguous) {
        v->verdict = g_strdup_printf("nobody may have %s: %s", v->device, match.mismatch);
        v->fix = g_strdup("an administrator can leave only one of the two; then pcassignctl policy "
                          "reload");
    } else if (match.mismatch) {
        judge_mismatch(v, &match);
    } else if (match.device) {
        judge_caller(v, match.device);
    } else if (v->caller->uid == 0) {
        v->allowed = TRUE;
        v->verdict = g_strdup_printf("%s may have %s: root needs no section", v->who, v->device);
    } else {
        judge_unnamed(v);
    }
    pca_match_clear(&match);
}

static GVariant *describe_verdicts(const PcaPolicyView *view, const PcaFunction *function,
                                   const PcaCaller *caller) {
    if (!view->policy)
        return g_variant_new_array(G_VARIANT_TYPE_VARDICT, NULL, 0);
    g_autoptr(GPtrArray) verdicts = pca_policy_explain(
        view->policy, view->snapshot, function, view->serial, view->data, caller, view->accounts);
    return pca_describe_verdicts(verdicts);
}

GVariant *pca_policy_view_explain(const PcaPolicyView *view, const PcaFunction *function,
                                  const PcaCaller *caller, const char *user) {
    g_autofree char *address = pca_address_format(&function->address);
    g_autofree char *number = g_strdup_printf("%u", caller->uid);
    g_autofree char *uid = g_strdup_printf("uid %u", caller->uid);
    Verdict v = {view,  function, caller, user ? user : uid, user ? user : number, address,
                 FALSE, NULL,     NULL};
    g_auto(GVariantDict) dict;
    judge(&v);
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "address", "s", address);
    g_variant_dict_insert(&dict, "uid", "u", caller->uid);
    if (user)
        g_variant_dict_insert(&dict, "user", "s", user);
    g_variant_dict_insert(&dict, "allowed", "b", v.allowed);
    g_variant_dict_insert(&dict, "verdict", "s", v.verdict);
    if (v.fix)
        g_variant_dict_insert(&dict, "fix", "s", v.fix);
    g_variant_dict_insert_value(&dict, "sections", describe_verdicts(view, function, caller));
    g_free(v.verdict);
    g_free(v.fix);
    return g_variant_dict_end(&dict);
}

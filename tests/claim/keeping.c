/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims whose functions are to be kept.
 * Thread: main; the worker is a child. Ownership: see the header.
 */
#include "claim/keeping.h"

PcaFunction *function_of(const char *address) {
    g_autoptr(GPtrArray) functions = machine_functions((const char *[]){address, NULL});
    return pca_function_ref(g_ptr_array_index(functions, 0));
}

PcaClaim *reservation_of(const char *address) {
    g_autoptr(PcaFunction) function = function_of(address);
    return pca_claims_reservation(claims, &function->address);
}

PcaClaim *keeping(const char *const *set, gboolean never_reset) {
    PcaClaim *claim = claim_new(set);
    PcaClaimDevice *device = pca_claim_device(claim, 0);
    device->keep = TRUE;
    device->methods = never_reset ? g_strdup("") : NULL;
    return claim;
}

PcaClaim *ready(PcaClaim *claim, int *lease) {
    AUTO_ANSWER answer = {0};
    pca_claims_prepare(claims, claim, WAIT, on_answer, &answer);
    await_answer(&answer);
    ck_assert_msg(!answer.error, "%s", answer.error ? answer.error->message : "");
    *lease = pca_fd_steal(&claim->lease_writer);
    return claim;
}

void restart(void) {
    daemon_restart();
    pca_claims_recover(claims);
}

void await_rest(void) {
    g_autoptr(GPtrArray) list = pca_claims_list(claims);
    while (list->len > 0) {
        g_main_context_iteration(NULL, TRUE);
        g_ptr_array_unref(list);
        list = pca_claims_list(claims);
    }
}

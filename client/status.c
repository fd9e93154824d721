/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: judging states. What the daemon does not tell, the command of a process, is read in
 * /proc, for people only.
 * Thread: main. Ownership: see the header.
 */
#include "status.h"
#include "base/error.h"
#include "sys/accounts.h"

#include <string.h>
#include <sys/stat.h>

static void holder_free(gpointer data) {
    PcaStatusHolder *holder = data;
    g_free(holder->comm);
    g_free(holder->user);
    g_free(holder);
}

void pca_status_free(PcaStatus *status) {
    g_clear_pointer(&status->holders, g_ptr_array_unref);
    g_strfreev(status->steps);
    g_free(status->subject);
    g_free(status->fix);
    g_free(status);
}

static char *user_name(guint32 uid) {
    char *name = pca_account_name(uid);
    return name ? name : g_strdup_printf("%u", uid);
}

/* The command of a process; NULL when it has ended, or is not that user's: a number is used again.
 */
static char *read_comm(guint32 pid, guint32 uid) {
    g_autofree char *path = g_strdup_printf("/proc/%u/comm", pid);
    g_autofree char *comm = NULL;
    struct stat st;
    if (stat(path, &st) < 0 || st.st_uid != uid || !g_file_get_contents(path, &comm, NULL, NULL))
        return NULL;
    return g_strdup(g_strchomp(comm));
}

static void add_holder(GPtrArray *holders, guint32 pid, char *comm, char *user) {
    PcaStatusHolder *holder = g_new0(PcaStatusHolder, 1);
    holder->pid = pid;
    holder->comm = comm;
    holder->user = user;
    g_ptr_array_add(holders, holder);
}

/* Who keeps the claim stuck, or else the process that made it; NULL when that is not told. */
static GPtrArray *claim_holders(const PcaClaimView *claim) {
    g_autoptr(GVariant) list =
        g_variant_lookup_value(claim->details, "holders", G_VARIANT_TYPE("a(uus)"));
    guint32 pid = 0, uid = 0;
    if (!list && !g_variant_lookup(claim->details, "pid", "u", &pid))
        return NULL;
    GPtrArray *holders = g_ptr_array_new_with_free_func(holder_free);
    for (gsize i = 0; list && i < g_variant_n_children(list); i++) {
        const char *comm = NULL;
        g_variant_get_child(list, i, "(uu&s)", &pid, &uid, &comm);
        add_holder(holders, pid, *comm ? g_strdup(comm) : NULL, user_name(uid));
    }
    if (!list) {
        gboolean known = g_variant_lookup(claim->details, "uid", "u", &uid);
        add_holder(holders, pid, known ? read_comm(pid, uid) : NULL, pca_claim_owner(claim));
    }
    return holders;
}

static char *kill_command(GPtrArray *holders) {
    g_autoptr(GString) command = g_string_new("kill");
    for (guint i = 0; i < holders->len; i++)
        g_string_append_printf(command, " %u",
                               ((PcaStatusHolder *)g_ptr_array_index(holders, i))->pid);
    return g_string_free(g_steal_pointer(&command), FALSE);
}

/* Only who may end the claim is told whose it is, and only they are told how. */
static char *claim_fix(const PcaStatus *status) {
    g_autoptr(GVariant) blockers =
        g_variant_lookup_value(status->claim->details, "holders", G_VARIANT_TYPE("a(uus)"));
    if (!status->holders || g_strcmp0(status->state, "releasing") == 0)
        return NULL;
    if (blockers)
        return status->holders->len > 0 ? kill_command(status->holders) : NULL;
    return g_strdup_printf("pcassignctl release %s", status->claim->id);
}

static char *full_name(const char *word) {
    PcaAddress address;
    return pca_address_parse(word, &address) ? pca_address_format(&address) : g_strdup(word);
}

PcaStatus *pca_status_of_claim(const PcaClaimView *claim, const char *word) {
    PcaStatus *status = g_new0(PcaStatus, 1);
    status->claim = claim;
    status->subject = full_name(word ? word : claim->id);
    status->state = pca_lookup_string(claim->details, "state");
    status->reason = pca_lookup_string(claim->details, "reason");
    if (!g_variant_lookup(claim->details, "state_since", "t", &status->since))
        status->since = pca_claim_since(claim);
    status->holders = claim_holders(claim);
    status->fix = claim_fix(status);
    return status;
}

/* The verb that deals with a device in this state; NULL when only time does. */
static const struct {
    const char *state, *verb;
    int rank;
} states[] = {
    {"host", "check", 0},       {"free", "check", 0},    {"claimed", NULL, 0},
    {"releasing", NULL, 1},     {"gone", NULL, 2},       {"reserved", "unreserve", 3},
    {"degraded", "recover", 4}, {"stuck", "recover", 5}, {"quarantined", "recover", 6},
};

static guint state_index(const PcaDeviceView *device) {
    const char *state = pca_device_string(device, "State");
    guint i = 0;
    while (i < G_N_ELEMENTS(states) && g_strcmp0(states[i].state, state) != 0)
        i++;
    return i;
}

int pca_status_rank(const PcaDeviceView *device) {
    guint i = state_index(device);
    return i < G_N_ELEMENTS(states) ? states[i].rank : 1;
}

PcaStatus *pca_status_of_device(const PcaDeviceView *device, const char *word) {
    PcaStatus *status = g_new0(PcaStatus, 1);
    g_autofree char *address = pca_address_format(&device->address);
    guint i = state_index(device);
    status->device = device;
    status->subject = full_name(word ? word : address);
    status->state = pca_device_string(device, "State");
    status->reason = pca_device_string(device, "StateReason");
    g_variant_lookup(device->properties, "StateSince", "t", &status->since);
    status->holders = g_ptr_array_new_with_free_func(holder_free);
    if (i < G_N_ELEMENTS(states) && states[i].verb)
        status->fix = g_strdup_printf("pcassignctl %s %s", states[i].verb, address);
    return status;
}

PcaStatus *pca_status_find(GPtrArray *devices, GPtrArray *claims, const char *word,
                           GError **error) {
    const PcaClaimView *claim = pca_claims_find(claims, word);
    const PcaDeviceView *worst = NULL;
    PcaAddress address;
    for (guint i = 0; !claim && i < devices->len; i++) {
        const PcaDeviceView *device = g_ptr_array_index(devices, i);
        if (!pca_device_is(device, word))
            continue;
        claim = pca_claims_find_device(claims, &device->address);
        if (!worst || pca_status_rank(device) > pca_status_rank(worst))
            worst = device;
    }
    /* A device that was removed while it was claimed is in its claim alone. */
    if (!claim && pca_address_parse(word, &address))
        claim = pca_claims_find_device(claims, &address);
    if (claim)
        return pca_status_of_claim(claim, word);
    if (worst)
        return pca_status_of_device(worst, word);
    g_set_error(error, PCA_ERROR, PCA_ERROR_NOT_FOUND, "%s: no such claim or device", word);
    return NULL;
}

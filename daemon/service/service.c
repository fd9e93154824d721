/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service's own life: the hardware, and what it tells others of it.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/service.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "auth/selinux.h"
#include "base/error.h"
#include "service/private.h"
#include "sys/scan.h"

static void tell_each(PcaService *service, GPtrArray *functions,
                      void (*tell)(const PcaFunction *function, gpointer data)) {
    for (guint i = 0; i < functions->len; i++)
        tell(g_ptr_array_index(functions, i), service->events_data);
}

/* A reserved function that was removed, or whose address another one has taken over, is nothing
 * that could be given back. */
static void forget_gone_reservations(PcaService *service) {
    g_autoptr(GPtrArray) reservations = pca_claims_reservations(service->claims);
    for (guint i = 0; i < reservations->len; i++) {
        PcaClaim *reservation = g_ptr_array_index(reservations, i);
        const PcaFunction *found = pca_claim_device(reservation, 0)->function;
        const PcaFunction *now = pca_snapshot_find(service->snapshot, &found->address);
        g_autofree char *identity = pca_function_identity(found);
        g_autofree char *identity_now = now ? pca_function_identity(now) : NULL;
        if (now ? !g_str_equal(identity, identity_now)
                : pca_service_is_absent(service, &found->address))
            pca_claims_forget(service->claims, reservation, "the function was removed");
    }
}

static void take_snapshot(PcaService *service, PcaSnapshot *snapshot) {
    g_autoptr(PcaSnapshot) old = service->snapshot;
    service->snapshot = snapshot;
    g_autoptr(PcaDiff) diff = pca_snapshot_diff(old, service->snapshot);
    if (pca_isolations_concern(diff, old))
        pca_isolations_clear(service->isolations);
    /* First: what is told of a function depends on what may be read of it. */
    pca_configs_update(service->configs, diff);
    tell_each(service, diff->removed, service->events.function_removed);
    tell_each(service, diff->added, service->events.function_added);
    tell_each(service, diff->changed, service->events.function_changed);
    forget_gone_reservations(service);
    pca_service_look_for_gone(service);
}

void pca_service_rescan(PcaService *service) {
    g_autoptr(GHashTable) unreadable = pca_claims_unreadable(service->claims);
    service->scanned = g_get_monotonic_time();
    take_snapshot(service, pca_scan_again(service->root, service->snapshot, unreadable));
}

static gboolean is_in(gpointer key, gpointer value, gpointer set) {
    return g_hash_table_contains(set, key);
}

void pca_service_look_at(PcaService *service, GHashTable *addresses) {
    g_autoptr(GHashTable) unreadable = pca_claims_unreadable(service->claims);
    g_hash_table_foreach_remove(service->rebound, is_in, addresses);
    take_snapshot(service, pca_scan_some(service->root, service->snapshot, addresses, unreadable));
}

void pca_service_look_at_claim(PcaService *service, const PcaClaim *claim) {
    g_autoptr(GHashTable) addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < claim->devices->len; i++)
        g_hash_table_add(addresses,
                         pca_address_format(&pca_claim_device(claim, i)->function->address));
    pca_service_look_at(service, addresses);
}

void pca_service_freshen(PcaService *service, gint64 since) {
    if (service->scanned < since)
        pca_service_rescan(service);
}

static gboolean on_rescan(gpointer data) {
    PcaService *service = data;
    g_autoptr(GHashTable) rebound = g_steal_pointer(&service->rebound);
    g_autoptr(GHashTable) evicting = pca_claims_evicting(service->claims);
    service->rescan = 0;
    service->rebound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    /* What a worker is at work on is looked at when the worker is done. */
    g_hash_table_foreach_remove(rebound, is_in, evicting);
    if (service->rescan_all)
        pca_service_rescan(service);
    else if (g_hash_table_size(rebound) > 0)
        pca_service_look_at(service, rebound);
    service->rescan_all = FALSE;
    return G_SOURCE_REMOVE;
}

/* Events come in bursts; one look serves them all. It comes after the calls that wait already: what
 * they are about is looked at anyway. */
static void on_uevent(const char *action, const char *sysname, gpointer data) {
    PcaService *service = data;
    PcaAddress address;
    gboolean exchanged = g_str_equal(action, "add") || g_str_equal(action, "remove");
    if (exchanged && pca_address_parse(sysname, &address))
        pca_configs_forget(service->configs, &address);
    if (g_str_equal(action, "remove"))
        g_hash_table_add(service->unplugged, g_strdup(sysname));
    /* Another driver is the function's own affair; all else may change its neighbours. */
    if (g_str_equal(action, "bind") || g_str_equal(action, "unbind"))
        g_hash_table_add(service->rebound, g_strdup(sysname));
    else
        service->rescan_all = TRUE;
    if (service->rescan == 0)
        service->rescan = g_idle_add_full(G_PRIORITY_DEFAULT_IDLE, on_rescan, service, NULL);
}

static void on_config_changed(const PcaAddress *address, gpointer data) {
    PcaService *service = data;
    const PcaFunction *function =
        service->snapshot ? pca_snapshot_find(service->snapshot, address) : NULL;
    pca_isolations_clear(service->isolations);
    if (function)
        service->events.function_changed(function, service->events_data);
}

static void on_claim_changed(PcaClaim *claim, gpointer data) {
    PcaService *service = data;
    service->events.claim_changed(claim, service->events_data);
    pca_service_hurry_revocations(service, claim);
    /* Nobody may be waiting for a lease to end; what the worker put back is to be seen all the
     * same. */
    if (service->snapshot && claim->state == PCA_CLAIM_ENDED)
        pca_service_look_at_claim(service, claim);
    for (guint i = 0; service->snapshot && i < claim->devices->len; i++) {
        const PcaAddress *address = &pca_claim_device(claim, i)->function->address;
        const PcaFunction *function = pca_snapshot_find(service->snapshot, address);
        if (function)
            service->events.function_state(function, service->events_data);
    }
    /* What waits for a claim that is stuck waits in vain, and is told so. */
    if (claim->state == PCA_CLAIM_ENDED || claim->state == PCA_CLAIM_STUCK)
        pca_service_wake_parked(service);
}

static gboolean make_state_directory(const char *path, GError **error) {
    struct stat st;
    if (g_mkdir_with_parents(path, 0700) < 0 || g_lstat(path, &st) < 0) {
        pca_error_set_errno(error, PCA_ERROR_FAILED, errno, "making %s", path);
        return FALSE;
    }
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return TRUE;
    g_set_error(error, PCA_ERROR, PCA_ERROR_FAILED,
                "%s is not a directory that its owner alone may enter", path);
    return FALSE;
}

static void start(PcaService *service) {
    g_autofree char *unseen = pca_selinux_unseen(service->root->sysfs, service->root->proc);
    if (unseen)
        g_warning("%s", unseen);
    g_autoptr(GPtrArray) diagnostics = pca_service_load_policy(service);
    pca_claims_recover(service->claims);
    pca_service_rescan(service);
    pca_service_begin_policy(service, diagnostics);
}

PcaService *pca_service_new(const PcaServiceConfig *config, const PcaServiceEvents *events,
                            gpointer data, GError **error) {
    g_autofree char *directory = g_build_filename(config->state_directory, "claims", NULL);
    if (!make_state_directory(directory, error))
        return NULL;
    PcaService *service = g_new0(PcaService, 1);
    service->root = config->root;
    service->worker_socket = g_strdup(config->worker_socket);
    service->policy_directories = g_strdupv((char **)config->policy_directories);
    service->policy_owner = config->policy_owner;
    service->max_claims = config->max_claims;
    service->max_devices = config->max_devices;
    service->polkit = config->polkit ? pca_polkit_ref(config->polkit) : NULL;
    service->units = config->units ? pca_units_ref(config->units) : NULL;
    service->release_grace = config->release_grace;
    service->revocations = g_ptr_array_new();
    service->unplugged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    service->events = *events;
    service->events_data = data;
    service->parked = g_ptr_array_new();
    service->woken = g_ptr_array_new();
    service->rebound = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    service->directory = pca_directory_new(config->lookups);
    service->loads = g_ptr_array_new();
    service->uevents = pca_uevents_new(on_uevent, service, error);
    if (!service->uevents) {
        pca_service_free(service);
        return NULL;
    }
    g_autofree char *boot_id = pca_root_boot_id(config->root);
    PcaClaimsConfig claims = {
        .directory = directory,
        .worker_socket = config->worker_socket,
        .boot_id = boot_id,
        .unbind_grace = config->unbind_grace,
        .root = config->root,
    };
    service->claims = pca_claims_new(&claims, on_claim_changed, service);
    service->configs = pca_configs_new(config->root, config->worker_socket, service->claims,
                                       on_config_changed, service);
    service->isolations = pca_isolations_new(config->root, service->claims, service->configs);
    service->sources = (PcaSources){&pca_service_sources, service};
    start(service);
    return service;
}

void pca_service_free(PcaService *service) {
    g_clear_handle_id(&service->rescan, g_source_remove);
    g_clear_pointer(&service->uevents, pca_uevents_free);
    g_clear_pointer(&service->rebound, g_hash_table_unref);
    g_clear_pointer(&service->variants, pca_variants_free);
    g_clear_pointer(&service->isolations, pca_isolations_free);
    g_clear_pointer(&service->configs, pca_configs_free);
    g_clear_pointer(&service->claims, pca_claims_free);
    g_clear_pointer(&service->snapshot, pca_snapshot_unref);
    g_clear_pointer(&service->policy, pca_policy_unref);
    g_clear_pointer(&service->directory, pca_directory_free);
    g_clear_pointer(&service->loads, pca_service_forget_loads);
    g_clear_pointer(&service->polkit, pca_polkit_unref);
    g_clear_pointer(&service->units, pca_units_unref);
    g_ptr_array_unref(service->revocations);
    g_clear_handle_id(&service->gone, g_source_remove);
    g_hash_table_unref(service->unplugged);
    g_ptr_array_unref(service->parked);
    g_ptr_array_unref(service->woken);
    g_strfreev(service->policy_directories);
    g_free(service->worker_socket);
    g_free(service);
}

const PcaSnapshot *pca_service_snapshot(const PcaService *service) {
    return service->snapshot;
}

PcaClaims *pca_service_claims(const PcaService *service) {
    return service->claims;
}

guint64 pca_service_policy_generation(const PcaService *service) {
    return service->policy_generation;
}

gboolean pca_service_policy_stale(const PcaService *service) {
    return service->policy_stale;
}

const char *pca_service_function_state(const PcaService *service, const PcaFunction *function) {
    return pca_sources_state(&service->sources, function);
}

gint64 pca_service_function_state_since(const PcaService *service, const PcaFunction *function) {
    return pca_sources_state_since(&service->sources, function);
}

const char *pca_service_function_state_reason(const PcaService *service,
                                              const PcaFunction *function) {
    return pca_sources_state_reason(&service->sources, function);
}

char *pca_service_function_name(const PcaService *service, const PcaFunction *function) {
    PcaMatch match = {0};
    if (service->policy)
        pca_policy_match(service->policy, service->snapshot, function, pca_configs_serial,
                         service->configs, &match);
    char *name = match.device && !match.ambiguous ? g_strdup(match.device->name) : NULL;
    pca_match_clear(&match);
    return name;
}

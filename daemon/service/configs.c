/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: config spaces, asked of the worker and kept.
 * Thread: the main one. Ownership: see the header.
 */
#include "service/configs.h"

#include <string.h>

#include "base/fds.h"
#include "engine/client.h"
#include "engine/wire.h"
#include "sys/hardware.h"

#define PATIENCE 1000 /* milliseconds */
#define ACS_CONTROL 6 /* in the capability */
#define ACS_CONTROL_SIZE                                                                           \
    6 /* where the registers are dwords, the control register is the second                        \
       */

typedef enum {
    MISSING, /* to be asked for */
    ASKED,
    OPENED, /* the descriptor is there, and was not read */
    DONE,   /* read, or refused: there is no more to be had */
} State;

typedef struct {
    PcaAddress address;
    guint16 vendor, device, subsystem_vendor, subsystem_device;
    gboolean has_upstream;
    PcaAddress upstream;
    State state;
    int fd;            /* -1: none */
    PcaConfig *config; /* NULL: not known */
    guint acs;         /* offset of the capability; 0: none */
} Entry;

typedef struct {
    PcaConfigs *configs;
    PcaConfigsFunc func;
    gpointer data;
    guint timer;
} Waiter;

struct PcaConfigs {
    const PcaRoot *root;
    char *worker_socket;
    PcaClaims *claims;
    PcaConfigsChangedFunc changed;
    gpointer changed_data;
    GHashTable *entries; /* of Entry, by itself: hash and equality are the address's */
    GPtrArray *waiters;  /* of Waiter, in order */
    GPtrArray *call;     /* of PcaAddress: what the worker is asked for now; NULL: nothing */
    guint reading;       /* idle source, or 0 */
    gboolean incomplete; /* something may be missing */
    gboolean closed;     /* only an answer is still waited for */
};

static guint hash_entry(gconstpointer key) {
    const PcaAddress *a = &((const Entry *)key)->address;
    return a->domain * 65599u + ((guint)a->bus << 8 | (guint)a->device << 3 | a->function);
}

static gboolean equal_entries(gconstpointer a, gconstpointer b) {
    return pca_address_equal(&((const Entry *)a)->address, &((const Entry *)b)->address);
}

static void free_entry(gpointer data) {
    Entry *entry = data;
    pca_fd_close(&entry->fd);
    g_clear_pointer(&entry->config, pca_config_unref);
    g_free(entry);
}

static Entry *find(const PcaConfigs *configs, const PcaAddress *address) {
    const Entry key = {.address = *address};
    return g_hash_table_lookup(configs->entries, &key);
}

PcaConfig *pca_configs_find(const PcaConfigs *configs, const PcaAddress *address) {
    const Entry *entry = find(configs, address);
    return entry ? entry->config : NULL;
}

/* ---- Who waits ---- */

static gboolean is_pending(const PcaConfigs *configs) {
    return configs->call || configs->reading != 0;
}

static void call_waiter(Waiter *waiter) {
    PcaConfigsFunc func = waiter->func;
    gpointer data = waiter->data;
    g_clear_handle_id(&waiter->timer, g_source_remove);
    g_free(waiter);
    func(data);
}

static gboolean on_patience_over(gpointer data) {
    Waiter *waiter = data;
    waiter->timer = 0;
    g_ptr_array_remove(waiter->configs->waiters, waiter);
    call_waiter(waiter);
    return G_SOURCE_REMOVE;
}

/* In the order in which they came. */
static void wake(PcaConfigs *configs) {
    while (!is_pending(configs) && configs->waiters->len > 0)
        call_waiter(g_ptr_array_steal_index(configs->waiters, 0));
}

gboolean pca_configs_serial(const PcaFunction *function, guint64 *serial, gpointer data) {
    const PcaConfig *config = data ? pca_configs_find(data, &function->address) : NULL;
    return config && pca_config_serial(config, serial);
}

void pca_configs_await(PcaConfigs *configs, PcaConfigsFunc func, gpointer data) {
    if (!is_pending(configs)) {
        func(data);
        return;
    }
    Waiter *waiter = g_new0(Waiter, 1);
    *waiter = (Waiter){.configs = configs, .func = func, .data = data};
    waiter->timer = g_timeout_add(PATIENCE, on_patience_over, waiter);
    g_ptr_array_add(configs->waiters, waiter);
}

/* ---- Reading ---- */

static int lookup(const PcaAddress *address, gpointer data) {
    return ((const Entry *)data)->fd;
}

static guint acs_offset(const PcaConfig *config) {
    const PcaCapability *acs = pca_capability_list_find(&config->extended, PCA_EXT_CAP_ACS);
    return config->acs.known && acs ? acs->offset : 0;
}

/* A descriptor that reads nothing is that of a function which has gone (ENODEV). */
static void read_entry(PcaConfigs *configs, Entry *entry) {
    const PcaConfigSource source = {lookup, entry};
    g_clear_pointer(&entry->config, pca_config_unref);
    entry->config = pca_hardware_read_config(configs->root, &entry->address, &source);
    entry->state = DONE;
    if (entry->config && entry->acs == 0)
        entry->acs = acs_offset(entry->config);
    if (!entry->config || entry->acs == 0)
        pca_fd_close(&entry->fd);
    configs->changed(&entry->address, configs->changed_data);
}

/* A function that does not answer reads as all ones, until it does. */
static gboolean is_same(const PcaConfig *config, const guint8 *control, gssize n) {
    const PcaAcs *acs = &config->acs;
    guint16 word, dword;
    memcpy(&word, control, sizeof word);
    memcpy(&dword, control + sizeof word, sizeof dword);
    if (!acs->known)
        return word == G_MAXUINT16;
    return GUINT16_FROM_LE(word) == acs->control &&
           (n < ACS_CONTROL_SIZE || !acs->dword_control_known ||
            GUINT16_FROM_LE(dword) == acs->dword_control);
}

void pca_configs_refresh(PcaConfigs *configs, const PcaAddress *address) {
    Entry *entry = find(configs, address);
    guint8 control[ACS_CONTROL_SIZE] = {0};
    if (!entry || entry->state != DONE || entry->fd < 0)
        return;
    gssize n = pread(entry->fd, control, sizeof control, entry->acs + ACS_CONTROL);
    if (n >= (gssize)sizeof(guint16) && is_same(entry->config, control, n))
        return;
    read_entry(configs, entry);
    /* ENODEV: it was removed, and perhaps there is another one already. */
    if (entry->config)
        return;
    entry->state = MISSING;
    configs->incomplete = TRUE;
}

GHashTable *pca_configs_locked(const PcaConfigs *configs) {
    GHashTable *locked = pca_claims_evicting(configs->claims);
    g_autofree gpointer *keys = g_hash_table_get_keys_as_array(locked, NULL);
    for (gpointer *key = keys; *key; key++) {
        PcaAddress address;
        const Entry *entry = pca_address_parse(*key, &address) ? find(configs, &address) : NULL;
        if (entry && entry->has_upstream)
            g_hash_table_add(locked, pca_address_format(&entry->upstream));
    }
    return locked;
}

static gboolean is_locked(GHashTable *locked, const PcaAddress *address) {
    if (g_hash_table_size(locked) == 0)
        return FALSE;
    g_autofree char *text = pca_address_format(address);
    return g_hash_table_contains(locked, text);
}

static Entry *next_opened(const PcaConfigs *configs) {
    GHashTableIter iter;
    gpointer entry;
    g_hash_table_iter_init(&iter, configs->entries);
    while (g_hash_table_iter_next(&iter, &entry, NULL))
        if (((Entry *)entry)->state == OPENED)
            return entry;
    return NULL;
}

static void ask(PcaConfigs *configs);

/* One for each turn of the main loop: a config space takes a millisecond. */
static gboolean on_read(gpointer data) {
    PcaConfigs *configs = data;
    Entry *entry = next_opened(configs);
    if (!entry) {
        configs->reading = 0;
        ask(configs);
        wake(configs);
        return G_SOURCE_REMOVE;
    }
    g_autoptr(GHashTable) locked = pca_configs_locked(configs);
    if (is_locked(locked, &entry->address)) {
        pca_fd_close(&entry->fd);
        entry->state = MISSING;
        configs->incomplete = TRUE;
    } else {
        read_entry(configs, entry);
    }
    return G_SOURCE_CONTINUE;
}

/* ---- The end ---- */

static void free_configs(PcaConfigs *configs) {
    g_ptr_array_unref(configs->waiters);
    g_clear_pointer(&configs->call, g_ptr_array_unref);
    g_hash_table_unref(configs->entries);
    g_free(configs->worker_socket);
    g_free(configs);
}

void pca_configs_free(PcaConfigs *configs) {
    if (!configs)
        return;
    g_clear_handle_id(&configs->reading, g_source_remove);
    for (guint i = 0; i < configs->waiters->len; i++) {
        Waiter *waiter = g_ptr_array_index(configs->waiters, i);
        g_clear_handle_id(&waiter->timer, g_source_remove);
        g_free(waiter);
    }
    g_ptr_array_set_size(configs->waiters, 0);
    configs->closed = TRUE;
    if (!configs->call)
        free_configs(configs);
}

/* ---- Asking the worker ---- */

static void take_descriptor(PcaConfigs *configs, GVariant *names, GArray *fds, guint i) {
    const char *address = "";
    PcaAddress parsed;
    g_variant_get_child(names, i, "(s&s&s)", NULL, NULL, &address);
    Entry *entry = pca_address_parse(address, &parsed) ? find(configs, &parsed) : NULL;
    if (!entry || entry->state != ASKED)
        return;
    entry->fd = pca_wire_steal_fd(fds, i);
    entry->state = OPENED;
}

/* What was asked for and not got: there is no more to be had, or the worker could not be asked. */
static void settle(PcaConfigs *configs, State state) {
    for (guint i = 0; i < configs->call->len; i++) {
        Entry *entry = find(configs, g_ptr_array_index(configs->call, i));
        if (entry && entry->state == ASKED)
            entry->state = state;
    }
    configs->incomplete |= state == MISSING;
    g_clear_pointer(&configs->call, g_ptr_array_unref);
}

static void on_opened(GVariant *reply, GArray *fds, const GError *error, gpointer data) {
    PcaConfigs *configs = data;
    if (configs->closed) {
        free_configs(configs);
        return;
    }
    g_autoptr(GVariant) names =
        reply ? g_variant_lookup_value(reply, "fds", G_VARIANT_TYPE("a(sss)")) : NULL;
    if (error)
        g_message("config spaces are not known: %s", error->message);
    for (guint i = 0; names && i < MIN(fds->len, g_variant_n_children(names)); i++)
        take_descriptor(configs, names, fds, i);
    settle(configs, error ? MISSING : DONE);
    if (error)
        wake(configs);
    else
        configs->reading = g_idle_add(on_read, configs);
}

static GPtrArray *choose(PcaConfigs *configs, GHashTable *locked) {
    GPtrArray *chosen = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer key;
    configs->incomplete = FALSE;
    g_hash_table_iter_init(&iter, configs->entries);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        Entry *entry = key;
        if (entry->state != MISSING)
            continue;
        if (chosen->len == PCA_WIRE_MAX_FDS || is_locked(locked, &entry->address)) {
            configs->incomplete = TRUE;
            continue;
        }
        entry->state = ASKED;
        g_ptr_array_add(chosen, g_memdup2(&entry->address, sizeof entry->address));
    }
    return chosen;
}

static void send_call(PcaConfigs *configs) {
    GVariantBuilder addresses = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < configs->call->len; i++) {
        g_autofree char *text = pca_address_format(g_ptr_array_index(configs->call, i));
        g_variant_builder_add(&addresses, "s", text);
    }
    g_auto(GVariantDict) request;
    g_variant_dict_init(&request, NULL);
    g_variant_dict_insert(&request, "kind", "s", "config");
    g_variant_dict_insert_value(&request, "devices", g_variant_builder_end(&addresses));
    pca_worker_call(configs->worker_socket, g_variant_dict_end(&request), NULL, 0, on_opened,
                    configs);
}

static void ask(PcaConfigs *configs) {
    if (is_pending(configs) || !configs->incomplete)
        return;
    g_autoptr(GHashTable) locked = pca_configs_locked(configs);
    g_autoptr(GPtrArray) chosen = choose(configs, locked);
    if (chosen->len == 0)
        return;
    configs->call = g_steal_pointer(&chosen);
    send_call(configs);
}

/* ---- Which functions there are ---- */

static gboolean is_of(const Entry *entry, const PcaFunction *f) {
    return entry->vendor == f->vendor && entry->device == f->device &&
           entry->subsystem_vendor == f->subsystem_vendor &&
           entry->subsystem_device == f->subsystem_device;
}

static void add_new(PcaConfigs *configs, const PcaFunction *f) {
    if (find(configs, &f->address))
        return;
    Entry *entry = g_new0(Entry, 1);
    *entry = (Entry){.address = f->address,
                     .vendor = f->vendor,
                     .device = f->device,
                     .subsystem_vendor = f->subsystem_vendor,
                     .subsystem_device = f->subsystem_device,
                     .has_upstream = f->has_upstream,
                     .upstream = f->upstream,
                     .fd = -1};
    g_hash_table_add(configs->entries, entry);
    configs->incomplete = TRUE;
}

static void remove_entry(PcaConfigs *configs, const PcaAddress *address) {
    const Entry key = {.address = *address};
    g_hash_table_remove(configs->entries, &key);
}

void pca_configs_update(PcaConfigs *configs, const PcaDiff *diff) {
    for (guint i = 0; i < diff->removed->len; i++) {
        const PcaFunction *f = g_ptr_array_index(diff->removed, i);
        remove_entry(configs, &f->address);
    }
    for (guint i = 0; i < diff->added->len; i++)
        add_new(configs, g_ptr_array_index(diff->added, i));
    for (guint i = 0; i < diff->changed->len; i++) {
        const PcaFunction *f = g_ptr_array_index(diff->changed, i);
        const Entry *entry = find(configs, &f->address);
        if (entry && !is_of(entry, f))
            remove_entry(configs, &f->address);
        add_new(configs, f);
    }
    ask(configs);
}

void pca_configs_forget(PcaConfigs *configs, const PcaAddress *address) {
    Entry *entry = find(configs, address);
    if (!entry)
        return;
    pca_fd_close(&entry->fd);
    g_clear_pointer(&entry->config, pca_config_unref);
    entry->acs = 0;
    entry->state = MISSING;
    configs->incomplete = TRUE;
    configs->changed(address, configs->changed_data);
}

PcaConfigs *pca_configs_new(const PcaRoot *root, const char *worker_socket, PcaClaims *claims,
                            PcaConfigsChangedFunc changed, gpointer data) {
    PcaConfigs *configs = g_new0(PcaConfigs, 1);
    configs->root = root;
    configs->worker_socket = g_strdup(worker_socket);
    configs->claims = claims;
    configs->changed = changed;
    configs->changed_data = data;
    configs->entries = g_hash_table_new_full(hash_entry, equal_entries, free_entry, NULL);
    configs->waiters = g_ptr_array_new();
    return configs;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: claims: making, adopting, asking about and releasing them.
 * Thread: that of the handle. Ownership: a claim keeps its handle alive and owns the lease.
 */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Far above what the service accepts; they bound the message, for the sake of the connection. */
#define MAX_DEVICES 1024
#define MAX_TEXT 4096
#define MAX_ID 64

/* The options of version 0.1, which nobody may know fewer of. */
#define FIRST_OPTIONS (offsetof(struct pcassign_claim_options, wait_usec) + sizeof(uint64_t))

static int invalid(struct pcassign *p, const char *what) {
    return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "%s", what);
}

/* libdbus aborts the process when it is given text that is not UTF-8. */
static bool is_text(const char *text) {
    return strnlen(text, MAX_TEXT + 1) <= MAX_TEXT && dbus_validate_utf8(text, NULL);
}

static int check_devices(struct pcassign *p, const struct pcassign_device *devices, size_t n) {
    if (!devices || n == 0 || n > MAX_DEVICES)
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "name 1 to %d devices, not %zu",
                              MAX_DEVICES, devices ? n : 0);
    for (size_t i = 0; i < n; i++) {
        if (!devices[i].name || !is_text(devices[i].name))
            return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT,
                                  "device %zu has no name, or one that is no text", i);
        if (devices[i].alias && !is_text(devices[i].alias))
            return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT,
                                  "the alias of device %zu is no text", i);
    }
    return 0;
}

/* The options as this version knows them, from a caller that may know fewer or more. */
static int take_options(struct pcassign *p, const struct pcassign_claim_options *from,
                        struct pcassign_claim_options *to) {
    size_t size = from ? from->size : 0, known = sizeof *to;
    *to = (struct pcassign_claim_options)PCASSIGN_CLAIM_OPTIONS_INIT;
    if (!from)
        return 0;
    if (size < FIRST_OPTIONS)
        return invalid(p, "the options do not say their size: use PCASSIGN_CLAIM_OPTIONS_INIT");
    for (size_t i = known; i < size; i++)
        if (((const char *)from)[i])
            return pcassign__fail(p, PCASSIGN_ERR_UNSUPPORTED,
                                  "an option that this version of libpcassign does not know");
    memcpy(to, from, size < known ? size : known);
    if ((to->title && !is_text(to->title)) || (to->handoff && !is_text(to->handoff)))
        return invalid(p, "the title or the handoff is no text");
    if (to->join && to->join->lease < 0)
        return invalid(p, "the lease was taken out of the claim to join");
    return 0;
}

static bool append_device(DBusMessageIter *array, const struct pcassign_device *device) {
    DBusMessageIter pair = DBUS_MESSAGE_ITER_INIT_CLOSED, dict = DBUS_MESSAGE_ITER_INIT_CLOSED;
    if (dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &pair) &&
        dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &device->name) &&
        dbus_message_iter_open_container(&pair, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
        (!device->alias ||
         pcassign__append_option(&dict, "alias", DBUS_TYPE_STRING, &device->alias)) &&
        dbus_message_iter_close_container(&pair, &dict) &&
        dbus_message_iter_close_container(array, &pair))
        return true;
    dbus_message_iter_abandon_container_if_open(&pair, &dict);
    dbus_message_iter_abandon_container_if_open(array, &pair);
    return false;
}

static bool append_devices(DBusMessageIter *args, const struct pcassign_device *devices, size_t n) {
    DBusMessageIter array = DBUS_MESSAGE_ITER_INIT_CLOSED;
    bool ok = dbus_message_iter_open_container(args, DBUS_TYPE_ARRAY, "(sa{sv})", &array);
    for (size_t i = 0; ok && i < n; i++)
        ok = append_device(&array, &devices[i]);
    if (ok && dbus_message_iter_close_container(args, &array))
        return true;
    dbus_message_iter_abandon_container_if_open(args, &array);
    return false;
}

static bool append_join(DBusMessageIter *dict, const struct pcassign_claim *join) {
    const char *path = join ? join->path : NULL;
    return !join || (pcassign__append_option(dict, "join", DBUS_TYPE_OBJECT_PATH, &path) &&
                     pcassign__append_option(dict, "join-lease", DBUS_TYPE_UNIX_FD, &join->lease));
}

static bool append_options(DBusMessageIter *args, const struct pcassign_claim_options *options) {
    DBusMessageIter dict = DBUS_MESSAGE_ITER_INIT_CLOSED;
    dbus_uint64_t memory = options->memory, wait = options->wait_usec;
    dbus_bool_t async = options->async != 0, viommu = options->viommu != 0;
    if (dbus_message_iter_open_container(args, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
        (!options->title ||
         pcassign__append_option(&dict, "title", DBUS_TYPE_STRING, &options->title)) &&
        (!memory || pcassign__append_option(&dict, "memory", DBUS_TYPE_UINT64, &memory)) &&
        (!options->handoff ||
         pcassign__append_option(&dict, "handoff", DBUS_TYPE_STRING, &options->handoff)) &&
        (!wait || pcassign__append_option(&dict, "wait", DBUS_TYPE_UINT64, &wait)) &&
        (!viommu || pcassign__append_option(&dict, "viommu", DBUS_TYPE_BOOLEAN, &viommu)) &&
        (!async || pcassign__append_option(&dict, "async", DBUS_TYPE_BOOLEAN, &async)) &&
        append_join(&dict, options->join) && dbus_message_iter_close_container(args, &dict))
        return true;
    dbus_message_iter_abandon_container_if_open(args, &dict);
    return false;
}

static DBusMessage *claim_message(const struct pcassign_device *devices, size_t n,
                                  const struct pcassign_claim_options *options) {
    AUTO_MESSAGE message =
        dbus_message_new_method_call(SERVICE_NAME, SERVICE_PATH, MANAGER_INTERFACE, "Claim");
    DBusMessageIter args;
    if (!message)
        return NULL;
    dbus_message_iter_init_append(message, &args);
    if (!append_devices(&args, devices, n) || !append_options(&args, options))
        return NULL;
    DBusMessage *result = message;
    message = NULL;
    return result;
}

static bool is_id(const char *id) {
    size_t length = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    return length > 0 && length <= MAX_ID && id[length] == '\0';
}

/* Takes the lease over on success. */
static int make_claim(struct pcassign *p, const char *id, int lease, struct pcassign_claim **ret) {
    struct pcassign_claim *claim = calloc(1, sizeof *claim);
    char *path = malloc(strlen(CLAIM_PREFIX) + strlen(id) + 1);
    if (!claim || !path) {
        free(claim);
        free(path);
        return pcassign__no_memory(p);
    }
    claim->p = pcassign__ref(p);
    claim->path = strcat(strcpy(path, CLAIM_PREFIX), id);
    claim->lease = lease;
    *ret = claim;
    return 0;
}

static int claim_of_reply(struct pcassign *p, DBusMessage *reply, struct pcassign_claim **ret) {
    DBusMessageIter iter;
    const char *path;
    size_t prefix = strlen(CLAIM_PREFIX);
    dbus_message_iter_init(reply, &iter);
    dbus_message_iter_get_basic(&iter, &path);
    if (strncmp(path, CLAIM_PREFIX, prefix) != 0 || !is_id(path + prefix))
        return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL, "%s is not the path of a claim", path);
    dbus_message_iter_next(&iter);
    AUTO_FD lease = pcassign__get_fd(p, &iter);
    if (lease < 0)
        return lease;
    int code = make_claim(p, path + prefix, lease, ret);
    if (!code)
        pcassign__steal(&lease);
    return code;
}

EXPORT int pcassign_claim(struct pcassign *p, const struct pcassign_device *devices, size_t n,
                          const struct pcassign_claim_options *options,
                          struct pcassign_claim **ret) {
    struct pcassign_claim_options known;
    AUTO_MESSAGE reply = NULL;
    p->message[0] = '\0';
    if (!ret)
        return invalid(p, "nowhere to put the claim");
    int code = check_devices(p, devices, n);
    if (!code)
        code = take_options(p, options, &known);
    if (code)
        return code;
    errno = 0;
    AUTO_MESSAGE message = claim_message(devices, n, &known);
    if (!message)
        return pcassign__no_message(p);
    uint64_t wait = known.wait_usec ? known.wait_usec : 20u * 1000 * 1000;
    if (__builtin_add_overflow(wait, p->timeout_usec, &wait))
        wait = UINT64_MAX;
    code = pcassign__call(p, message, pcassign__milliseconds(wait), "oh", true, &reply);
    return code ? code : claim_of_reply(p, reply, ret);
}

static bool is_lease(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode) &&
           (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
}

EXPORT int pcassign_claim_adopt(struct pcassign *p, const char *id, int lease,
                                struct pcassign_claim **ret) {
    p->message[0] = '\0';
    if (!ret || !id || !is_id(id))
        return invalid(p, "not the id of a claim");
    if (!is_lease(lease) || fcntl(lease, F_SETFD, FD_CLOEXEC) < 0)
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "descriptor %d is not a lease",
                              lease);
    return make_claim(p, id, lease, ret);
}

EXPORT const char *pcassign_claim_id(const struct pcassign_claim *claim) {
    return claim->path + strlen(CLAIM_PREFIX);
}

EXPORT int pcassign_claim_lease(const struct pcassign_claim *claim) {
    return claim->lease;
}

EXPORT int pcassign_claim_steal_lease(struct pcassign_claim *claim) {
    return pcassign__steal(&claim->lease);
}

/* Replaces what the last call has found; both or neither. */
static int keep_status(struct pcassign_claim *claim, const char *state, const char *reason) {
    char *new_state = strdup(state), *new_reason = strdup(reason);
    if (!new_state || !new_reason) {
        free(new_state);
        free(new_reason);
        return pcassign__no_memory(claim->p);
    }
    free(claim->state);
    free(claim->reason);
    claim->state = new_state;
    claim->reason = new_reason;
    return 0;
}

EXPORT int pcassign_claim_status(struct pcassign_claim *claim, const char **state,
                                 const char **reason) {
    struct pcassign *p = claim->p;
    AUTO_MESSAGE message = pcassign__claim_message(claim, "Describe");
    AUTO_MESSAGE reply = NULL;
    DBusMessageIter iter;
    p->message[0] = '\0';
    if (!message)
        return pcassign__no_memory(p);
    int timeout = pcassign__milliseconds(p->timeout_usec);
    int code = pcassign__call(p, message, timeout, "a{sv}", false, &reply);
    if (code)
        return code;
    dbus_message_iter_init(reply, &iter);
    const char *found = pcassign__lookup(&iter, "state"), *why = pcassign__lookup(&iter, "reason");
    if (!found)
        return pcassign__fail(p, PCASSIGN_ERR_PROTOCOL, "Describe tells no state");
    code = keep_status(claim, found, why ? why : "");
    if (!code && state)
        *state = claim->state;
    if (!code && reason)
        *reason = claim->reason;
    return code;
}

EXPORT int pcassign_release(struct pcassign_claim *claim) {
    struct pcassign *p = claim->p;
    AUTO_MESSAGE message = pcassign__claim_message(claim, "Release");
    AUTO_MESSAGE reply = NULL;
    p->message[0] = '\0';
    if (!message)
        return pcassign__no_memory(p);
    return pcassign__call(p, message, pcassign__milliseconds(p->timeout_usec), "", false, &reply);
}

/* The object path of a device from its address; false when it is none. */
static bool device_path(const char *address, char *path, size_t size) {
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t domain = strspn(address, digits);
    const char *rest = address + domain;
    if (domain < 4 || domain > 8 || strlen(rest) != 8 || rest[0] != ':' ||
        strspn(rest + 1, digits) != 2 || rest[3] != ':' || strspn(rest + 4, digits) != 2 ||
        rest[6] != '.' || rest[7] < '0' || rest[7] > '7')
        return false;
    snprintf(path, size, DEVICE_PREFIX "%s", address);
    for (char *p = path + strlen(DEVICE_PREFIX); *p; p++)
        *p = *p == ':' || *p == '.' ? '_' : *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
    return true;
}

/* The addresses have been checked. */
static bool append_paths(DBusMessage *message, const char *const *addresses, size_t n) {
    DBusMessageIter args, array = DBUS_MESSAGE_ITER_INIT_CLOSED;
    char buffer[64];
    const char *path = buffer;
    dbus_message_iter_init_append(message, &args);
    bool ok = dbus_message_iter_open_container(&args, DBUS_TYPE_ARRAY, "o", &array);
    for (size_t i = 0; ok && i < n; i++)
        ok = device_path(addresses[i], buffer, sizeof buffer) &&
             dbus_message_iter_append_basic(&array, DBUS_TYPE_OBJECT_PATH, &path);
    if (ok && dbus_message_iter_close_container(&args, &array))
        return true;
    dbus_message_iter_abandon_container_if_open(&args, &array);
    return false;
}

static int check_addresses(struct pcassign *p, const char *const *addresses, size_t n) {
    char path[64];
    if (!addresses || n == 0 || n > MAX_DEVICES)
        return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT, "name 1 to %d devices, not %zu",
                              MAX_DEVICES, addresses ? n : 0);
    for (size_t i = 0; i < n; i++)
        if (!addresses[i] || !device_path(addresses[i], path, sizeof path))
            return pcassign__fail(p, PCASSIGN_ERR_INVALID_ARGUMENT,
                                  "device %zu is not a full PCI address", i);
    return 0;
}

EXPORT int pcassign_release_devices(struct pcassign_claim *claim, const char *const *addresses,
                                    size_t n) {
    struct pcassign *p = claim->p;
    AUTO_MESSAGE reply = NULL;
    p->message[0] = '\0';
    int code = check_addresses(p, addresses, n);
    if (code)
        return code;
    AUTO_MESSAGE message = pcassign__claim_message(claim, "ReleaseDevices");
    if (!message || !append_paths(message, addresses, n))
        return pcassign__no_memory(p);
    return pcassign__call(p, message, pcassign__milliseconds(p->timeout_usec), "", false, &reply);
}

EXPORT void pcassign_claim_free(struct pcassign_claim *claim) {
    if (!claim)
        return;
    pcassign__close(&claim->lease);
    pcassign_close(claim->p);
    free(claim->path);
    free(claim->state);
    free(claim->reason);
    free(claim->release_reason);
    free(claim);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the errors: their codes, D-Bus names and words.
 * Thread: any; the tables are constant. Ownership: names are static.
 */
#include "private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OURS "org.pcassign1.Error."
#define BUS "org.freedesktop.DBus.Error."

static const struct {
    int code;
    const char *name;
    const char *text;
} errors[] = {
    {PCASSIGN_ERR_FAILED, OURS "Failed", "it failed"},
    {PCASSIGN_ERR_UNSUPPORTED, OURS "Unsupported", "not supported by kernel or service"},
    {PCASSIGN_ERR_LIMIT_EXCEEDED, OURS "LimitExceeded", "a limit is exceeded"},
    {PCASSIGN_ERR_REVOKED, OURS "Revoked", "the claim was taken back"},
    {PCASSIGN_ERR_INVALID_ARGUMENT, OURS "InvalidArgument", "invalid argument"},
    {PCASSIGN_ERR_TIMED_OUT, OURS "TimedOut", "it took too long"},
    {PCASSIGN_ERR_UNBIND_TIMEOUT, OURS "UnbindTimeout", "the device is still in use"},
    {PCASSIGN_ERR_NOT_PERMITTED, OURS "NotPermitted", "not permitted"},
    {PCASSIGN_ERR_IDENTITY_MISMATCH, OURS "IdentityMismatch", "it is another device"},
    {PCASSIGN_ERR_NOT_ISOLATED, OURS "NotIsolated", "the device is not isolated"},
    {PCASSIGN_ERR_GROUP_INCOMPLETE, OURS "GroupIncomplete", "its group has to be claimed whole"},
    {PCASSIGN_ERR_IN_USE, OURS "InUse", "the device is in use"},
    {PCASSIGN_ERR_BUSY, OURS "Busy", "the device is claimed"},
    {PCASSIGN_ERR_NO_RESET, OURS "NoReset", "the device cannot be reset"},
    {PCASSIGN_ERR_RESET_FAILED, OURS "ResetFailed", "the reset failed"},
    {PCASSIGN_ERR_BIND_FAILED, OURS "BindFailed", "the driver could not be changed"},
    {PCASSIGN_ERR_QUARANTINED, OURS "Quarantined", "the device is quarantined"},
    {PCASSIGN_ERR_NOT_FOUND, OURS "NotFound", "not found"},
    {PCASSIGN_ERR_NO_SERVICE, BUS "ServiceUnknown", "pcassignd is not there"},
    {PCASSIGN_ERR_NO_MEMORY, BUS "NoMemory", "out of memory"},
    {PCASSIGN_ERR_PROTOCOL, BUS "InconsistentMessage", "unexpected answer"},
};

/* What others on the way say: the bus, systemd, libdbus, the service's own D-Bus library. Of Spawn
 * and systemd any error counts. */
static const struct {
    const char *name;
    int code;
} foreign[] = {
    {BUS "AccessDenied", PCASSIGN_ERR_NOT_PERMITTED},
    {BUS "AuthFailed", PCASSIGN_ERR_NOT_PERMITTED},
    {BUS "InvalidArgs", PCASSIGN_ERR_INVALID_ARGUMENT},
    {BUS "InvalidSignature", PCASSIGN_ERR_INVALID_ARGUMENT},
    {BUS "NotSupported", PCASSIGN_ERR_UNSUPPORTED},
    {BUS "UnknownObject", PCASSIGN_ERR_UNSUPPORTED},
    {BUS "UnknownInterface", PCASSIGN_ERR_UNSUPPORTED},
    {BUS "UnknownMethod", PCASSIGN_ERR_UNSUPPORTED},
    {BUS "LimitsExceeded", PCASSIGN_ERR_LIMIT_EXCEEDED},
    {BUS "Timeout", PCASSIGN_ERR_TIMED_OUT},
    {BUS "TimedOut", PCASSIGN_ERR_TIMED_OUT},
    {BUS "NameHasNoOwner", PCASSIGN_ERR_NO_SERVICE},
    {BUS "NoServer", PCASSIGN_ERR_NO_SERVICE},
    {BUS "Disconnected", PCASSIGN_ERR_NO_SERVICE},
    {BUS "NoReply", PCASSIGN_ERR_NO_SERVICE},
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

EXPORT const char *pcassign_error_name(int code) {
    for (size_t i = 0; i < N_ELEMENTS(errors); i++)
        if (errors[i].code == code)
            return errors[i].name;
    return NULL;
}

EXPORT const char *pcassign_strerror(int code) {
    for (size_t i = 0; i < N_ELEMENTS(errors); i++)
        if (errors[i].code == code)
            return errors[i].text;
    return code < 0 ? "unknown error" : "success";
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int pcassign__error_from_name(const char *name) {
    for (size_t i = 0; i < N_ELEMENTS(errors); i++)
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].code;
    for (size_t i = 0; i < N_ELEMENTS(foreign); i++)
        if (strcmp(foreign[i].name, name) == 0)
            return foreign[i].code;
    if (starts_with(name, BUS "Spawn.") || starts_with(name, "org.freedesktop.systemd1."))
        return PCASSIGN_ERR_NO_SERVICE;
    return 0;
}

/* Takes back the bytes of a UTF-8 sequence that has lost its end. */
static void cut_at_character(char *text, size_t length) {
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && !dbus_validate_utf8(text + start - 1, NULL))
        text[start - 1] = '\0';
}

int pcassign__complain(char *buffer, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(buffer, MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    if (n < 0)
        buffer[0] = '\0';
    else if (n >= MESSAGE_SIZE)
        cut_at_character(buffer, MESSAGE_SIZE - 1);
    return code;
}

int pcassign__no_memory(struct pcassign *p) {
    return pcassign__fail(p, PCASSIGN_ERR_NO_MEMORY, "out of memory");
}

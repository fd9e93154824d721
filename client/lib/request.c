/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: learning that a claim is to be given back.
 * Thread: that of the handle. Ownership: as in pcassign.h.
 *
 * The service's signal only wakes the caller up. Anybody on the bus can send one that looks like
 * it; what counts is what the service answers.
 */
#include "private.h"

#include <string.h>

EXPORT int pcassign_get_fd(struct pcassign *p) {
    int fd = -1;
    p->message[0] = '\0';
    if (pcassign__is_connected(p) && dbus_connection_get_unix_fd(p->bus, &fd))
        return fd;
    return pcassign__fail(p, PCASSIGN_ERR_NO_SERVICE, "the connection to the bus is closed");
}

static int keep_reason(struct pcassign_claim *claim, const char *reason) {
    char *copy = strdup(reason);
    if (!copy)
        return pcassign__no_memory(claim->p);
    free(claim->release_reason);
    claim->release_reason = copy;
    return 0;
}

EXPORT int pcassign_claim_release_requested(struct pcassign_claim *claim, const char **reason,
                                            uint64_t *deadline_usec) {
    struct pcassign *p = claim->p;
    AUTO_MESSAGE reply = NULL;
    DBusMessageIter iter;
    uint64_t deadline = 0;
    p->message[0] = '\0';
    AUTO_MESSAGE message = pcassign__claim_message(claim, "Describe");
    if (!message)
        return pcassign__no_memory(p);
    int code =
        pcassign__call(p, message, pcassign__milliseconds(p->timeout_usec), "a{sv}", false, &reply);
    if (code)
        return code;
    dbus_message_iter_init(reply, &iter);
    if (!pcassign__lookup_number(&iter, "release_deadline", &deadline) || deadline == 0)
        return 0;
    const char *why = pcassign__lookup(&iter, "release_reason");
    code = keep_reason(claim, why ? why : "");
    if (code)
        return code;
    if (reason)
        *reason = claim->release_reason;
    if (deadline_usec)
        *deadline_usec = deadline;
    return 1;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: libpcassign, with which a virtual machine monitor gets PCI devices from pcassignd.
 * Thread: a handle, its claims and their descriptors belong to one thread at a time; different
 * handles are independent of each other. After fork() only the parent may go on using them.
 * Ownership: what a function stores through `ret` is the caller's, to be freed by the function that
 * is named there. It is stored on success alone. Strings that come back are borrowed.
 *
 * Functions return 0 (or an index or a descriptor) on success and one of enum pcassign_error, which
 * are all negative, on failure. "Blocks" means: until the service has answered, at most for the
 * time that is named. No function ends the process, raises SIGPIPE or starts a thread. Every
 * descriptor is close-on-exec.
 */
#ifndef PCASSIGN_H
#define PCASSIGN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct DBusConnection;
struct pcassign;
struct pcassign_claim;
struct pcassign_fds;

/* The service's errors, then the library's own. A code keeps its number and its meaning. */
enum pcassign_error {
    PCASSIGN_ERR_FAILED = -1, /* anything without a name of its own */
    PCASSIGN_ERR_UNSUPPORTED = -2,
    PCASSIGN_ERR_LIMIT_EXCEEDED = -3, /* also: this process may not have more descriptors */
    PCASSIGN_ERR_REVOKED = -4,
    PCASSIGN_ERR_INVALID_ARGUMENT = -5, /* also: refused by the library, before any message */
    PCASSIGN_ERR_TIMED_OUT = -6,
    PCASSIGN_ERR_UNBIND_TIMEOUT = -7,
    PCASSIGN_ERR_NOT_PERMITTED = -8,
    PCASSIGN_ERR_IDENTITY_MISMATCH = -9,
    PCASSIGN_ERR_NOT_ISOLATED = -10,
    PCASSIGN_ERR_GROUP_INCOMPLETE = -11,
    PCASSIGN_ERR_IN_USE = -12,
    PCASSIGN_ERR_BUSY = -13,
    PCASSIGN_ERR_NO_RESET = -14,
    PCASSIGN_ERR_RESET_FAILED = -15,
    PCASSIGN_ERR_BIND_FAILED = -16,
    PCASSIGN_ERR_QUARANTINED = -17,
    PCASSIGN_ERR_NOT_FOUND = -18,
    PCASSIGN_ERR_NO_SERVICE = -64, /* no bus, no service, or the connection to it broke */
    PCASSIGN_ERR_NO_MEMORY = -65,
    PCASSIGN_ERR_PROTOCOL = -66, /* an answer that is not what the interface says */
};

/* --- Connection --- */

/* Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS says where else) with a connection of its
 * own; the service is started with the first call that needs it. Blocks as long as the bus does, at
 * most 25 s. Free with pcassign_close(). Errors: NO_SERVICE, NOT_PERMITTED, UNSUPPORTED (the bus
 * passes no descriptors), LIMIT_EXCEEDED, NO_MEMORY; pcassign_last_error(NULL) says more. */
int pcassign_connect(struct pcassign **ret);

/* The same over a connection of libdbus that the caller has; takes a reference and never closes it
 * nor dispatches its messages. Does not block. */
int pcassign_connect_bus(struct DBusConnection *bus, struct pcassign **ret);

/* Closes the connection, or does so once the last claim made with it is freed. Claims go on: it is
 * the lease that keeps them. NULL is ignored. Does not block. */
void pcassign_close(struct pcassign *p);

/* For how many microseconds a call waits for its answer: 30 seconds unless this says otherwise, and
 * for pcassign_claim() as much on top of `wait_usec`. 0 is INVALID_ARGUMENT. */
int pcassign_set_timeout(struct pcassign *p, uint64_t usec);

/* --- Errors --- */

/* What the last failed call with this handle, or with a claim of it, had to complain about: the
 * message of the service, which names the culprit, or one of the library. "" after a success. For
 * NULL: about the last pcassign_connect() or pcassign_connect_bus() of this thread. Borrowed until
 * the next call with the handle. */
const char *pcassign_last_error(const struct pcassign *p);

/* The full D-Bus name, such as "org.pcassign1.Error.InUse"; NULL when the code is none of enum
 * pcassign_error. Static. */
const char *pcassign_error_name(int code);

/* A few English words for the code; never NULL. Static. */
const char *pcassign_strerror(int code);

/* --- Claims --- */

struct pcassign_device {
    const char *name;  /* an address, or a name that the policy gives */
    const char *alias; /* under which its descriptors are to be known; NULL: `name` */
};

struct pcassign_claim_options {
    size_t size;         /* of this structure, as the caller knows it */
    const char *title;   /* shown to the owner and to root; NULL: none */
    uint64_t memory;     /* bytes of guest memory: pcassign_open() raises RLIMIT_MEMLOCK; 0: no */
    const char *handoff; /* "cdev", "group" or "node"; NULL: the best that the kernel has */
    uint64_t wait_usec;  /* how long preparing may take; 0: the service's default, 20 s */

    /* A claim of the same user, whose lease it still has: the devices are for the same virtual
     * machine. pcassign_open() then brings no iommufd and no container, since the VMM binds them to
     * what it has; `handoff` is that claim's. NULL: for a machine of their own. */
    const struct pcassign_claim *join;

    /* Not 0: return once the claim is granted, while it is "preparing". pcassign_claim_status()
     * tells when it is "ready", or "ended" and why; until then pcassign_open() says REVOKED, and
     * pcassign_claim_free() abandons it. */
    int async;

    /* Not 0: the guest has an IOMMU of its own (intel-iommu, virtio-iommu, ...), so that each
     * device maps all of its memory, which counts as often against RLIMIT_MEMLOCK. */
    int viommu;
};

#define PCASSIGN_CLAIM_OPTIONS_INIT                                                                \
    { sizeof(struct pcassign_claim_options), NULL, 0, NULL, 0, NULL, 0, 0 }

/* Claims the devices for the calling user, all or none, and returns when they are prepared. Blocks
 * for the options' wait and the timeout. `options` may be NULL; of a structure larger than the
 * library knows the rest must be zero, or the result is UNSUPPORTED. Free with
 * pcassign_claim_free(), which ends the claim. Errors: those of the service (pcassignctl(1)),
 * INVALID_ARGUMENT, NO_SERVICE, NO_MEMORY, PROTOCOL. After TIMED_OUT because nobody answered a
 * connection of pcassign_connect() is closed, so that a late answer keeps no device. */
int pcassign_claim(struct pcassign *p, const struct pcassign_device *devices, size_t n,
                   const struct pcassign_claim_options *options, struct pcassign_claim **ret);

/* A claim that another process made, or another connection, from its id and its lease. On success
 * the claim owns the descriptor and has made it close-on-exec, on failure it stays the caller's.
 * Does not ask the service, so does not block. Errors: INVALID_ARGUMENT (no id; not the writing end
 * of a FIFO), NO_MEMORY. */
int pcassign_claim_adopt(struct pcassign *p, const char *id, int lease,
                         struct pcassign_claim **ret);

/* The claim's id, as in its object path /org/pcassign1/claim/ID. Borrowed from the claim. */
const char *pcassign_claim_id(const struct pcassign_claim *claim);

/* The lease: while any process has it, or a copy of it, the claim lives. Never write to it.
 * Borrowed from the claim; -1 once it was stolen. */
int pcassign_claim_lease(const struct pcassign_claim *claim);

/* The same, and from now on it is the caller's to close: pcassign_claim_free() no longer ends the
 * claim, and pcassign_open() no longer works. -1 once it was stolen. */
int pcassign_claim_steal_lease(struct pcassign_claim *claim);

/* The claim's state ("preparing", "ready", "releasing", "stuck", "ended"; there may be more one
 * day) and the reason for it, "" when there is none. Either may be NULL. Borrowed from the claim
 * until the next call of this function. Blocks for the timeout. Errors: NOT_FOUND (it has ended),
 * NOT_PERMITTED, NO_SERVICE, TIMED_OUT, NO_MEMORY, PROTOCOL. */
int pcassign_claim_status(struct pcassign_claim *claim, const char **state, const char **reason);

/* A descriptor that becomes readable when there may be news for pcassign_claim_release_requested(),
 * for a main loop to poll; it can do so for nothing. It is the connection's: read nothing from it,
 * do not close it, and do not poll it once a function has said NO_SERVICE. Of a connection that was
 * lent: who dispatches its messages sees the signal ReleaseRequested anyway. Does not block.
 * NO_SERVICE. */
int pcassign_get_fd(struct pcassign *p);

/* Whether an administrator wants the claim back: 1 where it is so, 0 where not. *reason (borrowed
 * until the next call of this function) says why, and *deadline_usec until when the service waits,
 * in microseconds of CLOCK_MONOTONIC; each may be NULL. Close the devices' descriptors and release
 * the claim by then. Asks the service, and takes what made the descriptor readable off the
 * connection; so does every other call with the handle, after which this should be asked as well.
 * Blocks for the timeout. Errors: NOT_FOUND (it has ended), NOT_PERMITTED, NO_SERVICE, TIMED_OUT,
 * NO_MEMORY, PROTOCOL. */
int pcassign_claim_release_requested(struct pcassign_claim *claim, const char **reason,
                                     uint64_t *deadline_usec);

/* Ends the claim and returns when the devices are back with the host. Close the devices'
 * descriptors first: the service waits for them. The claim has still to be freed. Blocks for the
 * timeout. Errors: UNBIND_TIMEOUT (it goes on), NOT_FOUND (it had ended), NOT_PERMITTED,
 * NO_SERVICE, TIMED_OUT, NO_MEMORY. */
int pcassign_release(struct pcassign_claim *claim);

/* Gives back some of the claim's devices, by their PCI addresses as pcassign_fds_get() tells them
 * ("0000:01:00.0"), while the claim keeps the others; returns when they are back with the host. All
 * of them: as pcassign_release(). Close their descriptors first. Blocks for the timeout. Errors:
 * INVALID_ARGUMENT (not an address, not one of the claim's; or another device of the claim is in
 * the same IOMMU group, and the message names it), REVOKED (it is not ready), and those of
 * pcassign_release(). */
int pcassign_release_devices(struct pcassign_claim *claim, const char *const *addresses, size_t n);

/* Closes the lease, unless it was stolen, and frees the claim. Where no other process has a copy,
 * that ends the claim; this function does not wait for it. NULL is ignored. */
void pcassign_claim_free(struct pcassign_claim *claim);

/* --- Descriptors --- */

/* The descriptors come through a socket of their own instead of the bus, which takes few a message.
 */
#define PCASSIGN_OPEN_CHANNEL 1u

/* Opens the claim's devices. Whoever has the lease and the claim's uid may do so, more than once.
 * Free with pcassign_fds_free(). Blocks for the timeout, with PCASSIGN_OPEN_CHANNEL at most twice
 * as long. Errors: REVOKED, NOT_FOUND (the claim has ended), NOT_PERMITTED, LIMIT_EXCEEDED,
 * UNSUPPORTED, INVALID_ARGUMENT (an unknown flag, a stolen lease, a service that does not know the
 * channel), NO_SERVICE, TIMED_OUT (as for pcassign_claim()), NO_MEMORY, PROTOCOL. */
int pcassign_open(struct pcassign_claim *claim, unsigned flags, struct pcassign_fds **ret);

/* How many there are. */
size_t pcassign_fds_count(const struct pcassign_fds *fds);

/* The index of the descriptor number `nth`, from 0, with this role ("iommufd" and "device", or
 * "container" and "group") and this name: that of the device as it was claimed, or its alias; NULL
 * is any. A device whose policy means several functions has one descriptor for each, in the order
 * of the functions. NOT_FOUND. */
int pcassign_fds_find(const struct pcassign_fds *fds, const char *role, const char *name,
                      unsigned nth);

/* The descriptor at an index, from 0, with its role, its name and its PCI address ("" when it has
 * none). It is borrowed, as are the strings; each pointer may be NULL. -1 once it was stolen. A
 * negative index is returned as it is, so that this takes pcassign_fds_find(); one that is too
 * large is INVALID_ARGUMENT. */
int pcassign_fds_get(const struct pcassign_fds *fds, int index, const char **role,
                     const char **name, const char **address);

/* The same descriptor, and from now on it is the caller's to close. */
int pcassign_fds_steal(struct pcassign_fds *fds, int index);

/* Closes all that were not stolen and frees the list. NULL is ignored. */
void pcassign_fds_free(struct pcassign_fds *fds);

#ifdef __cplusplus
}
#endif

#endif

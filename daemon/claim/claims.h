/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: all claims and their life: prepare, open, release, recover. Who may do what was decided
 * before anything here is called.
 * Thread: the main one; the work is done by the worker, callbacks come from the main loop.
 * Ownership: the registry holds a reference on each claim until it has ended.
 */
#pragma once

#include "claim/claim.h"
#include "claim/taint.h"
#include "engine/client.h"
#include "sys/root.h"

typedef struct PcaClaims PcaClaims;

/* A claim began, changed its state, or ended. */
typedef void (*PcaClaimsChangedFunc)(PcaClaim *claim, gpointer data);

/* `error` is NULL on success. */
typedef void (*PcaClaimFunc)(PcaClaim *claim, const GError *error, gpointer data);

/* `names` is a(sss): role, name, address; `fds` holds one descriptor each (pca_wire_steal_fd). */
typedef void (*PcaClaimOpenFunc)(GVariant *names, GArray *fds, const GError *error, gpointer data);

typedef struct {
    const char *directory;     /* of the state, exists, 0700 */
    const char *worker_socket; /* path */
    const char *boot_id;
    gint64 unbind_grace; /* microseconds until a release that does not end counts as stuck */
    const PcaRoot *root; /* borrowed; where the nodes' numbers are read, to name who holds them */
} PcaClaimsConfig;

PcaClaims *pca_claims_new(const PcaClaimsConfig *config, PcaClaimsChangedFunc changed,
                          gpointer data);
void pca_claims_free(PcaClaims *claims);

/* Reads what is on disk and takes it up again: call once, before anything else. Claims whose lease
 * lives are `ready` at once; the rest is undone or released by the worker. */
void pca_claims_recover(PcaClaims *claims);

/* Runs the claim's plan; also that of a reservation or a reset, which gets no lease. The callback
 * comes once: when the claim is `ready`, with lease_writer to take; or with the error, everything
 * undone; with Revoked when it was released meanwhile; or with TimedOut after `wait` microseconds,
 * when the devices go back as soon as the kernel lets go of them. It comes before this returns with
 * Busy when another claim has one of the devices.
 * Where the claim is `async`, its lease is watched from the start, and one that fails is found
 * until that ends, `ended`, with its failure. */
void pca_claims_prepare(PcaClaims *claims, PcaClaim *claim, gint64 wait, PcaClaimFunc func,
                        gpointer data);

/* Gives the devices back. The callback comes when they are, or with UnbindTimeout when the kernel
 * does not let go within the grace time (the release goes on), or with what could not be put right.
 */
void pca_claims_release(PcaClaims *claims, PcaClaim *claim, const char *reason, PcaClaimFunc func,
                        gpointer data);

/* Asks the worker which processes of the claim's uid have its devices open; with `kill` these are
 * ended (pca_owned_stop). The reply is that of "stop" (engine/wire.h); NotFound when the claim has
 * ended, before this returns. */
void pca_claims_stop_holders(PcaClaims *claims, const PcaClaim *claim, gboolean kill,
                             PcaWorkerFunc func, gpointer data);

/* The reservation of the function that nobody is at work on; borrowed; NULL without one. */
PcaClaim *pca_claims_reservation(PcaClaims *claims, const PcaAddress *address);

/* All such reservations; the array owns references. */
GPtrArray *pca_claims_reservations(PcaClaims *claims);

/* Forgets such a reservation and leaves the function as it is: it has gone, or somebody else has
 * bound it. */
void pca_claims_forget(PcaClaims *claims, PcaClaim *reservation, const char *reason);

/* Tries again what is stuck, or what an earlier release could not put right, together with what
 * else is left of the same record. `identity` is that of the function now (pca_function_identity):
 * when another one has taken the address over, nothing is left of the former one, which is
 * forgotten. `accept_risk`: the function is given back without a reset and without proof that it is
 * clean, also where nothing is left but its taint, which is Quarantined otherwise. The callback
 * comes when the try is over: see then pca_claims_residue. Busy when a worker is still at it, and
 * NotFound when nothing is left over; then it comes before this returns. */
void pca_claims_retry(PcaClaims *claims, const PcaAddress *address, const char *identity,
                      gboolean accept_risk, const char *reason, PcaClaimFunc func, gpointer data);

/* Gives back those of a ready claim's devices that are named (of PcaAddress), while the others stay
 * with it; all of them: the whole claim. They become a claim of their own, without a lease, whose
 * release the callback tells of as above. It comes before this returns with InvalidArgument when
 * none is named, one is not the claim's, or one shares its IOMMU group with one that is to stay;
 * with Revoked when the claim is not ready; with Failed when it cannot be written down. */
void pca_claims_release_devices(PcaClaims *claims, PcaClaim *claim, const GArray *addresses,
                                const char *reason, PcaClaimFunc func, gpointer data);

/* Devices of a ready claim (of PcaAddress) are not there any more: they leave it, and nothing is
 * done to them, nor to what has taken their place. A claim that has no other ends. */
void pca_claims_drop_devices(PcaClaims *claims, PcaClaim *claim, const GArray *addresses,
                             const char *reason);

/* Who has had the function without a verified reset since, and alone may have it again until the
 * next boot; borrowed; NULL when nobody has. */
const PcaTaint *pca_claims_taint(PcaClaims *claims, const PcaFunction *function);

/* It was reset; that ends no taint of files that were lent. */
void pca_claims_clear_reset(PcaClaims *claims, const PcaFunction *function);

/* It is clean: an administrator says so. */
void pca_claims_clear_taint(PcaClaims *claims, const PcaAddress *address);

/* Opens the nodes for the process behind `pidfd` (borrowed). Revoked when the claim is not `ready`,
 * now or when its turn comes. */
void pca_claims_open(PcaClaims *claims, PcaClaim *claim, int pidfd, PcaClaimOpenFunc func,
                     gpointer data);

/* Borrowed; NULL when there is none (any more). By device or group, what an administrator does to a
 * function counts as well; a reservation that nobody is at work on does not. A claim that lingers
 * is found by its id alone. */
PcaClaim *pca_claims_find(PcaClaims *claims, const char *id);
PcaClaim *pca_claims_find_device(PcaClaims *claims, const PcaAddress *address);
PcaClaim *pca_claims_find_group(PcaClaims *claims, int group);
const PcaClaimResidue *pca_claims_residue(PcaClaims *claims, const PcaAddress *address);

/* The claims that are ready and for the same virtual machine, itself included, in no order; the
 * array owns references. */
GPtrArray *pca_claims_of_machine(PcaClaims *claims, const PcaClaim *claim);

/* The most guest memory, in bytes, that any of them was made with; 0: none told. */
guint64 pca_claims_machine_memory(PcaClaims *claims, const PcaClaim *claim);

/* All claims, oldest first; the array owns references. Neither this nor the count has what is an
 * administrator's. */
GPtrArray *pca_claims_list(PcaClaims *claims);
guint pca_claims_count(PcaClaims *claims, guint32 uid);

/* The functions in all claims of this uid. */
guint pca_claims_count_devices(PcaClaims *claims, guint32 uid);

/* The addresses whose attributes must not be read now, because a worker may be blocked in the
 * kernel with their lock: a set of strings, the caller's. */
GHashTable *pca_claims_evicting(PcaClaims *claims);

/* Those, and the ones that are handed out: a read of driver_override holds the device's lock for a
 * moment, and a VMM that binds its device just then gets EAGAIN (pci_try_reset_function()). */
GHashTable *pca_claims_unreadable(PcaClaims *claims);

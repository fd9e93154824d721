/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the messages between daemon and worker: one packet each way on a SOCK_SEQPACKET
 * connection, a serialised dictionary (a{sv}) with descriptors beside it.
 * Thread: any. Ownership: descriptors sent stay the sender's, those received are the receiver's.
 *
 * Request: "kind" s and what the kind needs:
 *   run      "plan" PCA_PLAN_TYPE; fd 0: the claim's journal, locked by the worker
 *   undo     fd 0: the journal
 *   open     "devices" a(sss): address, identity, name; "memory" t: of the guest, bytes; "viommu"
 * b: the guest has an IOMMU of its own; "beside" as: addresses of the other functions that it has;
 * "handoff" s ("cdev", "group", "node"); "owner" u: the uid that has the nodes
 *            ("node"); "joins" b: no iommufd or container, the client has one; "label" s: that the
 *            private nodes get, where SELinux is on; fd 0: pidfd of the caller
 *   probe    "groups" ai
 *   holders  "groups" ai, "devices" as, "numbers" at: who holds their nodes, and those that had
 *            these device numbers (a blocked unbind has removed the nodes already)
 *   stop     the same, "owner" u, "kill" b: which of them are processes of this uid; to be ended
 *   uses     "nodes" a(tbb): number, whether a block device, whether a whole disk
 *   config   "devices" as: addresses, PCA_WIRE_MAX_FDS at most
 * Reply: "ok" b; where not: "error" s (short name), "message" s; and
 *   run, undo  "residue" a(sbs): address, quarantined, text
 *   open       "fds" a(sss): role, name, address, one for each descriptor
 *   config     "fds" likewise, role "config": those that could be opened, each to read the whole
 *              config space of that function
 *   probe      "busy" ai: those groups that somebody uses; "owners" a(is): group, owner of its
 *              node (pca_owner_format), where it has one
 *   holders    "holders" a(uus): pid, uid, comm
 *   stop       "processes" a(uus) likewise, those of the owner; not killed: "fds", role "process",
 *              the pidfd of each
 *   uses       "refused" ai: for each node the errno of opening it exclusively, 0 where it can be
 * or is no whole disk; "openers" a(uuusb): index of the node, pid, uid, comm, whether for writing
 */
#pragma once

#include <glib.h>

#define PCA_WIRE_MAX_FDS 200           /* the kernel takes 253 (SCM_MAX_FD in include/net/scm.h) */
#define PCA_WIRE_MAX_SIZE (256 * 1024) /* bytes of one message */

/* Sends one message; a floating `dictionary` is consumed, another one borrowed. */
gboolean pca_wire_send(int socket, GVariant *dictionary, const int *fds, guint n_fds,
                       GError **error);

/* Receives one message. NULL with *error when the peer has gone (Failed, "the connection ended"),
 * or sent what is not a dictionary. `fds` (of int) is filled; close what you do not keep. */
GVariant *pca_wire_receive(int socket, GArray *fds, GError **error);

/* An array for descriptors that closes those still in it when it is freed; take one out with
 * pca_wire_steal_fd. */
GArray *pca_wire_fds_new(void);
int pca_wire_steal_fd(GArray *fds, guint index);

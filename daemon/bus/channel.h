/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: sends descriptors to a client past the bus, on a socket that it brought along: the bus
 * daemon never holds them, and there is no limit to their number.
 * Thread: the main one; never blocks. Ownership: takes the socket and the list over.
 *
 * One SOCK_SEQPACKET packet for each descriptor, payload role NUL name NUL address NUL; then a
 * packet "end NUL" without one.
 */
#pragma once

#include "auth/subject.h"
#include "base/fds.h"

/* Whether `fd` is a connected AF_UNIX SOCK_SEQPACKET socket whose other end the caller made
 * (SO_PEERCRED); InvalidArgument or NotPermitted otherwise. */
gboolean pca_channel_check(int fd, const PcaSubject *subject, GError **error);

/* `error` is NULL when everything was sent. */
typedef void (*PcaChannelFunc)(const GError *error, gpointer data);

/* The callback runs once, from the main loop: with TimedOut when the client does not read within
 * five seconds. */
void pca_channel_send(int fd, PcaFds *list, PcaChannelFunc func, gpointer data);

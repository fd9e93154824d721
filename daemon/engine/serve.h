/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: answers one request of the daemon (wire.h) with the kernel's operations.
 * Thread: the worker's; blocks as long as the kernel does. Ownership: nothing outlives the call.
 */
#pragma once

#include "sys/kernel.h"

/* Receives one request on the connected socket, carries it out and sends the reply. */
void pca_serve(PcaKernel *kernel, int socket);

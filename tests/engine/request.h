/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: requests as the daemon makes them, served by the worker's side in the same thread.
 * Thread: main: the request waits in the socket meanwhile. Ownership: a reply is the caller's.
 */
#pragma once

#include "engine/support.h"

/* The reply and what came with it. */
typedef struct {
    GVariant *reply;
    GArray *fds;
} Reply;

void reply_free(Reply *reply);
#define AUTO_REPLY __attribute__((cleanup(reply_free))) Reply

/* `fd` -1: none goes with it. */
Reply ask(GVariant *request, int fd);
Reply ask_text(const char *text, int fd);

void assert_ok(Reply *reply);
void assert_refused(Reply *reply, const char *error);

/* What the reply has of the key, as text; "(none)". Caller frees. */
char *print_value(Reply *reply, const char *key);
#define assert_value(reply, key, expected)                                                         \
    do {                                                                                           \
        g_autofree char *pca_value = print_value(reply, key);                                      \
        ck_assert_str_eq(pca_value, expected);                                                     \
    } while (0)

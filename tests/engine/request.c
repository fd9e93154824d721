/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: requests and their replies.
 * Thread: main. Ownership: see the header.
 */
#include "engine/request.h"

#include <sys/socket.h>

#include "engine/serve.h"
#include "engine/wire.h"

void reply_free(Reply *reply) {
    g_clear_pointer(&reply->reply, g_variant_unref);
    g_array_unref(reply->fds);
}

Reply ask(GVariant *request, int fd) {
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert(pca_wire_send(ends[0], request, &fd, fd >= 0, NULL));
    pca_serve(kernel, ends[1]);
    Reply reply = {.fds = pca_wire_fds_new()};
    reply.reply = pca_wire_receive(ends[0], reply.fds, NULL);
    ck_assert_ptr_nonnull(reply.reply);
    pca_fd_close(&ends[0]);
    pca_fd_close(&ends[1]);
    return reply;
}

static GVariant *parse(const char *text) {
    g_autoptr(GError) error = NULL;
    GVariant *variant = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
    ck_assert_msg(variant != NULL, "%s", error ? error->message : "");
    return variant;
}

Reply ask_text(const char *text, int fd) {
    g_autoptr(GVariant) request = parse(text);
    return ask(request, fd);
}

void assert_ok(Reply *reply) {
    gboolean ok = FALSE;
    const char *text = "";
    g_variant_lookup(reply->reply, "ok", "b", &ok);
    g_variant_lookup(reply->reply, "message", "&s", &text);
    ck_assert_msg(ok, "%s", text);
}

void assert_refused(Reply *reply, const char *error) {
    gboolean ok = TRUE;
    const char *found = "", *text = "";
    ck_assert(g_variant_lookup(reply->reply, "ok", "b", &ok) && !ok);
    ck_assert(g_variant_lookup(reply->reply, "error", "&s", &found));
    ck_assert(g_variant_lookup(reply->reply, "message", "&s", &text) && *text);
    ck_assert_str_eq(found, error);
    ck_assert_uint_eq(reply->fds->len, 0);
}

char *print_value(Reply *reply, const char *key) {
    g_autoptr(GVariant) value = g_variant_lookup_value(reply->reply, key, NULL);
    return value ? g_variant_print(value, FALSE) : g_strdup("(none)");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a request is what its message was when it was judged, whatever becomes of the message.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "bus/private.h"
#include "support/suite.h"

static const char sent[] =
    "([('nic', {'alias': <'wan'>}), ('gpu', {})],"
    " {'title': <'mine'>, 'handoff': <'cdev'>, 'memory': <uint64 4096>, 'viommu': <true>})";

/* The message as its sender could have it in memory that it shares; `*bytes` is that memory. */
static GVariant *make_shared(guint8 **bytes, gsize *size) {
    const GVariantType *type = G_VARIANT_TYPE("(a(sa{sv})a{sv})");
    g_autoptr(GVariant) message = g_variant_parse(type, sent, NULL, NULL, NULL);
    *size = g_variant_get_size(message);
    *bytes = g_malloc(*size);
    g_variant_store(message, *bytes);
    return g_variant_ref_sink(g_variant_new_from_data(type, *bytes, *size, TRUE, g_free, *bytes));
}

START_TEST(changed_after_it_was_sent) {
    guint8 *bytes;
    gsize size;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) message = make_shared(&bytes, &size);
    g_autoptr(GVariant) devices = g_variant_get_child_value(message, 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(message, 1);
    g_autoptr(PcaRequest) request = pca_translate_request(devices, options, TRUE, &error);
    ck_assert_msg(request != NULL, "%s", error ? error->message : "");
    for (gsize i = 0; i < size; i++)
        bytes[i] = g_ascii_isalpha(bytes[i]) ? 'x' : bytes[i];
    const PcaRequestSpec *nic = g_ptr_array_index(request->specs, 0);
    const PcaRequestSpec *gpu = g_ptr_array_index(request->specs, 1);
    ck_assert_pstr_eq(nic->text, "nic");
    ck_assert_pstr_eq(nic->alias, "wan");
    ck_assert_pstr_eq(gpu->text, "gpu");
    ck_assert_pstr_eq(request->title, "mine");
    ck_assert_pstr_eq(request->handoff, "cdev");
    ck_assert_uint_eq(request->memory, 4096);
    ck_assert(request->viommu);
}
END_TEST

Suite *pca_suite(void) {
    Suite *suite = suite_create("translate");
    TCase *tcase = tcase_create("requests");
    tcase_add_test(tcase, changed_after_it_was_sent);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: reading the interface's XML.
 * Thread: one. Ownership: see the header.
 */
#include "support/interface.h"

#include "support/suite.h"

GDBusNodeInfo *pca_read_interface(void) {
    const char *source = g_getenv("SRCDIR");
    g_autofree char *path =
        g_build_filename(source ? source : ".", "daemon/bus/org.pcassign1.xml", NULL);
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(g_file_get_contents(path, &xml, NULL, &error), "%s", error ? error->message : "");
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
    ck_assert_msg(node != NULL, "%s", error ? error->message : "");
    return node;
}

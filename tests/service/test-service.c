/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the service without a bus.
 * Thread: main. Ownership: each test frees what it makes.
 */
#include "cases.h"

PcaTree *pca_small_host(void) {
    PcaTree *tree = pca_tree_new();
    pca_tree_add_port(tree, "0000:00:01.0", 1);
    pca_tree_add_port(tree, "0000:00:02.0", 2);
    pca_tree_add_driver(tree, "vfio-pci");
    pca_tree_write(tree, "sys/class/misc/iommu/dev", "10:126\n");
    for (guint i = 0; i < 2; i++)
        pca_tree_add(tree, &(PcaTreeFunction){.address = i ? "0000:01:00.1" : "0000:01:00.0",
                                              .below = "0000:00:01.0",
                                              .vendor = 0x10de,
                                              .device = i ? 0x1aef : 0x2230,
                                              .class = i ? 0x040300 : 0x030000,
                                              .header_type = 0x80,
                                              .group = 3,
                                              .driver = "nouveau",
                                              .reset_method = "bus"});
    pca_tree_add(tree, &(PcaTreeFunction){.address = "0000:02:00.0",
                                          .below = "0000:00:02.0",
                                          .group = 4,
                                          .driver = "e1000e",
                                          .reset_method = "flr"});
    return tree;
}

Suite *pca_suite(void) {
    Suite *suite = suite_create("service");
    suite_add_tcase(suite, pca_request_cases());
    suite_add_tcase(suite, pca_life_cases());
    suite_add_tcase(suite, pca_directory_cases());
    return suite;
}

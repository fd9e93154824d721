/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: how long 1,000 sections and 1,024 functions take, and twice and four times of both.
 * Thread: main. Ownership: none.
 */
#include <stdio.h>

#include "policy/scale.h"

int main(void) {
    double before = 0;
    for (guint factor = 1; factor <= 4; factor *= 2) {
        PcaScale scale = measure_scale(1000 * factor, 1024 * factor, 20);
        double both = scale.parse + scale.match;
        printf(
            "%5u sections, %5u functions: parsed in %6.2f ms, matched in %6.2f ms, both %6.2f ms",
            1000 * factor, 1024 * factor, scale.parse * 1e3, scale.match * 1e3, both * 1e3);
        if (before > 0)
            printf(", %.2f times the half", both / before);
        printf("\n");
        before = both;
    }
    return 0;
}

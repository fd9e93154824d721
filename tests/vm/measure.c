/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `measure ADDRESS DRIVER ROUNDS MAXIMUM`, as root in a VM: how long claim and open take
 * by libpcassign, beside the same steps done by this program itself (what was there is saved, each
 * write read back, the nodes are opened by private ones); fails when the medians' ratio is above
 * MAXIMUM. The two take turns, after one round of each that does not count. Thread: main.
 * Ownership: descriptors are closed within their round.
 */
#include <errno.h>
#include <pcassign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vm/by-hand.h"

#define SETTLE_US G_USEC_PER_SEC

static ByHand device;

static gint64 run_by_hand(void) {
    gint64 start = g_get_monotonic_time();
    by_hand_take(&device);
    int iommufd = by_hand_iommufd();
    gint64 took = g_get_monotonic_time() - start;
    close(iommufd);
    by_hand_give_back(&device);
    return took;
}

static gint64 run_by_library(struct pcassign *p) {
    struct pcassign_device wanted = {.name = device.address};
    struct pcassign_claim *claim = NULL;
    struct pcassign_fds *fds = NULL;
    gint64 start = g_get_monotonic_time();
    if (pcassign_claim(p, &wanted, 1, NULL, &claim) != 0)
        die("claim", pcassign_last_error(p));
    if (pcassign_open(claim, 0, &fds) != 0)
        die("open", pcassign_last_error(p));
    gint64 took = g_get_monotonic_time() - start;
    if (pcassign_fds_count(fds) != 2)
        die("open", "not exactly two descriptors came");
    pcassign_fds_free(fds);
    if (pcassign_release(claim) != 0)
        die("release", pcassign_last_error(p));
    pcassign_claim_free(claim);
    return took;
}

/* What came before has set off events that udev and the service look into; both sides are measured
 * on a machine that has done with them. */
static void settle(void) {
    g_usleep(SETTLE_US);
}

static int by_value(const void *a, const void *b) {
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static double report(const char *what, gint64 *times, int n) {
    qsort(times, (size_t)n, sizeof *times, by_value);
    double median = (double)times[n / 2] / 1000;
    printf("%s: median of %d %.1f ms (%.1f to %.1f)\n", what, n, median, (double)times[0] / 1000,
           (double)times[n - 1] / 1000);
    return median;
}

int main(int argc, char **argv) {
    if (argc != 5)
        die("usage", "measure ADDRESS DRIVER ROUNDS MAXIMUM");
    device.address = argv[1];
    device.driver = argv[2];
    int rounds = CLAMP(atoi(argv[3]), 1, 1000);
    struct pcassign *p = NULL;
    if (pcassign_connect(&p) != 0)
        die("system bus", pcassign_last_error(NULL));
    g_autofree gint64 *by_hand = g_new0(gint64, rounds), *by_library = g_new0(gint64, rounds);
    for (int i = -1; i < rounds; i++) {
        settle();
        by_hand[MAX(i, 0)] = run_by_hand();
        settle();
        by_library[MAX(i, 0)] = run_by_library(p);
    }
    double hand = report("override, unbind, bind, awake, open by hand", by_hand, rounds);
    double service = report("claim and open by libpcassign", by_library, rounds);
    pcassign_close(p);
    printf("ratio %.2f\n", service / hand);
    return service / hand <= g_ascii_strtod(argv[4], NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}

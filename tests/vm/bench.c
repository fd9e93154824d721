/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: `bench KIND ROUNDS WAY,WAY... ADDRESS...`, as root in a VM: takes these functions and
 * gives them back, in one way after the other, as many rounds. Each time becomes a line
 * "sample KIND N WAY WHAT MICROSECONDS", WHAT being take, reset, back or scan; a first round does
 * not count. The ways are at the end of this file. Thread: main. Ownership: what a way takes it
 * gives back in the same round.
 */
#include <errno.h>
#include <pcassign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/holders.h"
#include "sys/in-use.h"
#include "sys/scan.h"
#include "vm/by-hand.h"

#define MAX_DEVICES 8
#define CONNECTION "qemu:///system"

static ByHand devices[MAX_DEVICES];
static int n_devices;
static const char *kind;
static gboolean counts; /* whether this round does */
static struct pcassign *connection;

static void sample(const char *way, const char *what, gint64 since) {
    if (counts)
        printf("sample %s %d %s %s %" G_GINT64_FORMAT "\n", kind, n_devices, way, what,
               g_get_monotonic_time() - since);
}

/* ---- Bare sysfs ---- */

static void run_hand(const char *way) {
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        by_hand_take(&devices[i]);
    int iommufd = by_hand_iommufd();
    sample(way, "take", start);
    close(iommufd);
    start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        by_hand_give_back(&devices[i]);
    sample(way, "back", start);
}

/* Adds what a program could have open of the function. */
static void add_nodes(GArray *held, PcaUseNodes *nodes) {
    for (guint i = 0; i < nodes->len; i++) {
        const PcaUseNode *node = g_ptr_array_index(nodes, i);
        PcaHeldNode one = {node->number, node->is_disk};
        g_array_append_val(held, one);
    }
}

/* What no other way does: looking whether the host uses the functions, as the service does. */
static void run_scan(const char *way) {
    g_autoptr(PcaRoot) root = pca_root_new_host();
    g_autoptr(PcaSnapshot) snapshot = pca_scan_brief(root);
    g_autoptr(GPtrArray) findings = pca_findings_new();
    g_autoptr(GArray) held = g_array_new(FALSE, FALSE, sizeof(PcaHeldNode));
    gint64 start = g_get_monotonic_time();
    g_autoptr(PcaUseLook) look = pca_use_look_new(root);
    for (int i = 0; i < n_devices; i++) {
        PcaAddress address;
        if (!pca_address_parse(devices[i].address, &address))
            die(devices[i].address, "no address");
        PcaFunction *function = pca_snapshot_find(snapshot, &address);
        g_autoptr(GPtrArray) nodes = pca_in_use_nodes(look, function);
        add_nodes(held, nodes);
        pca_in_use(look, function, findings);
    }
    g_autoptr(GPtrArray) openers =
        pca_openers_find(root, (const PcaHeldNode *)(gpointer)held->data, held->len, NULL);
    sample(way, "scan", start);
    if (findings->len > 0)
        die("scan", ((PcaFinding *)g_ptr_array_index(findings, 0))->text);
}

/* ---- pcassign ---- */

typedef struct {
    struct pcassign_claim *claim;
    struct pcassign_fds *fds;
} Claimed;

static Claimed claim_and_open(const ByHand *first, int n) {
    struct pcassign_device wanted[MAX_DEVICES] = {0};
    Claimed claimed = {0};
    for (int i = 0; i < n; i++)
        wanted[i].name = first[i].address;
    if (pcassign_claim(connection, wanted, (size_t)n, NULL, &claimed.claim) != 0)
        die("claim", pcassign_last_error(connection));
    if (pcassign_open(claimed.claim, 0, &claimed.fds) != 0)
        die("open", pcassign_last_error(connection));
    if (pcassign_fds_count(claimed.fds) != (size_t)n + 1)
        die("open", "it brought another number of descriptors");
    return claimed;
}

static void release(Claimed *claimed) {
    pcassign_fds_free(claimed->fds);
    if (pcassign_release(claimed->claim) != 0)
        die("release", pcassign_last_error(connection));
    pcassign_claim_free(claimed->claim);
}

static void run_claim(const char *way) {
    gint64 start = g_get_monotonic_time();
    Claimed claimed = claim_and_open(devices, n_devices);
    sample(way, "take", start);
    start = g_get_monotonic_time();
    release(&claimed);
    sample(way, "back", start);
}

static void run_row(const char *way) {
    Claimed claimed[MAX_DEVICES];
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        claimed[i] = claim_and_open(&devices[i], 1);
    sample(way, "take", start);
    start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        release(&claimed[i]);
    sample(way, "back", start);
}

/* ---- Other programs ---- */

static void command(const char *const *words) {
    g_autoptr(GError) error = NULL;
    g_autofree char *said = NULL;
    int status;
    if (!g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                      NULL, NULL, NULL, &said, &status, &error))
        die(words[0], error->message);
    if (!g_spawn_check_wait_status(status, NULL))
        die(words[0], said);
}

static void run_driverctl(const char *way) {
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        command((const char *[]){"driverctl", "--nosave", "set-override", devices[i].address,
                                 "vfio-pci", NULL});
    sample(way, "take", start);
    start = g_get_monotonic_time();
    for (int i = 0; i < n_devices; i++)
        command(
            (const char *[]){"driverctl", "--nosave", "unset-override", devices[i].address, NULL});
    sample(way, "back", start);
}

/* "pci_0000_01_00_0" */
static char *libvirt_name(const ByHand *device) {
    g_autofree char *name = g_strdup_printf("pci_%s", device->address);
    return g_strdelimit(g_steal_pointer(&name), ":.", '_');
}

static void virsh(const char *verb) {
    for (int i = 0; i < n_devices; i++) {
        g_autofree char *name = libvirt_name(&devices[i]);
        command((const char *[]){"virsh", "-q", "-c", CONNECTION, verb, name, NULL});
    }
}

static void run_virsh_with(const char *way, void (*call)(const char *verb)) {
    static const struct {
        const char *verb, *what;
    } steps[] = {
        {"nodedev-detach", "take"}, {"nodedev-reset", "reset"}, {"nodedev-reattach", "back"}};
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        gint64 start = g_get_monotonic_time();
        call(steps[i].verb);
        sample(way, steps[i].what, start);
    }
}

static void run_virsh(const char *way) {
    run_virsh_with(way, virsh);
}

/* A virsh that is connected, and takes commands from us. It writes to standard error at once. */
static FILE *session, *answers;

static void start_session(void) {
    static const char *const words[] = {"virsh", "-q", "-c", CONNECTION, NULL};
    g_autoptr(GError) error = NULL;
    int input, said;
    if (!g_spawn_async_with_pipes(NULL, (char **)words, NULL,
                                  G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                                  NULL, &input, NULL, &said, &error))
        die(words[0], error->message);
    session = fdopen(input, "w");
    answers = fdopen(said, "r");
}

static void ask_session(const char *verb) {
    char line[256];
    if (!session)
        start_session();
    for (int i = 0; i < n_devices; i++) {
        g_autofree char *name = libvirt_name(&devices[i]);
        /* What it echoes there looks like an error as well: "error: done". */
        fprintf(session, "%s %s\necho --err done\n", verb, name);
        fflush(session);
        if (!fgets(line, sizeof line, answers) || !g_str_has_suffix(line, ": done\n"))
            die("virsh", line);
    }
}

static void run_session(const char *way) {
    run_virsh_with(way, ask_session);
}

/* ---- */

static const struct {
    const char *name;
    void (*run)(const char *way);
} ways[] = {
    {"hand", run_hand},           /* bare sysfs, by this program */
    {"scan", run_scan},           /* the guard alone, in this program */
    {"claim", run_claim},         /* one claim, by libpcassign */
    {"row", run_row},             /* a claim for each, one after the other */
    {"driverctl", run_driverctl}, /* a command for each */
    {"virsh", run_virsh},         /* a command for each */
    {"session", run_session},     /* the same within one virsh */
};

/* What came before has set off events; all are measured on a machine that has done with them. */
static void settle(void) {
    command((const char *[]){"udevadm", "settle", NULL});
    g_usleep(G_USEC_PER_SEC / 2);
}

static void run_way(const char *name) {
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++)
        if (g_str_equal(ways[i].name, name)) {
            settle();
            ways[i].run(name);
            return;
        }
    die(name, "no such way");
}

static char *driver_of(const char *address) {
    g_autofree char *path = g_strdup_printf("/sys/bus/pci/devices/%s/driver", address);
    g_autofree char *target = g_file_read_link(path, NULL);
    if (!target)
        die(address, "it has no driver");
    return g_path_get_basename(target);
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 4 + MAX_DEVICES)
        die("usage", "bench KIND ROUNDS WAY,WAY... ADDRESS...");
    kind = argv[1];
    n_devices = argc - 4;
    for (int i = 0; i < n_devices; i++)
        devices[i] = (ByHand){.address = argv[4 + i], .driver = driver_of(argv[4 + i])};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pcassign_connect(&connection) != 0)
        die("system bus", pcassign_last_error(NULL));
    g_auto(GStrv) chosen = g_strsplit(argv[3], ",", -1);
    for (int round = 0, rounds = atoi(argv[2]); round <= rounds; round++) {
        counts = round > 0;
        for (char **way = chosen; *way; way++)
            run_way(*way);
    }
    pcassign_close(connection);
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassignctl, the command for admins and launchers: the table of its verbs, and help.
 * Thread: main. Ownership: main owns the options.
 */
#include "connection.h"
#include "options.h"
#include "output.h"
#include "verbs.h"
#include "base/error.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

/* What a verb does without the daemon. */
typedef enum {
    NEEDS_DAEMON,
    READS_SYSFS,
} Offline;

static const struct verb {
    const char *name;
    int (*run)(const PcaOptions *options);
    const char *synopsis;
    const char *summary;
    const char *details; /* a paragraph, options of its own, examples */
    Offline offline;
} verbs[] = {
    {"list", pca_verb_list, "list [DEVICE...] [-a] [-o COLUMN,...]",
     "the devices of this host and who holds them",
     "Shows the endpoints, or the devices that are named. Who holds them is told to the holder\n"
     "and to root.\n"
     "\n"
     "  -a, --all          bridges too\n"
     "  -o, --output=COLUMN,...  of ADDRESS NAME DRIVER GROUP STATE HOLDER DESCRIPTION, which are\n"
     "                     shown unless told, ID CLASS OVERRIDE NUMA PATH\n"
     "\n"
     "Example:\n"
     "  pcassignctl list -o address,driver,state\n"
     "  pcassignctl list --offline --sysfs=saved/sys\n",
     READS_SYSFS},
    {"tree", pca_verb_tree, "tree", "ports, switches, bridges, functions and their IOMMU groups",
     "Virtual functions stand below their physical function.\n"
     "\n"
     "Example:\n"
     "  pcassignctl tree --offline\n",
     READS_SYSFS},
    {"show", pca_verb_show, "show DEVICE", "everything about one function",
     "Ids, place, driver, group, ACS, interrupts, resets, regions, capabilities. An ordinary user\n"
     "may read 64 bytes of config space: offline, what is beyond is not known to them.\n"
     "\n"
     "Example:\n"
     "  pcassignctl show 01:00.0\n"
     "  pcassignctl show 01:00.0 --json=short | jq '.capabilities[].name'\n",
     READS_SYSFS},
    {"explain", pca_verb_explain, "explain DEVICE",
     "what shares isolation with a function, why, and what can be done",
     "Computes from topology and ACS which functions are not kept apart from this one, beside the\n"
     "kernel's IOMMU group, which counts.\n"
     "\n"
     "Example:\n"
     "  pcassignctl explain 01:00.0\n",
     READS_SYSFS},
    {"check", pca_verb_check, "check DEVICE...|--domain=FILE [--as=USER]",
     "whether devices can be claimed, and what mends it; changes nothing",
     "Makes every check that a claim of these devices together would make. The exit status is\n"
     "that of the first check that refuses. Offline, what cannot be looked at is unknown, and\n"
     "never passes.\n"
     "\n"
     "  --as=USER          for that user instead of yourself, by name or uid; for root, or "
     "offline\n"
     "  --domain=FILE      the PCI host devices of a libvirt domain's XML; - is standard input\n"
     "  --policy-directory=DIR  offline, and by the policy files there; may be repeated\n"
     "\n"
     "Example:\n"
     "  pcassignctl check 01:00.0\n"
     "  virsh dumpxml win11 | pcassignctl check --domain=-\n",
     READS_SYSFS},
    {"plan", pca_verb_plan, "plan DEVICE...",
     "the steps that a claim would take, with their undo; changes nothing",
     "A claim takes the steps one by one, and where one fails it undoes those before it.\n"
     "\n"
     "  --policy-directory=DIR  offline, and by the policy files there; may be repeated\n"
     "\n"
     "Example:\n"
     "  pcassignctl plan gpu-a\n",
     READS_SYSFS},
    {"run", pca_verb_run, "run [ALIAS=]DEVICE... [OPTIONS] -- COMMAND...",
     "claim devices and run a command with their descriptors",
     "All devices are claimed, or none. The claim lives as long as the command has its lease\n"
     "open; the exit status is the command's.\n"
     "\n"
     "  --wait=SECONDS     how long the claim may take (20, at most 600)\n"
     "  --handoff=WAY      cdev (iommufd and devices), group (container and IOMMU groups) or node\n"
     "                     (leave to open /dev/vfio/GROUP); cdev where the kernel has it\n"
     "  --memory=SIZE      of the guest, such as 4G; taken from the arguments of a known VMM\n"
     "  --viommu           the guest has its own IOMMU, so each device locks all its memory;\n"
     "                     seen in the arguments of a known VMM\n"
     "  --title=TEXT       shown by 'pcassignctl claims'\n"
     "  --vmm=VMM          qemu or cloud-hypervisor; guessed from the command's name\n"
     "  --dry-run          the same as 'plan'\n"
     "\n"
     "{iommufd}, {NAME} and {NAME.1} in the command's arguments become descriptor numbers; NAME "
     "is\n"
     "the alias, or the device as written, and .1 its second function. Without any of them the\n"
     "VMM's own arguments are added.\n"
     "\n"
     "Example:\n"
     "  pcassignctl run gpu-a -- qemu-system-x86_64 -m 8G disk.img\n"
     "  pcassignctl run nic=01:00.0 -- vmm --iommufd {iommufd} --device {nic}\n",
     NEEDS_DAEMON},
    {"claims", pca_verb_claims, "claims", "who holds what",
     "Lists all claims. Owner, process and title are told to the owner and to root.\n"
     "\n"
     "Example:\n"
     "  pcassignctl claims\n",
     NEEDS_DAEMON},
    {"release", pca_verb_release, "release CLAIM|DEVICE... [--force]",
     "end claims, or give some of their devices back; waits until it is done",
     "A claim is named by its id, the first characters of it (four or more), or all of its\n"
     "devices; by some of its devices, it gives only those back. They come back when whoever has "
     "them open has closed them.\n"
     "\n"
     "  --force            for root: stop the services and processes of the claim's user that do\n"
     "                     not let go of its devices\n"
     "\n"
     "Example:\n"
     "  pcassignctl release gpu-a\n",
     NEEDS_DAEMON},
    {"status", pca_verb_status, "status [DEVICE|CLAIM]",
     "what state a claim or device is in, since when, and what to type next",
     "Without an argument: all claims, and the devices in an unusual state. On a terminal the\n"
     "last lines of the journal about the one that is named follow, where you may read it.\n"
     "Offline, for root: what pcassignd has written down, and what is left to do by it.\n"
     "\n"
     "Example:\n"
     "  pcassignctl status 01:00.0\n",
     READS_SYSFS},
    {"monitor", pca_verb_monitor, "monitor", "events, a line each, until it is interrupted",
     "Tells of devices that come, go or change driver or state, of claims, of a new policy, and "
     "of\n"
     "the service itself, which it does not start but waits for. With JSON, one object a line.\n"
     "\n"
     "Example:\n"
     "  pcassignctl monitor --json=short | jq -c 'select(.event == \"claim\")'\n",
     NEEDS_DAEMON},
    {"reserve", pca_verb_reserve, "reserve DEVICE",
     "keep a function from its host driver until it is claimed; for root",
     "The function goes to vfio-pci and stays there, also across a restart of the daemon, until\n"
     "'unreserve'. Who may claim it is for the policy to say, as always.\n"
     "\n"
     "Example:\n"
     "  pcassignctl reserve 01:00.0\n",
     NEEDS_DAEMON},
    {"unreserve", pca_verb_unreserve, "unreserve DEVICE",
     "reset a reserved function and give it back to its host driver; for root",
     "Fails while the function is claimed.\n"
     "\n"
     "Example:\n"
     "  pcassignctl unreserve 01:00.0\n",
     NEEDS_DAEMON},
    {"reset", pca_verb_reset, "reset DEVICE [--method=METHOD]",
     "reset a function that is free or reserved; for root",
     "  --method=METHOD    only this one, such as flr, pm or bus; otherwise those that the policy "
     "names,\n"
     "                     or all in the kernel's order\n"
     "\n"
     "Example:\n"
     "  pcassignctl reset 01:00.0 --method=flr\n",
     NEEDS_DAEMON},
    {"recover", pca_verb_recover, "recover DEVICE [--accept-risk]",
     "try again to give back what is stuck, degraded or quarantined; for root",
     "  --accept-risk      a quarantined function goes back to its host driver without a reset "
     "and\n"
     "                     without proof that it is clean\n"
     "\n"
     "Example:\n"
     "  pcassignctl recover 01:00.0\n",
     NEEDS_DAEMON},
    {"xml", pca_verb_xml, "xml DEVICE...", "devices as <hostdev> elements of a libvirt domain",
     "Prints an element for each function, with managed='no': pcassign prepares the device and\n"
     "libvirt does not. Several functions of a slot stay in one slot of the guest. Only names of\n"
     "the policy need pcassignd.\n"
     "\n"
     "Example:\n"
     "  pcassignctl xml 01:00.0 >hostdev.xml\n",
     READS_SYSFS},
    {"policy", pca_verb_policy, "policy check|show|explain|new|reload ...",
     "who may have what: check, show, explain, extend and reload the policy",
     "  policy check [FILE...]\n"
     "      Says what is wrong in the policy files, or in these: without pcassignd. With an\n"
     "      error, the exit status is 65.\n"
     "  policy show [NAME|DEVICE...]\n"
     "      The policy in force, and the devices that each section means now; for root. Offline,\n"
     "      what the files say.\n"
     "  policy explain DEVICE [--as=USER]\n"
     "      Each section that has to do with the device, on which key it matches or fails, the\n"
     "      verdict, and what mends a refusal. Other users than yourself: for root.\n"
     "  policy new DEVICE... --name=NAME --user=USER|--group=GROUP|--unit=UNIT [--write]\n"
     "      A section for a device, or for all functions of its slot, pinned by path and ids.\n"
     "  policy reload\n"
     "      Has pcassignd read the policy files again; for root. With an error among them, the\n"
     "      policy in force stays, and the exit status is 65. Claims that the new policy would\n"
     "      not allow are named, and stay.\n"
     "\n"
     "  --as=USER          of explain: a name or a uid\n"
     "  --name=NAME        of new: what the device is to be called\n"
     "  --user=USER,...    of new: who may have it; this and the next two may be repeated\n"
     "  --group=GROUP,...  of new: whose members may have it\n"
     "  --unit=UNIT,...    of new: system units that may have it; * stands for anything\n"
     "  --write            of new: saves it as 50-NAME.conf in /etc/pcassign/policy.d, unless the\n"
     "                     policy would have an error then, and puts it in force; for root\n"
     "  --policy-directory=DIR  of all but reload: files from there; repeat it in order of\n"
     "                     precedence, the vendor's last\n"
     "\n"
     "Example:\n"
     "  pcassignctl policy new 01:00.0 --name=gpu-a --user=alice --write\n"
     "  pcassignctl policy explain gpu-a --as=bob\n",
     READS_SYSFS},
};

static const char general_options[] =
    "  --json=MODE        short, pretty or off (off)\n"
    "  -j                 JSON: pretty on a terminal, otherwise short\n"
    "  --no-legend        no headings and no summaries\n"
    "  --no-pager         for scripts; output never goes to a pager\n"
    "  --offline          without the daemon: list, tree, show, explain, check, plan, status, "
    "xml,\n"
    "                     policy\n"
    "  --sysfs=DIR        offline, and of another tree that is laid out like /sys\n"
    "  -h, --help         this text; with a verb, that verb's\n"
    "  --version          the version\n";

static const char *const verb_names[] = {
    "list",   "tree",    "show",    "explain",   "check", "plan",    "run", "claims", "release",
    "status", "monitor", "reserve", "unreserve", "reset", "recover", "xml", "policy", NULL};
G_STATIC_ASSERT(G_N_ELEMENTS(verb_names) == G_N_ELEMENTS(verbs) + 1);

static void print_help(void) {
    puts("pcassignctl [OPTIONS] [VERB] ...\n"
         "Hand PCI devices to virtual machines. Without a verb: list.\n");
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        printf("  %s\n      %s\n", verbs[i].synopsis, verbs[i].summary);
    printf("\nDEVICE is an address (0000:01:00.0 or 01:00.0) or a name of the policy.\n\n%s"
           "\nSee pcassignctl(1).\n",
           general_options);
}

static void print_verb_help(const struct verb *verb) {
    printf("pcassignctl %s\n%c%s.\n\n%s\nEverywhere:\n%s", verb->synopsis,
           g_ascii_toupper(verb->summary[0]), verb->summary + 1, verb->details, general_options);
}

static int unknown_verb(const char *word) {
    g_autofree char *hint = pca_suggestion(word, verb_names);
    pca_complain("unknown verb '%s'%s", word, hint);
    return PCA_EXIT_USAGE;
}

static const struct verb *find_verb(const char *name) {
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static int refuse_offline(const struct verb *verb) {
    pca_complain("--offline: '%s' needs pcassignd; list, tree, show, explain, check, plan, status, "
                 "xml and policy can do without it",
                 verb->name);
    return PCA_EXIT_USAGE;
}

static int dispatch(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    g_auto(PcaOptions) options = {0};
    gboolean parsed = pca_options_parse(&options, argc, argv, &error);
    const struct verb *verb = options.verb ? find_verb(options.verb) : NULL;
    gboolean given = options.verb_given;
    if (options.verb && !verb)
        return unknown_verb(options.verb);
    if (!parsed) {
        pca_complain("%s", error->message);
        return PCA_EXIT_USAGE;
    }
    if (options.help && given)
        print_verb_help(verb);
    else if (options.help)
        print_help();
    else if (options.version)
        puts("pcassignctl " PACKAGE_VERSION);
    else if (options.offline && verb->offline != READS_SYSFS)
        return refuse_offline(verb);
    else {
        pca_offline_suggest(verb->offline == READS_SYSFS);
        pca_progress_show(options.json == PCA_JSON_OFF);
        return verb->run(&options);
    }
    return 0;
}

int main(int argc, char **argv) {
    setlocale(LC_ALL, "");
    int status = dispatch(argc, argv);
    /* A reader that went away, such as head(1), is no error. */
    if (fflush(stdout) == 0 || errno == EPIPE)
        return status;
    pca_complain("standard output: %s", g_strerror(errno));
    return status ? status : 1;
}

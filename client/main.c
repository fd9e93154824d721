/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: pcassignctl, the command for admins and launchers: the table of its verbs, and help.
 * Thread: main. Ownership: main owns the options.
 */
#include "options.h"
#include "output.h"
#include "verbs.h"
#include "base/error.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*run)(const PcaOptions *options);
    const char *synopsis;
    const char *summary;
    const char *details; /* options of its own and examples; NULL without */
} verbs[] = {
    {"list", pca_verb_list, "list [DEVICE...] [-a] [-o COLUMN,...]",
     "the devices of this host and who holds them",
     "  -a, --all          bridges too\n"
     "  -o COLUMN,...      of ADDRESS NAME DRIVER GROUP STATE HOLDER DESCRIPTION\n"},
    {"check", pca_verb_check, "check DEVICE...",
     "whether devices can be claimed, and what mends it; changes nothing", NULL},
    {"plan", pca_verb_plan, "plan DEVICE...",
     "the steps that a claim would take, with their undo; changes nothing", NULL},
    {"run", pca_verb_run, "run [ALIAS=]DEVICE... [OPTIONS] -- COMMAND...",
     "claim devices and run a command with their descriptors",
     "  --wait=SECONDS     how long the claim may take (20, at most 600)\n"
     "  --handoff=cdev|group  iommufd and devices, or container and IOMMU groups; the best that "
     "the\n"
     "                     kernel has\n"
     "  --memory=SIZE      of the guest, such as 4G; taken from the arguments of a known VMM\n"
     "  --title=TEXT       shown by 'pcassignctl claims'\n"
     "  --vmm=VMM          qemu or cloud-hypervisor; guessed from the command's name\n"
     "  --dry-run          the same as 'plan'\n"
     "\n"
     "{iommufd}, {NAME} and {NAME.1} in the command's arguments become descriptor numbers; NAME "
     "is\n"
     "the alias, or the device as written, and .1 its second function. Without any of them the\n"
     "VMM's own arguments are added.\n"
     "\n"
     "  pcassignctl run gpu-a -- qemu-system-x86_64 -m 8G disk.img\n"
     "  pcassignctl run nic=01:00.0 -- vmm --iommufd {iommufd} --device {nic}\n"},
    {"claims", pca_verb_claims, "claims", "who holds what", NULL},
    {"release", pca_verb_release, "release CLAIM|DEVICE...",
     "end claims, or give some of their devices back; waits until it is done", NULL},
    {"status", pca_verb_status, "status [DEVICE|CLAIM]",
     "state, time, owner and reason of claims; status 10 when there is none", NULL},
    {"policy", pca_verb_policy, "policy reload", "read the policy files again; for root", NULL},
};

static const char general_options[] =
    "  --json=MODE        short, pretty or off (off)\n"
    "  -j                 JSON: pretty on a terminal, otherwise short\n"
    "  --no-legend        no headings and no summaries\n"
    "  --no-pager         for scripts; output never goes to a pager\n"
    "  -h, --help         this text; with a verb, that verb's\n"
    "  --version          the version\n";

static const char *const verb_names[] = {"list",    "check",  "plan",   "run", "claims",
                                         "release", "status", "policy", NULL};
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
    printf("pcassignctl %s\n%c%s.\n\n", verb->synopsis, g_ascii_toupper(verb->summary[0]),
           verb->summary + 1);
    if (verb->details)
        printf("%s\n", verb->details);
    fputs(general_options, stdout);
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
    else
        return verb->run(&options);
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

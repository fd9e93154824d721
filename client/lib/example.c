/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the VMM's side in short: claims a device, binds it to its iommufd and reads who made it.
 *   example [--channel] DEVICE
 * Thread: main. Ownership: of claim and list until they are freed; the list closes its descriptors.
 */
#include <pcassign.h>

#include "example-vfio.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What a VMM does with the two descriptors; here it is the first word of the config space. */
static int use_device(int iommufd, int device) {
    struct example_bind bind = {.argsz = sizeof bind, .iommufd = iommufd};
    struct example_region config = {.argsz = sizeof config, .index = EXAMPLE_CONFIG_REGION};
    __u16 id[2];
    if (ioctl(device, EXAMPLE_BIND_IOMMUFD, &bind) < 0 ||
        ioctl(device, EXAMPLE_GET_REGION_INFO, &config) < 0 ||
        pread(device, id, sizeof id, (off_t)config.offset) != sizeof id) {
        perror("device");
        return -1;
    }
    printf("vendor %04x, device %04x\n", id[0], id[1]);
    return 0;
}

static int use_claim(struct pcassign_claim *claim, unsigned flags) {
    struct pcassign_fds *fds;
    const char *address;
    int code = pcassign_open(claim, flags, &fds);
    if (code)
        return code;
    int iommufd =
        pcassign_fds_get(fds, pcassign_fds_find(fds, "iommufd", NULL, 0), NULL, NULL, NULL);
    int device =
        pcassign_fds_get(fds, pcassign_fds_find(fds, "device", NULL, 0), NULL, NULL, &address);
    if (iommufd < 0 || device < 0)
        code = PCASSIGN_ERR_PROTOCOL;
    else if (printf("%s: ", address) < 0 || use_device(iommufd, device) < 0)
        code = PCASSIGN_ERR_FAILED;
    /* Before the release, which waits for these descriptors to be closed. */
    pcassign_fds_free(fds);
    return code;
}

static int run(struct pcassign *p, const char *name, unsigned flags) {
    struct pcassign_device device = {.name = name};
    struct pcassign_claim_options options = PCASSIGN_CLAIM_OPTIONS_INIT;
    struct pcassign_claim *claim;
    options.title = "example of libpcassign";
    options.handoff = "cdev";
    int code = pcassign_claim(p, &device, 1, &options, &claim);
    if (code)
        return code;
    code = use_claim(claim, flags);
    if (!code)
        code = pcassign_release(claim);
    pcassign_claim_free(claim);
    return code;
}

int main(int argc, char **argv) {
    unsigned flags = argc > 2 && strcmp(argv[1], "--channel") == 0 ? PCASSIGN_OPEN_CHANNEL : 0;
    struct pcassign *p = NULL;
    if (argc != (flags ? 3 : 2)) {
        fprintf(stderr, "usage: example [--channel] DEVICE\n");
        return 2;
    }
    int code = pcassign_connect(&p);
    if (!code)
        code = run(p, argv[argc - 1], flags);
    if (code)
        fprintf(stderr, "%s: %s (%s)\n", argv[argc - 1], pcassign_last_error(p),
                pcassign_strerror(code));
    pcassign_close(p);
    return code ? 1 : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: between the parts of the fake kernel: faults and time (fake-kernel.c), binding and
 * attributes (fake-machine.c), nodes (fake-nodes.c). Tests use fake-kernel.h.
 * Thread: one a process. Ownership: see fake-kernel.h; strings and descriptors are the caller's.
 */
#pragma once

#include "support/fake-kernel.h"

/* A text that the model keeps in fake/KIND/NAME; NULL: none. `name` may be NULL. */
void pca_fake_set_state(PcaFakeKernel *fake, const char *kind, const char *name, const char *text);
char *pca_fake_get_state(const PcaFakeKernel *fake, const char *kind, const char *name);

char *pca_fake_state_path(const PcaFakeKernel *fake, const char *kind, const char *name);

gboolean pca_fake_on_vfio(const PcaFakeKernel *fake, const char *address);

/* Whether somebody has it open, so that an unbind waits. */
gboolean pca_fake_in_use(const PcaFakeKernel *fake, const char *address);

/* What vfio makes in its probe and takes away in its remove. */
void pca_fake_add_nodes(PcaFakeKernel *fake, const char *address);
void pca_fake_remove_nodes(PcaFakeKernel *fake, const char *address, int group);

/* The nodes of a function that is on vfio; nothing for another, or when they are there. */
void pca_fake_make_nodes(PcaFakeKernel *fake, const char *address, gpointer data);

/* "0000:01:00.0/reset", "bus/pci/drivers_probe"; NULL when the directory was removed. *address:
 * that of the function whose directory it is, or NULL. */
char *pca_fake_attribute_path(const PcaFakeKernel *fake, int dirfd, const char *name,
                              char **address);

/* What the operations do when no fault is staged; 0, a descriptor or -errno. */
int pca_fake_write_value(PcaFakeKernel *fake, int dirfd, const char *name, const char *value);
int pca_fake_write_register(PcaFakeKernel *fake, int dirfd, unsigned offset, guint16 value);
int pca_fake_open_config(PcaFakeKernel *fake, const char *address, gboolean renounced);
int pca_fake_open_group(PcaFakeKernel *fake, int group);

/* Of a node that was opened just now; NULL: none. */
void pca_fake_set_label(PcaFakeKernel *fake, int fd, const char *label);
int pca_fake_read_owner(PcaFakeKernel *fake, int group, PcaOwner *owner);
int pca_fake_write_owner(PcaFakeKernel *fake, int group, const PcaOwner *owner);
int pca_fake_read_file_owner(PcaFakeKernel *fake, int dirfd, const char *name, PcaOwner *owner);
int pca_fake_write_file_owner(PcaFakeKernel *fake, int dirfd, const char *name,
                              const PcaOwner *owner);
int pca_fake_hot_reset(PcaFakeKernel *fake, const char *address);
int pca_fake_open_number(PcaFakeKernel *fake, dev_t number);

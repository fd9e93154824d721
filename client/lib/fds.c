/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the list of the descriptors that pcassign_open() brings.
 * Thread: any, one at a time. Ownership: it owns the descriptors until they are stolen.
 */
#include "private.h"

#include <limits.h>
#include <string.h>

struct entry {
    int fd;
    char *role;
    char *name;
    char *address;
};

struct pcassign_fds {
    struct entry *entries;
    size_t n;
};

struct pcassign_fds *pcassign__fds_new(void) {
    return calloc(1, sizeof(struct pcassign_fds));
}

static void clear(struct entry *entry) {
    pcassign__close(&entry->fd);
    free(entry->role);
    free(entry->name);
    free(entry->address);
}

int pcassign__fds_add(struct pcassign_fds *fds, int fd, const char *role, const char *name,
                      const char *address) {
    struct entry new = {fd, strdup(role), strdup(name), strdup(address)};
    struct entry *grown = reallocarray(fds->entries, fds->n + 1, sizeof *grown);
    if (grown)
        fds->entries = grown;
    if (!grown || !new.role || !new.name || !new.address) {
        clear(&new);
        return PCASSIGN_ERR_NO_MEMORY;
    }
    fds->entries[fds->n++] = new;
    return 0;
}

EXPORT size_t pcassign_fds_count(const struct pcassign_fds *fds) {
    return fds->n;
}

static bool matches(const char *value, const char *wanted) {
    return !wanted || strcmp(value, wanted) == 0;
}

EXPORT int pcassign_fds_find(const struct pcassign_fds *fds, const char *role, const char *name,
                             unsigned nth) {
    for (size_t i = 0; i < fds->n; i++) {
        const struct entry *entry = &fds->entries[i];
        if (matches(entry->role, role) && matches(entry->name, name) && nth-- == 0)
            return (int)i;
    }
    return PCASSIGN_ERR_NOT_FOUND;
}

static const char *assign(const char **ret, const char *value) {
    return ret ? *ret = value : value;
}

EXPORT int pcassign_fds_get(const struct pcassign_fds *fds, int index, const char **role,
                            const char **name, const char **address) {
    if (index < 0)
        return index;
    if ((size_t)index >= fds->n)
        return PCASSIGN_ERR_INVALID_ARGUMENT;
    const struct entry *entry = &fds->entries[index];
    assign(role, entry->role);
    assign(name, entry->name);
    assign(address, entry->address);
    return entry->fd;
}

EXPORT int pcassign_fds_steal(struct pcassign_fds *fds, int index) {
    int fd = pcassign_fds_get(fds, index, NULL, NULL, NULL);
    if (fd >= 0)
        fds->entries[index].fd = -1;
    return fd;
}

EXPORT void pcassign_fds_free(struct pcassign_fds *fds) {
    for (size_t i = 0; fds && i < fds->n; i++)
        clear(&fds->entries[i]);
    if (fds)
        free(fds->entries);
    free(fds);
}

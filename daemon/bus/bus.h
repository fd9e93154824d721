/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: publishes the service on D-Bus: objects, properties, and the translation of messages
 * into requests and back. It decides nothing. Thread: the main one. Ownership: borrows the
 * connection and the service.
 */
#pragma once

#include <gio/gio.h>

#include "service/service.h"

#define PCA_BUS_NAME "org.pcassign1"
#define PCA_BUS_PATH "/org/pcassign1"

typedef struct PcaBus PcaBus;

PcaBus *pca_bus_new(GDBusConnection *connection);
void pca_bus_free(PcaBus *bus);

/* Borrowed: for the service, which has polkit asked about single devices. */
PcaPolkit *pca_bus_polkit(const PcaBus *bus);

/* Borrowed: for the service, which has services stopped. */
PcaUnits *pca_bus_units(const PcaBus *bus);

/* The events with which a service is made whose `data` is this PcaBus. */
extern const PcaServiceEvents pca_bus_events;

/* Exports everything; call it once, before the name is taken. */
gboolean pca_bus_export(PcaBus *bus, PcaService *service, GError **error);

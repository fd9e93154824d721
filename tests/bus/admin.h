/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: what the cases of the administrator's methods share.
 * Thread: main. Ownership: see cases.h.
 */
#pragma once

#include "cases.h"

#define DEVICE_OF(name) ROOT_PATH "/device/" name
#define NIC_PATH DEVICE_OF("0000_01_00_0")
#define FREE "0000:07:00.0"
#define FREE_PATH DEVICE_OF("0000_07_00_0")
#define GPU_PATH DEVICE_OF("0000_03_00_0")
#define SOUND_PATH DEVICE_OF("0000_03_00_1")
#define GROUP "org.pcassign1.Group"

/* (a{sv}) of a text such as "{'method': <'flr'>}"; "" for none. */
GVariant *options(const char *text);

/* The method succeeds; it fails with that error, whose message has these words. */
void does(const char *path, const char *method, const char *text);
void refuses(const char *path, const char *method, const char *text, const char *error,
             const char *words);

void expect_property(const char *path, const char *interface, const char *name, const char *value);
void expect_state(const char *path, const char *state, const char *driver);

/* Whether these words are in what the worker did. */
void expect_logged(const char *words, gboolean wanted);
void await_logged(const char *words);

/* Another daemon, after this one's end by the signal. */
void restart(int signal);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: a small language for fake machines: what is there, and what goes wrong with it. A line
 * is a command; words are separated by spaces and may be quoted as in a shell; # begins a comment.
 * Thread: one a process. Ownership: the caller's; tree and kernel are borrowed.
 *
 * What is there (NAME=VALUE may be left out):
 *     port ADDRESS GROUP
 *     function ADDRESS below= id= subsystem= class= header= group= driver= override= reset=flr,bus
 *                      power=auto,1 pf= vf= total-vfs= pin=      numbers of class and header in hex
 *     driver NAME
 *     disk ADDRESS VIA NAME MAJOR:MINOR
 *     mount PID MAJOR:MINOR WHERE TYPE SOURCE
 *     interface ADDRESS NAME INDEX
 *     character ADDRESS VIA SUBSYSTEM NAME MAJOR:MINOR
 *     opener PID COMM NODE                          a process that has this file of ours open
 *     route INTERFACE                               the default route
 *     set ADDRESS ATTRIBUTE VALUE, unset ADDRESS ATTRIBUTE
 *     register ADDRESS OFFSET VALUE                 16 bits of config space, in hex
 *     write PATH TEXT, delete PATH                  below the tree
 *     unplug ADDRESS
 * What goes wrong; a request takes up what was said before it began:
 *     use ADDRESS, unuse ADDRESS     another program drives it; an unbind waits for `unuse`
 *     refuse ADDRESS DRIVER          probing this driver fails; "-": no more
 *     dead-reset ADDRESS             the next reset is its last
 *     fail GLOB ERRNO, heal          the operations whose line matches fail; heal: no longer
 *     forget                         empties the log of operations
 *     die K, die-after K             the worker that comes to its K-th operation dies before or
 *                                    after its effect, once
 *     pause GLOB, resume             a worker waits before such an operation; fake/stage/paused is
 *                                    there when one does
 *     slow MICROSECONDS              each operation takes that long
 */
#pragma once

#include "support/fake-kernel.h"

typedef struct PcaFakeCommands PcaFakeCommands;

PcaFakeCommands *pca_fake_commands_new(PcaTree *tree, PcaFakeKernel *fake);
void pca_fake_commands_free(PcaFakeCommands *commands);

/* Does one line. NULL, or what is wrong with it; free with g_free. */
char *pca_fake_command(PcaFakeCommands *commands, const char *line);

/* In a process that is to serve one request: the hooks come into force. */
void pca_fake_commands_enter(PcaFakeCommands *commands);

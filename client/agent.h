/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: somebody who asks for the password that polkit wants, on a terminal without a desktop:
 * pkttyagent(1), a child of this process for as long as it is needed.
 * Thread: main. Ownership: there is one agent, the module's.
 */
#pragma once

#include <glib.h>

/* Whether somebody sits at a terminal who could be asked, and is not root. */
gboolean pca_agent_useful(void);

/* Starts it and waits until polkit knows it; FALSE when there is none, or it ends at once. */
gboolean pca_agent_start(void);
void pca_agent_end(void);

/* SPDX-License-Identifier: GPL-2.0 */
/* Draws a connection as a ladder of segments and judges it by RFC 9293. */
#ifndef DEMO_LADDER_H
#define DEMO_LADDER_H

#include <stdbool.h>

#include "procnet.h"
#include "segment.h"

/* A segment seen at one host, leaving it or arriving. */
struct ladder_event {
	struct segment seg;
	bool at_a;
};

void ladder_ascii(void);	/* before ladder_begin() */
void ladder_begin(unsigned int port_b, enum conn_state state_a, enum conn_state state_b);
void ladder_section(const char *title);
/* Two rows a segment: this is called once where it leaves and once where it arrives. */
void ladder_draw(const struct ladder_event *e, enum conn_state state_a,
		 enum conn_state state_b);
void ladder_end(void);
/* Says on standard error what is wrong, if anything. */
bool ladder_verdict(void);

#endif

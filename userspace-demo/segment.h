/* SPDX-License-Identifier: GPL-2.0 */
/* Watches TCP and XTCP segments on a network device and takes them apart. */
#ifndef DEMO_SEGMENT_H
#define DEMO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The flag bits of RFC 9293, as on the wire. */
#define SEG_FIN		0x01
#define SEG_SYN		0x02
#define SEG_RST		0x04
#define SEG_PSH		0x08
#define SEG_ACK		0x10
#define SEG_URG		0x20
#define SEG_ECE		0x40
#define SEG_CWR		0x80

#define SEG_TEXT_MAX	32

struct segment {
	double time;			/* seconds on the real-time clock */
	bool outgoing;			/* it leaves the device's host */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;		/* as on the wire, unscaled */
	size_t payload;			/* bytes of data */
	char text[SEG_TEXT_MAX];	/* the first of them, if printable */
	int mss, wscale;		/* options; -1 where absent */
	bool sack_ok, timestamps;
};

/* Opens a watch in the caller's network namespace; exits with a message on failure. */
int segment_watch(const char *device);
/*
 * The next segment of this IP protocol with this port at either end.
 * Returns false when none is waiting. Other packets are skipped.
 */
bool segment_next(int watch, int af, uint8_t protocol, uint16_t port, struct segment *s);
/* "SYN,ACK" */
void segment_flags(uint8_t flags, char *buf, size_t room);

#endif

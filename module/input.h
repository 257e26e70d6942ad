/* SPDX-License-Identifier: GPL-2.0 */
/* Segments from below: validate, look up, lock or backlog. */
#ifndef _XTCP_INPUT_H
#define _XTCP_INPUT_H

#include <linux/types.h>

struct sk_buff;
struct xtcp_options;

/*
 * A segment from the network; skb->data at its header, network header set. Consumes @skb.
 * Context: softirq, RCU read side.
 */
void xtcp_input_rcv(struct sk_buff *skb);

/* Read the options of a segment whose header is linear. False: malformed. */
bool xtcp_input_options(const struct sk_buff *skb, struct xtcp_options *opt);

#endif /* _XTCP_INPUT_H */

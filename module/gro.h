/* SPDX-License-Identifier: GPL-2.0 */
/* Receive offload for protocol 253: consecutive segments of a connection become one. */
#ifndef _XTCP_GRO_H
#define _XTCP_GRO_H

struct list_head;
struct sk_buff;

/*
 * The network core's callbacks (struct offload_callbacks), in softirq under rcu_read_lock():
 * @skb may be added to one of those on @head. Return: the one of them that is complete.
 */
struct sk_buff *xtcp_gro_receive4(struct list_head *head, struct sk_buff *skb);
struct sk_buff *xtcp_gro_receive6(struct list_head *head, struct sk_buff *skb);

/* @skb is complete; its segment begins @thoff octets behind its data. */
int xtcp_gro_complete4(struct sk_buff *skb, int thoff);
int xtcp_gro_complete6(struct sk_buff *skb, int thoff);

/*
 * Merge nothing from now on; when this returns, what was merged has gone up, though a device
 * held it back (gro_flush_timeout). Process context, in front of the callbacks' removal.
 */
void xtcp_gro_stop(void);

#endif /* _XTCP_GRO_H */

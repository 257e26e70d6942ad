/* SPDX-License-Identifier: GPL-2.0 */
/* Segmentation offload for protocol 253: one super-segment into wire segments. */
#ifndef _XTCP_OFFLOAD_H
#define _XTCP_OFFLOAD_H

struct sk_buff;

int xtcp_offload_register(void);
void xtcp_offload_unregister(void);

/*
 * Cut @skb (transport header at skb->data, pseudo-header sum in its checksum, gso_size
 * and protocol set, no IP header yet) into segments with full checksums.
 * Return: list by skb->next with @skb consumed, or ERR_PTR and @skb is the caller's.
 */
struct sk_buff *xtcp_offload_cut(struct sk_buff *skb);

#endif /* _XTCP_OFFLOAD_H */

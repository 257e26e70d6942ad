// SPDX-License-Identifier: GPL-2.0
/*
 * The connection table: four-tuple to socket, request or TIME-WAIT minisock.
 *
 * One resizable hash table for each namespace. What it holds is freed only after
 * an RCU grace period and has a reference count, so a lookup takes no lock: find,
 * try to take a reference, and compare the key once more, because a socket may
 * have left the table and come back under another key in between.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/tcp.h>
#include <net/inet6_hashtables.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "family.h"
#include "lookup.h"
#include "request.h"
#include "timewait.h"
#include "xtcp_sock.h"

/*
 * What the peer chooses goes through the keyed hash whole: its ports, and of its address all that
 * is not the mapped prefix. Of our own address the last word tells one from another.
 */
static u32 xtcp_key_hash(const void *data, u32 len, u32 seed)
{
	const struct xtcp_key *key = data;
	u32 peer = (__force u32)key->raddr.s6_addr32[3];

	if (!ipv6_addr_v4mapped(&key->raddr))
		peer = jhash2((__force const u32 *)key->raddr.s6_addr32, 4, seed ^ key->scope);
	return jhash_3words((__force u32)key->laddr.s6_addr32[3], peer,
			    (__force u32)key->lport << 16 | (__force u32)key->rport, seed);
}

static u32 xtcp_node_hash(const void *data, u32 len, u32 seed)
{
	const struct xtcp_node *node = data;

	return xtcp_key_hash(&node->key, len, seed);
}


static int xtcp_node_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct xtcp_node *node = obj;

	return !xtcp_key_equal(&node->key, arg->key);
}

static const struct rhashtable_params xtcp_conns_params = {
	.head_offset		= offsetof(struct xtcp_node, hash),
	.key_offset		= offsetof(struct xtcp_node, key),
	.key_len		= sizeof(struct xtcp_key),
	.hashfn			= xtcp_key_hash,
	.obj_hashfn		= xtcp_node_hash,
	.obj_cmpfn		= xtcp_node_cmp,
	.min_size		= 64,
	.automatic_shrinking	= true,
};

int xtcp_lookup_init(struct xtcp_net *xn)
{
	return rhashtable_init(&xn->conns, &xtcp_conns_params);
}

void xtcp_lookup_exit(struct xtcp_net *xn)
{
	/* Sockets hold the namespace, TIME-WAIT was purged: nothing is left. */
	WARN_ON_ONCE(atomic_read(&xn->conns.nelems));
	rhashtable_destroy(&xn->conns);
}

void xtcp_lookup_key(struct xtcp_key *key, const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	key->lport = th->dest;
	key->rport = th->source;
	key->scope = 0;
	if (skb->protocol == htons(ETH_P_IP)) {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &key->laddr);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &key->raddr);
	} else {
		key->laddr = ipv6_hdr(skb)->daddr;
		key->raddr = ipv6_hdr(skb)->saddr;
		if (ipv6_addr_type(&key->raddr) & IPV6_ADDR_LINKLOCAL)
			key->scope = inet6_iif(skb);
	}
}

static bool xtcp_node_get(struct xtcp_node *node)
{
	switch (node->kind) {
	case XTCP_NODE_SOCK:
		return refcount_inc_not_zero(&xtcp_to_sk(container_of(node, struct xtcp_sock,
								      node))->sk_refcnt);
	case XTCP_NODE_REQUEST:
		return refcount_inc_not_zero(&container_of(node, struct xtcp_request, node)->ref);
	default:
		return refcount_inc_not_zero(&container_of(node, struct xtcp_timewait, node)->ref);
	}
}

void xtcp_node_put(struct xtcp_node *node)
{
	switch (node->kind) {
	case XTCP_NODE_SOCK:
		sock_put(xtcp_to_sk(container_of(node, struct xtcp_sock, node)));
		break;
	case XTCP_NODE_REQUEST:
		xtcp_request_put(container_of(node, struct xtcp_request, node));
		break;
	default:
		xtcp_timewait_put(container_of(node, struct xtcp_timewait, node));
		break;
	}
}

struct xtcp_node *xtcp_lookup_find(struct xtcp_net *xn, const struct xtcp_key *key)
{
	struct xtcp_node *node;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "xtcp: lookup outside RCU");
	do {
		node = rhashtable_lookup(&xn->conns, key, xtcp_conns_params);
		if (!node)
			return NULL;
		if (!xtcp_node_get(node))
			return NULL;
		if (likely(xtcp_key_equal(&node->key, key)))
			return node;
		xtcp_node_put(node);
	} while (true);
}

int xtcp_lookup_insert(struct xtcp_net *xn, struct xtcp_node *node)
{
	int err = rhashtable_lookup_insert_key(&xn->conns, &node->key, &node->hash,
					       xtcp_conns_params);

	if (err == -EEXIST)
		return -EADDRNOTAVAIL;
	/* -E2BIG and -EBUSY: the table wants to grow and cannot. */
	return err ? -ENOMEM : 0;
}

int xtcp_lookup_replace(struct xtcp_net *xn, struct xtcp_node *old, struct xtcp_node *new)
{
	return rhashtable_replace_fast(&xn->conns, &old->hash, &new->hash, xtcp_conns_params);
}

bool xtcp_lookup_remove(struct xtcp_net *xn, struct xtcp_node *node)
{
	return !rhashtable_remove_fast(&xn->conns, &node->hash, xtcp_conns_params);
}

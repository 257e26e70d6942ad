// SPDX-License-Identifier: GPL-2.0
/* Takes the protocol family or the IP protocol that XTCP needs, until it is unloaded. */
#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <net/protocol.h>
#include <net/sock.h>

#define OCCUPY_FAMILY	22
#define OCCUPY_PROTOCOL	253

static char *what = "family";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "family, protocol4 or protocol6");

static int occupy_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	return -ESOCKTNOSUPPORT;
}

static const struct net_proto_family occupy_family = {
	.family	= OCCUPY_FAMILY,
	.create	= occupy_create,
	.owner	= THIS_MODULE,
};

static int occupy_rcv(struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

static const struct net_protocol occupy_protocol4 = {
	.handler	= occupy_rcv,
	.no_policy	= 1,
};

static const struct inet6_protocol occupy_protocol6 = {
	.handler	= occupy_rcv,
	.flags		= INET6_PROTO_NOPOLICY | INET6_PROTO_FINAL,
};

static int __init occupy_init(void)
{
	if (!strcmp(what, "family"))
		return sock_register(&occupy_family);
	if (!strcmp(what, "protocol4"))
		return inet_add_protocol(&occupy_protocol4, OCCUPY_PROTOCOL);
	if (!strcmp(what, "protocol6"))
		return inet6_add_protocol(&occupy_protocol6, OCCUPY_PROTOCOL);
	pr_err("occupy: what= is family, protocol4 or protocol6, not %s\n", what);
	return -EINVAL;
}

static void __exit occupy_exit(void)
{
	if (!strcmp(what, "family"))
		sock_unregister(OCCUPY_FAMILY);
	else if (!strcmp(what, "protocol4"))
		inet_del_protocol(&occupy_protocol4, OCCUPY_PROTOCOL);
	else
		inet6_del_protocol(&occupy_protocol6, OCCUPY_PROTOCOL);
}

module_init(occupy_init);
module_exit(occupy_exit);
MODULE_DESCRIPTION("Occupies what XTCP needs, for a test");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading; every step is undone in reverse. */
#define pr_fmt(fmt) "xtcp: " fmt

#include <linux/module.h>
#include <linux/net.h>
#include <net/sock.h>
#include <uapi/linux/xtcp.h>

#include "ackq.h"
#include "cong.h"
#include "family.h"
#include "frag.h"
#include "lower.h"
#include "offload.h"
#include "request.h"
#include "smallq.h"
#include "socket.h"
#include "sysctl.h"
#include "timewait.h"

static int __init xtcp_init(void)
{
	int err;

	xtcp_sysctl_mem_init();
	xtcp_ackq_init();
	err = xtcp_request_init();
	if (err)
		return err;
	err = xtcp_timewait_init();
	if (err)
		goto request;
	err = xtcp_cong_register(&xtcp_reno);
	if (err)
		goto timewait;
	err = xtcp_cong_register(&xtcp_cubic);
	if (err)
		goto reno;
	err = xtcp_cong_register(&xtcp_dctcp);
	if (err)
		goto cubic;
	err = xtcp_socket_register();
	if (err)
		goto dctcp;
	err = xtcp_family_register();
	if (err)
		goto socket;
	err = xtcp_offload_register();
	if (err)
		goto family;
	err = xtcp_lower_register();
	if (err)
		goto offload;
	pr_info("AF_XTCP is family %d, IP protocol %d\n", AF_XTCP, IPPROTO_XTCP);
	return 0;

offload:
	xtcp_offload_unregister();
family:
	pr_err("IP protocol %d is taken by another module\n", IPPROTO_XTCP);
	xtcp_family_unregister();
socket:
	xtcp_socket_unregister();
dctcp:
	xtcp_cong_unregister(&xtcp_dctcp);
cubic:
	xtcp_cong_unregister(&xtcp_cubic);
reno:
	xtcp_cong_unregister(&xtcp_reno);
timewait:
	xtcp_timewait_exit();
request:
	xtcp_request_exit();
	return err;
}

/*
 * Nobody calls us any more when this runs: sockets hold the module. First no segment comes
 * in, then no socket can be made, then the namespaces end what TIME-WAIT is left.
 */
static void __exit xtcp_exit(void)
{
	xtcp_lower_unregister();
	xtcp_offload_unregister();
	xtcp_family_unregister();
	xtcp_socket_unregister();
	xtcp_cong_unregister(&xtcp_dctcp);
	xtcp_cong_unregister(&xtcp_cubic);
	xtcp_cong_unregister(&xtcp_reno);
	/* The last to put a socket on ackq's lists, then the lists. */
	xtcp_smallq_exit();
	xtcp_ackq_exit();
	xtcp_frag_exit();
	/* Both wait for what RCU still has to free. */
	xtcp_timewait_exit();
	xtcp_request_exit();
}

module_init(xtcp_init);
module_exit(xtcp_exit);

MODULE_DESCRIPTION("XTCP: a TCP-grade transport as a module");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_XTCP);

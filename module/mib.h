/* SPDX-License-Identifier: GPL-2.0 */
/* Per-namespace counters, shown in /proc/net/xtcp_stat. */
#ifndef _XTCP_MIB_H
#define _XTCP_MIB_H

#include <net/snmp.h>

/*
 * Name by name as in /proc/net/snmp and /proc/net/netstat where TCP has the
 * counter. One line each: enumerator suffix, printed name.
 */
#define XTCP_MIB_LIST(X)						\
	X(ACTIVEOPENS,		"ActiveOpens")				\
	X(PASSIVEOPENS,		"PassiveOpens")				\
	X(ATTEMPTFAILS,		"AttemptFails")				\
	X(ESTABRESETS,		"EstabResets")				\
	X(INSEGS,		"InSegs")				\
	X(OUTSEGS,		"OutSegs")				\
	X(RETRANSSEGS,		"RetransSegs")				\
	X(INERRS,		"InErrs")				\
	X(OUTRSTS,		"OutRsts")				\
	X(INCSUMERRORS,		"InCsumErrors")				\
	X(INHDRERRORS,		"InHdrErrors")				\
	X(INOPTERRORS,		"InOptErrors")				\
	X(INFLAGERRORS,		"InFlagErrors")				\
	X(NOCONN,		"InNoConn")				\
	X(LISTENOVERFLOWS,	"ListenOverflows")			\
	X(LISTENDROPS,		"ListenDrops")				\
	X(REQQFULL,		"ReqQFullDrop")				\
	X(REQMEMDROP,		"ReqMemDrop")				\
	X(BACKLOGDROP,		"BacklogDrop")				\
	X(FILTERDROP,		"FilterDrop")				\
	X(POLICYDROP,		"PolicyDrop")				\
	X(MINTTLDROP,		"MinTTLDrop")				\
	X(OUTOFWINDOW,		"OutOfWindow")				\
	X(CHALLENGEACK,		"ChallengeACK")				\
	X(SYNCHALLENGE,		"SYNChallenge")				\
	X(TOOOLDACK,		"TooOldAck")				\
	X(ACKUNSENT,		"AckUnsentData")			\
	X(PURGEDONMEM,		"RcvPruned")				\
	X(OFOQUEUED,		"OFOQueue")				\
	X(OFODUP,		"OFODuplicate")				\
	X(OFOPRUNED,		"OfoPruned")				\
	X(RCVQDROP,		"RcvQDrop")				\
	X(ZEROWINDOWDROP,	"ZeroWindowDrop")			\
	X(DELAYEDACKS,		"DelayedACKs")				\
	X(DELAYEDACKLOCKED,	"DelayedACKLocked")			\
	X(DUPACKS,		"DupAcks")				\
	X(FASTRETRANS,		"FastRetrans")				\
	X(SLOWSTARTRETRANS,	"SlowStartRetrans")			\
	X(RENORECOVERY,		"RenoRecovery")				\
	X(TIMEOUTS,		"Timeouts")				\
	X(RETRANSFAIL,		"RetransFail")				\
	X(ABORTONDATA,		"AbortOnData")				\
	X(ABORTONCLOSE,		"AbortOnClose")				\
	X(ABORTONMEMORY,	"AbortOnMemory")			\
	X(ABORTONTIMEOUT,	"AbortOnTimeout")			\
	X(ABORTONLINGER,	"AbortOnLinger")			\
	X(ABORTFAILED,		"AbortFailed")				\
	X(MEMORYPRESSURES,	"MemoryPressures")			\
	X(KEEPALIVE,		"KeepAlive")				\
	X(WINPROBE,		"WinProbe")				\
	X(TOZEROWINDOWADV,	"ToZeroWindowAdv")			\
	X(FROMZEROWINDOWADV,	"FromZeroWindowAdv")			\
	X(TW,			"TW")					\
	X(TWKILLED,		"TWKilled")				\
	X(TWRECYCLED,		"TWRecycled")				\
	X(TWOVERFLOW,		"TimeWaitOverflow")			\
	X(TWRST,		"TWIgnoredRst")				\
	X(OUTOFWINDOWICMPS,	"OutOfWindowIcmps")			\
	X(LOCKDROPPEDICMPS,	"LockDroppedIcmps")			\
	X(PMTUREDUCED,		"PmtuReduced")				\
	/* created and destroyed: each pair is equal when nothing is left */ \
	X(SOCKCREATED,		"SockCreated")				\
	X(SOCKDESTROYED,	"SockDestroyed")			\
	X(REQCREATED,		"ReqCreated")				\
	X(REQDESTROYED,		"ReqDestroyed")				\
	X(TWCREATED,		"TWCreated")				\
	X(TWDESTROYED,		"TWDestroyed")

enum xtcp_mib_item {
#define XTCP_MIB_ENUM(item, name) XTCP_MIB_##item,
	XTCP_MIB_LIST(XTCP_MIB_ENUM)
#undef XTCP_MIB_ENUM
	XTCP_MIB_MAX
};

struct xtcp_mib {
	unsigned long mibs[XTCP_MIB_MAX];
};

struct net;
struct xtcp_net;

int xtcp_mib_init(struct xtcp_net *xn);
void xtcp_mib_exit(struct xtcp_net *xn);

/* Sum of @item over all CPUs. */
unsigned long xtcp_mib_read(const struct xtcp_net *xn, enum xtcp_mib_item item);

/* Any context; @xn a struct xtcp_net, ITEM the enumerator without its prefix. */
#define XTCP_INC(xn, ITEM)	SNMP_INC_STATS((xn)->mib, XTCP_MIB_##ITEM)
#define XTCP_ADD(xn, ITEM, n)	SNMP_ADD_STATS((xn)->mib, XTCP_MIB_##ITEM, n)

#endif /* _XTCP_MIB_H */

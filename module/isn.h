/* SPDX-License-Identifier: GPL-2.0 */
/* Initial sequence numbers (RFC 6528) and the ephemeral port hash (RFC 6056). */
#ifndef _XTCP_ISN_H
#define _XTCP_ISN_H

#include <linux/siphash.h>
#include <linux/types.h>
#include "lookup.h"

/* Draw the boot secret once (get_random_once style). Context: any. */
const siphash_key_t *xtcp_isn_secret(void);

/*
 * RFC 6528: F(connection, secret) plus a clock of 4 microseconds a tick.
 * Pure: KUnit gives its own secret and time.
 */
u32 xtcp_isn_compute(const struct xtcp_key *key, const siphash_key_t *secret, u64 now_ns);

/* The same with the boot secret and the kernel's monotonic clock. */
u32 xtcp_isn_next(const struct xtcp_key *key);

/*
 * RFC 6056 algorithm 3: where the search for a port starts, from addresses and remote
 * port; @key's local port does not count. Pure, like xtcp_isn_compute().
 */
u32 xtcp_isn_port_compute(const struct xtcp_key *key, const siphash_key_t *secret);

/* The same with a boot secret of its own. Context: any. */
u32 xtcp_isn_port_offset(const struct xtcp_key *key);

/*
 * Offset of the timestamp clock towards an address (RFC 7323 7.1): the same for each port, so
 * that TIME-WAIT and PAWS may compare connections. Pure, like xtcp_isn_compute().
 */
u32 xtcp_isn_stamp_compute(const struct xtcp_key *key, const siphash_key_t *secret);

/* The same with a boot secret of its own. Context: any. */
u32 xtcp_isn_stamp_offset(const struct xtcp_key *key);

#endif /* _XTCP_ISN_H */

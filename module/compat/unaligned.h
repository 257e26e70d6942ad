/* SPDX-License-Identifier: GPL-2.0 */
/* get_unaligned_*() and put_unaligned_*(): one header for every architecture from 6.12. */
#ifndef _XTCP_COMPAT_UNALIGNED_H
#define _XTCP_COMPAT_UNALIGNED_H

#ifdef XTCP_HAVE_LINUX_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#endif /* _XTCP_COMPAT_UNALIGNED_H */

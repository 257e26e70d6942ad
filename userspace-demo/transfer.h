/* SPDX-License-Identifier: GPL-2.0 */
/* What xsend and xrecv say to each other around the bytes of the file. */
#ifndef DEMO_TRANSFER_H
#define DEMO_TRANSFER_H

#include <stdint.h>

#define TRANSFER_MAGIC	"XFILE001"

/* Sender: this, the file, then its FIN. */
struct transfer_header {
	char magic[8];
	uint64_t size_be;
};

/* Receiver, once the file is on disk and the sender's FIN is there: this, then its FIN. */
struct transfer_receipt {
	uint64_t received_be;
};

#define TRANSFER_CHUNK	(256 * 1024)

#endif

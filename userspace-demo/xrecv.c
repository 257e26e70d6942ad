// SPDX-License-Identifier: GPL-2.0
/* xrecv: receives one file from xsend. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "transfer.h"

static const char help[] =
	"Usage: xrecv [options] PORT FILE\n"
	"Waits on PORT for one xsend, writes what it sends to FILE, and confirms it.\n"
	"\n"
	"  -b, --bind ADDR    listen on this address only\n"
	"  -t, --timeout S    give up when nothing arrives for S seconds (default 60)\n"
	TRANSPORT_HELP;

static void write_all(int file, const char *buf, size_t len, const char *name)
{
	while (len) {
		ssize_t n = write(file, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die_errno("cannot write %s", name);
		buf += n;
		len -= n;
	}
}

static uint64_t receive_size(int fd)
{
	struct transfer_header hdr;

	if (!recv_all(fd, &hdr, sizeof(hdr)))
		die_errno("the connection ended before the header was there");
	if (memcmp(hdr.magic, TRANSFER_MAGIC, sizeof(hdr.magic)))
		die("the peer is not an xsend of this version");
	return be64toh(hdr.size_be);
}

/* Everything up to the sender's FIN; more or less than promised is an error. */
static uint64_t receive_file(int fd, int file, const char *name, uint64_t size)
{
	char *chunk = malloc(TRANSFER_CHUNK);
	uint64_t got = 0;
	ssize_t n;

	if (!chunk)
		die("out of memory");
	while ((n = recv(fd, chunk, TRANSFER_CHUNK, 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die_errno("the connection broke after %llu of %llu bytes",
				  (unsigned long long)got, (unsigned long long)size);
		got += n;
		if (got > size)
			die("more than the promised %llu bytes", (unsigned long long)size);
		write_all(file, chunk, n, name);
	}
	free(chunk);
	if (got != size)
		die("the sender finished after %llu of %llu bytes", (unsigned long long)got,
		    (unsigned long long)size);
	return got;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "bind", required_argument, NULL, 'b' },
		{ "timeout", required_argument, NULL, 't' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	struct transfer_receipt receipt;
	const char *addr = NULL, *name;
	unsigned int timeout = 60;
	int c, lfd, fd, file;
	uint64_t size;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "b:t:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		if (c == 'b')
			addr = optarg;
		else if (c == 't')
			timeout = parse_number("the time limit", optarg, 86400);
	}
	if (argc - optind != 2)
		die_usage("PORT and FILE are needed");
	parse_port(argv[optind]);
	name = argv[optind + 1];

	file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file < 0)
		die_errno("cannot create %s", name);
	lfd = demo_listen(addr, argv[optind], 1);
	demo_timeout(lfd, timeout);
	fd = demo_accept(lfd);
	close(lfd);
	demo_timeout(fd, timeout);

	size = receive_size(fd);
	receipt.received_be = htobe64(receive_file(fd, file, name, size));
	if (close(file))
		die_errno("cannot write %s", name);
	if (!send_all(fd, &receipt, sizeof(receipt)))
		die_errno("cannot send the receipt");
	close(fd);
	return 0;
}

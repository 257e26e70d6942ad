// SPDX-License-Identifier: GPL-2.0
/* xsend: sends one file to xrecv and shows how far it is. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "progress.h"
#include "trace.h"
#include "transfer.h"

static const char help[] =
	"Usage: xsend [options] HOST PORT FILE\n"
	"Sends FILE to an xrecv that listens on HOST and PORT.\n"
	"\n"
	"  -t, --timeout S    give up when nothing moves for S seconds (default 60)\n"
	"      --trace CSV    write what TCP_INFO says of the connection to this file;\n"
	"                     tools/xtcp-plot draws it\n"
	"      --every MS     so often (default 5)\n"
	TRANSPORT_HELP;

/* How many segments the kernel has sent again; -1 if it does not tell. */
static long retransmissions(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len))
		return -1;
	return info.tcpi_total_retrans;
}

/* Written and not yet acknowledged. */
static uint64_t unacknowledged(int fd)
{
	int queued = 0;

	return ioctl(fd, SIOCOUTQ, &queued) ? 0 : queued;
}

static uint64_t acknowledged(int fd, uint64_t written)
{
	uint64_t queue = unacknowledged(fd);

	return queue < written ? written - queue : 0;
}

static void send_file(int fd, int file, const char *name, struct progress *p)
{
	struct transfer_header hdr = { .magic = TRANSFER_MAGIC, .size_be = htobe64(p->total) };
	uint64_t written = 0;
	char *chunk = malloc(TRANSFER_CHUNK);

	if (!chunk)
		die("out of memory");
	if (!send_all(fd, &hdr, sizeof(hdr)))
		die_errno("the connection broke at its start");
	while (written < p->total) {
		ssize_t n = read(file, chunk, TRANSFER_CHUNK);

		if (n < 0)
			die_errno("cannot read %s", name);
		if (!n || written + n > p->total)
			die("%s changed its size while it was sent", name);
		if (!send_all(fd, chunk, n))
			die_errno("the connection broke after %llu of %llu bytes",
				  (unsigned long long)written, (unsigned long long)p->total);
		written += n;
		if (progress_due(p, written))
			progress_show(p, acknowledged(fd, written), retransmissions(fd));
	}
	free(chunk);
}

/* The last window is still under way: keep the bar moving until the receipt is there. */
static void await_receipt(int fd, struct progress *p, unsigned int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct transfer_receipt receipt;
	double until = now_s() + timeout;
	uint64_t last_done = 0;
	char extra;

	for (;;) {
		uint64_t done = acknowledged(fd, p->total);
		int ready;

		if (done != last_done) {
			last_done = done;
			until = now_s() + timeout;
		}
		progress_show(p, done, retransmissions(fd));
		ready = poll(&pfd, 1, 200);
		if (ready < 0 && errno != EINTR)
			die_errno("poll");
		if (ready > 0)
			break;
		if (now_s() > until)
			die("no receipt from the receiver for %u s", timeout);
	}
	if (!recv_all(fd, &receipt, sizeof(receipt)))
		die_errno("no receipt from the receiver: the connection ended");
	if (be64toh(receipt.received_be) != p->total)
		die("the receiver counted %llu bytes, %llu were sent",
		    (unsigned long long)be64toh(receipt.received_be),
		    (unsigned long long)p->total);
	if (recv(fd, &extra, 1, 0) != 0)
		die_errno("the receiver did not finish the connection properly");
}

enum { OPT_TRACE = OPT_TCP + 1, OPT_EVERY };

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "trace", required_argument, NULL, OPT_TRACE },
		{ "every", required_argument, NULL, OPT_EVERY },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	unsigned int timeout = 60, every = 5;
	const char *trace = NULL;
	struct progress p;
	struct stat st;
	int c, fd, file;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "t:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		if (c == 't')
			timeout = parse_number("the time limit", optarg, 86400);
		else if (c == OPT_TRACE)
			trace = optarg;
		else if (c == OPT_EVERY)
			every = parse_number("the time between two lines", optarg, 10000);
	}
	if (!every)
		die_usage("--every needs at least 1 ms");
	if (argc - optind != 3)
		die_usage("HOST, PORT and FILE are needed");
	parse_port(argv[optind + 1]);

	file = open(argv[optind + 2], O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st))
		die_errno("cannot open %s", argv[optind + 2]);
	if (!S_ISREG(st.st_mode))
		die("%s is not a regular file", argv[optind + 2]);

	fd = demo_connect(argv[optind], argv[optind + 1]);
	demo_timeout(fd, timeout);
	if (trace)
		trace_start(fd, trace, every);
	progress_start(&p, st.st_size);
	send_file(fd, file, argv[optind + 2], &p);
	if (shutdown(fd, SHUT_WR))
		die_errno("cannot finish sending");
	await_receipt(fd, &p, timeout);
	trace_stop();
	progress_finish(&p, p.total, retransmissions(fd));
	close(fd);
	return 0;
}

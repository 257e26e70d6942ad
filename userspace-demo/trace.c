// SPDX-License-Identifier: GPL-2.0
/* What TCP_INFO says of a connection, every few milliseconds, into a file. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* The kernel's header, which has more of struct tcp_info than the C library's. */
#include <linux/tcp.h>

#include "common.h"
#include "trace.h"

#define NS_PER_S	1000000000L

/* In segments unless the name has a unit; time is that of captures, the wall clock's. */
static const char columns[] =
	"time_s,state,ca_state,mss_octets,cwnd,ssthresh,unacked,sacked,lost,retrans,"
	"total_retrans,srtt_us,rttvar_us,min_rtt_us,rto_us,snd_wnd_octets,acked_octets,"
	"delivery_octets_per_s,pacing_octets_per_s\n";

static struct {
	int fd;
	const char *name;
	unsigned int period_ms;
	FILE *file;
	atomic_bool stop;
	pthread_t thread;
} trace = { .fd = -1 };

static void write_line(void)
{
	struct tcp_info i;
	socklen_t len = sizeof(i);
	struct timespec now;

	memset(&i, 0, sizeof(i));
	if (getsockopt(trace.fd, IPPROTO_TCP, TCP_INFO, &i, &len))
		die_errno("no TCP_INFO of this socket");
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(trace.file, "%lld.%06ld,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%llu,%llu,%llu\n",
		(long long)now.tv_sec, now.tv_nsec / 1000, i.tcpi_state, i.tcpi_ca_state,
		i.tcpi_snd_mss, i.tcpi_snd_cwnd, i.tcpi_snd_ssthresh, i.tcpi_unacked,
		i.tcpi_sacked, i.tcpi_lost, i.tcpi_retrans, i.tcpi_total_retrans, i.tcpi_rtt,
		i.tcpi_rttvar, i.tcpi_min_rtt, i.tcpi_rto, i.tcpi_snd_wnd, i.tcpi_bytes_acked,
		i.tcpi_delivery_rate, i.tcpi_pacing_rate);
}

static void *write_lines(void *unused)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!trace.stop) {
		write_line();
		next.tv_nsec += trace.period_ms * 1000000L;
		next.tv_sec += next.tv_nsec / NS_PER_S;
		next.tv_nsec %= NS_PER_S;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
	}
	return unused;
}

void trace_start(int fd, const char *name, unsigned int period_ms)
{
	int err;

	trace.fd = fd;
	trace.name = name;
	trace.period_ms = period_ms;
	trace.file = fopen(name, "we");
	if (!trace.file)
		die_errno("cannot create %s", name);
	fputs(columns, trace.file);
	err = pthread_create(&trace.thread, NULL, write_lines, NULL);
	if (err)
		die("cannot start a thread: %s", strerror(err));
}

void trace_stop(void)
{
	if (!trace.file)
		return;
	trace.stop = true;
	pthread_join(trace.thread, NULL);
	write_line();
	if (fclose(trace.file))
		die_errno("cannot write %s", trace.name);
	trace.file = NULL;
}

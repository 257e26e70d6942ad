// SPDX-License-Identifier: GPL-2.0
/*
 * One measurement of one transport: the same calls for all. Prints a line of JSON.
 *
 * Where the machine counts its time in instructions, a nanosecond is one instruction, of both
 * ends and all that the kernel does for them. selftests/bench/run goes through transports and works.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "works.h"

static const struct {
	const char *name;
	const struct work *work;
} works[] = {
	{ "stream", &work_stream }, { "sendfile", &work_sendfile }, { "rr", &work_rr },
	{ "crr", &work_crr }, { "many", &work_many },
};
static const size_t work_count = sizeof(works) / sizeof(works[0]);

static void usage(void)
{
	puts("usage: bench TRANSPORT WORK [OPTION...]\n"
	     "\n"
	     "Measure one transport at one kind of work and print a line of JSON: nanoseconds for all\n"
	     "operations, or octets of kernel memory.\n"
	     "\n"
	     "TRANSPORT: xtcp, tcp, mptcp, sctp, unix\n"
	     "WORK, and what one operation is:\n"
	     "  stream    an octet, sent in writes of --size\n"
	     "  sendfile  an octet, sent from a file\n"
	     "  rr        --size octets there and back\n"
	     "  crr       connect, an octet each way, close\n"
	     "  many      an octet there and back on --conns connections in turn, up to 10 at once\n"
	     "  idle      a connection that is open (memory, both ends)\n"
	     "  timewait  a connection in TIME-WAIT (memory)\n"
	     "\n"
	     "  --count N     operations to measure (default 1000)\n"
	     "  --warm N      operations before that (default: as many)\n"
	     "  --size N      octets (default 1)\n"
	     "  --conns N     connections of many (default 10)\n"
	     "  --pairs N     pairs of processes that work at once, each so much (default 1)\n"
	     "  --port N      first port of the servers, one each pair (default 7000)\n"
	     "  --to ADDRESS  where the servers listen (default 127.0.0.1)\n"
	     "  --peer NAME   network namespace of the servers (default: this one)");
}

static const struct transport *find_transport(const char *name)
{
	size_t i;

	for (i = 0; i < transport_count; i++)
		if (!strcmp(name, transports[i].name))
			return transports + i;
	errno = EINVAL;
	fail("no transport %s (try --help)", name);
}

static void show_memory(const char *work, const struct place *p, long n)
{
	static struct memory m;
	const char *comma = "";
	int i;

	if (!strcmp(work, "idle"))
		memory_idle(p, n, &m);
	else
		memory_timewait(p, n, &m);
	printf("{\"transport\": \"%s\", \"work\": \"%s\", \"count\": %ld, \"kernel\": %lld, \"queues\": %lld, \"caches\": {",
	       p->transport->name, work, n, m.kernel, m.queues);
	for (i = 0; i < m.count; i++) {
		if (!m.caches[i].octets)
			continue;
		printf("%s\"%s\": %lld", comma, m.caches[i].name, m.caches[i].octets);
		comma = ", ";
	}
	puts("}}");
}

static void show_time(const char *name, const struct member *m, int pairs, long warm, long n)
{
	long long ns;
	size_t i;

	for (i = 0; i < work_count && strcmp(name, works[i].name); i++)
		;
	errno = EINVAL;
	if (i == work_count)
		fail("no work %s (try --help)", name);
	if (works[i].work == &work_many &&
	    (m->conns < 1 || (m->conns > WORK_BATCH && m->conns % WORK_BATCH)))
		fail("--conns takes up to %d, and multiples of that", WORK_BATCH);
	ns = team_run(works[i].work, m, pairs, warm, n);
	printf("{\"transport\": \"%s\", \"work\": \"%s\", \"size\": %zu, \"conns\": %d, \"pairs\": %d, \"count\": %ld, \"ns\": %lld}\n",
	       m->place->transport->name, name, m->size, m->conns, pairs, n * pairs, ns);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", 1, NULL, 'c' }, { "warm", 1, NULL, 'w' }, { "size", 1, NULL, 's' },
		{ "conns", 1, NULL, 'n' }, { "pairs", 1, NULL, 'p' }, { "to", 1, NULL, 't' },
		{ "peer", 1, NULL, 'e' }, { "port", 1, NULL, 'o' }, { "help", 0, NULL, 'h' }, { 0 },
	};
	struct place place = { .to = "127.0.0.1", .port = 7000 };
	struct member member = { .place = &place, .size = 1, .conns = 10, .fd = -1 };
	long count = 1000, warm = -1;
	int pairs = 1, c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			count = atol(optarg);
			break;
		case 'w':
			warm = atol(optarg);
			break;
		case 's':
			member.size = atol(optarg);
			break;
		case 'n':
			member.conns = atoi(optarg);
			break;
		case 'p':
			pairs = atoi(optarg);
			break;
		case 't':
			place.to = optarg;
			break;
		case 'e':
			place.peer = optarg;
			break;
		case 'o':
			place.port = atoi(optarg);
			break;
		case 'h':
			usage();
			return 0;
		default:
			return 2;
		}
	}
	errno = EINVAL;
	if (argc - optind != 2 || count < 1 || !member.size || pairs < 1)
		fail("needs TRANSPORT, WORK and numbers above zero (try --help)");
	place.transport = find_transport(argv[optind]);
	if (!strcmp(argv[optind + 1], "idle") || !strcmp(argv[optind + 1], "timewait"))
		show_memory(argv[optind + 1], &place, count);
	else
		show_time(argv[optind + 1], &member, pairs, warm < 0 ? count : warm, count);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* xhttp: fetches files from an HTTP server in every way HTTP/1.x knows, as a table. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "httpread.h"

static const char help[] =
	"Usage: xhttp [options] HOST PORT DIRECTORY\n"
	"Fetches every file of DIRECTORY from the server on HOST and PORT, in six ways, and\n"
	"compares each body with the file, byte by byte. Prints one row a way; fails if an\n"
	"answer is missing or differs.\n"
	"\n"
	"  -n, --requests N       requests in each way (default 20)\n"
	"  -c, --connections N    connections open at once in the fifth way (default 100)\n"
	"  -t, --timeout S        give up when nothing moves for S seconds (default 60)\n"
	TRANSPORT_HELP;

#define FILES_MAX	256
#define REQUEST_ROOM	1024
#define PIPELINE_MAX	100	/* requests without an answer */

static struct {
	const char *host, *port, *dir;
	unsigned int requests, connections, timeout;
} opt = { .requests = 20, .connections = 100, .timeout = 60 };

static char *files[FILES_MAX];
static unsigned int nfiles;

/* One row of the table. */
struct tally {
	unsigned int connections, asked, good;
	uint64_t bytes;
	const char *problem;		/* the first one */
	char where[300];
};

/* ---- pieces ---- */

static const char *file_of(unsigned int i)
{
	return files[i % nfiles];
}

static int open_connection(struct tally *t)
{
	int fd = demo_connect(opt.host, opt.port);

	demo_timeout(fd, opt.timeout);
	t->connections++;
	return fd;
}

static void problem(struct tally *t, const char *what, const char *where)
{
	if (t->problem)
		return;
	t->problem = what;
	snprintf(t->where, sizeof(t->where), "%s", where);
}

static bool ask(int fd, struct tally *t, const char *name, const char *query,
		const char *version, const char *headers)
{
	char text[REQUEST_ROOM];
	int n = snprintf(text, sizeof(text), "GET /%s%s HTTP/%s\r\nHost: %s\r\n%s\r\n", name,
			 query, version, opt.host, headers);

	t->asked++;
	if ((size_t)n >= sizeof(text)) {
		problem(t, "the name is too long", name);
		return false;
	}
	if (!send_all(fd, text, n)) {
		problem(t, strerror(errno), name);
		return false;
	}
	return true;
}

/* Reads one answer, which must be this file. */
static bool take(struct http_reader *r, struct tally *t, const char *name, bool chunked)
{
	char path[4096];
	struct http_answer a;
	int file;

	snprintf(path, sizeof(path), "%s/%s", opt.dir, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		die_errno("cannot open %s", path);
	http_read_answer(r, file, &a);
	close(file);
	t->bytes += a.body;
	if (a.error)
		problem(t, a.error, name);
	else if (a.status != 200)
		problem(t, "the status is not 200", name);
	else if (a.chunked != chunked)
		problem(t, chunked ? "not in chunks" : "in chunks, unasked", name);
	else if (!a.same)
		problem(t, "the body differs from the file", name);
	else
		return true;
	return false;
}

/* ---- the six ways ---- */

static void http10(struct tally *t)
{
	unsigned int i;

	for (i = 0; i < opt.requests; i++) {
		struct http_reader r;
		int fd = open_connection(t);

		http_reader_init(&r, fd);
		if (ask(fd, t, file_of(i), "", "1.0", "") && take(&r, t, file_of(i), false)) {
			if (http_read_end(&r))
				t->good++;
			else
				problem(t, "the server did not finish the connection", file_of(i));
		}
		close(fd);
	}
}

static void one_after_another(struct tally *t, const char *query, bool chunked)
{
	struct http_reader r;
	int fd = open_connection(t);
	unsigned int i;

	http_reader_init(&r, fd);
	for (i = 0; i < opt.requests; i++) {
		if (!ask(fd, t, file_of(i), query, "1.1", "") ||
		    !take(&r, t, file_of(i), chunked))
			break;
		t->good++;
	}
	close(fd);
}

static void keep_alive(struct tally *t)
{
	one_after_another(t, "", false);
}

static void in_chunks(struct tally *t)
{
	one_after_another(t, "?chunked", true);
}

/*
 * Requests leave before the first answer is read, up to as many as fit into the socket
 * buffers whatever the answers' size; the last one says "close".
 */
static void pipelined(struct tally *t)
{
	unsigned int i, ahead = 0;
	struct http_reader r;
	int fd = open_connection(t);

	http_reader_init(&r, fd);
	for (i = 0; i < opt.requests; i++) {
		for (; ahead < opt.requests && ahead < i + PIPELINE_MAX; ahead++)
			if (!ask(fd, t, file_of(ahead), "", "1.1", ahead + 1 == opt.requests ?
				 "Connection: close\r\n" : ""))
				goto out;
		if (!take(&r, t, file_of(i), false))
			goto out;
		t->good++;
	}
	if (!http_read_end(&r)) {
		problem(t, "bytes after the last answer", "the end");
		t->good--;
	}
out:
	close(fd);
}

/* All connections stand before the first request leaves. */
static void at_once(struct tally *t)
{
	int *fd = calloc(opt.connections, sizeof(*fd));
	unsigned int i;

	if (!fd)
		die("out of memory");
	for (i = 0; i < opt.connections; i++)
		fd[i] = open_connection(t);
	for (i = 0; i < opt.connections; i++)
		if (!ask(fd[i], t, file_of(i), "", "1.1", "Connection: close\r\n"))
			break;
	for (i = 0; i < opt.connections; i++) {
		struct http_reader r;

		http_reader_init(&r, fd[i]);
		if (take(&r, t, file_of(i), false) && http_read_end(&r))
			t->good++;
		close(fd[i]);
	}
	free(fd);
}

/* What must not be given out. Good means: refused, and the connection still works. */
static void refused(struct tally *t)
{
	static const char *const name[] = {
		"../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "/etc/passwd",
		"no-such-file",
	};
	struct http_reader r;
	int fd = open_connection(t);
	struct http_answer a;
	size_t i;

	http_reader_init(&r, fd);
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		if (!ask(fd, t, name[i], "", "1.1", ""))
			break;
		http_read_answer(&r, -1, &a);
		t->bytes += a.body;
		if (a.error || a.status != 404)
			problem(t, a.error ? a.error : "the status is not 404", name[i]);
		else
			t->good++;
	}
	close(fd);
}

/* ---- the table ---- */

static bool row(const char *what, void (*way)(struct tally *t))
{
	struct tally t = { 0 };
	double start = now_s(), took;
	bool good;

	way(&t);
	took = now_s() - start;
	good = !t.problem && t.good == t.asked;
	printf("  %s%s%s %-37s %11u %8u %8u %9.1f %7.2f %7.0f\n", good ? c_green() : c_red(),
	       good ? "✓" : "✗", c_off(), what, t.connections, t.asked, t.good,
	       t.bytes / 1024.0, took, took > 0 ? t.asked / took : 0);
	if (t.problem)
		printf("    %s%s: %s%s\n", c_red(), t.where, t.problem, c_off());
	return good;
}

static int regular_file(const struct dirent *e)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", opt.dir, e->d_name);
	return e->d_name[0] != '.' && !stat(path, &st) && S_ISREG(st.st_mode);
}

static void find_files(void)
{
	struct dirent **entry;
	int i, n = scandir(opt.dir, &entry, regular_file, alphasort);

	if (n < 0)
		die_errno("cannot read the directory %s", opt.dir);
	for (i = 0; i < n; i++) {
		if (nfiles < FILES_MAX)
			files[nfiles++] = strdup(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	if (!nfiles)
		die("no file to fetch in %s", opt.dir);
}

static void raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "requests", required_argument, NULL, 'n' },
		{ "connections", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 't' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	bool good = true;
	int c;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "n:c:t:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		switch (c) {
		case 'n':
			opt.requests = parse_number("--requests", optarg, 1000000);
			break;
		case 'c':
			opt.connections = parse_number("--connections", optarg, 100000);
			break;
		case 't':
			opt.timeout = parse_number("--timeout", optarg, 86400);
			break;
		}
	}
	if (argc - optind != 3)
		die_usage("HOST, PORT and DIRECTORY are needed");
	opt.host = argv[optind];
	opt.port = argv[optind + 1];
	opt.dir = argv[optind + 2];
	parse_port(opt.port);
	find_files();
	raise_fd_limit();

	printf("%s    %-37s %11s %8s %8s %9s %7s %7s%s\n", c_bold(), "", "connections",
	       "requests", "correct", "KiB", "s", "req/s", c_off());
	good &= row("HTTP/1.0, a connection per request", http10);
	good &= row("HTTP/1.1, all on one connection", keep_alive);
	good &= row("HTTP/1.1, pipelined", pipelined);
	good &= row("HTTP/1.1, in chunks", in_chunks);
	good &= row("HTTP/1.1, connections all at once", at_once);
	good &= row("what must be refused is refused (404)", refused);
	return good ? 0 : 1;
}

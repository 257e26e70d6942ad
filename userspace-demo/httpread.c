// SPDX-License-Identifier: GPL-2.0
/* Reads HTTP responses from a blocking socket and compares their bodies with files. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpread.h"

#define LENGTH_UNKNOWN	UINT64_MAX	/* the body ends with the connection */

/* Where a body goes. */
struct sink {
	int file;			/* to compare with, -1: just count */
	uint64_t at;
	bool same;
};

void http_reader_init(struct http_reader *r, int fd)
{
	r->fd = fd;
	r->at = 0;
	r->len = 0;
}

/* Makes sure that a byte is there. False at the end of the connection or on error. */
static bool fill(struct http_reader *r)
{
	ssize_t n;

	if (r->at < r->len)
		return true;
	do {
		n = recv(r->fd, r->buf, sizeof(r->buf), 0);
	} while (n < 0 && errno == EINTR);
	r->at = 0;
	r->len = n > 0 ? n : 0;
	if (!n)
		errno = 0;
	return n > 0;
}

bool http_read_end(struct http_reader *r)
{
	return !fill(r) && errno == 0;
}

/* One line without its end; false if the connection ends or the line is too long. */
static bool read_line(struct http_reader *r, char *line, size_t room)
{
	size_t n = 0;

	while (fill(r)) {
		char c = r->buf[r->at++];

		if (c == '\n') {
			if (n && line[n - 1] == '\r')
				n--;
			line[n] = 0;
			return true;
		}
		if (n == room - 1)
			return false;
		line[n++] = c;
	}
	return false;
}

static void sink_bytes(struct sink *s, const char *p, size_t len)
{
	char file[4096];

	while (len && s->file >= 0 && s->same) {
		size_t part = len < sizeof(file) ? len : sizeof(file);
		ssize_t n = pread(s->file, file, part, s->at);

		if (n <= 0 || memcmp(file, p, n)) {
			s->same = false;
			break;
		}
		s->at += n;
		p += n;
		len -= n;
	}
	s->at += len;
}

static void sink_end(struct sink *s)
{
	struct stat st;

	if (s->file >= 0 && (fstat(s->file, &st) || (uint64_t)st.st_size != s->at))
		s->same = false;
}

/* False if the connection ends before size bytes are there (if size is known). */
static bool read_body(struct http_reader *r, uint64_t size, struct sink *s)
{
	while (size && fill(r)) {
		size_t n = r->len - r->at;

		if (size != LENGTH_UNKNOWN && n > size)
			n = size;
		sink_bytes(s, r->buf + r->at, n);
		r->at += n;
		if (size != LENGTH_UNKNOWN)
			size -= n;
	}
	return !size || (size == LENGTH_UNKNOWN && errno == 0);
}

static const char *read_chunks(struct http_reader *r, struct sink *s)
{
	char line[256];

	for (;;) {
		uint64_t size;
		char *end;

		if (!read_line(r, line, sizeof(line)))
			return "no chunk size";
		size = strtoull(line, &end, 16);
		if (end == line || (*end && *end != ';'))
			return "wrong chunk size";
		if (!size)
			break;
		if (!read_body(r, size, s))
			return "a chunk is cut off";
		if (!read_line(r, line, sizeof(line)) || line[0])
			return "a chunk does not end where it should";
	}
	do {				/* trailer fields, then an empty line */
		if (!read_line(r, line, sizeof(line)))
			return "no end after the last chunk";
	} while (line[0]);
	return NULL;
}

static const char *read_head(struct http_reader *r, struct http_answer *a, uint64_t *length)
{
	int major, minor;
	char line[1024];

	if (!read_line(r, line, sizeof(line)))
		return errno ? strerror(errno) : "the connection ended";
	if (sscanf(line, "HTTP/%d.%d %d", &major, &minor, &a->status) != 3 || major != 1)
		return "not an HTTP answer";
	a->keep_alive = minor >= 1;
	*length = LENGTH_UNKNOWN;
	while (read_line(r, line, sizeof(line))) {
		char *value = strchr(line, ':');

		if (!line[0])
			return NULL;
		if (!value)
			return "a header without a colon";
		*value++ = 0;
		value += strspn(value, " \t");
		if (!strcasecmp(line, "Content-Length"))
			*length = strtoull(value, NULL, 10);
		else if (!strcasecmp(line, "Transfer-Encoding"))
			a->chunked = !strcasecmp(value, "chunked");
		else if (!strcasecmp(line, "Connection"))
			a->keep_alive = !!strcasecmp(value, "close");
	}
	return "the headers are cut off";
}

void http_read_answer(struct http_reader *r, int compare, struct http_answer *a)
{
	struct sink sink = { .file = compare, .same = true };
	uint64_t length;

	memset(a, 0, sizeof(*a));
	errno = 0;
	a->error = read_head(r, a, &length);
	if (a->error)
		return;
	if (a->chunked)
		a->error = read_chunks(r, &sink);
	else if (!read_body(r, length, &sink))
		a->error = "the body is cut off";
	sink_end(&sink);
	a->body = sink.at;
	a->same = sink.same;
}

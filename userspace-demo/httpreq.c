// SPDX-License-Identifier: GPL-2.0
/* Parses HTTP request heads. Takes bytes, knows no sockets. */
#define _GNU_SOURCE
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "httpreq.h"

/* A piece of the head; not terminated. */
struct span {
	const char *p;
	size_t len;
};

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && !strncasecmp(s.p, text, s.len);
}

static struct span trim(struct span s)
{
	while (s.len && isspace((unsigned char)*s.p)) {
		s.p++;
		s.len--;
	}
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts *rest at the first separator; the part before it is returned. */
static struct span cut(struct span *rest, char separator)
{
	const char *at = memchr(rest->p, separator, rest->len);
	struct span first = *rest;

	if (at) {
		first.len = at - rest->p;
		rest->p += first.len + 1;
		rest->len -= first.len + 1;
	} else {
		rest->p += rest->len;
		rest->len = 0;
	}
	return first;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes the path; a NUL in it or a broken escape is an error. */
static int decode_path(struct span in, char *out)
{
	size_t n = 0;

	while (in.len && *in.p == '/') {
		in.p++;
		in.len--;
	}
	while (in.len) {
		char c = *in.p++;

		in.len--;
		if (c == '%') {
			int hi = in.len >= 2 ? hex_digit(in.p[0]) : -1;
			int lo = in.len >= 2 ? hex_digit(in.p[1]) : -1;

			if (hi < 0 || lo < 0)
				return 400;
			c = hi << 4 | lo;
			in.p += 2;
			in.len -= 2;
		}
		if (!c)
			return 400;
		if (n == HTTP_PATH_MAX - 1)
			return 414;
		out[n++] = c;
	}
	out[n] = 0;
	return 200;
}

static int parse_request_line(struct span line, struct http_request *req)
{
	struct span rest = line, method, target, query;
	int status;

	method = cut(&rest, ' ');
	target = cut(&rest, ' ');
	if (span_is(rest, "HTTP/1.1"))
		req->http11 = true;
	else if (!span_is(rest, "HTTP/1.0"))
		return rest.len > 5 && !strncmp(rest.p, "HTTP/", 5) ? 505 : 400;
	req->keep_alive = req->http11;
	if (!target.len || *target.p != '/')
		return 400;
	query = target;
	target = cut(&query, '?');
	req->chunked = span_is(query, "chunked");
	status = decode_path(target, req->path);
	if (status != 200)
		return status;
	req->head = span_is(method, "HEAD");
	if (!req->head && !span_is(method, "GET"))
		return 501;
	return 200;
}

static int parse_header(struct span line, struct http_request *req)
{
	struct span value = line, name;

	if (!line.len || !memchr(line.p, ':', line.len) || isspace((unsigned char)*line.p))
		return 400;
	name = cut(&value, ':');
	value = trim(value);
	/* A body would have to be skipped to find the next request; none is expected. */
	if (span_is(name, "Transfer-Encoding"))
		return 501;
	if (span_is(name, "Content-Length") && !span_is(value, "0"))
		return 413;
	if (span_is(name, "Connection")) {
		while (value.len) {
			struct span token = trim(cut(&value, ','));

			if (span_is(token, "close"))
				req->keep_alive = false;
			else if (span_is(token, "keep-alive"))
				req->keep_alive = true;
		}
	}
	return 200;
}

int http_request_parse(const char *buf, size_t len, struct http_request *req, size_t *used)
{
	const char *end = memmem(buf, len, "\r\n\r\n", 4);
	bool first = true;
	struct span rest;
	int status = 200;

	memset(req, 0, sizeof(*req));
	*used = len;
	if (!end)
		return 0;
	*used = end + 4 - buf;
	rest.p = buf;
	rest.len = end + 1 - buf;		/* the last line keeps its \r */
	while (rest.len && status == 200) {
		struct span line = cut(&rest, '\n');

		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		status = first ? parse_request_line(line, req) : parse_header(line, req);
		first = false;
	}
	if (status != 200)
		req->keep_alive = false;
	return status;
}

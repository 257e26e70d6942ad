// SPDX-License-Identifier: GPL-2.0
/* One HTTP response on its way into a non-blocking socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "httprsp.h"

/* Room that a chunk needs around its bytes: "3fff\r\n" before and "\r\n" after. */
#define CHUNK_HEAD	6
#define CHUNK_TAIL	2
#define LISTING_LINE	(NAME_MAX + 2)

#ifndef NAME_MAX
#define NAME_MAX 255
#endif

void response_init(struct response *r)
{
	r->active = false;
	r->close_after = false;
	r->out_at = 0;
	r->out_len = 0;
	r->file = -1;
	r->file_left = 0;
	r->dir = NULL;
	r->chunked = false;
	r->last_chunk_due = false;
	r->start_failed = false;
}

void response_end(struct response *r)
{
	if (r->file >= 0)
		close(r->file);
	if (r->dir)
		closedir(r->dir);
	r->file = -1;
	r->dir = NULL;
	r->active = false;
}

static const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 505: return "HTTP Version Not Supported";
	default: return "Error";
	}
}

/*
 * Opens a path below root. The kernel itself refuses to leave root, by "..", by an
 * absolute path or by a symbolic link, so no check here can be fooled.
 * O_NONBLOCK: a FIFO must not stop the server.
 */
static int open_below(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
}

/* Fills in the source of the body; returns the status. */
static int open_source(struct response *r, int root, const char *path)
{
	struct stat st;
	int fd = open_below(root, path);

	if (fd < 0) {
		switch (errno) {
		case EACCES:
		case EPERM:
			return 403;
		case EMFILE:
		case ENFILE:
		case ENOMEM:
			return 500;
		default:
			/* EXDEV too, the escape: the world outside does not exist. */
			return 404;
		}
	}
	if (fstat(fd, &st)) {
		close(fd);
		return 500;
	}
	if (S_ISDIR(st.st_mode)) {
		r->dir = fdopendir(fd);
		if (r->dir)
			return 200;
		close(fd);
		return 500;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return 403;
	}
	r->file = fd;
	r->file_left = st.st_size;
	return 200;
}

/* ---- the body ---- */

static ssize_t read_file(struct response *r, char *buf, size_t room)
{
	ssize_t n;

	if (!r->file_left)
		return 0;
	if (room > r->file_left)
		room = r->file_left;
	n = read(r->file, buf, room);
	/* Shorter than announced: only a broken connection tells the client so. */
	if (n <= 0)
		return -1;
	r->file_left -= n;
	return n;
}

static ssize_t read_listing(struct response *r, char *buf, size_t room)
{
	size_t n = 0;

	while (room - n >= LISTING_LINE) {
		struct dirent *e;

		errno = 0;
		e = readdir(r->dir);
		if (!e)
			return errno ? -1 : (ssize_t)n;
		if (e->d_name[0] != '.')
			n += snprintf(buf + n, room - n, "%s\n", e->d_name);
	}
	return n;
}

static ssize_t read_source(struct response *r, char *buf, size_t room)
{
	if (r->file >= 0)
		return read_file(r, buf, room);
	if (r->dir)
		return read_listing(r, buf, room);
	return 0;
}

/* Append a part of the body to out. 1: there was some, 0: all is done, -1: error. */
static int refill(struct response *r)
{
	char *at = r->out + r->out_len;
	char *body = at + (r->chunked ? CHUNK_HEAD : 0);
	size_t room = sizeof(r->out) - r->out_len - (r->chunked ? CHUNK_HEAD + CHUNK_TAIL : 0);
	char head[CHUNK_HEAD + 1];
	ssize_t n;

	n = read_source(r, body, room);
	if (n < 0)
		return -1;
	if (!r->chunked) {
		r->out_len += n;
		return n > 0;
	}
	if (!n) {
		if (!r->last_chunk_due)
			return 0;
		r->last_chunk_due = false;
		r->out_len += sprintf(at, "0\r\n\r\n");
		return 1;
	}
	snprintf(head, sizeof(head), "%04x\r\n", (unsigned int)n & 0xffff);
	memcpy(at, head, CHUNK_HEAD);
	memcpy(body + n, "\r\n", CHUNK_TAIL);
	r->out_len += CHUNK_HEAD + n + CHUNK_TAIL;
	return 1;
}

/* ---- the start ---- */

static void put_head(struct response *r, int status, const char *type, const char *length)
{
	r->out_len = snprintf(r->out, sizeof(r->out),
			      "HTTP/1.1 %d %s\r\nServer: xhttpd\r\nContent-Type: %s\r\n%s"
			      "Connection: %s\r\n\r\n", status, reason(status), type, length,
			      r->close_after ? "close" : "keep-alive");
}

static void start_error(struct response *r, int status, bool head_only)
{
	char body[80], length[64];
	int n = snprintf(body, sizeof(body), "%d %s\n", status, reason(status));

	snprintf(length, sizeof(length), "Content-Length: %d\r\n", n);
	put_head(r, status, "text/plain", length);
	if (!head_only) {
		memcpy(r->out + r->out_len, body, n);
		r->out_len += n;
	}
}

void response_start(struct response *r, int root_fd, const struct http_request *req,
		    int status)
{
	char length[64];

	response_end(r);
	response_init(r);
	r->active = true;
	r->close_after = !req->keep_alive;
	if (status == 200)
		status = open_source(r, root_fd, req->path);
	if (status != 200) {
		start_error(r, status, req->head);
		return;
	}
	r->chunked = req->http11 && (req->chunked || r->dir);
	if (r->chunked) {
		strcpy(length, "Transfer-Encoding: chunked\r\n");
	} else if (r->dir) {
		/* HTTP/1.0 knows no chunks: the end of the connection ends the list. */
		r->close_after = true;
		length[0] = 0;
	} else {
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
			 (unsigned long long)r->file_left);
	}
	put_head(r, 200, r->dir ? "text/plain" : "application/octet-stream", length);
	if (req->head) {
		bool keep = !r->close_after;

		response_end(r);
		r->active = true;
		r->close_after = !keep;
		r->chunked = false;
		r->file_left = 0;
	}
	r->last_chunk_due = r->chunked;
	/* The head and the first bytes of the body travel together. */
	r->start_failed = refill(r) < 0;
}

/* ---- the way out ---- */

enum response_result response_send(struct response *r, int fd)
{
	if (r->start_failed)
		return RESPONSE_BROKEN;
	for (;;) {
		while (r->out_at < r->out_len) {
			ssize_t n = send(fd, r->out + r->out_at, r->out_len - r->out_at,
					 MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return errno == EAGAIN ? RESPONSE_STUCK : RESPONSE_BROKEN;
			r->out_at += n;
		}
		r->out_at = 0;
		r->out_len = 0;
		switch (refill(r)) {
		case 1:
			break;
		case 0:
			response_end(r);
			return RESPONSE_DONE;
		default:
			return RESPONSE_BROKEN;
		}
	}
}

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""telnet over XTCP, typed line by line at a terminal: a talk with nginx.

Time limit: 600 s
"""

import os
import pty
import re
import select
import sys
import termios
import time

from lib import SLOW, Fail, case, check, equal, main

PORT = 8070
ESCAPE = b"\x1d"
PAGE = "a page of some words\n"

CONFIG = """
daemon off;
master_process off;
user root;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
events {{ }}
http {{
	access_log {work}/access.log;
	client_body_temp_path {work}/body;
	proxy_temp_path {work}/proxy;
	fastcgi_temp_path {work}/fastcgi;
	uwsgi_temp_path {work}/uwsgi;
	scgi_temp_path {work}/scgi;
	server {{ listen {host}:{port}; root {work}; }}
}}
"""


class Terminal:
    """telnet at a terminal of its own, which shows what is typed."""

    def __init__(self, c):
        self.screen, self.seen = "", 0
        self.master, slave = pty.openpty()
        self.process = c.client.spawn("telnet", f"-{c.version}", c.address, str(PORT), stdin=slave,
                                      stdout=slave, stderr=slave)
        os.close(slave)

    def ready(self, limit=20 * SLOW):
        """Wait until telnet has made its escape an end of line for the terminal.

        What is typed earlier stays in the terminal's line.
        """
        deadline = time.monotonic() + limit
        while termios.tcgetattr(self.master)[6][termios.VEOL] != ESCAPE:
            check(time.monotonic() < deadline, "telnet has not set its terminal up")
            time.sleep(0.02)

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")
        self.see(re.escape(line) + "\n")

    def command(self, line):
        """A line for telnet itself."""
        self.ready()
        os.write(self.master, ESCAPE)
        self.see("telnet> ")
        self.type(line)

    def see(self, words, limit=20 * SLOW):
        """Wait until @words, a regular expression, come behind what was seen; the match."""
        deadline = time.monotonic() + limit
        while not (found := re.compile(words).search(self.screen, self.seen)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise Fail(f"no {words!r} on the screen:\n{self.screen}")
            try:
                octets = os.read(self.master, 4096)
            except OSError:         # the other end is closed
                octets = b""
            if not octets:
                raise Fail(f"telnet ended without {words!r}:\n{self.screen}")
            self.screen += octets.decode(errors="replace").replace("\r", "")
        self.seen = found.end()
        return found

    def quiet(self, seconds):
        """Nothing comes by itself."""
        check(not select.select([self.master], [], [], seconds)[0], "an answer to half a request")

    def close(self):
        os.close(self.master)


def nginx(c):
    c.write("page", PAGE)
    config = c.write("nginx.conf", CONFIG.format(work=c.work, host=c.host, port=PORT))
    c.server.serve(PORT, "nginx", "-p", c.work, "-e", c.path("error.log"), "-c", config)


def connected(c):
    terminal = Terminal(c)
    terminal.see(r"Trying " + re.escape(c.address))
    terminal.see(r"Connected to ")
    terminal.see(r"Escape character is '\^\]'\.\n")
    return terminal


@case()
def talk(c):
    """Three requests, line by line, on one connection, which the server closes at the end."""
    nginx(c)
    terminal = connected(c)
    requests = ("GET /page", "200 OK"), ("GET /none", "404 Not Found"), ("HEAD /page", "200 OK")
    for number, (request, status) in enumerate(requests):
        terminal.type(f"{request} HTTP/1.1")
        terminal.type("Host: somebody")
        terminal.quiet(0.2)
        if number == 2:
            terminal.type("Connection: close")
        terminal.type("")
        terminal.see(f"HTTP/1.1 {status}\n")
        length = int(terminal.see(r"Content-Length: (\d+)\n").group(1))
        end = "close" if number == 2 else "keep-alive"
        terminal.see(f"Connection: {end}\n(.+\n)*\n")
        if request == "GET /page":
            equal("length of the page", length, len(PAGE))
            terminal.see(PAGE)
        elif request == "GET /none":
            terminal.see("</html>\n")
    terminal.see("Connection closed by foreign host")
    terminal.process.wait()
    terminal.close()
    equal("connections", c.opened(), 1)


@case()
def escape(c):
    """The client closes, from telnet's own command line."""
    nginx(c)
    terminal = connected(c)
    terminal.type("GET /page HTTP/1.0")
    terminal.type("")
    terminal.see("200 OK\n")
    terminal.see(PAGE)
    terminal.see("Connection closed by foreign host")
    terminal.process.wait()
    terminal.close()
    terminal = connected(c)
    terminal.type("GET /page HTTP/1.1")
    terminal.command("status")
    terminal.see(f"Connected to {re.escape(c.address)}")
    terminal.see(r"Escape character is '\^\]'\.\n")
    terminal.command("quit")
    terminal.see("Connection closed")
    terminal.process.wait()
    terminal.close()
    equal("connections", c.opened(), 2)


if __name__ == "__main__":
    sys.exit(main("nginx", "telnet"))

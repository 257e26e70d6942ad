#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Programs that copy, over XTCP: socat, netcat, rsync and its daemon.

Time limit: 600 s
"""

import os
import random
import re
import sys

from lib import (LOOPBACK, VETH, amount, case, check, compare, equal, main, make_file, make_tree,
                 tree)

PORT = 7070

RSYNCD = """
use chroot = no
munge symlinks = no
uid = 0
gid = 0
pid file = {work}/rsyncd.pid
lock file = {work}/rsyncd.lock
log file = {work}/rsyncd.log
[tree]
	path = {work}/there
	read only = no
"""


def socat_address(c, kind, *options):
    """socat's words for one end of a connection: both ends of one version."""
    words = f"TCP{c.version}-{kind}:"
    words += f"{PORT},bind={c.host}" if kind == "LISTEN" else f"{c.host}:{PORT}"
    return ",".join((words,) + options)


@case(LOOPBACK, VETH)
def socat_both(c):
    """socat: a file in each direction at once, each with its own end."""
    size = amount(10, 2) * 1000000
    names = ("up", "down")
    for seed, name in enumerate(names):
        make_file(c.path(name), size, seed)
    server = c.server.serve(PORT, "socat", "-t", "60",
                            f"{c.path('down')}!!CREATE:{c.path('got-up')}",
                            socat_address(c, "LISTEN", "reuseaddr"))
    c.client.run("socat", "-t", "60", f"{c.path('up')}!!CREATE:{c.path('got-down')}",
                 socat_address(c, "CONNECT"))
    server.wait()
    for name in names:
        compare(c.path("got-" + name), c.path(name))
    c.moved(2 * size)


@case()
def socat_forks(c):
    """socat: a process for each of many connections, which run a program."""
    count = amount(20, 8)
    # -t: how long it waits for the other direction where one has ended.
    c.server.serve(PORT, "socat", "-t", "60",
                   socat_address(c, "LISTEN", "fork", "reuseaddr", "backlog=64"),
                   "EXEC:tr a-z A-Z")
    clients = []
    for n in range(count):
        with open(c.write(f"words{n}", f"words of client {n}\n" * 100), "rb") as words:
            clients.append(c.client.spawn("socat", "-t", "60", "-", socat_address(c, "CONNECT"),
                                          stdin=words))
    for n, client in enumerate(clients):
        due = b"WORDS OF CLIENT %d\n" % n * 100
        got = client.wait()
        check(got == due, f"client {n}: {len(got)} octets, not {len(due)}, or others")
    equal("connections", c.opened(), count)


@case()
def netcat(c):
    """netcat: a file to the listener, and one from it."""
    size = amount(5, 1) * 1000000
    make_file(c.path("file"), size)
    listen = ("nc", f"-{c.version}", "-l", c.address, str(PORT))
    connect = ("nc", f"-{c.version}", c.address, str(PORT))
    # -N: ends its direction behind the file. -d: does not speak at all.
    with open(c.path("file"), "rb") as file:
        server = c.server.serve(PORT, *listen, "-d")
        c.client.run(*connect, "-N", stdin=file)
        to_listener = server.wait()
    with open(c.path("file"), "rb") as file:
        server = c.server.serve(PORT, *listen, "-N", stdin=file)
        from_listener = c.client.run(*connect, "-d")
        server.wait()
    for name, out in (("to-listener", to_listener), ("from-listener", from_listener)):
        with open(c.path(name), "wb") as got:
            got.write(out)
        compare(c.path(name), c.path("file"))
    c.moved(2 * size)


def rsync(c, *words):
    return c.client.run("rsync", "-a", "--stats", "--no-human-readable", "--port", str(PORT),
                        *words).decode()


@case(VETH)
def rsync_tree(c):
    """rsync: a tree to the daemon, a tree from it, and only what has changed."""
    os.mkdir(c.path("there"))
    size = make_tree(c.path("here"), amount(60, 20))
    big = amount(5000000, 500000)
    make_file(c.path("here", "big"), big)
    c.server.serve(PORT, "rsync", "--daemon", "--no-detach", "--address", c.address, "--port",
                   str(PORT), "--config", c.write("rsyncd.conf", RSYNCD.format(work=c.work)))
    module = f"rsync://{c.host}/tree/"
    rsync(c, c.path("here") + "/", module)
    due = tree(c.path("here"))
    check(tree(c.path("there")) == due, "another tree at the daemon")
    rsync(c, module, c.path("back") + "/")
    check(tree(c.path("back")) == due, "another tree that came back")
    c.moved(2 * (size + big))

    # Some octets of the large file change: rsync finds out which.
    pick = random.Random(2)
    with open(c.path("here", "big"), "r+b") as file:
        for _ in range(5):
            file.seek(pick.randrange(big))
            file.write(b"changed")
    said = rsync(c, "-c", c.path("here") + "/", module)
    check(tree(c.path("there")) == tree(c.path("here")), "another tree after the change")
    literal = int(re.search(r"Literal data: (\d+)", said).group(1))
    check(0 < literal < big // 2, f"{literal} octets sent for a change of 35")
    equal("connections", c.opened(), 3)


if __name__ == "__main__":
    sys.exit(main("socat", "nc", "rsync"))

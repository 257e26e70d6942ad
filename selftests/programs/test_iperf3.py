#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""iperf3 over XTCP: one stream and eight, both directions, one after the other and at once.

It compares no octets, and the files of its option -F do not arrive whole over TCP either: it
forgets where it was after a short write. The tests beside this one compare.

Time limit: 600 s
"""

import json
import sys

from lib import LOOPBACK, VETH, amount, case, check, equal, main

PORT = 5201
STREAMS = 8


def server(c):
    """It listens for both versions with one socket."""
    return c.server.serve(PORT, "iperf3", "-s", "-p", str(PORT))


def iperf3(c, *words):
    """A run of the client; its report."""
    out = c.client.run("iperf3", "-J", "-c", c.address, "-p", str(PORT), *words)
    report = json.loads(out)
    check("error" not in report, report.get("error"))
    return report


def whole(c, report, streams):
    """Each stream has moved octets; returns how many have arrived in all.

    iperf3 counts by what was written, and reads no more when the last is: what is on its way
    then counts for nobody.
    """
    ends = report["end"]["streams"]
    equal("streams", len(ends), streams)
    for number, end in enumerate(ends):
        sent, received = end["sender"]["bytes"], end["receiver"]["bytes"]
        check(sent > 0, f"stream {number} has sent nothing")
        check(received <= sent, f"stream {number}: {received} octets received, {sent} sent")
    total = sum(end["receiver"]["bytes"] for end in ends)
    bits = sum(end["receiver"]["bits_per_second"] for end in ends)
    print(f"# {streams} streams: {total / 1e6:.0f} MB, {bits / 1e6:.0f} Mbit/s")
    c.moved(total)
    return total


@case(LOOPBACK, VETH)
def directions(c):
    """One stream and eight, to the server and from it."""
    size = amount(24, 4) << 20
    server(c)
    # The buffers of eight may take as much as that before anybody reads: they get time instead.
    for streams, much in ((1, ("-n", str(size))), (STREAMS, ("-t", "3"))):
        for way in ((), ("-R",)):
            total = whole(c, iperf3(c, "-P", str(streams), *much, *way), streams)
            check(total > 0, "nothing has arrived")
    # One more for each run: control.
    equal("connections", c.opened(), 2 * (1 + STREAMS) + 4)


@case(LOOPBACK, VETH)
def both(c):
    """Eight streams in each direction at once, none of which starves."""
    server(c)
    report = iperf3(c, "-P", str(STREAMS), "-t", "4", "--bidir")
    whole(c, report, 2 * STREAMS)
    for number, end in enumerate(report["end"]["streams"]):
        check(end["receiver"]["bytes"] > 0, f"stream {number} has received nothing")
    equal("connections", c.opened(), 2 * STREAMS + 1)


@case()
def options(c):
    """A segment size, buffers, a paced rate, a TOS, and no delay."""
    server(c)
    report = iperf3(c, "-n", "5M", "-M", "1000", "-w", "128K", "--fq-rate", "200M", "-N",
                    "-S", "0x20")
    total = whole(c, report, 1)
    segments = c.client_counted("OutSegs")
    check(segments * 1000 >= total, f"{total} octets in only {segments} segments")
    rate = report["end"]["sum_received"]["bits_per_second"]
    check(rate < 240e6, f"{rate / 1e6:.0f} Mbit/s")


if __name__ == "__main__":
    sys.exit(main("iperf3"))

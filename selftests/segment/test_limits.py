#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How a silent peer is asked, and for how long: head of line, R2, TCP_USER_TIMEOUT; and what
a few duplicate ACKs let go (RFC 6298, 9293 3.8.3, 5482, 3042)."""

import os
import struct

from lib import Fail, case, main
from lib.stage import Skip

MSS = 1000
SOON = (-0.1, 0.15)     # the answer may be stamped before the question was


def sender(c, sack, rtt=0.0, win=65535):
    """A connection that the peer opened, with or without SACK, and a large send buffer."""
    c.sysctl("sack", int(sack))
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.win = win
    flow.inject("S", opts=struct.pack("!BBH", 2, 4, MSS) + (b"\4\2\1\1" if sack else b""))
    flow.expect("SA")
    c.sleep(rtt)
    flow.inject("A")
    return c.take(listener, sndbuf=1 << 18), flow


def report(flow, start, end):
    """Option octets: this range arrived."""
    return struct.pack("!BBBBII", 1, 1, 5, 10, (start + flow.sut_isn) & 0xffffffff,
                       (end + flow.sut_isn) & 0xffffffff)


def at(number):
    """Where segment @number begins, counted from 0."""
    return 1 + number * MSS


# The head of the line


def asks_ever_less_often(flow, times):
    """The first of six segments comes after one time-out, and @times more, each twice as late."""
    gap = flow.expect("A", seq=1, len=MSS, gap=(0.19, 0.8)).gap
    for _ in range(times):
        gap = flow.expect("A", seq=1, len=MSS, gap=(1.8 * gap, 2.3 * gap + 0.3)).gap
    flow.inject("A", ack=at(6))
    flow.expect_nothing(0.5)


def head_of_line(c, sack):
    """Six segments are out and nothing comes back: the first one asks, ever less often."""
    sock, flow = sender(c, sack)
    c.send(sock, 6 * MSS)
    flow.absorb(at(6))
    asks_ever_less_often(flow, 3)


@case()
def head_of_line_without_sack(c):
    """A time-out sends one segment, the first; the time doubles with each (RFC 6298 5.4, 5.5)."""
    head_of_line(c, False)


@case()
def head_of_line_with_sack(c):
    """The same where SACK is on."""
    head_of_line(c, True)


@case()
def head_of_line_behind_reports(c):
    """All but the first were reported, and its retransmission is lost too: it alone asks on."""
    sock, flow = sender(c, True)
    c.send(sock, 6 * MSS)
    flow.absorb(at(6))
    flow.inject("A", ack=1, opts=report(flow, at(1), at(6)))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    asks_ever_less_often(flow, 2)


@case()
def back_off_ends_with_the_answer(c):
    """The answer to the head ends the back-off for what follows (RFC 6298 5.7, Karn)."""
    sock, flow = sender(c, False)
    c.send(sock, MSS)
    flow.expect("A", seq=1, len=MSS)
    base = flow.expect("A", seq=1, len=MSS, gap=(0.19, 0.8)).gap
    flow.expect("A", seq=1, len=MSS, gap=(1.8 * base, 2.3 * base + 0.3))
    flow.inject("A")
    c.send(sock, MSS)
    flow.expect("A", seq=at(1), len=MSS)
    flow.inject("A")        # a sample
    c.send(sock, MSS)
    flow.expect("A", seq=at(2), len=MSS)
    flow.expect("A", seq=at(2), len=MSS, gap=(0.19, 1.5 * base + 0.1))
    flow.inject("A")


# How long


@case()
def r2_in_time(c):
    """R2 is a time: as long as retries2 expiries of 200 ms last, 3 s for three (MUST-20)."""
    c.sysctl("retries2", 3)
    sock, flow = sender(c, False)
    c.send(sock, MSS)
    first = flow.expect("A", seq=1, len=MSS)
    sent = [seg.time for seg in flow.gather(2.0)]
    c.so_error(sock, "ETIMEDOUT", timeout=10)
    c.check(2.8 < c.awake - first.time < 8, "%.2f s" % (c.awake - first.time))
    c.check(len(sent) >= 3, "%d retransmissions" % len(sent))
    c.expect_state(flow, None)


@case()
def user_timeout_is_kept_to_the_tick(c):
    """TCP_USER_TIMEOUT between two expiries: the end comes then and not with the next one."""
    sock, flow = sender(c, False)
    c.option(sock, "USER_TIMEOUT", 2000)
    c.send(sock, MSS)
    first = flow.expect("A", seq=1, len=MSS)
    c.so_error(sock, "ETIMEDOUT", timeout=8)
    # Expiries come after 0.2, 0.6, 1.4 and 3 s.
    c.check(1.95 < c.awake - first.time < 2.7, "%.2f s" % (c.awake - first.time))


@case()
def user_timeout_outlasts_r2(c):
    """A longer one holds the connection beyond R2."""
    c.sysctl("retries2", 1)
    sock, flow = sender(c, False)
    c.option(sock, "USER_TIMEOUT", 4000)
    c.send(sock, MSS)
    first = flow.expect("A", seq=1, len=MSS)
    flow.gather(2.0)
    c.so_error(sock, "ETIMEDOUT", timeout=10)
    c.check(3.9 < c.awake - first.time < 6, "%.2f s" % (c.awake - first.time))


@case()
def user_timeout_while_connecting(c):
    """In SYN-SENT too."""
    sock, flow = c.start_connect(before=lambda s: c.option(s, "USER_TIMEOUT", 2200))
    first = flow.expect("S")
    flow.expect("S", seq=0, gap=1.0)
    c.so_error(sock, "ETIMEDOUT", timeout=8)
    c.check(2.1 < c.awake - first.time < 4.5, "%.2f s" % (c.awake - first.time))
    c.expect_state(flow, None)


@case()
def user_timeout_of_a_closed_window(c):
    """A window that stays closed, and probes without an answer."""
    sock, flow = sender(c, False, win=2000)
    c.option(sock, "USER_TIMEOUT", 1500)
    c.send(sock, 5000)
    flow.absorb(2001)
    flow.inject("A", win=0)
    shut = flow.sent_at
    flow.expect("A", seq=2000, after=(0.15, 1.0))
    c.so_error(sock, "ETIMEDOUT", timeout=8)
    c.check(1.3 < c.awake - shut < 5, "%.2f s" % (c.awake - shut))


@case(timeout=120, tcp=False)   # Linux gives up after 127 s
def syn_for_three_minutes(c):
    """Seven more SYNs after 1, 2, 4 ... 64 s, the end after 247 s (MUST-23); only if asked for."""
    if os.environ.get("XTCP_STRESS") != "1":
        raise Skip("takes four minutes: XTCP_STRESS=1 runs it")
    sock, flow = c.start_connect()
    first = flow.expect("S")
    for i in range(7):
        flow.expect("S", seq=0, gap=(0.98 * 2 ** i, 1.02 * 2 ** i + 0.4))
    c.so_error(sock, "ETIMEDOUT", timeout=140)
    c.check(245 < c.awake - first.time < 252, "%.1f s" % (c.awake - first.time))


# Limited transmit


def limited_transmit(c, sack):
    """Ten segments are out, as many as may be, and more waits."""
    sock, flow = sender(c, sack, rtt=0.3)
    c.send(sock, 30 * MSS)
    flow.absorb(at(10))
    # A round trip, a quarter of which RACK waits for what may be reordered.
    c.sleep(0.3)
    for i in range(2):
        flow.inject("A", ack=1, opts=report(flow, at(1), at(2 + i)) if sack else b"")
        flow.expect("A", seq=at(10 + i), len=MSS, after=SOON)
        flow.expect_nothing(0.02)
    if c.info(sock)["snd_cwnd"] != 10:
        raise Fail("cwnd is %d: it has nothing to do with it" % c.info(sock)["snd_cwnd"])
    flow.inject("A", ack=1, opts=report(flow, at(1), at(4)) if sack else b"")
    flow.expect("A", seq=1, len=MSS, after=SOON)
    c.equal(c.info(sock)["ca_state"], 3, "fast recovery")


@case()
def limited_transmit_without_sack(c):
    """The first two duplicate ACKs let one new segment go each, at once; the third repairs."""
    limited_transmit(c, False)


@case()
def limited_transmit_with_sack(c):
    """The same with the segments reported."""
    limited_transmit(c, True)


if __name__ == "__main__":
    main(__doc__)

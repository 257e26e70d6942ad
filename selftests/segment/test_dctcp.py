#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""DCTCP (RFC 8257): every segment marked, an echo for each, a window that falls by as much."""

import socket
import struct

from lib import case, main
from lib.stage import Skip

MSS = 1000
NOT_ECT, ECT0, CE = 0, 2, 3
TCP_CC_INFO = 26


def mark(seg):
    """The two ECN bits of a segment's IP header."""
    return seg.tos & 3


def at(n):
    """Where segment @n begins, counted from 0."""
    return 1 + n * MSS


def choose(sock):
    """This socket uses DCTCP."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"dctcp")
    except FileNotFoundError as err:
        raise Skip("no dctcp; modprobe tcp_dctcp") from err
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)


def accept(c):
    """A connection whose peer opened it; the sysctl says no."""
    c.sysctl("ecn", 0)
    listener = c.listen(before=choose)
    flow = c.flow(listener.getsockname()[1])
    flow.inject("SEC", mss=MSS, tos=ECT0)
    c.equal(mark(flow.expect("SAE")), ECT0, "mark of the SYN-ACK")
    flow.inject("A")
    return c.take(listener), flow


def cc_info(sock):
    """enabled, CE state, alpha in 1024ths."""
    return struct.unpack("=HHI", sock.getsockopt(socket.IPPROTO_TCP, TCP_CC_INFO, 16)[:8])


@case()
def asks_by_itself(c):
    """It asks and agrees whatever net.xtcp.ecn says; every segment is ECT(0) (3.5)."""
    c.sysctl("ecn", 0)
    sock, flow = c.start_connect(before=choose)
    c.equal(mark(flow.expect("SEC")), ECT0, "mark of the SYN")
    flow.inject("SAE", mss=MSS, tos=ECT0)
    c.equal(mark(flow.expect("A")), ECT0, "mark of the ACK")
    c.equal(cc_info(sock)[0], 1, "enabled")
    c.send(sock, MSS)
    c.equal(mark(flow.expect("PA", len=MSS)), ECT0, "mark of data")
    c.equal(mark(flow.expect("PA", seq=1, len=MSS)), ECT0, "mark of what is sent again")
    flow.inject("A")
    sock.shutdown(socket.SHUT_WR)
    c.equal(mark(flow.expect("FA")), ECT0, "mark of the FIN")


@case()
def agrees_by_itself(c):
    """A listener with it agrees, to a marked SYN too, and hands it down."""
    sock, flow = accept(c)
    flow.inject("PA", len=10, tos=ECT0)
    c.equal(mark(flow.expect("A")), ECT0, "mark of an ACK")
    c.equal(cc_info(sock)[0], 1, "enabled")


@case()
def reno_without_ecn(c):
    """The peer knows no ECN: nothing is marked, and an ECE means nothing."""
    c.sysctl("ecn", 0)
    sock, flow = c.start_connect(before=choose)
    flow.expect("SEC")
    flow.inject("SA", mss=MSS)
    flow.expect("A")
    c.equal(cc_info(sock)[0], 0, "enabled")
    c.send(sock, 4 * MSS)
    for seg in flow.absorb(at(4)):
        c.equal(mark(seg), NOT_ECT, "mark of data")
    flow.inject("AE", ack=at(2))
    c.sleep(0.05)
    c.equal(c.info(sock)["ca_state"], 0, "state")
    flow.inject("A")


@case()
def each_is_echoed(c):
    """A change of the mark is acknowledged at once, and what came before it as it came (3.2)."""
    sock, flow = accept(c)
    flow.inject("PA", len=100, tos=ECT0)
    flow.expect("A", ack=101)
    c.option(sock, "QUICKACK", 0)
    # Two that wait for the timer are acknowledged when a third is marked.
    flow.inject("PA", len=100, tos=ECT0)
    flow.inject("PA", len=100, tos=CE)
    flow.expect("A", ack=201)
    flow.expect("AE", ack=301)
    c.equal(cc_info(sock)[:2], (1, 1), "enabled, CE state")
    flow.inject("PA", len=100, tos=CE)
    flow.inject("PA", len=100, tos=ECT0)
    flow.expect("AE", ack=401)
    flow.expect("A", ack=501)
    c.equal(cc_info(sock)[:2], (1, 0), "enabled, CE state")
    # CWR ends no echo that the next mark does not end.
    flow.inject("PAC", len=100, tos=CE)
    flow.expect("AE", ack=601)
    flow.inject("PAC", len=100, tos=CE)
    flow.expect("AE", ack=701)


def windows(c, sock, flow, count, size=10):
    """So many windows of @size segments, acknowledged without a mark."""
    for _ in range(count):
        end = flow.rcv + size * MSS
        c.send(sock, size * MSS)
        flow.absorb(end)
        flow.inject("A")
        c.sleep(0.005)


@case()
def falls_by_the_estimate(c):
    """After windows without marks one of them takes little: cwnd * (1 - alpha / 2) (3.3)."""
    sock, flow = accept(c)
    windows(c, sock, flow, 1)
    _, _, first = cc_info(sock)
    windows(c, sock, flow, 30)
    _, _, alpha = cc_info(sock)
    c.check(first >= 900, "alpha begins at 1: %d" % first)
    c.check(120 < alpha < 180, "0.94 to the 30th is 0.14: alpha is %d" % alpha)
    cwnd = c.info(sock)["snd_cwnd"]
    c.send(sock, 10 * MSS)
    flow.absorb(flow.rcv + 10 * MSS)
    flow.inject("AE", ack=flow.rcv - 5 * MSS)
    c.eventually(lambda: c.info(sock)["ca_state"] == 2, "CWR")
    # This acknowledgment ends a window, which it marks: alpha is a sixteenth more.
    after = cc_info(sock)[2]
    got, want = c.info(sock)["snd_ssthresh"], cwnd * (1 - after / 2048)
    c.check(alpha < after <= alpha + 64, "alpha after the mark: %d" % after)
    c.check(abs(got - want) <= 1, "ssthresh is %d, expected %.1f of %d" % (got, want, cwnd))
    c.check(got > cwnd * 0.8, "less than a loss takes")
    flow.inject("A")


@case()
def a_loss_is_a_loss(c):
    """Whatever alpha is, a loss takes half (3.4)."""
    sock, flow = accept(c)
    windows(c, sock, flow, 30)
    cwnd = c.info(sock)["snd_cwnd"]
    start = flow.rcv
    c.send(sock, cwnd * MSS)
    flow.absorb(start + cwnd * MSS)
    for _ in range(3):
        flow.inject("A", ack=start)
    flow.expect("A", seq=start, len=MSS)
    got = c.info(sock)["snd_ssthresh"]
    c.check(abs(got - cwnd / 2) <= 1, "ssthresh is %d of %d" % (got, cwnd))
    flow.inject("A")


if __name__ == "__main__":
    main(__doc__)

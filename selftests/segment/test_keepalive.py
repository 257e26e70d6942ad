#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Keepalive (RFC 9293 3.8.4): probes, answers, giving up, and what must not happen."""

import socket

from lib import case, main


def keepalive(c, idle=1, interval=1, count=2, enable=True, rtt=0):
    """An established connection with keepalive times in seconds."""
    def before(sock):
        if enable:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        c.option(sock, "KEEPIDLE", idle)
        c.option(sock, "KEEPINTVL", interval)
        c.option(sock, "KEEPCNT", count)
    return c.connect(before=before, rtt=rtt)


@case()
def probe_and_answer(c):
    """An idle connection is probed with an old number and no data (MUST-27, SHLD-12)."""
    _, flow = keepalive(c)
    for _ in range(3):
        flow.expect("A", seq=0, gap=1.0)
        flow.inject("A", ack=1)
    c.expect_state(flow, "ESTABLISHED")


@case()
def gives_up(c):
    """KEEPCNT probes without an answer: RST and ETIMEDOUT."""
    sock, flow = keepalive(c)
    flow.expect("A", seq=0, gap=1.0)
    flow.expect("A", seq=0, gap=1.0)
    seg = flow.next(4)
    c.check(seg is not None and seg.flags & 4, "no RST after two probes")
    c.so_error(sock, "ETIMEDOUT")
    c.expect_state(flow, None)


@case()
def lost_answer_is_forgiven(c):
    """One unanswered probe does not end it (MUST-29); the count starts anew."""
    _, flow = keepalive(c)
    for _ in range(2):
        flow.expect("A", seq=0, gap=1.0)
        flow.expect("A", seq=0, gap=1.0)
        flow.inject("A", ack=1)
    flow.expect("A", seq=0, gap=1.0)
    c.expect_state(flow, "ESTABLISHED")


@case()
def off_by_default(c):
    """Without SO_KEEPALIVE nothing is ever sent (MUST-25)."""
    _, flow = keepalive(c, enable=False)
    flow.expect_nothing(2.5)


@case()
def enabled_later(c):
    """SO_KEEPALIVE on an open connection starts it, and ends it (MUST-24)."""
    sock, flow = keepalive(c, enable=False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    flow.expect("A", seq=0, within=3)
    flow.inject("A", ack=1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    flow.expect_nothing(2.2)


@case()
def traffic_postpones(c):
    """Only an idle connection is probed (MUST-26): received data starts the time anew."""
    sock, flow = keepalive(c, idle=2)
    for _ in range(5):
        c.sleep(0.6)
        flow.inject("PA", len=10)
        flow.expect("A")
        c.recv(sock, 10)
    flow.expect("A", seq=0, after=2.0)


@case()
def data_in_flight_is_no_keepalive(c):
    """While data waits for its ACK the retransmission timer is in charge."""
    sock, flow = keepalive(c, rtt=0.5)
    c.sleep(0.5)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.expect("PA", seq=1, len=100, gap=(1.0, 3))
    flow.inject("A")
    flow.expect("A", seq=100, after=(0.5, 3))


@case()
def probes_of_the_peer(c):
    """Probes are answered with an ACK, with or without the garbage octet (MAY-6)."""
    sock, flow = c.accept()
    flow.inject("PA", len=10)
    flow.expect("A")
    c.recv(sock, 10)
    for _ in range(2):
        flow.inject("A", seq=10)
        flow.expect("A", ack=11, after=(-1, 0.3))
        flow.inject("A", seq=10, len=1)
        flow.expect("A", ack=11, after=(-1, 0.3))
    c.nothing(sock)


@case()
def defaults(c):
    """Two hours, as every host must have it unless told otherwise (MUST-28)."""
    sock, _ = c.connect()
    values = [sock.getsockopt(socket.IPPROTO_TCP, o) for o in
              (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
    c.equal(values, [7200, 75, 9], "idle, interval, count")
    c.equal(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0, "SO_KEEPALIVE")


if __name__ == "__main__":
    main(__doc__)

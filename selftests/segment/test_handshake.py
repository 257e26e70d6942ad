#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Opening a connection, segment by segment (RFC 9293 3.5 and 3.10.7, RFC 6528).

Both directions, simultaneous open, back-off, data with SYN, initial sequence numbers. The
options of a SYN are in test_syn_options.py, segments that do not belong in test_stray.py.
"""

import socket

from lib import case, main

QUIET = 0.4     # how long "no answer" is watched


# The three-way handshake


@case()
def active_open(c):
    """SYN with MSS (MUST-14) and window scale, ACK of the SYN,ACK; connect() is done with it."""
    sock, flow = c.start_connect()
    syn = flow.expect("S", mss=c.mss)
    c.check(syn.ws is not None and syn.ws <= 14, "window scale %s" % syn.ws)
    c.check(0 < syn.win <= 65535, "window %d" % syn.win)
    c.expect_state(flow, "SYN_SENT")
    flow.inject("SA", mss=1000, ws=3)
    flow.expect("A", seq=1, ack=1)
    c.wait(sock, "w")
    c.so_error(sock, "0")
    c.expect_state(flow, "ESTABLISHED")
    c.equal(sock.getpeername()[:2], (c.peer, flow.port), "getpeername")
    flow.expect_nothing(QUIET)


@case()
def passive_open(c):
    """SYN,ACK acknowledges the SYN; accept() gives the connection after the ACK only."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, ws=3)
    syn = flow.expect("SA", ack=1, mss=c.mss)
    c.check(syn.ws is not None and syn.ws <= 14, "window scale %s" % syn.ws)
    c.expect_state(flow, "SYN_RECV")
    c.raises("EAGAIN", listener.accept)
    flow.inject("A")
    c.wait(listener, "r")
    sock, addr = listener.accept()
    c.equal(addr[:2], (c.peer, flow.port), "accept address")
    c.equal(sock.getsockname()[:2], (c.local, flow.sut_port), "getsockname")
    c.expect_state(flow, "ESTABLISHED")
    flow.expect_nothing(QUIET)


def defer(seconds):
    """For before=: TCP_DEFER_ACCEPT."""
    return lambda sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, seconds)


def deferred(c, seconds):
    """Such a listener, and a peer that has its SYN,ACK."""
    listener = c.listen(before=defer(seconds))
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    return listener, flow


@case()
def accept_waits_for_data(c):
    """TCP_DEFER_ACCEPT: the ACK of the handshake alone opens nothing."""
    listener, flow = deferred(c, 10)
    flow.inject("A")
    flow.expect_nothing(QUIET)
    c.expect_state(flow, "SYN_RECV")
    c.raises("EAGAIN", listener.accept)
    flow.inject("PA", len=100)
    flow.expect("A", ack=101)
    sock = c.take(listener)
    c.recv(sock, 100)
    c.check(c.info(sock)["rtt"] < 300000, "the wait is no round trip")
    name = "TCPDeferAcceptDrop" if c.tcp else "DeferAcceptDrop"
    c.equal(c.counters().get(name), 1, name)


@case()
def accept_waits_no_longer(c):
    """The time is over: the SYN,ACK goes once more, and its ACK counts without data."""
    listener, flow = deferred(c, 1)
    flow.inject("A")
    flow.expect("SA", seq=0, after=(0.8, 1.5))
    c.raises("EAGAIN", listener.accept)
    flow.inject("A")
    c.take(listener)
    c.expect_state(flow, "ESTABLISHED")


@case()
def accept_does_not_wait_for_a_fin(c):
    """A peer that has nothing to say and closes: accept() gives the end of the stream."""
    listener, flow = deferred(c, 10)
    flow.inject("FA")
    flow.expect("A", ack=2)
    c.equal(c.take(listener).recv(1), b"", "the end of the stream")


@case()
def connect_defers_its_ack(c):
    """TCP_DEFER_ACCEPT on the side that opens: the ACK waits for data to ride on."""
    sock, flow = c.start_connect(before=defer(1))
    flow.expect("S")
    flow.inject("SA", mss=1000)
    flow.expect_nothing(0.1)
    c.send(sock, 100)
    flow.expect("PA", seq=1, ack=1, len=100)
    flow.inject("A", ack=101)
    sock, flow = c.start_connect(before=defer(1))
    flow.expect("S")
    flow.inject("SA", mss=1000)
    flow.expect("A", seq=1, ack=1, after=(0.1, 0.4))


@case()
def passive_open_completed_by_data(c):
    """The ACK of the handshake was lost; the first data segment completes it."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.inject("PA", len=100)
    flow.expect("A")
    sock = listener.accept()[0]
    sock.setblocking(False)
    c.recv(sock, 100)


@case()
def accept_wakes_a_sleeper(c):
    """A blocking accept() returns when the handshake ends."""
    listener = c.listen()
    listener.setblocking(True)
    waiting = c.background(listener.accept)
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    c.sleep(0.2)
    c.check(waiting.running(), "accept() returned before the ACK")
    flow.inject("A")
    c.equal(waiting.result()[1][1], flow.port, "peer port")


@case()
def connect_wakes_a_sleeper(c):
    """A blocking connect() returns when the SYN,ACK comes, not before."""
    sock, flow = c.socket(), c.flow(None)
    sock.setblocking(True)
    waiting = c.background(sock.connect, (c.peer, flow.port))
    flow.expect("S")
    flow.sut_port = sock.getsockname()[1]
    c.check(waiting.running(), "connect() returned before the SYN,ACK")
    flow.inject("SA", mss=1000)
    flow.expect("A")
    waiting.result()


# Retransmission of SYN and SYN,ACK


@case()
def syn_back_off(c):
    """The SYN is repeated unchanged after 1, 2 and 4 seconds (RFC 6298, MUST-22)."""
    _, flow = c.start_connect()
    first = flow.expect("S")
    for gap in (1.0, 2.0, 4.0):
        again = flow.expect("S", seq=0, gap=gap)
        c.equal((again.opts, again.win), (first.opts, first.win), "options and window")


@case()
def syn_ack_back_off(c):
    """The SYN,ACK is repeated unchanged after 1, 2 and 4 seconds."""
    c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, ws=2)
    first = flow.expect("SA")
    for gap in (1.0, 2.0, 4.0):
        again = flow.expect("SA", seq=0, gap=gap)
        c.equal((again.opts, again.win), (first.opts, first.win), "options and window")


@case()
def syn_retries_end_with_timeout(c):
    """net...syn_retries SYNs, then ETIMEDOUT and no trace of the connection."""
    c.sysctl("syn_retries", 1)
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.expect("S", seq=0, gap=1.0)
    c.so_error(sock, "ETIMEDOUT", timeout=5)
    c.expect_state(flow, None)
    flow.expect_nothing(0.3)


@case()
def syncnt_option(c):
    """TCP_SYNCNT overrides the sysctl."""
    sock, flow = c.start_connect(before=lambda s: c.option(s, "SYNCNT", 1))
    flow.expect("S")
    flow.expect("S", seq=0, gap=1.0)
    c.so_error(sock, "ETIMEDOUT", timeout=5)


@case()
def synack_retries_end_the_request(c):
    """After net...synack_retries the request is forgotten; its late ACK meets a RST."""
    c.sysctl("synack_retries", 1)
    c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.expect("SA", seq=0, gap=1.0)
    c.expect_state(flow, None, timeout=6)
    flow.inject("A")
    flow.expect("R", seq=1)


@case()
def syn_repeated_by_peer(c):
    """A repeated SYN is answered with the same SYN,ACK at once."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, ws=2)
    first = flow.expect("SA")
    flow.inject("S", seq=0, mss=1000, ws=2)
    again = flow.expect("SA", seq=0, within=0.9)
    c.equal(again.opts, first.opts, "options")
    flow.inject("A")
    c.wait(listener, "r")


@case()
def syn_ack_repeated_by_peer(c):
    """The ACK of the handshake was lost; a repeated SYN,ACK is acknowledged again."""
    _, flow = c.connect()
    flow.inject("SA", seq=0, ack=1, mss=1000)
    flow.expect("A")
    c.expect_state(flow, "ESTABLISHED")


# Simultaneous open (RFC 9293 figure 7, MUST-10)


@case()
def simultaneous_open(c):
    """SYN meets SYN: SYN,ACK, and the peer's ACK establishes."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("S", mss=1000, ack=0)
    flow.expect("SA", seq=0, ack=1, mss=c.mss)
    c.expect_state(flow, "SYN_RECV")
    flow.inject("A")
    c.wait(sock, "w")
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("PA", len=50)
    flow.expect("A")
    c.recv(sock, 50)
    c.send(sock, 50)
    flow.expect("PA", len=50)


@case()
def simultaneous_open_both_syn_acks(c):
    """Both sides' SYN,ACKs cross too: what follows agrees on one connection."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("S", mss=1000)
    flow.expect("SA", seq=0)
    flow.inject("SA", seq=0, ack=1, mss=1000)
    for seg in flow.gather(QUIET):     # an ACK, needed or not, is what it may cause
        c.equal((seg.flags, seg.seq, seg.ack), (0x10, 1, 1), "flags, seq, ack")
    flow.inject("A")
    c.wait(sock, "w")
    c.expect_state(flow, "ESTABLISHED")
    c.send(sock, 50)
    flow.expect("PA", len=50)


@case()
def simultaneous_open_reset(c):
    """A RST in SYN-RECEIVED: an open that was active has failed, and says so (MUST-11)."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("S", mss=1000)
    flow.expect("SA", seq=0)
    c.expect_state(flow, "SYN_RECV")
    flow.inject("R")
    c.wait(sock, "h")
    c.so_error(sock, "ECONNRESET" if c.tcp else "ECONNREFUSED")
    c.expect_state(flow, None)


@case()
def simultaneous_open_retransmits(c):
    """In SYN-RECEIVED from a simultaneous open the SYN,ACK is repeated when due."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("S", mss=1000)
    flow.expect("SA", seq=0)
    flow.expect("SA", seq=0, gap=(0.9, 3.5))
    flow.inject("A")
    c.wait(sock, "w")
    c.expect_state(flow, "ESTABLISHED")


# Data with SYN, initial sequence numbers


@case()
def syn_with_data(c):
    """Data in a SYN is kept or left for the peer to repeat, but never corrupts the stream."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, len=40)
    seg = flow.expect("SA", ack={1, 41})
    flow.nxt = seg.ack
    flow.inject("PA", len=141 - seg.ack)
    flow.expect("A", ack=141)
    sock = listener.accept()[0]
    sock.setblocking(False)
    c.recv(sock, 140)


@case()
def syn_ack_with_data(c):
    """The same for data in a SYN,ACK."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("SA", mss=1000, len=40)
    seg = flow.expect("A", ack={1, 41})
    flow.nxt = seg.ack
    flow.inject("PA", len=141 - seg.ack)
    flow.expect("A", ack=141)
    c.recv(sock, 140)


@case()
def isn_grows_for_the_same_tuple(c):
    """The clock part of RFC 6528: a later incarnation starts further on (MUST-8)."""
    c.listen()
    ports = c.flow()
    isns = []
    for _ in range(3):
        flow = c.flow(port=ports.port)
        flow.inject("S", mss=1000)
        seg = flow.expect("SA")
        flow.inject("R")
        c.expect_state(flow, None)
        isns.append((flow.sut_isn, seg.time))
        c.sleep(0.1)
    for (before, t0), (after, t1) in zip(isns, isns[1:]):
        grown = (after - before) & 0xffffffff
        c.check((t1 - t0) * 0.9 * 250000 <= grown < 1 << 31,
                "the ISN went on by %d in %.3f s" % (grown, t1 - t0))
        if not c.tcp:   # one tick is 4 us; Linux takes 64 ns
            c.check(grown <= (t1 - t0) * 250000 * 1.2 + 25000,
                    "the ISN went on by %d in %.3f s, faster than a tick of 4 us"
                    % (grown, t1 - t0))


@case()
def isn_differs_between_tuples(c):
    """The secret part of RFC 6528: ports do not predict each other's ISN (SHLD-1)."""
    c.listen()
    isns = []
    for _ in range(12):
        flow = c.flow()
        flow.inject("S", mss=1000)
        flow.expect("SA")
        isns.append(flow.sut_isn)
    far = sum(20000000 < (b - a) & 0xffffffff < (1 << 32) - 20000000
              for a, b in zip(isns, isns[1:]))
    c.check(far >= 9, "ISNs lie close together: %s" % isns)


if __name__ == "__main__":
    main(__doc__)

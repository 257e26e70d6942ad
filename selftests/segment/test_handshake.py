#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Opening a connection, segment by segment (RFC 9293 3.5 and 3.10.7, RFC 5961).

Both directions, simultaneous open, options, back-off and every answer that a segment
gets which belongs to no connection or to an older one.
"""

import errno
import socket

from lib import Fail, case, main

FIRST_OPEN = 0.4    # how long "no answer" is watched


# The three-way handshake


@case()
def active_open(c):
    """SYN with MSS and window scale, ACK of the SYN,ACK; connect() is done with it."""
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
    flow.expect_nothing(FIRST_OPEN)


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
    flow.expect_nothing(FIRST_OPEN)


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


# SYN options


def first_segment(c, sock, flow):
    """How long a full segment of the system under test is."""
    c.send(sock, 4000)
    size = flow.next(2)
    if size is None:
        raise Fail("no data segment")
    return size.len


@case()
def mss_default_active(c):
    """A SYN,ACK without MSS means 536 for IPv4, 1220 for IPv6 (MUST-15)."""
    sock, flow = c.connect(mss=None)
    c.equal(first_segment(c, sock, flow), 536 if c.version == 4 else 1220, "segment size")


@case()
def mss_default_passive(c):
    """A SYN without MSS means 536 for IPv4, 1220 for IPv6 (MUST-15)."""
    sock, flow = c.accept(mss=None)
    c.equal(first_segment(c, sock, flow), 536 if c.version == 4 else 1220, "segment size")


@case()
def mss_of_peer_respected(c):
    """No segment is larger than the MSS of either side (MUST-16)."""
    sock, flow = c.accept(mss=700)
    c.equal(first_segment(c, sock, flow), 700, "segment size")
    sock, flow = c.connect(mss=9000)
    c.equal(first_segment(c, sock, flow), c.mss, "segment size on MTU 1500")


@case(mtu=1280)
def mss_follows_the_mtu(c):
    """The MSS sent is the MTU minus the fixed headers (SHLD-6, MUST-67)."""
    _, flow = c.start_connect()
    flow.expect("S", mss=1240 if c.version == 4 else 1220)
    c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA", mss=1240 if c.version == 4 else 1220)


@case()
def maxseg_bounds_both_ways(c):
    """TCP_MAXSEG lowers the MSS sent and the segments sent."""
    sock, flow = c.start_connect(before=lambda s: c.option(s, "MAXSEG", 800))
    flow.expect("S", mss=800)
    flow.inject("SA", mss=1400)
    flow.expect("A")
    c.equal(first_segment(c, sock, flow), 800, "segment size")


@case()
def window_scale_only_if_offered(c):
    """No window scale in the SYN,ACK to a SYN without it (RFC 7323 1.3)."""
    c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    c.check(flow.expect("SA").ws is None, "window scale was not offered")


@case()
def window_scale_above_14(c):
    """A shift count above 14 is used as 14 (RFC 7323 2.3)."""
    sock, _ = c.accept(ws=15)
    shifts = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[6]
    c.equal(shifts & 15, 14, "shift of the peer's window")


@case()
def options_at_any_alignment(c):
    """MSS and window scale are found wherever they stand (MUST-5, 6, 64, 68)."""
    mss, scale = bytes((2, 4, 2, 188)), bytes((3, 3, 2))
    unknown = bytes((254, 5, 1, 2, 3))
    layouts = {"packed": mss + scale + b"\0",
               "scale first": scale + mss + b"\0",
               "odd offset": b"\1" + mss + scale,
               "between unknown ones": unknown + mss + unknown[:1] + b"\2" + scale + b"\1\1",
               "at the end": b"\1" * 29 + scale + b"\1" * 4 + mss,
               "after a long unknown one": bytes((253, 30)) + b"\xff" * 28 + mss + scale + b"\0\0\0"}
    listener = c.listen()
    for name, opts in layouts.items():
        flow = c.flow()
        flow.inject("S", opts=opts)
        syn = flow.expect("SA")
        c.check(syn.ws is not None, "%s: window scale not seen" % name)
        flow.inject("A")
        c.wait(listener, "r")
        sock = listener.accept()[0]
        sock.setblocking(False)
        c.equal(first_segment(c, sock, flow), 700, "%s: segment size" % name)
        sock.close()


@case()
def options_after_end_of_list(c):
    """Nothing behind an end-of-list option counts."""
    c.listen()
    flow = c.flow()
    flow.inject("S", opts=bytes((2, 4, 2, 188, 0, 3, 3, 2)))
    c.check(flow.expect("SA").ws is None, "an option behind the end of the list was used")


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
    for seg in flow.gather(FIRST_OPEN):     # an ACK, needed or not, is what it may cause
        c.equal((seg.flags, seg.seq, seg.ack), (0x10, 1, 1), "flags, seq, ack")
    flow.inject("A")
    c.wait(sock, "w")
    c.expect_state(flow, "ESTABLISHED")
    c.send(sock, 50)
    flow.expect("PA", len=50)


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


# Segments that meet no connection (RFC 9293 3.10.7.1)


@case()
def closed_port_syn(c):
    """A SYN to a closed port: RST,ACK with seq 0 acknowledging the SYN."""
    flow = c.flow(9)
    flow.sut_isn = 0
    flow.inject("S", mss=1000)
    flow.expect("RA", seq=0, ack=1)
    flow = c.flow(9)
    flow.sut_isn = 0
    flow.inject("S", mss=1000, len=20)
    flow.expect("RA", seq=0, ack=21)


@case()
def closed_port_others(c):
    """With ACK the RST takes its sequence number from it, else it acknowledges all."""
    for flags, size, reply, seq, ack in (
            ("A", 0, "R", 77777, None), ("SA", 0, "R", 77777, None),
            ("PA", 30, "R", 77777, None), ("FA", 0, "R", 77777, None),
            ("P", 30, "RA", 0, 30), ("F", 0, "RA", 0, 1), ("", 0, "RA", 0, 0)):
        flow = c.flow(9)
        flow.sut_isn = 0
        flow.inject(flags, len=size, ack=77777 if "A" in flags else None)
        flow.expect(reply, seq=seq, ack=ack, win=0)


@case()
def closed_port_rst(c):
    """A RST never causes a RST."""
    flow = c.flow(9)
    flow.inject("R")
    flow.inject("RA", ack=5)
    flow.expect_nothing(FIRST_OPEN)


@case()
def listen_ignores_and_resets(c):
    """In LISTEN a RST is ignored, an ACK gets a RST, anything without SYN is dropped."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("R")
    flow.inject("RA", ack=5)
    flow.inject("F")
    flow.inject("P", len=10)
    flow.inject("")
    flow.expect_nothing(FIRST_OPEN)
    flow.sut_isn = 0
    for flags in ("A", "SA", "FA", "PA"):
        flow.inject(flags, seq=10, ack=77777)
        flow.expect("R", seq=77777)
    c.raises("EAGAIN", listener.accept)


# Answers in SYN-SENT


@case()
def syn_sent_unacceptable_ack(c):
    """An ACK of anything but our SYN gets a RST with its number; the open goes on."""
    sock, flow = c.start_connect()
    flow.expect("S")
    for flags, ack in (("A", 0), ("A", 2), ("SA", 100), ("SA", -100), ("PA", 5000)):
        flow.inject(flags, seq=0, ack=ack, mss=1000 if "S" in flags else None)
        seg = flow.next(2)
        while seg is not None and seg.flags == 2:   # Linux hurries its SYN then: allowed
            seg = flow.next(2)
        c.check(seg is not None and seg.flags == 4 and seg.seq == ack,
                "no RST with seq %d for %s" % (ack, flags))
    c.expect_state(flow, "SYN_SENT")
    flow.rcv = 1
    flow.inject("SA", mss=1000)
    c.wait(sock, "w")
    c.expect_state(flow, "ESTABLISHED")


@case()
def syn_sent_no_ack_ignored(c):
    """Without SYN, RST or ACK nothing happens in SYN-SENT."""
    _, flow = c.start_connect()
    flow.expect("S")
    flow.inject("P", len=5, seq=0)
    flow.inject("F", seq=0)
    flow.inject("", seq=0)
    flow.inject("A", seq=0, ack=1)
    flow.expect_nothing(FIRST_OPEN)
    c.expect_state(flow, "SYN_SENT")


@case()
def connect_refused(c):
    """RST,ACK of our SYN: ECONNREFUSED, once, and the socket may connect again."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("RA", ack=1, seq=0)
    c.wait(sock, "h")
    c.so_error(sock, "ECONNREFUSED")
    c.so_error(sock, "0")
    c.expect_state(flow, None)
    again = c.flow(None)
    err = sock.connect_ex((c.peer, again.port))
    if err == errno.ECONNABORTED:   # Linux: the call that only ends the failed attempt
        err = sock.connect_ex((c.peer, again.port))
    c.equal(err, errno.EINPROGRESS, "second connect")
    again.expect("S")


@case()
def syn_sent_bad_rst_ignored(c):
    """A RST without an ACK of our SYN does not end the open."""
    _, flow = c.start_connect()
    flow.expect("S")
    flow.inject("R", seq=0)
    flow.inject("RA", seq=0, ack=0)
    flow.inject("RA", seq=0, ack=2)
    for seg in flow.gather(FIRST_OPEN):     # Linux hurries its SYN after that
        c.equal((seg.flags, seg.seq), (2, 0), "flags and seq")
    c.expect_state(flow, "SYN_SENT")
    flow.inject("SA", mss=1000)
    flow.expect("A")


# SYN-RECEIVED


@case()
def syn_received_unacceptable_ack(c):
    """An ACK of something else gets a RST; the right one still completes the open."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    for ack in (0, 2, 1000, -1000):
        flow.inject("A", seq=1, ack=ack)
        flow.expect("R", seq=ack)
    c.raises("EAGAIN", listener.accept)
    flow.inject("A")
    c.wait(listener, "r")
    c.expect_state(flow, "ESTABLISHED")


@case()
def syn_received_rst(c):
    """A RST sends the request back to LISTEN; one outside the window does not."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.inject("R", seq=100000)
    flow.inject("R", seq=-5)
    flow.expect_nothing(0.2)
    c.expect_state(flow, "SYN_RECV")
    flow.inject("R", seq=1)
    flow.expect_nothing(0.2)
    c.expect_state(flow, None)
    c.raises("EAGAIN", listener.accept)
    flow.inject("A")
    flow.expect("R", seq=1)


@case()
def syn_received_old_segment(c):
    """A segment outside the window is answered with an ACK and changes nothing."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.inject("PA", seq=1000000, ack=1, len=10)
    flow.expect("A", seq=1, ack=1)
    flow.inject("A")
    c.wait(listener, "r")


@case()
def syn_received_out_of_order_data(c):
    """Data behind a hole completes the handshake and is kept."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.inject("PA", seq=101, ack=1, len=100)
    flow.expect("A", ack=1)
    c.wait(listener, "r")
    sock = listener.accept()[0]
    sock.setblocking(False)
    flow.inject("PA", len=100)
    flow.nxt = 201
    flow.expect("A", ack=201)
    c.recv(sock, 200)


# Old duplicates and half-open connections (RFC 9293 figures 8 to 11)


@case()
def old_duplicate_syn_passive(c):
    """Figure 8, our side is B: the old SYN is undone by the RST, the new one connects."""
    listener = c.listen()
    old = c.flow(isn=90)
    old.inject("S", mss=1000)
    old.expect("SA", ack=1)
    old.inject("R")
    c.expect_state(old, None)
    new = c.flow(port=old.port, isn=100)
    new.inject("S", mss=1000)
    new.expect("SA", ack=1)
    new.inject("A")
    c.wait(listener, "r")
    c.expect_state(new, "ESTABLISHED")


@case()
def old_duplicate_syn_active(c):
    """Figure 8, our side is A: the SYN,ACK for the old SYN gets a RST with its ACK."""
    sock, flow = c.start_connect(isn=300)
    flow.expect("S")
    flow.inject("SA", seq=0, ack=-9, mss=1000)
    flow.expect("R", seq=-9)
    for seg in flow.gather(0.1):    # Linux hurries its SYN after that
        c.equal((seg.flags, seg.seq), (2, 0), "flags and seq")
    new = flow
    new.isn = 400
    new.rcv = 1
    new.inject("SA", mss=1000)
    new.expect("A", seq=1, ack=1)
    c.wait(sock, "w")


@case()
def half_open_syn_meets_established(c):
    """Figure 9: the restarted peer's SYN gets an ACK; its RST ends the old connection."""
    sock, flow = c.accept()
    flow.inject("S", seq=300000, mss=1000)
    flow.expect("A", seq=1, ack=1)
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("R", seq=1)
    c.error(sock, "ECONNRESET")
    c.expect_state(flow, None)
    new = c.flow(port=flow.port, isn=flow.isn + 300000)
    new.inject("S", mss=1000)
    new.expect("SA", ack=1)


@case()
def half_open_ack_meets_syn_sent(c):
    """Figure 9 from the restarted side: its SYN was answered by an old ACK; it resets."""
    _, flow = c.start_connect()
    flow.expect("S")
    flow.inject("A", seq=300, ack=-400)
    flow.expect("R", seq=-400)
    c.expect_state(flow, "SYN_SENT")


# RFC 5961


@case()
def challenge_ack_for_syn(c):
    """A SYN in or out of the window of a synchronized connection: one ACK, no harm."""
    sock, flow = c.accept()
    for seq in (0, 1, 2, 5000, -5000):
        flow.inject("S", seq=seq, mss=1000)
        flow.expect("A", seq=1, ack=1)
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("PA", len=10)
    flow.expect("A")
    c.recv(sock, 10)


@case()
def challenge_ack_for_inexact_rst(c):
    """RST in the window but not at its edge: ACK. Outside: silence. At the edge: the end."""
    sock, flow = c.accept()
    flow.inject("R", seq=2)
    flow.expect("A", seq=1, ack=1)
    flow.inject("R", seq=20000)
    flow.expect("A", seq=1, ack=1)
    flow.inject("R", seq=0)
    flow.inject("R", seq=10000000)
    flow.expect_nothing(FIRST_OPEN)
    c.nothing(sock)
    flow.inject("R", seq=1)
    c.error(sock, "ECONNRESET")
    flow.expect_nothing(0.2)
    c.expect_state(flow, None)


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


# Listen backlog (Linux's behaviour)


@case()
def accept_queue_full_drops_syn(c):
    """With the accept queue full a SYN is ignored; after accept() it is welcome."""
    listener = c.listen(backlog=2)
    for _ in range(3):      # backlog + 1 fit
        flow = c.flow()
        flow.inject("S", mss=1000)
        flow.expect("SA")
        flow.inject("A")
    c.expect_state(flow, "ESTABLISHED")
    late = c.flow()
    late.inject("S", mss=1000)
    late.expect_nothing(FIRST_OPEN)
    listener.accept()
    late.inject("S", seq=0, mss=1000)
    late.expect("SA")


@case()
def accept_queue_full_keeps_request(c):
    """The last ACK is ignored while the queue is full: the SYN,ACK is repeated."""
    listener = c.listen(backlog=2)
    flows = [c.flow() for _ in range(4)]
    for flow in flows:
        flow.inject("S", mss=1000)
        flow.expect("SA")
        if flow in flows[:2]:
            flow.inject("A")
    flows[2].inject("A")
    c.expect_state(flows[2], "ESTABLISHED")
    flows[3].inject("A")
    flows[3].expect("SA", seq=0, within=4)
    c.expect_state(flows[3], "SYN_RECV")
    listener.accept()
    flows[3].inject("A")
    c.expect_state(flows[3], "ESTABLISHED")


@case()
def accept_queue_full_aborts_if_asked(c):
    """net...abort_on_overflow answers that ACK with a RST."""
    c.sysctl("abort_on_overflow", 1)
    c.listen(backlog=2)
    flows = [c.flow() for _ in range(4)]
    for flow in flows:
        flow.inject("S", mss=1000)
        flow.expect("SA")
        if flow in flows[:2]:
            flow.inject("A")
    flows[2].inject("A")
    flows[3].inject("A")
    seg = flows[3].next(2)
    c.check(seg is not None and seg.flags & 4 and seg.seq == 1, "no RST for the overflow")
    c.expect_state(flows[3], None)


@case()
def closing_the_listener(c):
    """Requests and connections nobody accepted get a RST or are forgotten."""
    listener = c.listen()
    waiting, half = c.flow(), c.flow()
    for flow in (waiting, half):
        flow.inject("S", mss=1000)
        flow.expect("SA")
    waiting.inject("A")
    c.wait(listener, "r")
    listener.close()
    seg = waiting.next(2)
    c.check(seg is not None and seg.flags & 4, "no RST for a connection nobody accepted")
    c.expect_state(waiting, None)
    half.inject("A")
    half.expect("R", seq=1)


# Segments that must not count


@case()
def bad_checksum_syn(c):
    """A SYN with a wrong checksum is dropped, also to a closed port (MUST-3)."""
    c.listen()
    flow = c.flow()
    flow.inject("S", seq=0, mss=1000, bad_csum=True)
    flow.expect_nothing(FIRST_OPEN)
    closed = c.flow(9)
    closed.inject("S", mss=1000, bad_csum=True)
    closed.expect_nothing(0.2)
    flow.inject("S", mss=1000)
    flow.expect("SA")


def addresses(c, four, six):
    return [socket.inet_pton(socket.AF_INET if c.version == 4 else socket.AF_INET6, text)
            for text in (four if c.version == 4 else six)]


@case()
def syn_to_broadcast(c):
    """A SYN to a broadcast or multicast address is ignored (MUST-57)."""
    sock = c.socket()
    sock.bind(("", 8000))
    sock.listen()
    for dst in addresses(c, ("10.9.0.255", "255.255.255.255", "224.0.0.1"), ("ff02::1", "ff01::1")):
        for port in (8000, 9):
            flow = c.flow(port)
            flow.inject("S", mss=1000, dst=dst)
            flow.expect_nothing(0.15)
            c.equal(c.state(flow), None, "state")


@case()
def syn_from_invalid_source(c):
    """A SYN from a broadcast, multicast or unspecified address is ignored (MUST-63)."""
    c.listen()
    four = ["255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1"]
    if not c.tcp:   # Linux without rp_filter does not recognise the subnet's broadcast address
        four.append("10.9.0.255")
    for src in addresses(c, four, ("ff02::1", "::")):
        for port in (8000, 9):
            flow = c.flow(port)
            flow.inject("S", mss=1000, src=src)
            flow.expect_nothing(0.15)
            c.equal(c.state(flow), None, "state")


@case()
def connect_to_broadcast(c):
    """connect() to a multicast or broadcast address is refused (MUST-46)."""
    flow = c.flow(None)
    for text in ("224.0.0.1", "10.9.0.255") if c.version == 4 else ("ff02::1%tun0",):
        sock = c.socket()
        err = sock.connect_ex((text, flow.port))
        c.check(err in (errno.ENETUNREACH, errno.EACCES, errno.EADDRNOTAVAIL),
                "connect to %s: %s" % (text, errno.errorcode.get(err, err)))
    flow.expect_nothing(0.2)


if __name__ == "__main__":
    main(__doc__)

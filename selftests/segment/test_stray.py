#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Segments that belong to no connection, an older one, or nobody (RFC 9293 3.10.7, RFC 5961).

Closed ports, LISTEN, wrong answers in SYN-SENT and SYN-RECEIVED, old duplicates and
half-open connections, challenge ACKs, a full accept queue, impossible addresses.
"""

import errno
import socket

from lib import case, main

QUIET = 0.4     # how long "no answer" is watched


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
    """The RST takes its sequence number from the ACK of what it answers."""
    for flags, size in (("A", 0), ("SA", 0), ("PA", 30), ("FA", 0)):
        flow = c.flow(9)
        flow.sut_isn = 0
        flow.inject(flags, len=size, ack=77777)
        flow.expect("R", seq=77777, win=0)


@case()
def closed_port_without_ack(c):
    """Neither SYN nor ACK: Linux acknowledges by RST, XTCP takes the flags for impossible."""
    for flags, size, ack in (("P", 30, 30), ("F", 0, 1), ("", 0, 0)):
        flow = c.flow(9)
        flow.sut_isn = 0
        before = c.counters()
        flow.inject(flags, len=size)
        if c.tcp:
            flow.expect("RA", seq=0, ack=ack, win=0)
            continue
        flow.expect_nothing(0.1)
        c.equal(c.counters()["InFlagErrors"] - before["InFlagErrors"], 1, "counted")


@case()
def closed_port_rst(c):
    """A RST never causes a RST."""
    flow = c.flow(9)
    flow.inject("R")
    flow.inject("RA", ack=5)
    flow.expect_nothing(QUIET)


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
    flow.expect_nothing(QUIET)
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
    flow.expect_nothing(QUIET)
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
    for seg in flow.gather(QUIET):     # Linux hurries its SYN after that
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
    flow.expect_nothing(QUIET)
    c.nothing(sock)
    flow.inject("R", seq=1)
    c.error(sock, "ECONNRESET")
    flow.expect_nothing(0.2)
    c.expect_state(flow, None)


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
    late.expect_nothing(QUIET)
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
def request_queue_full(c):
    """No more unfinished handshakes than the backlog; one that ends makes room."""
    c.listen(backlog=4)
    answered = []
    for _ in range(12):
        flow = c.flow()
        flow.inject("S", mss=1000)
        seg = flow.next(0.05)
        if seg is not None:
            answered.append(flow)
    c.check(4 <= len(answered) <= 6, "%d SYNs of 12 were answered, backlog 4" % len(answered))
    for flow in answered:
        flow.gather(0)
        flow.inject("R")
        c.expect_state(flow, None)
    late = c.flow()
    late.inject("S", mss=1000)
    late.expect("SA")


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
    flow.expect_nothing(QUIET)
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

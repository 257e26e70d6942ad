#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Windows: scaling, silly windows both ways, zero windows and probes (RFC 9293 3.8.6)."""

import random
import socket

from lib import Fail, case, main

SMALL_BUFFER = 8192


def small_receiver(c, size=SMALL_BUFFER, **how):
    """An accepted connection whose receive buffer is small from the start."""
    return c.accept(before=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size),
                    **how)


def fill(c, flow, step=1000):
    """Send what the window allows until it is closed or too small for a segment.

    Checks that its right edge never moves back (SHLD-14). Returns the last segment.
    """
    edge = flow.last.ack + flow.last.window
    while True:
        room = edge - flow.nxt
        if room <= 0:
            return flow.last
        flow.inject("PA", len=min(step, room))
        while flow.last.ack != flow.nxt:
            seg = flow.next(0.6)
            c.check(seg is not None, "data inside the window was not acknowledged: %d of %d"
                    % (flow.last.ack, flow.nxt))
            c.check(seg.ack + seg.window >= edge, "the window shrank: edge %d, was %d"
                    % (seg.ack + seg.window, edge))
            edge = seg.ack + seg.window


def narrow(c, window, rtt=0):
    """An accepted connection whose peer has offered much, and now offers only @window.

    A connection that never saw a large window may send smaller segments: half of it.
    """
    sock, flow = c.accept(rtt=rtt)
    flow.inject("PA", len=1)
    flow.expect("A")
    flow.win = window       # only a later sequence number may take window back
    flow.inject("PA", len=1)
    flow.expect("A")
    c.recv(sock, 2)
    return sock, flow


# The peer's window


@case()
def send_within_window(c):
    """No more than the peer's window leaves; the ACK moves it on."""
    sock, flow = c.accept(win=3000, rtt=0.4)
    c.send(sock, 10000)
    for _ in range(3):
        flow.expect("A", len=1000)
    flow.expect_nothing(0.1)
    flow.inject("A", win=2000)
    flow.expect("A", len=1000)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)


@case()
def send_window_scaled(c):
    """The peer's window field counts in units of its shift; not in its SYN."""
    sock, flow = c.accept(ws=3, win=4000, rtt=0.4)
    c.send(sock, 20000)
    for _ in range(4):
        flow.expect("A", len=1000)
    flow.expect_nothing(0.1)
    flow.inject("A", win=6000)
    for _ in range(6):
        flow.expect("A", len=1000)
    flow.expect_nothing(0.1)


@case()
def syn_window_is_not_scaled(c):
    """The window in SYN and SYN,ACK is never shifted (RFC 7323 2.2)."""
    sock, flow = c.start_connect()
    syn = flow.expect("S")
    c.sleep(0.4)
    flow.inject("SA", mss=1000, ws=7, win=2000)
    c.scale(flow, syn, 7)
    flow.expect("A")
    c.send(sock, 5000)
    flow.expect("A", len=1000)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)


@case()
def window_update_releases_data(c):
    """A pure window update lets waiting data go."""
    sock, flow = c.accept(win=2000)
    c.send(sock, 4000)
    flow.absorb(2001)
    flow.expect_nothing(0.1)
    flow.inject("A", win=0)
    flow.expect_nothing(0.1)
    flow.inject("A", win=8000)
    flow.absorb(4001)


@case()
def old_segment_does_not_move_window(c):
    """A window from an older segment than the last is ignored (SND.WL1, SND.WL2)."""
    sock, flow = c.accept(rtt=0.4)
    flow.inject("PA", seq=101, len=10, win=1000)
    flow.expect("A", ack=1)
    flow.inject("PA", seq=1, len=50, win=60000)
    flow.nxt = 51
    flow.expect("A")
    c.send(sock, 5000)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)


@case()
def peer_shrinks_window(c):
    """When the peer takes window back nothing new is sent (MUST-34, SHLD-15, SHLD-17)."""
    sock, flow = c.accept(win=5000)
    c.send(sock, 10000)
    flow.absorb(5001)
    flow.inject("A", ack=1001, win=1000)
    for seg in flow.gather(0.5):
        c.check(seg.end <= 5001, "new data up to %d in a shrunk window" % seg.end)
    flow.inject("A", ack=5001, win=0)
    for seg in flow.gather(0.3):
        c.check(seg.end <= 5002, "data up to %d in a zero window" % seg.end)
    flow.rcv = 5001
    flow.inject("A", win=20000)
    while flow.rcv < 10001:
        c.check(flow.next(3) is not None, "the rest did not come, only up to %d" % flow.rcv)
        flow.inject("A", win=20000)
    c.expect_state(flow, "ESTABLISHED")


# Sender's silly window avoidance


@case(tcp=False)    # Linux uses it all in a burst that starts with nothing in flight
def sender_sws(c):
    """A window smaller than a segment is not used while data is in flight."""
    sock, flow = narrow(c, 1500, rtt=0.4)
    c.send(sock, 5000)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)
    flow.inject("A", win=1500)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)


@case()
def sender_sws_override(c):
    """It is used after a time-out when nothing else will ever move (MUST-38)."""
    sock, flow = c.accept(win=10000)
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.inject("A", win=400)
    c.send(sock, 3000)
    flow.expect_nothing(0.09)
    seg = flow.next(2)
    c.check(seg is not None and seg.seq == 1001 and 1 <= seg.len <= 400,
            "no part of the small window was used")


# Zero window


@case()
def zero_window_probe(c):
    """A closed window is probed, ever less often, until it opens (MUST-36, SHLD-29, SHLD-30)."""
    sock, flow = narrow(c, 1000)
    c.send(sock, 3000)
    flow.expect("A", len=1000)
    flow.inject("A", win=0)
    times = [flow.sent_at]
    for _ in range(4):
        seg = flow.next(4)
        if seg is None:
            raise Fail("no probe")
        c.check(seg.end <= 1002 and seg.len <= 1, "a probe of %d bytes" % seg.len)
        times.append(seg.time)
        flow.rcv = 1001
        flow.inject("A", ack=1001, win=0)
    gaps = [b - a for a, b in zip(times, times[1:])]
    c.check(gaps[0] >= 0.18, "first probe after %.3f s, before the time-out" % gaps[0])
    for a, b in zip(gaps, gaps[1:]):
        c.check(1.7 * a - 0.02 <= b <= 2.4 * a + 0.4, "probe intervals %s do not double" % gaps)
    flow.inject("A", ack=1001, win=10000)
    flow.absorb(3001, within=2)
    flow.inject("A")
    flow.expect_nothing(0.3)


@case()
def zero_window_probe_takes_data(c):
    """A probe that the peer accepted counts as delivered."""
    sock, flow = narrow(c, 1000)
    c.send(sock, 1500)
    flow.expect("A", len=1000)
    flow.inject("A", win=0)
    probe = flow.next(3)
    c.check(probe is not None, "no probe")
    flow.inject("A", ack=max(1001, probe.end), win=5000)
    flow.absorb(1501)
    flow.inject("A")
    flow.expect_nothing(0.4)


@case()
def zero_window_stays_open(c):
    """With answers coming the connection lives past its retransmission limit (MUST-37)."""
    c.sysctl("retries2", 2)
    sock, flow = narrow(c, 1000)
    c.send(sock, 2000)
    flow.expect("A", len=1000)
    flow.inject("A", win=0)
    for _ in range(5):
        c.check(flow.next(8) is not None, "no probe")
        flow.rcv = 1001
        flow.inject("A", ack=1001, win=0)
    c.expect_state(flow, "ESTABLISHED")
    c.nothing(sock)
    flow.inject("A", win=5000)
    flow.absorb(2001)


@case()
def fin_waits_for_the_window(c):
    """FIN follows the last byte, however long the window is closed."""
    sock, flow = narrow(c, 1000)
    c.send(sock, 1500)
    sock.shutdown(socket.SHUT_WR)
    flow.expect("A", len=1000)
    flow.inject("A", win=0)
    for seg in flow.gather(0.4):
        c.check(not seg.flags & 1 and seg.end <= 1002, "FIN in front of unsent data")
    flow.rcv = 1001
    flow.inject("A", win=5000)
    flow.rcv = 1001
    seg = flow.next(2)
    while seg is not None and seg.end <= 1001:      # a probe that crossed the window
        seg = flow.next(2)
    c.check(seg is not None and seg.seq == 1001, "the rest did not come")
    while not seg.flags & 1:
        seg = flow.next(2)
        c.check(seg is not None, "no FIN")
    c.equal(seg.end, 1502, "sequence number behind the FIN")


# Our window


@case()
def window_closes_and_reopens(c):
    """Unread data closes the window to zero; reading opens it with an update."""
    sock, flow = small_receiver(c)
    last = fill(c, flow)
    c.equal(last.window, 0, "window after as much as it allowed")
    c.recv(sock, flow.nxt - 1)
    seg = flow.expect("A", within=1)
    c.check(seg.window >= 1000, "the update offers %d only" % seg.window)
    flow.inject("PA", len=1000)
    flow.expect("A")
    c.recv(sock, 1000)


@case()
def receiver_sws(c):
    """No window update for less than a segment or half the buffer (MUST-39)."""
    sock, flow = small_receiver(c)
    fill(c, flow)
    held = flow.nxt - 1
    for _ in range(20):
        c.recv(sock, 10)
        held -= 10
    for seg in flow.gather(0.2):
        if seg.window:
            c.check(seg.window >= min(1000, held // 2), "an update of %d bytes" % seg.window)
    c.recv(sock, held)
    while flow.last.window < 1000:
        flow.expect("A", within=1)


@case()
def window_probe_answered(c):
    """At window zero a probe with data is answered with an ACK and not taken."""
    sock, flow = small_receiver(c)
    fill(c, flow)
    for _ in range(2):
        flow.inject("PA", seq=flow.nxt, len=1)
        flow.expect("A", win=0)
    flow.inject("A", seq=flow.nxt - 1)      # the probe without data that Linux sends
    flow.expect("A", win=0)
    c.recv(sock, flow.nxt - 1)
    c.nothing(sock)


@case()
def zero_window_takes_ack_and_rst(c):
    """With a closed window ACKs still count, and so does a RST (MUST-66)."""
    sock, flow = small_receiver(c)
    fill(c, flow)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.inject("A")
    flow.expect_nothing(0.5)
    flow.inject("R")
    c.recv(sock, flow.nxt - 1)
    c.error(sock, "ECONNRESET")


@case()
def data_beyond_window(c):
    """What lies beyond the window is not taken: trimmed or dropped, and acknowledged so."""
    sock, flow = small_receiver(c)
    window = flow.last.window
    flow.inject("PA", seq=window + 100, len=500)
    flow.expect("A", ack=1)
    while window - flow.nxt > 1200:
        flow.inject("PA", len=1000)
        for seg in flow.gather(0.1):
            window = seg.ack - 1 + seg.window
    room = window + 1 - flow.nxt
    flow.inject("PA", seq=flow.nxt, len=room + 200)
    answers = flow.gather(0.6)
    c.check(answers, "no ACK for a segment across the window's edge")
    # Linux before 6.16 takes such a segment whole when there is memory
    most = window + 1 + (200 if c.tcp else 0)
    c.check(flow.nxt <= flow.last.ack <= most, "acknowledged %d, window edge %d"
            % (flow.last.ack, window + 1))
    c.recv(sock, flow.last.ack - 1)
    c.nothing(sock)


@case()
def window_scale_of_ours(c):
    """A large buffer is offered through the scale, and all of it is good for data."""
    sock, flow = small_receiver(c, 1 << 20, ws=0)
    c.check(flow.shift_in > 0, "no scale")
    edge = flow.last.ack + flow.last.window
    while flow.nxt + 1400 <= edge and flow.nxt < 300000:
        flow.inject("A", len=1400)
        for seg in flow.gather(0.001):
            c.check(seg.ack + seg.window >= edge, "the window shrank")
            edge = seg.ack + seg.window
    c.check(edge > 66000, "only %d bytes could be sent" % edge)
    c.recv(sock, flow.nxt - 1)


@case()
def window_never_shrinks_under_small_segments(c):
    """Tiny segments cost memory, but the window offered is honoured."""
    sock, flow = small_receiver(c, 16384)
    edge = flow.last.ack + flow.last.window
    for _ in range(400):
        if flow.nxt + 20 > edge:
            break
        flow.inject("PA", len=20)
        for seg in flow.gather(0.002):
            c.check(seg.ack + seg.window >= edge, "the window shrank from %d to %d"
                    % (edge, seg.ack + seg.window))
            edge = seg.ack + seg.window
    flow.gather(0.6)
    c.equal(flow.last.ack, flow.nxt, "acknowledged")
    c.recv(sock, flow.nxt - 1)


@case()
def small_buffer_is_repacked(c):
    """Odd sizes, a full buffer, reads in pieces, the numbers passing 2^32: the stream is right."""
    rng = random.Random(c.version)
    sock, flow = small_receiver(c, 4096, isn=(1 << 32) - 12000)
    before, unread = c.counters(), 0
    while flow.nxt < 40000:
        room = flow.last.ack + flow.last.window - flow.nxt
        if room > 0:
            size = min(room, rng.choice((1, 3, 30, 30, 100, 700)))
            flow.inject("PA", len=size)
            unread += size
        if room <= 0 or rng.random() < 0.03:
            while flow.last.ack != flow.nxt:
                c.check(flow.next(0.6) is not None, "no ACK of %d" % flow.nxt)
            size = rng.randint(1, unread)
            c.recv(sock, size)
            unread -= size
        flow.gather(0)
        if room <= 0 and not flow.last.window:
            c.recv(sock, unread)
            unread = 0
            flow.expect("A", within=1)
    c.recv(sock, unread)
    if not c.tcp:
        c.check(c.counters()["RcvCollapsed"] > before["RcvCollapsed"], "nothing was repacked")


if __name__ == "__main__":
    main(__doc__)

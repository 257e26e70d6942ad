#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Loss and congestion: time-outs (RFC 6298), fast recovery (RFC 6582), windows (RFC 5681).

Time-outs are Linux's: the smoothed round trip plus at least 200 ms. A case that must
not meet a time-out delays the handshake's answer, which makes the time-out long.
"""

import socket
import time

from lib import Fail, case, main


def slow_connect(c, rtt=0.3, win=65535):
    """An established connection with a large send buffer and a long time-out."""
    sock, flow = c.connect(rtt=rtt, win=win)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    return sock, flow


def burst(flow, seconds=0.08):
    """Segments until the kernel pauses: [(seq, len)]."""
    return [(seg.seq, seg.len) for seg in flow.gather(seconds)]


def full(first, count):
    return [(first + 1000 * i, 1000) for i in range(count)]


# Time-outs


@case()
def timeout_and_back_off(c):
    """The oldest segment again after the time-out, then at doubling intervals (MUST-19)."""
    sock, flow = c.connect()
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    gap = flow.expect("PA", seq=1, len=1000, gap=(0.19, 0.8)).gap
    for _ in range(3):
        again = flow.expect("PA", seq=1, len=1000, gap=(1.8 * gap, 2.3 * gap + 0.3))
        gap = again.gap
    flow.inject("A")
    flow.expect_nothing(0.5)


@case()
def timeout_follows_round_trip(c):
    """The first sample R makes the time-out R + max(G, 4 * R/2) (RFC 6298 2.2)."""
    sock, flow = slow_connect(c)
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.expect("PA", seq=1, len=1000, gap=(0.85, 1.6))


@case()
def timeout_adapts(c):
    """Steady quick round trips bring the time-out down again."""
    sock, flow = slow_connect(c, 0.2)
    for _ in range(40):
        c.send(sock, 100)
        flow.expect("PA", len=100)
        flow.inject("A")
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.expect("PA", seq=4001, len=100, gap=(0.19, 0.5))


@case()
def timeout_after_lost_syn(c):
    """A SYN was lost, so there is no sample: 3 seconds for the first data (RFC 6298 5.7)."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.expect("S", seq=0, gap=1.0)
    flow.inject("SA", mss=1000)
    flow.expect("A")
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.expect("PA", seq=1, len=1000, gap=3.0)


@case()
def karn(c):
    """A repeated segment is no sample: the backed-off time-out stays (MUST-18)."""
    sock, flow = c.connect()
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    base = flow.expect("PA", seq=1, len=1000, gap=(0.19, 0.8)).gap
    flow.inject("A")
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.expect("PA", seq=1001, len=1000, gap=(1.7 * base, 2.4 * base + 0.3))
    flow.inject("A")
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.inject("A")        # this one is a sample
    c.send(sock, 1000)
    flow.expect("PA", len=1000)
    flow.expect("PA", seq=3001, len=1000, gap=(0.19, 1.5 * base + 0.1))


@case()
def ack_restarts_the_timer(c):
    """An ACK of part of the data gives the rest a full time-out (RFC 6298 5.3)."""
    sock, flow = slow_connect(c)
    c.send(sock, 5000)
    flow.absorb(5001)
    c.sleep(0.4)
    flow.inject("A", ack=1001)
    flow.expect("A", seq=1001, len=1000, after=(0.85, 1.6))


@case(tcp=False)    # Linux has it only where a tail loss probe was to come
def restart_with_few_segments_out(c):
    """Less than four are out: the first one's time counts from when it was sent (RFC 7765).

    The handshake took 0.3 s, so the time-out is 0.9 s; half a second of it has passed.
    """
    sock, flow = slow_connect(c)
    c.send(sock, 4000)
    flow.absorb(4001)
    sent = flow.last.time
    c.sleep(0.5)
    flow.inject("A", ack=1001)
    again = flow.expect("A", seq=1001, len=1000, after=(0.2, 0.7))
    c.check(again.time - sent > 0.85, "%.3f s after the segment" % (again.time - sent))
    flow.inject("A", ack=4001)


@case(tcp=False)    # as above
def restart_knows_the_window(c):
    """Data that the peer's window does not let go brings no duplicate ACKs: it does not count."""
    sock, flow = slow_connect(c, win=4000)
    c.send(sock, 20000)
    flow.absorb(4001)
    sent = flow.last.time
    c.sleep(0.5)
    flow.inject("A", ack=1001, win=3000)
    again = flow.expect("A", seq=1001, len=1000, after=(0.2, 0.7))
    c.check(again.time - sent > 0.85, "%.3f s after the segment" % (again.time - sent))


@case()
def no_restart_with_data_to_send(c):
    """Less than four are out, but as many will be: a full time-out."""
    sock, flow = slow_connect(c, win=4000)
    c.send(sock, 20000)
    flow.absorb(4001)
    c.sleep(0.4)
    flow.inject("A", ack=1001)
    flow.absorb(5001)
    flow.expect("A", seq=1001, len=1000, after=(0.85, 1.6))


@case(tcp=False)    # Linux gives up a SYN after 127 s
def default_limits(c):
    """R1 of three retransmissions, R2 of 100 s, for a SYN 3 minutes (SHLD-10, 11, MUST-23)."""
    def seconds(first, count):
        return sum(min(first * 2 ** i, 120) for i in range(count + 1))

    c.check(int(c.sysctl("retries1")) >= 3, "retries1 %s" % c.sysctl("retries1"))
    c.check(seconds(0.2, int(c.sysctl("retries2"))) >= 100, "retries2 %s" % c.sysctl("retries2"))
    c.check(seconds(1, int(c.sysctl("syn_retries"))) >= 180, "syn_retries")


@case()
def retries2_end_with_timeout(c):
    """net...retries2 retransmissions without an answer: ETIMEDOUT (MUST-12, MUST-20)."""
    c.sysctl("retries2", 3)
    sock, flow = c.connect()
    c.send(sock, 1000)
    first = flow.expect("PA", len=1000)
    c.so_error(sock, "ETIMEDOUT", timeout=15)
    spent = time.time() - first.time
    c.check(2.3 < spent < 9, "after %.2f s" % spent)
    again = [seg for seg in flow.gather(0.3) if seg.len]
    c.check(3 <= len(again) <= 5, "%d retransmissions" % len(again))
    c.expect_state(flow, None)


@case()
def user_timeout(c):
    """TCP_USER_TIMEOUT: unacknowledged for that long, ETIMEDOUT (MUST-21)."""
    sock, flow = c.connect(before=lambda s: c.option(s, "USER_TIMEOUT", 1500))
    c.send(sock, 1000)
    first = flow.expect("PA", len=1000)
    c.so_error(sock, "ETIMEDOUT", timeout=8)
    spent = time.time() - first.time
    c.check(1.45 < spent < 3.5, "after %.2f s" % spent)
    c.expect_state(flow, None)


@case()
def timeout_collapses_the_window(c):
    """After a time-out one segment, then two for its ACK: slow start (RFC 5681 3.1)."""
    sock, flow = c.connect()
    c.send(sock, 10000)
    flow.absorb(10001)
    flow.expect("A", seq=1, len=1000)
    c.equal(burst(flow), [], "segments beside the first")
    flow.inject("A", ack=1001)
    c.equal(burst(flow), full(1001, 2), "segments for the first ACK")
    flow.inject("A", ack=3001)
    c.equal(burst(flow), full(3001, 4), "segments for the second ACK")
    flow.inject("A", ack=10001)
    c.equal(burst(flow, 0.4), [], "segments when all is acknowledged")


# Fast retransmit and NewReno


def lose_first(c, count=10):
    """@count segments in flight, the first lost; three duplicate ACKs have been sent."""
    sock, flow = slow_connect(c)
    c.send(sock, 1000 * count)
    flow.absorb(1000 * count + 1)
    for _ in range(2):
        flow.inject("A", ack=1)
    c.equal([s for s in burst(flow) if s[0] == 1], [], "retransmissions after two duplicates")
    flow.inject("A", ack=1)
    flow.expect("A", seq=1, len=1000, after=(-1, 0.2))
    return sock, flow


@case()
def fast_retransmit(c):
    """Three duplicate ACKs: the first segment again, without waiting; only that one."""
    sock, flow = lose_first(c)
    c.equal(burst(flow), [], "more segments")
    for _ in range(6):
        flow.inject("A", ack=1)
    c.equal(burst(flow), [], "segments for further duplicates")
    flow.inject("A", ack=10001)
    c.equal(burst(flow), [], "segments after recovery")
    c.send(sock, 1000)
    flow.expect("PA", seq=10001, len=1000)


@case()
def no_duplicate_ack_by_accident(c):
    """Window updates, data and repeated old ACKs are not duplicate ACKs (RFC 5681 2)."""
    sock, flow = slow_connect(c)
    c.send(sock, 5000)
    flow.absorb(5001)
    for i in range(4):
        flow.inject("A", ack=1, win=60000 - 1000 * i)
        flow.inject("PA", ack=1, len=10)
    segments = [s for s in burst(flow, 0.15) if s[1]]
    c.equal(segments, [], "retransmissions")


@case()
def partial_ack(c):
    """NewReno: an ACK of part of the flight brings the next hole at once (RFC 6582 3.2)."""
    _, flow = lose_first(c)
    for _ in range(4):
        flow.inject("A", ack=1)
    burst(flow)
    flow.inject("A", ack=3001)
    flow.expect("A", seq=3001, len=1000, after=(-1, 0.2))
    c.equal([s for s in burst(flow) if s[0] < 10001], [], "retransmissions beside the hole")
    flow.inject("A", ack=7001)
    flow.expect("A", seq=7001, len=1000, after=(-1, 0.2))
    flow.inject("A", ack=10001)
    c.equal([s for s in burst(flow) if s[0] < 10001], [], "retransmissions at the end")


@case()
def second_loss_episode(c):
    """A loss after the recovered flight is recovered the same way.

    The first new ACK comes before it: duplicates right at the end of a recovery may be
    caused by that recovery and prove nothing (RFC 6582 3.2 step 1).
    """
    sock, flow = lose_first(c)
    flow.inject("A", ack=10001)
    burst(flow)
    c.send(sock, 5000)
    start = [s for s in burst(flow) if s[1]]
    c.check(len(start) >= 4, "only %d segments after recovery" % len(start))
    for _ in range(4):
        flow.inject("A", ack=11001)
    seg = flow.next(0.3)
    while seg is not None and seg.seq != 11001:
        seg = flow.next(0.3)
    c.check(seg is not None, "no fast retransmit of the second loss")


@case()
def recovery_keeps_new_data_flowing(c):
    """In recovery new data goes out when duplicate ACKs say that segments left."""
    sock, flow = slow_connect(c)
    c.send(sock, 20000)
    flow.absorb(10001)
    for _ in range(9):
        flow.inject("A", ack=1)
    sent = burst(flow)
    c.equal(sent.count((1, 1000)), 1, "retransmissions of the first segment")
    fresh = [s for s in sent if s[0] > 10000]
    c.check(2 <= len(fresh) <= 6, "%d new segments in recovery, half the window is 5" % len(fresh))
    flow.inject("A", ack=10001)
    c.equal([s for s in burst(flow) if s[0] <= 10000], [], "retransmissions at the end")


@case()
def lost_retransmission(c):
    """The repeated segment is lost as well: the time-out brings it."""
    _, flow = lose_first(c)
    flow.expect("A", seq=1, len=1000, gap=(0.5, 2.5))
    flow.inject("A", ack=10001)
    c.equal(burst(flow, 0.3), [], "segments after all is acknowledged")


# The congestion window


@case()
def initial_window(c):
    """Ten segments before the first ACK (RFC 6928)."""
    sock, flow = slow_connect(c)
    c.send(sock, 30000)
    c.equal(burst(flow), full(1, 10), "first flight")


@case()
def slow_start(c):
    """Each acknowledged segment lets two go: the window doubles in a round trip (MUST-19)."""
    sock, flow = slow_connect(c)
    c.send(sock, 50000)
    c.equal(burst(flow), full(1, 10), "first flight")
    for i in range(5):
        flow.inject("A", ack=2001 + 2000 * i)
    c.equal(burst(flow), full(10001, 20), "second flight")


@case()
def reduction_to_half(c):
    """After a fast recovery half the flight may be outstanding (RFC 5681 3.2)."""
    sock, flow = lose_first(c)
    flow.inject("A", ack=10001)
    burst(flow)
    c.send(sock, 20000)
    count = len(burst(flow))
    c.check(4 <= count <= 6, "%d segments after recovery from ten" % count)


@case()
def congestion_avoidance(c):
    """Above the threshold the window grows by one segment a round trip (RFC 5681 3.1)."""
    sock, flow = lose_first(c)
    flow.inject("A", ack=10001)
    burst(flow)
    c.send(sock, 50000)
    counts = []
    for _ in range(4):
        flight = burst(flow)
        counts.append(len(flight))
        for seq, size in flight:
            flow.inject("A", ack=seq + size)
    c.check(all(0 <= b - a <= 2 for a, b in zip(counts, counts[1:])) and
            2 <= counts[-1] - counts[0] <= 4, "flights of %s segments" % counts)


@case()
def idle_peer_window_then_burst(c):
    """Segments above the window wait; the window opened, no more than cwnd go."""
    sock, flow = slow_connect(c)
    flow.win = 60000
    c.send(sock, 12000)
    c.equal(len(burst(flow)), 10, "first flight")
    flow.inject("A", ack=10001)
    c.equal(burst(flow), full(10001, 2), "the rest")
    flow.inject("A")
    if flow.next(0.3):
        raise Fail("a segment after everything was acknowledged")


if __name__ == "__main__":
    main(__doc__)

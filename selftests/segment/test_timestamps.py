#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Timestamps (RFC 7323): the option, PAWS, and round trips from echoes."""

import socket
import struct
import time

from lib import case, main

MSS = 1000
SPACE = 12      # octets that the option takes in each header


def half(a, b):
    """a - b on a circle of 32 bits."""
    return (a - b + (1 << 31)) % (1 << 32) - (1 << 31)


def accept(c, tsval=5000):
    """A connection with timestamps that the peer opened, and the SYN-ACK."""
    c.sysctl("timestamps", 1)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS, ts=(tsval, 0))
    syn = flow.expect("SA")
    c.check(syn.ts is not None and syn.ts[1] == tsval, "the SYN-ACK echoes the SYN's clock")
    flow.inject("A", ts=(tsval, syn.ts[0]))
    c.wait(listener, "r")
    sock = listener.accept()[0]
    sock.setblocking(False)
    c.kept.append(sock)
    return sock, flow, syn


@case()
def offered_and_agreed(c):
    """Our SYN has the option and echoes nothing; the SYN-ACK has it only in answer."""
    c.sysctl("timestamps", 1)
    _, flow = c.start_connect()
    syn = flow.expect("S")
    c.check(syn.ts is not None and syn.ts[1] == 0, "the SYN has the option, with no echo")
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS)
    c.check(flow.expect("SA").ts is None, "none towards a peer that did not ask")


@case()
def switched_off(c):
    """timestamps=0: neither offered nor agreed to."""
    c.sysctl("timestamps", 0)
    _, flow = c.start_connect()
    c.check(flow.expect("S").ts is None, "not offered")
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS, ts=(1, 0))
    c.check(flow.expect("SA").ts is None, "not agreed to")


@case()
def every_segment_has_it(c):
    """Data, ACK and FIN carry the option (RFC 7323 3.2); it takes its room from the text."""
    sock, flow, _ = accept(c)
    c.send(sock, 2 * MSS)
    seg = flow.expect("A", len=MSS - SPACE)
    c.check(seg.ts is not None, "on data")
    flow.gather(0.1)
    flow.inject("A", ts=(5001, seg.ts[0]))
    flow.inject("A", len=10, ts=(5002, seg.ts[0]))
    c.check(flow.expect("A").ts[1] == 5002, "on an ACK, with the newest echo")
    sock.close()
    c.check(flow.expect("RA").ts is not None, "on the RST of a close with unread data")


@case()
def clock_of_milliseconds(c):
    """Our clock moves by a thousand a second."""
    sock, flow, _ = accept(c)
    c.send(sock, 10)
    first = flow.expect("PA", len=10)
    flow.inject("A", ts=(5001, first.ts[0]))
    c.sleep(0.5)
    c.send(sock, 10)
    second = flow.expect("PA", len=10)
    flow.inject("A", ts=(5500, second.ts[0]))
    passed = 1000 * (second.time - first.time)
    moved = half(second.ts[0], first.ts[0])
    c.check(abs(moved - passed) < 60, "%d ticks in %d ms" % (moved, passed))


@case()
def echo_follows_the_left_edge(c):
    """RFC 7323 4.3: with a hole the echo stays that of the segment before the hole."""
    _, flow, syn = accept(c)
    echo = syn.ts[0]
    flow.inject("A", len=100, ts=(5100, echo))
    c.equal(flow.expect("A").ts[1], 5100, "echo")
    flow.inject("A", seq=201, len=100, ts=(5200, echo))
    c.equal(flow.expect("A", ack=101).ts[1], 5100, "echo behind a hole")
    flow.inject("A", seq=101, len=100, ts=(5300, echo))
    c.equal(flow.expect("A", ack=301).ts[1], 5300, "echo of what filled it")


@case()
def old_segment_refused(c):
    """PAWS: a segment with an older clock is no data; it is answered and counted."""
    sock, flow, syn = accept(c)
    flow.inject("A", len=100, ts=(6000, syn.ts[0]))
    flow.expect("A", ack=101)
    c.recv(sock, 100)
    before = c.counters()["PAWSEstab"]
    flow.inject("A", seq=101, len=100, ts=(5999, syn.ts[0]))
    flow.expect("A", ack=101)
    c.nothing(sock)
    c.equal(c.counters()["PAWSEstab"], before + 1, "PAWSEstab")
    # By the circle's other half it is newer.
    flow.inject("A", seq=101, len=100, ts=((6000 + 0x7ffffff0) & 0xffffffff, syn.ts[0]))
    flow.expect("A", ack=201)


@case()
def old_reset_counts(c):
    """RFC 7323 5.2: a RST is judged by its number alone."""
    sock, flow, syn = accept(c)
    flow.inject("A", len=100, ts=(6000, syn.ts[0]))
    flow.expect("A", ack=101)
    flow.inject("R", seq=101, ts=(1, 0))
    c.so_error(sock, "ECONNRESET")


@case()
def round_trip_of_a_retransmission(c):
    """The echo says which transmission arrived: Karn's doubt is gone, and the back-off ends."""
    sock, flow, _ = accept(c)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    again = flow.expect("PA", seq=1, len=100, within=4)
    third = flow.expect("PA", seq=1, len=100, within=4)
    c.check(c.info(sock)["backoff"] >= 2, "backed off")
    flow.inject("A", ts=(5400, third.ts[0]))
    c.eventually(lambda: c.info(sock)["backoff"] == 0, "the back-off is over")
    c.check(c.info(sock)["rtt"] < 400000, "the sample is of the last transmission")
    c.check(half(third.ts[0], again.ts[0]) > 0, "each transmission has its own clock")


@case()
def spurious_timeout_undone(c):
    """Eifel: the echo of the first transmission after a time-out: cwnd is as before."""
    sock, flow, _ = accept(c)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    c.send(sock, 5 * (MSS - SPACE))
    first = flow.absorb(1 + 5 * (MSS - SPACE))[0]
    before = c.info(sock)["snd_cwnd"]
    flow.expect("A", seq=1, len=MSS - SPACE, within=4)
    c.check(c.info(sock)["snd_cwnd"] <= 2, "the time-out closed cwnd")
    flow.inject("A", ack=1 + 2 * (MSS - SPACE), ts=(5600, first.ts[0]))
    c.eventually(lambda: c.info(sock)["snd_cwnd"] >= before, "cwnd as before")
    flow.gather(0.1)
    flow.inject("A", ts=(5700, first.ts[0]))


def report(flow, echo, *blocks):
    """Option bytes: a clock, the echo, and these ranges of the kernel's stream."""
    out = struct.pack("!BBBBII", 1, 1, 8, 10, 5000 + int(time.monotonic() * 1000) % 10 ** 6, echo)
    return out + (flow.sacks(*blocks) if blocks else b"")


@case(tcp=False)    # kernel TCP lets too few segments go between the two
def repair_of_an_earlier_recovery(c):
    """It was on its way when the next recovery began: its arrival is no proof against that."""
    for name in ("timestamps", "sack"):
        c.sysctl(name, 1)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", opts=struct.pack("!BBHBBBBBBBBII", 2, 4, MSS, 1, 1, 4, 2, 1, 1, 8, 10, 4000, 0))
    syn = flow.expect("SA")
    flow.inject("A", opts=report(flow, syn.ts[0]))
    sock = c.take(listener, 1 << 18)
    size = MSS - SPACE
    at = [1 + n * size for n in range(40)]

    c.send(sock, 8 * size)
    first = flow.absorb(at[8])[0]
    flow.inject("A", ack=1, opts=report(flow, first.ts[0], (at[1], at[4])))
    flow.expect("A", seq=1, len=size)
    c.send(sock, 4 * size)
    flow.inject("A", ack=1, opts=report(flow, first.ts[0], (at[1], at[8])))
    flow.gather(0.1)
    new = flow.rcv
    c.check(new >= at[10], "two new segments went, up to %d" % new)
    flow.inject("A", ack=1, opts=report(flow, first.ts[0], (at[9], new), (at[1], at[8])))
    # What was sent later than the repair has arrived: that was lost, too.
    repair = flow.expect("A", seq=1, len=size)
    second = flow.expect("A", seq=at[8], len=size)
    # The first recovery is over, its second repair on its way.
    flow.inject("A", ack=at[8], opts=report(flow, repair.ts[0], (at[9], new)))
    flow.gather(0.1)
    c.send(sock, 10 * size)
    flow.gather(0.2)
    low, end = new, flow.rcv
    c.check(end >= low + 4 * size, "four segments more, from %d to %d" % (low, end))
    flow.inject("A", ack=at[8], opts=report(flow, repair.ts[0], (low + size, end), (at[9], low)))
    third = flow.expect("A", seq=low, len=size)
    c.check(half(third.ts[0], second.ts[0]) > 0, "the second recovery's clock is a later one")
    before = c.info(sock)["snd_ssthresh"]
    flow.inject("A", ack=low, opts=report(flow, second.ts[0], (low + size, end)))
    flow.gather(0.05)
    c.equal(c.counters().get(("TCP" if c.tcp else "") + "FullUndo", 0), 0, "recoveries undone")
    c.equal(c.info(sock)["snd_ssthresh"], before, "ssthresh")
    flow.inject("A", ack=flow.rcv, opts=report(flow, third.ts[0]))


@case()
def syn_reopens_time_wait(c):
    """A SYN with a younger clock takes TIME-WAIT over although its number is old (RFC 6191)."""
    sock, flow, syn = accept(c, 7000)
    sock.close()
    fin = flow.expect("FA")
    flow.inject("A", ts=(7010, fin.ts[0]))
    flow.inject("FA", ts=(7020, fin.ts[0]))
    flow.expect("A")
    c.expect_state(flow, "TIME_WAIT")
    again = c.flow(flow.sut_port, flow.port, isn=flow.isn - 5000)
    again.inject("S", mss=MSS, ts=(7000, 0))
    c.check(again.next(0.3) is None or "S" not in str(again.last.flags), "an older clock does not")
    again = c.flow(flow.sut_port, flow.port, isn=flow.isn - 5000)
    time.sleep(0.6)
    again.inject("S", mss=MSS, ts=(7100, 0))
    again.expect("SA", within=1)
    again.inject("R")
    c.check(syn.ts is not None, "")


if __name__ == "__main__":
    main(__doc__)

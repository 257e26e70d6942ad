#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Data both ways: order, acknowledgments, Nagle, PSH (RFC 9293 3.8 and 3.10.7.4).

Windows have their own file, test_window.py, losses theirs, test_loss.py.
"""

import random
import socket
import time

from lib import ANY, Fail, case, main

ATO_MAX = 0.5       # MUST-40: an acknowledgment waits less than this


# Receiving


@case()
def in_order(c):
    """Segments in order are delivered and acknowledged."""
    sock, flow = c.accept()
    for size in (1, 2, 999, 1000, 37):
        flow.inject("PA", len=size)
        flow.expect("A", within=ATO_MAX)
        c.recv(sock, size)
    c.nothing(sock)


@case()
def out_of_order(c):
    """Behind a hole each segment causes a duplicate ACK; once it is filled all counts (SHLD-31)."""
    sock, flow = c.accept()
    for seq in (1001, 2001, 3001):
        flow.inject("PA", seq=seq, len=1000)
        flow.expect("A", ack=1, after=(-1, 0.1))
    c.nothing(sock)
    flow.inject("A", len=1000)
    flow.nxt = 4001
    flow.expect("A", ack=4001, after=(-1, 0.1))
    c.recv(sock, 4000)


@case()
def out_of_order_backwards(c):
    """Twenty segments, last first."""
    sock, flow = c.accept()
    for i in range(19, 0, -1):
        flow.inject("A", seq=1 + 500 * i, len=500)
        flow.expect("A", ack=1)
    flow.inject("A", len=500)
    flow.nxt = 10001
    flow.expect("A")
    c.recv(sock, 10000)


@case()
def two_holes(c):
    """Filling the first hole acknowledges up to the second, at once."""
    sock, flow = c.accept()
    flow.inject("A", seq=101, len=100)
    flow.expect("A", ack=1)
    flow.inject("A", seq=301, len=100)
    flow.expect("A", ack=1)
    flow.inject("A", len=100)
    flow.expect("A", ack=201, after=(-1, 0.1))
    c.recv(sock, 200)
    c.nothing(sock)
    flow.inject("A", seq=201, len=100)
    flow.nxt = 401
    flow.expect("A")
    c.recv(sock, 200)


@case()
def duplicate_is_acknowledged(c):
    """An old segment brings an immediate ACK of where we are, and nothing else."""
    sock, flow = c.accept()
    flow.inject("PA", len=500)
    flow.expect("A")
    for seq, size in ((1, 500), (1, 10), (400, 101), (-1000, 500)):
        flow.inject("PA", seq=seq, len=size)
        flow.expect("A", ack=501, after=(-1, 0.1))
    c.recv(sock, 500)
    c.nothing(sock)


@case()
def overlap(c):
    """Only the new part of a segment that overlaps old data is taken."""
    sock, flow = c.accept()
    flow.inject("PA", len=500)
    flow.expect("A")
    flow.inject("PA", seq=1, len=700)
    flow.nxt = 701
    flow.expect("A", within=ATO_MAX)
    flow.inject("PA", seq=700, len=2)
    flow.nxt = 702
    flow.expect("A", within=ATO_MAX)
    c.recv(sock, 701)
    c.nothing(sock)


@case()
def overlap_out_of_order(c):
    """Queued segments that overlap, contain and extend each other."""
    sock, flow = c.accept()
    for seq, size in ((501, 500), (401, 300), (451, 900), (601, 100), (301, 1200), (101, 250)):
        flow.inject("A", seq=seq, len=size)
        flow.expect("A", ack=1)
    flow.inject("A", len=100)
    flow.nxt = 1501
    flow.expect("A")
    c.recv(sock, 1500)
    c.nothing(sock)


def shuffle(c, isn, seed):
    """40 KB in random overlapping pieces, repeated and out of order, then in order."""
    rng = random.Random(seed)
    sock, flow = c.accept(isn=isn)
    size, total = 0, 40000
    while size < total:
        for _ in range(6):
            start = max(0, size + rng.randint(-800, 4000))
            count = rng.randint(1, 1000)
            flow.inject("A", seq=1 + start, len=min(count, total + 1 - start)
                        if start < total else 1)
        flow.inject("A", seq=1 + size, len=min(500, total - size))
        for seg in flow.gather(0.02):
            c.check(seg.ack - 1 >= size, "the ACK went back from %d to %d" % (size, seg.ack - 1))
            size = seg.ack - 1
    flow.nxt = size + 1
    c.recv(sock, total)


@case()
def random_overlaps(c):
    """The stream is right whatever pieces it comes in."""
    shuffle(c, 0x20000000, 7 + c.version)


@case()
def sequence_wrap_random(c):
    """The same with the peer's sequence numbers passing 2^32."""
    shuffle(c, 0xffffffff - 20000, 99 + c.version)


@case()
def sequence_wrap(c):
    """Sequence numbers pass 2^32 inside a segment, at its edge, and while out of order."""
    for left in (0, 1, 500, 999, 1000, 1001):
        sock, flow = c.accept(c.listen(8000 + left), isn=(1 << 32) - 1 - left)
        flow.inject("A", seq=1001, len=1000)
        flow.expect("A", ack=1)
        flow.inject("A", len=1000)
        flow.nxt = 2001
        flow.expect("A")
        flow.inject("R", seq=-5)
        flow.inject("FA")
        flow.expect("A")
        c.recv(sock, 2000)
        c.eof(sock)
        sock.close()
        flow.expect("FA")


# Acknowledgments


def settled(c):
    """A connection that delays its ACKs: past the start, and told so by TCP_QUICKACK."""
    sock, flow = c.accept(rtt=0.4)
    for _ in range(2):
        flow.inject("PA", len=1000)
        c.recv(sock, 1000)
        while flow.expect("A", ack=ANY, within=ATO_MAX).ack != flow.nxt:
            pass
    flow.gather(0.05)
    c.option(sock, "QUICKACK", 0)
    return sock, flow


@case()
def delayed_ack(c):
    """A lone segment is acknowledged late, but in half a second (SHLD-18, MUST-40)."""
    sock, flow = settled(c)
    flow.inject("PA", len=1000)
    c.recv(sock, 1000)
    flow.expect("A", after=(0.02, ATO_MAX))
    flow.expect_nothing(0.3)


@case()
def ack_every_second_segment(c):
    """Two full segments are acknowledged by one ACK, at once (SHLD-19, MUST-58)."""
    sock, flow = settled(c)
    flow.inject("PA", len=1000)
    c.recv(sock, 1000)
    flow.inject("PA", len=1000)
    c.recv(sock, 1000)
    flow.expect("A", ack=flow.nxt, after=(-1, 0.039))
    flow.expect_nothing(0.3)


def small(c, sock, flow):
    """A small segment, read at once."""
    flow.inject("PA", len=100)
    c.recv(sock, 100)


@case()
def ack_when_all_is_read(c):
    """A small segment is acknowledged when its reader has taken all: nothing else will come."""
    sock, flow = settled(c)
    small(c, sock, flow)
    flow.expect("A", after=(0.02, ATO_MAX))     # no answer came: no conversation
    for _ in range(16):                         # those of the start, which wait for nobody
        small(c, sock, flow)
        flow.expect("A", ack=flow.nxt, after=(-1, 0.039))
    flow.inject("PA", len=100)
    flow.expect("A", after=(0.02, ATO_MAX))     # nobody read it
    c.recv(sock, 100)
    small(c, sock, flow)
    flow.expect("A", ack=flow.nxt, after=(-1, 0.039))


@case()
def ack_second_small_segment(c):
    """In a conversation it is the second small one that is acknowledged when all is read."""
    sock, flow = settled(c)
    small(c, sock, flow)
    small(c, sock, flow)
    flow.expect("A", ack=flow.nxt, after=(-1, 0.039))
    flow.expect_nothing(0.3)


@case()
def quickack_option(c):
    """TCP_QUICKACK acknowledges a lone segment at once."""
    sock, flow = settled(c)
    c.option(sock, "QUICKACK", 1)
    flow.inject("PA", len=1000)
    flow.expect("A", after=(-1, 0.039))
    c.recv(sock, 1000)


@case()
def ack_rides_on_data(c):
    """An answer within the delay carries the acknowledgment; no other ACK follows."""
    sock, flow = settled(c)
    flow.inject("PA", len=100)
    c.recv(sock, 100)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    flow.inject("A")
    flow.expect_nothing(0.4)


@case()
def old_ack_ignored(c):
    """An ACK of less than is acknowledged already changes nothing."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 3000)
    flow.absorb(3001)
    flow.inject("A")
    flow.inject("A", ack=1)
    flow.inject("A", ack=1001)
    flow.expect_nothing(0.4)
    c.send(sock, 100)
    flow.expect("PA", seq=3001, len=100)


@case()
def ack_of_unsent_data(c):
    """An ACK beyond what was sent is answered with an ACK; its data is dropped."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.inject("PA", seq=1, ack=102, len=50)
    answers = [(seg.seq, seg.ack, seg.len) for seg in flow.gather(0.1)]
    # older Linux drops it without a word
    c.check(answers == [(101, 1, 0)] or c.tcp and not answers, "answered with %s" % answers)
    c.nothing(sock)
    flow.inject("PA", len=50)
    flow.expect("A")
    c.recv(sock, 50)
    c.expect_state(flow, "ESTABLISHED")


@case()
def ack_far_too_old(c):
    """An ACK older than any window was ever large gets a challenge ACK (RFC 5961 5.2)."""
    sock, flow = c.accept(win=5000, rtt=0.4)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.inject("A")
    flow.inject("PA", seq=1, ack=101 - 100000, len=50)
    flow.expect("A", seq=101, ack=1)
    c.nothing(sock)


@case()
def without_ack_flag_dropped(c):
    """A segment without ACK brings nothing into an established connection."""
    sock, flow = c.accept()
    flow.inject("P", seq=1, len=50)
    flow.inject("", seq=1, len=50)
    flow.inject("F", seq=1)
    flow.expect_nothing(0.3)
    c.nothing(sock)
    c.expect_state(flow, "ESTABLISHED")


# Sending


@case()
def push_on_the_last(c):
    """A large write goes out in full segments, PSH on the last (MUST-60, MUST-61, SHLD-28)."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 2500)
    flow.expect("A", len=1000)
    flow.expect("A", len=1000)
    flow.expect("PA", len=500)
    flow.inject("A")
    flow.expect_nothing(0.4)


@case()
def nagle(c):
    """A small write waits for the ACK of the one before; waiting ones go together (SHLD-7)."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    c.send(sock, 20)
    c.send(sock, 30)
    flow.expect_nothing(0.1)
    flow.inject("A")
    flow.expect("PA", len=50)
    flow.inject("A")
    c.send(sock, 5)
    flow.expect("PA", len=5)


@case()
def nagle_full_segments_go(c):
    """Nagle holds back only what does not fill a segment."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    c.send(sock, 1500)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)
    flow.inject("A")
    flow.expect("PA", len=500)


@case()
def nodelay(c):
    """TCP_NODELAY sends small writes at once (MUST-17)."""
    sock, flow = c.accept(rtt=0.4)
    c.option(sock, "NODELAY", 1)
    for size in (10, 20, 30):
        c.send(sock, size)
        flow.expect("PA", len=size, within=0.15)


@case()
def nodelay_releases(c):
    """Setting TCP_NODELAY sends what Nagle was holding."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    c.send(sock, 20)
    flow.expect_nothing(0.1)
    c.option(sock, "NODELAY", 1)
    flow.expect("PA", len=20, within=0.09)


@case()
def cork(c):
    """TCP_CORK sends full segments only; uncorking sends the rest."""
    sock, flow = c.accept(rtt=0.4)
    c.option(sock, "CORK", 1)
    c.send(sock, 600)
    c.send(sock, 600)
    flow.expect("A", len=1000)
    flow.expect_nothing(0.1)
    c.option(sock, "CORK", 0)
    flow.expect("PA", len=200, within=0.09)


@case()
def cork_ceiling(c):
    """A corked rest goes out after about 200 ms all the same."""
    sock, flow = c.accept()
    c.option(sock, "CORK", 1)
    c.send(sock, 10)
    start = time.time()
    seg = flow.expect("A", len=10, within=2)
    c.check(seg.time - start > 0.15, "the cork held for %.3f s only" % (seg.time - start))


@case()
def msg_more(c):
    """MSG_MORE holds a write back until one without it follows."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10, socket.MSG_MORE)
    c.send(sock, 20, socket.MSG_MORE)
    flow.expect_nothing(0.1)
    c.send(sock, 30)
    flow.expect("PA", len=60)


@case()
def msg_eor(c):
    """MSG_EOR: what is written next is in another segment, and the record need not wait for it."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    c.send(sock, 20, socket.MSG_EOR)
    flow.expect_nothing(0.1)
    c.send(sock, 30)
    flow.expect("PA", len=20)
    c.send(sock, 40)
    flow.inject("A")
    flow.expect("PA", len=70)
    # A record longer than a segment ends where it ends.
    c.send(sock, 2500, socket.MSG_EOR | socket.MSG_MORE)
    c.send(sock, 100)
    c.equal([seg.len for seg in flow.gather(0.1)], [1000, 1000, 500], "sizes")
    flow.inject("A")
    flow.expect("PA", len=100)


@case()
def small_writes_fill_segments(c):
    """Many small writes behind one in flight leave as full segments."""
    sock, flow = c.accept(rtt=0.4)
    for _ in range(250):
        c.send(sock, 10)
    flow.expect("PA", len=10)
    sizes = [seg.len for seg in flow.gather(0.1)]
    c.equal(sizes, [1000, 1000], "sizes before the ACK")
    flow.inject("A")
    flow.expect("PA", len=490)


@case()
def both_ways_at_once(c):
    """Data crossing data: each segment acknowledges what came, both streams are right."""
    sock, flow = c.accept(rtt=0.4)
    for i in range(30):
        c.send(sock, 1000)
        flow.inject("A", len=700)
        seg = flow.next(1)
        while seg is not None and flow.rcv < 1 + 1000 * (i + 1):
            seg = flow.next(1)
        if seg is None:
            raise Fail("the segment did not come")
    flow.inject("A")
    c.recv(sock, 21000)
    c.equal(flow.rcv, 30001, "bytes sent")


if __name__ == "__main__":
    main(__doc__)

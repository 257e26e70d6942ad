#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Segments that reach the receiver in one batch of softirq's: when they are acknowledged.

What comes in through tun is one batch a segment. Here it takes the way through an ifb device
whose netem keeps everything back until a slot opens, and then hands it over at once. Kernel
TCP, without GRO, acknowledges every second segment of it.
"""

import struct
import time

from lib import case, main
from lib.stage import DEVICE

MSS = 1000
SLOT = 0.3          # seconds in which a burst must have been injected
SOON = 0.15         # an ACK that waited for a timer is later: 40 ms to 200 ms after the slot


def batches(c):
    """From now on what arrives waits for the next slot."""
    c.command("ip", "link", "add", "ifb0", "type", "ifb")
    c.command("ip", "link", "set", "ifb0", "up")
    slot = "%dms" % (SLOT * 1000)
    c.command("tc", "qdisc", "add", "dev", "ifb0", "root", "netem", "slot", slot, slot)
    c.command("tc", "qdisc", "add", "dev", DEVICE, "ingress")
    c.command("tc", "filter", "add", "dev", DEVICE, "parent", "ffff:", "matchall",
              "action", "mirred", "egress", "redirect", "dev", "ifb0")


def receiver(c, sack):
    """A connection that the peer opened, whose segments come in batches from now on."""
    c.sysctl("sack", sack)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", opts=struct.pack("!BBHBBBB", 2, 4, MSS, 4, 2, 1, 1))
    flow.expect("SA")
    flow.inject("A")
    sock = c.take(listener)
    batches(c)
    return sock, flow


def burst(c, flow, segments):
    """Inject these segments of the stream. Return: what the kernel sent soon behind the slot."""
    begin = time.time()
    for n in segments:
        flow.inject("A", seq=at(n), len=MSS)
    c.check(time.time() - begin < SLOT, "injected within a slot")
    flow.nxt = at(max(segments) + 1)
    out = flow.gather(SLOT + 0.3)
    c.check(out, "an answer")
    late = [seg.time - out[0].time for seg in out if seg.time - out[0].time > SOON]
    c.check(not late, "nothing comes later: %s" % late)
    first = out[0].time - begin
    c.check(SLOT - 0.05 < first < SLOT + SOON, "at the slot, no timer: after %.3f s" % first)
    return out


def blocks_of(flow, segs):
    return {block for seg in segs for block in flow.blocks(seg)}


def at(n):
    """Where segment @n begins, counted from 0."""
    return 1 + n * MSS


@case()
def acknowledged_once(c):
    """MUST-59: all is processed before one ACK says so. It waits for no timer."""
    sock, flow = receiver(c, 0)
    for turn in range(2):
        out = burst(c, flow, range(20 * turn, 20 * turn + 20))
        c.equal(out[-1].ack, at(20 * turn + 20), "the last ACK")
        if c.tcp:
            c.check(len(out) >= 10, "every second segment, not %d ACKs" % len(out))
        else:
            c.check(len(out) <= 2, "one ACK for a batch, not %d" % len(out))
        c.recv(sock, 20 * MSS)


@case()
def counted_by_the_sender(c):
    """Without SACK each segment behind a hole brings a duplicate ACK, whatever came before it."""
    sock, flow = receiver(c, 0)
    out = burst(c, flow, [0, 1, 3, 4, 5])
    acks = [seg.ack for seg in out]
    c.equal(acks.count(at(2)) - 1, 3, "duplicates of the ACK in front of the hole")
    c.equal(acks[-4:], [at(2)] * 4, "ACKs")
    out = burst(c, flow, [2])
    c.equal([seg.ack for seg in out], [at(6)], "the hole is filled")
    c.recv(sock, 6 * MSS)


@case()
def one_report(c):
    """With SACK one ACK reports all that lies behind the hole; the rest comes soon, too."""
    _, flow = receiver(c, 1)
    out = burst(c, flow, range(1, 16))
    c.equal({seg.ack for seg in out}, {1}, "ACKs")
    c.equal(blocks_of(flow, out[-1:]), {(at(1), at(16))}, "the block at last")
    if not c.tcp:
        c.check(len(out) <= 2, "one ACK for a batch, not %d" % len(out))


# Kernel TCP, which sends only the first three of such ACKs at once, leaves out the last block.
@case(tcp=False)
def every_block_is_reported(c):
    """More holes than an ACK has room for: each block is reported nevertheless."""
    _, flow = receiver(c, 1)
    out = burst(c, flow, range(1, 18, 2))
    c.equal(blocks_of(flow, out), {(at(n), at(n + 1)) for n in range(1, 18, 2)}, "blocks")
    c.check(len(out) <= 4, "three blocks an ACK, not %d ACKs" % len(out))


if __name__ == "__main__":
    main(__doc__)

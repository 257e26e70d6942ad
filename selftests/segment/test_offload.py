#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Super-segments: whatever the device is told to leave to others, the wire sees right segments.

tun can cut nothing and sums nothing: the core cuts in front of it (offload.c). Each segment's
lengths and checksums are verified as it is read (packet.py), its octets by their position.
"""

import socket

from lib import case, main
from lib.stage import DEVICE

MSS = 1000
ROUNDS = 5


def sender(c):
    """A sender whose buffers hold many segments and leave whole."""
    if c.sut.has_sysctl("pacing"):
        c.sysctl("pacing", 0)
    sock, flow = c.accept(mss=MSS, ws=5, win=1 << 20, rtt=0.5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 19)
    return sock, flow


def transfer(c):
    """@ROUNDS round trips in slow start."""
    sock, flow = sender(c)
    size = 150 * MSS + 123
    c.send(sock, size)
    seen, idents = 0, []
    for _ in range(ROUNDS):
        segs = flow.gather(0.2)
        c.check(segs, "data")
        for seg in segs:
            c.equal((seg.seq - 1, seg.ack), (seen, flow.nxt), "seq, ack")
            c.equal(seg.len, min(MSS, size - seen), "length")
            seen += seg.len
        idents += [seg.ident for seg in segs]
        flow.inject("A")
    if c.version == 4:
        c.equal(len(set(idents)), len(idents), "different identifications")
    c.check(seen > 50 * MSS, "only %d octets" % seen)


@case()
def segmentation_on(c):
    """As the device comes."""
    transfer(c)


@case()
def segmentation_off(c):
    """ethtool -K DEVICE tso off gso off: super-segments all the same, as with TCP."""
    c.command("ethtool", "-K", DEVICE, "tso", "off", "gso", "off")
    transfer(c)


@case()
def scatter_gather_off(c):
    """A device that wants its packets in one piece."""
    c.command("ethtool", "-K", DEVICE, "gso", "off", "sg", "off")
    transfer(c)


@case()
def switched_off_on_the_way(c):
    """The route learns nothing of it: what is sent afterwards is right, too."""
    sock, flow = sender(c)
    for gso in ("off", "on", "off"):
        c.command("ethtool", "-K", DEVICE, "gso", gso)
        c.send(sock, 8 * MSS)
        segs = flow.absorb(1 + c.sent[sock])
        c.equal([seg.len for seg in segs], [MSS] * 8, "lengths")
        flow.inject("A")


@case()
def one_segment_at_a_time(c):
    """ip link set DEVICE gso_max_segs 1: as many as the device takes."""
    c.command("ip", "link", "set", DEVICE, "gso_max_segs", "1")
    c.command("ethtool", "-K", DEVICE, "gso", "off")
    transfer(c)


if __name__ == "__main__":
    main(__doc__)

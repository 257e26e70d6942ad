#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""sendfile(): checksums are right on a device that can sum nothing, whatever the file does.

The checksum of each segment is verified as it is read (packet.py).
"""

import os
import socket
import tempfile

from lib import case, main, pattern

MSS = 1000


class File:
    """A file of the pattern that the connection's octets have."""

    def __init__(self, size):
        self.file = tempfile.TemporaryFile(dir="/dev/shm")
        self.file.write(pattern(0, size))
        self.file.flush()

    def send(self, sock, at, size):
        sent = 0
        while sent < size:
            sent += os.sendfile(sock.fileno(), self.file.fileno(), at + sent, size - sent)

    def overwrite(self, at, data):
        os.pwrite(self.file.fileno(), data, at)


def sender(c, rtt=0.3):
    if c.sut.has_sysctl("pacing"):
        c.sysctl("pacing", 0)
    return c.accept(mss=MSS, ws=5, win=1 << 20, rtt=rtt)


def payload(seg):
    return bytes(seg.payload)


@case()
def segments_of_a_file(c):
    """Full segments and the rest, in order, with the file's octets."""
    sock, flow = sender(c)
    file = File(20000)
    file.send(sock, 0, 7 * MSS + 77)
    segs = flow.absorb(1 + 7 * MSS + 77)
    c.equal([seg.len for seg in segs], [MSS] * 7 + [77], "lengths")
    flow.inject("A")


@case()
def one_segment_of_a_file(c):
    """A segment that is not cut has its own checksum."""
    sock, flow = sender(c)
    File(20000).send(sock, 0, 900)
    flow.expect("PA", seq=1, len=900)
    flow.inject("A")


@case()
def lost_and_changed(c):
    """The file is written before its octets are sent again: they carry what it holds then."""
    sock, flow = c.connect()
    file = File(4096)
    file.send(sock, 0, 600)
    flow.expect("PA", seq=1, len=600)
    flow.verify = False
    file.overwrite(0, pattern(0, 600)[:300] + b"changed" + pattern(307, 293))
    again = flow.next(2.0)
    c.check(again is not None, "sent again")
    c.equal((again.seq, again.len), (1, 600), "sent again")
    c.equal(payload(again)[300:307], b"changed", "octets")
    flow.inject("A")


@case()
def lost_in_the_middle(c):
    """Three duplicate ACKs: the segment is cut out of the spliced buffer and is right."""
    sock, flow = sender(c)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    File(20000).send(sock, 0, 8 * MSS)
    flow.absorb(1 + 8 * MSS)
    flow.inject("A", ack=1 + 2 * MSS)
    for _ in range(4):
        flow.inject("A", ack=1 + 2 * MSS)
    again = flow.expect("A", seq=1 + 2 * MSS, len=MSS)
    c.equal(payload(again), pattern(2 * MSS, MSS), "octets")
    flow.inject("A", ack=1 + 8 * MSS)


if __name__ == "__main__":
    main(__doc__)

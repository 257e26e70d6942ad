#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Urgent data (RFC 9293 3.8.5, RFC 6093): MSG_OOB, the mark, inline, SIGURG."""

import fcntl
import os
import signal
import socket
import struct

from lib import case, main, pattern

SIOCATMARK = 0x8905


def at_mark(sock):
    return struct.unpack("i", fcntl.ioctl(sock, SIOCATMARK, struct.pack("i", 0)))[0]


@case()
def send_urgent(c):
    """MSG_OOB: URG, and the pointer names the octet behind the urgent data (MUST-30, MUST-62)."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10, socket.MSG_OOB)
    flow.expect("UPA", len=10, urg=10)
    flow.inject("A")
    c.send(sock, 20)
    flow.expect("PA", len=20)


@case()
def send_urgent_of_any_length(c):
    """Urgent data over several segments: each before its end has URG (MUST-31)."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 2500, socket.MSG_OOB)
    flow.expect("UA", len=1000, urg=2500)
    flow.expect("UA", len=1000, urg=1500)
    flow.expect("UPA", len=500, urg=500)
    flow.inject("A")
    c.send(sock, 10)
    flow.expect("PA", len=10)


@case()
def send_urgent_behind_held_data(c):
    """Urgent data does not wait for Nagle."""
    sock, flow = c.accept(rtt=0.4)
    c.send(sock, 10)
    flow.expect("PA", len=10)
    c.send(sock, 20)
    flow.expect_nothing(0.1)
    c.send(sock, 1, socket.MSG_OOB)
    flow.expect("UPA", len=21, urg=21, within=0.09)


@case()
def urgent_at_zero_window(c):
    """The peer's closed window does not keep urgency from it (MUST-66)."""
    sock, flow = c.accept()
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.inject("A", win=0)
    c.send(sock, 5, socket.MSG_OOB)
    seg = flow.next(2)
    c.check(seg is not None and seg.flags & 32, "no segment with URG")
    c.check(seg.seq + seg.urg == 106, "it points at %d" % (seg.seq + seg.urg))


@case()
def receive_urgent(c):
    """The last urgent octet is read out of band, the rest without it."""
    sock, flow = c.accept()
    flow.inject("UPA", len=10, urg=10)
    flow.expect("A")
    c.wait(sock, "p")
    c.equal(sock.recv(100), pattern(0, 9), "data before the urgent octet")
    c.check(at_mark(sock), "not at the mark")
    c.equal(sock.recv(1, socket.MSG_OOB), pattern(9, 1), "the urgent octet")
    c.raises("EINVAL", sock.recv, 1, socket.MSG_OOB)
    flow.inject("PA", len=5)
    c.wait(sock, "r")
    c.equal(sock.recv(100), pattern(10, 5), "data behind it")
    c.check(not at_mark(sock), "still at the mark")


@case()
def reading_stops_at_the_mark(c):
    """One recv() does not pass the mark, the next one does (MUST-33)."""
    sock, flow = c.accept()
    flow.inject("UPA", len=30, urg=11)
    flow.expect("A")
    c.equal(sock.recv(100), pattern(0, 10), "up to the mark")
    c.check(at_mark(sock), "not at the mark")
    c.equal(sock.recv(100), pattern(11, 19), "behind the mark")


@case()
def urgent_inline(c):
    """SO_OOBINLINE leaves the octet in the stream; reading stops in front of it."""
    sock, flow = c.accept()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    flow.inject("UPA", len=20, urg=11)
    flow.expect("A")
    c.wait(sock, "p")
    c.equal(sock.recv(100), pattern(0, 10), "up to the mark")
    c.check(at_mark(sock), "not at the mark")
    c.equal(sock.recv(100), pattern(10, 10), "from the mark on")
    c.raises("EINVAL", sock.recv, 1, socket.MSG_OOB)


@case()
def pointer_ahead_of_data(c):
    """The pointer comes first, its octet later (MUST-32: the news at once)."""
    got = []
    signal.signal(signal.SIGURG, lambda *_: got.append(1))
    sock, flow = c.accept()
    fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())
    flow.inject("UA", urg=5)
    c.eventually(lambda: got, "SIGURG")
    c.raises("EAGAIN", sock.recv, 1, socket.MSG_OOB)
    flow.inject("PA", len=8)
    c.wait(sock, "p")
    c.equal(sock.recv(1, socket.MSG_OOB), pattern(4, 1), "the urgent octet")
    c.equal(sock.recv(100), pattern(0, 4), "before it")
    c.equal(sock.recv(100), pattern(5, 3), "behind it")


@case()
def sigurg(c):
    """SIGURG to the owner, once for one urgent pointer (MUST-32)."""
    got = []
    signal.signal(signal.SIGURG, lambda *_: got.append(1))
    sock, flow = c.accept()
    fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())
    flow.inject("PA", len=10)
    flow.expect("A")
    c.equal(len(got), 0, "signals for plain data")
    flow.inject("UPA", len=10, urg=10)
    flow.expect("A")
    flow.inject("UPA", seq=11, len=10, urg=10)
    flow.expect("A")
    c.equal(len(got), 1, "signals")
    flow.inject("UPA", len=10, urg=10)
    flow.expect("A")
    c.equal(len(got), 2, "signals after another one")


@case()
def later_pointer_replaces(c):
    """A second urgent octet takes the place of an unread first, which joins the stream."""
    sock, flow = c.accept()
    flow.inject("UPA", len=10, urg=10)
    flow.expect("A")
    flow.inject("UPA", len=10, urg=10)
    flow.expect("A")
    c.wait(sock, "p")
    c.equal(sock.recv(1, socket.MSG_OOB), pattern(19, 1), "the urgent octet")
    data = b""
    while len(data) < 18:
        c.wait(sock, "r")
        data += sock.recv(100)
    c.check(data in (pattern(0, 19), pattern(0, 9) + pattern(10, 9)), "the rest: %s" % data.hex())


@case()
def no_urgent_data(c):
    """MSG_OOB without urgent data: EINVAL; an urgent pointer without URG is nothing."""
    sock, flow = c.accept()
    c.raises("EINVAL", sock.recv, 1, socket.MSG_OOB)
    flow.inject("PA", len=10, urg=5)
    flow.expect("A")
    c.recv(sock, 10)
    c.raises("EINVAL", sock.recv, 1, socket.MSG_OOB)


if __name__ == "__main__":
    main(__doc__)

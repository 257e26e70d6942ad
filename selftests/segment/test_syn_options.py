#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The options of SYN and SYN,ACK: MSS and window scale (RFC 9293 3.2 and 3.7.1, RFC 7323)."""

import socket

from lib import Fail, case, main


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
    sock, flow = c.connect(mss=None, rtt=0.4)
    c.equal(first_segment(c, sock, flow), 536 if c.version == 4 else 1220, "segment size")


@case()
def mss_default_passive(c):
    """A SYN without MSS means 536 for IPv4, 1220 for IPv6 (MUST-15)."""
    sock, flow = c.accept(mss=None, rtt=0.4)
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
               "after a long one": bytes((253, 30)) + b"\xff" * 28 + mss + scale + b"\0\0\0"}
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


if __name__ == "__main__":
    main(__doc__)

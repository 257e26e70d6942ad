#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ICMP and ICMPv6 errors about our segments (RFC 9293 3.9.2.2, RFC 5927, RFC 1191, 8201)."""

import socket
import struct

from lib import case, main

# (type, code) for IPv4 and IPv6 of what both have
NET = {4: (3, 0), 6: (1, 0)}
HOST = {4: (3, 1), 6: (1, 3)}
PORT = {4: (3, 3), 6: (1, 4)}
TOO_BIG = {4: (3, 4), 6: (2, 0)}
TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
PARAMETER = {4: (12, 0), 6: (4, 0)}


def too_big(c, flow, seg, mtu):
    flow.icmp(*TOO_BIG[c.version], seg, extra=mtu)


def requoted(c, seg, seq_off=0, sport=None, dport=None):
    """The quoted datagram with another sequence number or other ports."""
    head = 20 if c.version == 4 else 40
    old = struct.unpack("!HHI", seg.raw[head:head + 8])
    new = struct.pack("!HHI", sport or old[0], dport or old[1], old[2] + seq_off & 0xffffffff)
    return seg.raw[:head] + new + seg.raw[head + 8:]


@case()
def refused_by_port_unreachable(c):
    """In SYN-SENT: connect() fails at once."""
    sock, flow = c.start_connect()
    syn = flow.expect("S")
    flow.icmp(*PORT[c.version], syn)
    c.so_error(sock, "ECONNREFUSED")
    c.expect_state(flow, None)


@case()
def errors_while_connecting(c):
    """Each error in SYN-SENT reaches connect() under its name, as in Linux."""
    names = {NET[c.version]: "ENETUNREACH", HOST[c.version]: "EHOSTUNREACH"}
    if c.version == 4:
        names.update({(3, 2): "ENOPROTOOPT", (3, 13): "EHOSTUNREACH"})
    else:
        names.update({(1, 1): "EACCES"})
    for (kind, code), name in names.items():
        sock, flow = c.start_connect()
        syn = flow.expect("S")
        flow.icmp(kind, code, syn)
        c.so_error(sock, name)
        c.expect_state(flow, None)


@case()
def wrong_sequence_number_while_connecting(c):
    """An error about a segment that is not outstanding is no error (RFC 5927 4)."""
    sock, flow = c.start_connect()
    syn = flow.expect("S")
    for off in (1000, -1000, 1 << 31):
        flow.icmp(*PORT[c.version], requoted(c, syn, off))
    flow.icmp(*PORT[c.version], requoted(c, syn, sport=1))
    flow.icmp(*PORT[c.version], requoted(c, syn, dport=1))
    c.sleep(0.1)
    c.so_error(sock, "0")
    c.expect_state(flow, "SYN_SENT")


@case()
def established_survives(c):
    """No unreachable ends a synchronized connection (MUST-56, RFC 5927 5.2)."""
    sock, flow = c.connect(rtt=0.5)
    c.send(sock, 100)
    seg = flow.expect("PA", len=100)
    kinds = [NET, HOST, PORT, TIME_EXCEEDED, PARAMETER]
    for kind in kinds:
        flow.icmp(*kind[c.version], seg)
    if c.version == 4:
        for code in (2, 5, 9, 10, 13):
            flow.icmp(3, code, seg)
        flow.icmp(4, 0, seg)        # source quench: dropped (MUST-55)
    c.nothing(sock)
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("A")
    flow.inject("PA", len=10)
    flow.expect("A")
    c.recv(sock, 10)


@case()
def soft_error_explains_the_timeout(c):
    """When the connection then times out, that error is why (SHLD-25)."""
    sock, flow = c.connect(before=lambda s: c.option(s, "USER_TIMEOUT", 1200))
    c.send(sock, 100)
    seg = flow.expect("PA", len=100)
    flow.icmp(*HOST[c.version], seg)
    c.so_error(sock, "EHOSTUNREACH", timeout=8)
    c.expect_state(flow, None)


@case()
def recverr_reports_at_once(c):
    """IP_RECVERR makes a soft error visible without ending the connection (SHLD-20)."""
    sock, flow = c.connect(rtt=0.5)
    if c.version == 4:
        sock.setsockopt(socket.IPPROTO_IP, 11, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, 25, 1)
    c.send(sock, 100)
    seg = flow.expect("PA", len=100)
    flow.icmp(*HOST[c.version], seg)
    c.so_error(sock, "EHOSTUNREACH")
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("A")
    flow.inject("PA", len=10)
    flow.expect("A")


# Path MTU


@case()
def too_big_resends_smaller(c):
    """The flight is sent again at once in segments that fit; new data fits too."""
    sock, flow = c.connect(mss=1460, rtt=0.5)
    c.send(sock, 4 * c.mss)
    flight = flow.absorb(4 * c.mss + 1)
    c.check(all(seg.df for seg in flight), "no DF")
    mtu = 1000 if c.version == 4 else 1280
    small = mtu - (40 if c.version == 4 else 60)
    too_big(c, flow, flight[0], mtu)
    seen = 1
    while seen < 4 * c.mss + 1:
        seg = flow.next(3)
        c.check(seg is not None, "nothing was sent again from %d on" % seen)
        c.check(seg.len <= small, "a segment of %d bytes" % seg.len)
        c.check(seg.seq <= seen, "a hole from %d to %d" % (seen, seg.seq))
        seen = max(seen, seg.end)
        flow.inject("A", ack=seen)
    c.send(sock, 2 * small)
    sizes = [seg.len for seg in flow.gather(0.2) if seg.seq >= 4 * c.mss + 1]
    c.equal(sizes, [small, small], "new segments")


@case()
def too_big_is_quick(c):
    """The first segment does not wait for the time-out."""
    sock, flow = c.connect(mss=1460, rtt=0.5)
    c.send(sock, c.mss)
    seg = flow.expect("PA", len=c.mss)
    too_big(c, flow, seg, 1280)
    flow.expect("A", seq=1, len=1280 - (40 if c.version == 4 else 60), within=0.6)


@case()
def too_big_of_another_segment(c):
    """A quoted sequence number out of the flight or a larger MTU changes nothing."""
    sock, flow = c.connect(mss=1460, rtt=0.5)
    c.send(sock, c.mss)
    seg = flow.expect("PA", len=c.mss)
    for off in (100000, -100000, 1 << 31):
        too_big(c, flow, requoted(c, seg, off), 1280)
    too_big(c, flow, requoted(c, seg, dport=1), 1280)
    too_big(c, flow, seg, 1500)
    too_big(c, flow, seg, 9000)
    flow.expect_nothing(0.3)
    flow.inject("A")
    c.send(sock, c.mss)
    flow.expect("PA", len=c.mss)


@case()
def too_big_by_too_much(c):
    """An absurd MTU does not stop the connection: what is left still gets through."""
    sock, flow = c.connect(mss=1460, rtt=0.3)
    c.send(sock, 3000)
    flight = flow.absorb(3001)
    for mtu in (0, 1, 40, 68):
        too_big(c, flow, flight[0], mtu)
    seen = 1
    while seen < 3001:
        flow.inject("A", ack=seen)
        seg = flow.next(5)
        c.check(seg is not None, "nothing was sent again from %d on" % seen)
        c.check(seg.len > 0, "an empty segment")
        if seg.seq <= seen:
            seen = max(seen, seg.end)
    flow.inject("A", ack=3001)
    c.expect_state(flow, "ESTABLISHED")


@case()
def cut_short(c):
    """Errors that quote less than a header, or nothing, are ignored."""
    sock, flow = c.connect(rtt=0.5)
    c.send(sock, 100)
    seg = flow.expect("PA", len=100)
    head = 20 if c.version == 4 else 40
    for size in (0, 8, head - 1, head, head + 4, head + 7):
        flow.icmp(*TOO_BIG[c.version], seg.raw[:size], extra=1280)
        flow.icmp(*PORT[c.version], seg.raw[:size])
    c.expect_state(flow, "ESTABLISHED")
    flow.inject("A")
    c.send(sock, 1000)
    flow.expect("PA", len=1000)


if __name__ == "__main__":
    main(__doc__)

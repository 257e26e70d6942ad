#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What XTCP asks of IP: addresses, TTL, DSCP, IP options, dual stack (RFC 9293 3.9.2)."""

import socket

from lib import case, main
from lib.flow import Flow
from lib.packet import IPOPT_LSRR, address, ones_sum
from lib.stage import DEVICE, Transport, write_file

IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73


def set_ip(c, sock, four, six, value):
    """Set the IPv4 or the IPv6 option of the same meaning."""
    if c.version == 4:
        sock.setsockopt(socket.IPPROTO_IP, four, value)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, six, value)


@case()
def default_header(c):
    """TTL 64 and no DSCP by default; DF set, since the path MTU is discovered (SHLD-6)."""
    sock, flow = c.connect()
    c.send(sock, 10)
    seg = flow.expect("PA", len=10)
    c.equal((seg.ttl, seg.tos, seg.df), (64, 0, True), "TTL, DSCP, DF")


@case()
def ttl_and_dscp(c):
    """Both can be set before and changed after connecting (MUST-48, MUST-49, SHLD-21)."""
    def before(sock):
        set_ip(c, sock, socket.IP_TTL, socket.IPV6_UNICAST_HOPS, 9)
        set_ip(c, sock, socket.IP_TOS, socket.IPV6_TCLASS, 0x28)

    sock, flow = c.start_connect(before=before)
    syn = flow.expect("S")
    c.equal((syn.ttl, syn.tos), (9, 0x28), "TTL and DSCP of the SYN")
    flow.inject("SA", mss=1000)
    ack = flow.expect("A")
    c.equal((ack.ttl, ack.tos), (9, 0x28), "TTL and DSCP of the ACK")
    set_ip(c, sock, socket.IP_TTL, socket.IPV6_UNICAST_HOPS, 77)
    set_ip(c, sock, socket.IP_TOS, socket.IPV6_TCLASS, 0x48)
    c.send(sock, 10)
    seg = flow.expect("PA", len=10)
    c.equal((seg.ttl, seg.tos), (77, 0x48), "TTL and DSCP after the change")


@case()
def listener_hands_down_ttl(c):
    """An accepted connection has its listener's TTL, from the SYN,ACK on."""
    c.listen(before=lambda s: set_ip(c, s, socket.IP_TTL, socket.IPV6_UNICAST_HOPS, 33))
    flow = c.flow()
    flow.inject("S", mss=1000)
    c.equal(flow.expect("SA").ttl, 33, "TTL of the SYN,ACK")
    flow.inject("A")
    flow.inject("PA", len=1, seq=2)
    c.equal(flow.expect("A", ack=1).ttl, 33, "TTL of the connection")


@case()
def minimum_ttl(c):
    """IP_MINTTL drops what comes from further away than it can (RFC 5082)."""
    sock, flow = c.accept()
    set_ip(c, sock, IP_MINTTL, IPV6_MINHOPCOUNT, 65)     # the peer's segments have 64
    flow.inject("PA", len=10)
    flow.expect_nothing(0.2)
    c.nothing(sock)
    set_ip(c, sock, IP_MINTTL, IPV6_MINHOPCOUNT, 64)
    flow.inject("PA", seq=1, len=10)
    flow.expect("A")
    c.recv(sock, 10)


@case()
def bound_source_address(c):
    """bind() chooses the source address, else IP does (MUST-43, MUST-44, MUST-45)."""
    other = "10.9.0.7" if c.version == 4 else "fd09::7"
    c.add_address(other)
    sock, flow = c.start_connect(before=lambda s: s.bind((other, 0)))
    c.local_addr = address(other)
    c.equal(flow.expect("S").src, address(other), "source address")
    flow.inject("SA", mss=1000)
    flow.expect("A")
    c.equal(sock.getsockname()[0], other, "getsockname")
    c.local_addr = address(c.local)
    sock, flow = c.start_connect()
    c.equal(flow.expect("S").src, address(sock.getsockname()[0]), "source address chosen by IP")


@case()
def listeners_at_two_addresses(c):
    """Two sockets listen on one port at different addresses (MUST-42)."""
    other = "10.9.0.7" if c.version == 4 else "fd09::7"
    c.add_address(other)
    first = c.listen()
    second = c.socket()
    second.bind((other, first.getsockname()[1]))
    second.listen()
    for listener, text in ((second, other), (first, c.local)):
        flow = c.flow()
        flow.inject("S", mss=1000, dst=address(text))
        c.equal(flow.expect("SA").src, address(text), "source of the SYN,ACK")
        flow.inject("A", dst=address(text))
        c.wait(listener, "r")
        c.equal(listener.accept()[0].getsockname()[0], text, "address of the connection")


@case(versions=(4,))
def unknown_ip_options(c):
    """IP options that mean nothing to XTCP are passed over (MUST-50)."""
    sock, flow = c.accept()
    for opts in (b"\1\1\1\0", bytes((0x44, 12, 5, 0)) + bytes(8), bytes((7, 7, 4, 0, 0, 0, 0, 0)),
                 bytes((0x5e, 4, 1, 1))):
        seg = flow.bytes("PA", len=10)
        c.wire.write(ip4_with_options(c, opts, seg))
        flow.nxt += 10
        flow.expect("A")
        c.recv(sock, 10)


@case(versions=(4,))
def source_route_of_the_application(c):
    """IP_OPTIONS sets a source route, which also shortens the segments (MUST-51, MUST-16)."""
    hop = address("10.9.0.3")
    route = bytes((IPOPT_LSRR, 7, 4)) + hop + b"\0"
    sock, flow = c.start_connect(before=lambda s: s.setsockopt(socket.IPPROTO_IP, 4, route))
    syn = flow.expect("S")
    c.equal((syn.dst, syn.final), (hop, c.peer_addr), "first hop and destination")
    flow.inject("SA", mss=1460)
    flow.expect("A")
    c.send(sock, 3000)
    seg = flow.expect("A", len=c.mss - 8)
    c.equal((seg.dst, seg.final), (hop, c.peer_addr), "first hop and destination")


@case(versions=(4,), xtcp=False)    # docs/rfc9293.md says why XTCP does not
def source_route_returned(c):
    """A connection opened through a source route answers through its reverse (MUST-53)."""
    for name in ("all", DEVICE):
        write_file("/proc/sys/net/ipv4/conf/%s/accept_source_route" % name, 1)
    listener, flow = c.listen(), c.flow()
    hop = address("10.9.0.3")
    travelled = bytes((IPOPT_LSRR, 7, 8)) + hop + b"\0"
    c.wire.write(ip4_with_options(c, travelled, flow.bytes("S", mss=1000)))
    flow.nxt = 1
    syn = flow.expect("SA")
    c.equal((syn.dst, syn.final), (hop, c.peer_addr), "first hop and destination")
    c.wire.write(ip4_with_options(c, travelled, flow.bytes("A")))
    c.wait(listener, "r")
    sock = listener.accept()[0]
    c.send(sock, 100)
    seg = flow.expect("PA", len=100)
    c.equal((seg.dst, seg.final), (hop, c.peer_addr), "first hop and destination of data")


def ip4_with_options(c, opts, payload):
    """An IPv4 datagram with option bytes in its header."""
    words = 5 + len(opts) // 4
    head = bytes((0x40 | words, 0)) + (words * 4 + len(payload)).to_bytes(2, "big")
    head += bytes((0, 1, 0, 0, 64, c.proto, 0, 0)) + c.peer_addr + c.local_addr + opts
    return head[:10] + (~ones_sum(head) & 0xffff).to_bytes(2, "big") + head[12:] + payload


@case()
def other_host_ignored(c):
    """A segment for an address that is not ours is not ours, whatever the port."""
    c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, dst=address("10.9.0.99" if c.version == 4 else "fd09::99"))
    flow.expect_nothing(0.3)


# Dual stack: IPv4 through an IPv6 socket


def dual(c):
    """A non-blocking IPv6 socket in a case that runs over IPv4."""
    return Transport(c.tcp, 6).socket()


@case(versions=(4,))
def dual_stack_listener(c):
    """A listener at :: accepts IPv4 and shows the peer as a mapped address."""
    listener = dual(c)
    listener.bind(("::", 8000))
    listener.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA", mss=c.mss)
    flow.inject("A")
    c.wait(listener, "r")
    sock, peer = listener.accept()
    sock.setblocking(False)
    c.equal(peer[:2], ("::ffff:" + c.peer, flow.port), "peer address")
    c.equal(sock.getsockname()[:2], ("::ffff:" + c.local, 8000), "own address")
    flow.inject("PA", len=700)
    flow.expect("A")
    c.recv(sock, 700)
    c.send(sock, 2500)
    flow.absorb(2501)
    flow.inject("A")
    sock.close()
    flow.expect("FA")
    flow.inject("FA")
    flow.expect("A")


@case(versions=(4,))
def dual_stack_connect(c):
    """connect() to a mapped address uses IPv4."""
    sock, flow = dual(c), c.flow(None)
    sock.connect_ex(("::ffff:" + c.peer, flow.port))
    flow.sut_port = sock.getsockname()[1]
    flow.expect("S", mss=c.mss)
    flow.inject("SA", mss=1000)
    flow.expect("A")
    c.equal(sock.getpeername()[0], "::ffff:" + c.peer, "peer address")
    c.send(sock, 10)
    flow.expect("PA", len=10)


@case(versions=(4,))
def v6only_refuses_ipv4(c):
    """IPV6_V6ONLY: the port is closed for IPv4, and free for an IPv4 listener."""
    listener = dual(c)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("::", 8000))
    listener.listen()
    flow = c.flow()
    flow.sut_isn = 0
    flow.inject("S", mss=1000)
    flow.expect("RA", seq=0, ack=1)
    c.listen(8000)
    again = Flow(c, 7000, 8000)
    again.inject("S", mss=1000)
    again.expect("SA")


if __name__ == "__main__":
    main(__doc__)

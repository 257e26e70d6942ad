#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Early demultiplexing: segments that find their socket before IP looks for a route.

EarlyDemux counts those that took the socket's route. Kernel TCP does the same and does not
count it; what the peer sees is compared with it.
"""

from lib import case, main, packet
from lib.stage import DEVICE, write_file

MSS = 1000
NFT = "table inet t { chain c { type filter hook prerouting priority -300; %s; }; }"


def demuxed(c):
    return c.counters().get("EarlyDemux", 0)


def data(c, sock, flow):
    """One segment from the peer: read, acknowledged. Return: whether its route was known."""
    before = demuxed(c)
    flow.inject("PA", len=MSS)
    flow.expect("A", seq=1, ack=flow.nxt)
    c.recv(sock, MSS)
    return demuxed(c) > before


def says(c, got, want, what):
    """What the counter says; for kernel TCP there is nothing to compare."""
    if not c.tcp:
        c.equal(got, want, what)


def accept(c):
    """A connection whose route is known."""
    sock, flow = c.accept(mss=MSS)
    data(c, sock, flow)
    says(c, data(c, sock, flow), True, "before")
    return sock, flow


@case()
def known_from_the_second_on(c):
    """The first segment brings the route, the others take it."""
    sock, flow = c.accept(mss=MSS)
    says(c, data(c, sock, flow), False, "the first one")
    for number in range(3):
        says(c, data(c, sock, flow), True, "number %d" % number)


@case()
def not_if_switched_off(c):
    """early_demux 0: IP looks each route up, and nothing else changes."""
    if not c.tcp:
        c.sysctl("early_demux", 0)
    sock, flow = c.accept(mss=MSS)
    for _ in range(3):
        says(c, data(c, sock, flow), False, "off")
    if not c.tcp:
        c.sysctl("early_demux", 1)
    data(c, sock, flow)
    says(c, data(c, sock, flow), True, "on again")


@case()
def another_route(c):
    """What changes in the tables makes the known route void; the next one is learned."""
    sock, flow = accept(c)
    c.command("ip", "route", "add", "unreachable", "192.0.2.77/32" if c.version == 4 else
              "2001:db8:77::/64")
    data(c, sock, flow)
    says(c, data(c, sock, flow), True, "afterwards")


@case()
def address_taken_away(c):
    """No known route lets a segment in whose address is this host's no more."""
    sock, flow = accept(c)
    c.command("ip", "address", "flush", "dev", DEVICE)
    flow.inject("PA", len=MSS)
    c.sleep(0.2)
    try:
        c.equal(sock.recv(1), None, "data received")
    except BlockingIOError:
        pass


@case()
def another_interface(c):
    """The way in changes: the segment counts, and its route is the known one from then on."""
    sock, flow = accept(c)
    c.wire.add_device("other")
    for name in ("all", "other"):
        write_file("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, 0)
    says(c, data(c, sock, flow), False, "by another interface")
    says(c, data(c, sock, flow), True, "once more")


@case()
def fragments_go_their_way(c):
    """A segment in pieces has its ports in the first only: IP puts it together."""
    sock, flow = c.accept(mss=MSS)
    data(c, sock, flow)
    before = demuxed(c)
    flow.inject("PA", len=MSS, frag=504)
    flow.expect("A", ack=flow.nxt)
    c.recv(sock, MSS)
    c.equal(demuxed(c), before, "demultiplexed")


@case()
def behind_nat(c):
    """Netfilter gives the packets another destination: the socket is that of the new one."""
    sock, flow = c.accept(mss=MSS)
    other = "192.0.2.99" if c.version == 4 else "2001:db8::99"
    word = "ip" if c.version == 4 else "ip6"
    c.command("nft", NFT % ("%s daddr %s %s daddr set %s" % (word, other, word, c.local)))
    data(c, sock, flow)
    before = demuxed(c)
    # Of protocol 253's checksum netfilter knows nothing.
    theirs = packet.address(other)
    seg = flow.bytes("PA", len=MSS, dst=theirs if c.tcp else c.local_addr)
    c.wire.write(packet.ip_header(c.peer_addr, theirs, c.proto, len(seg)) + seg)
    flow.nxt += MSS
    flow.expect("A", ack=flow.nxt)
    c.recv(sock, MSS)
    says(c, demuxed(c), before + 1, "demultiplexed")


@case(versions=(4,))
def mapped_on_the_wire(c):
    """An IPv6 packet with mapped addresses does not pass for the IPv4 connection's."""
    sock, flow = accept(c)
    src, dst = (bytes(10) + b"\xff\xff" + addr for addr in (c.peer_addr, c.local_addr))
    seg = flow.bytes("PA", len=MSS, src=src, dst=dst)
    c.wire.write(packet.ip_header(src, dst, c.proto, len(seg)) + seg)
    flow.expect_nothing(0.2)
    data(c, sock, flow)


@case()
def with_a_connection_gone(c):
    """Reset by the peer, opened again from the same port: the new socket gets its segments."""
    listener = c.listen()
    sock, flow = c.accept(listener, mss=MSS)
    data(c, sock, flow)
    data(c, sock, flow)
    flow.inject("R")
    c.wait(sock, "h")
    again, flow = c.accept(listener, mss=MSS, port=flow.port, isn=0x30000000)
    c.received[again] = 0
    data(c, again, flow)
    says(c, data(c, again, flow), True, "the new one")


if __name__ == "__main__":
    main(__doc__)

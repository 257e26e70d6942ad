#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Super-segments over every kind of device: what is cut, by whom, and what a wire sees.

Two hosts in namespaces send each other random octets over network cards of three kinds (QEMU's
e1000, virtio-net and 8139C+, which the vm script joins in pairs), a tap at a bridge, veths, tunnels,
and a router that merges what it receives. Every frame that arrives is captured: lengths, IP and
XTCP checksums, sequence numbers and octets must be right, and together they must be all. Where
nothing needs to be cut, packets of up to 64 KB arrive as they were sent.

Time limit: 400 s
"""

import argparse
import os
import random
import sys
import time

import links
from capture import MTU, Bad, Capture, Flow
from links import A, B, R

SAN = os.environ.get("XTCP_KERNEL") == "san"
SIZE = (1 << 20) if SAN else (2 << 20)
BACK = SIZE // 2 if SAN else SIZE // 4
PORT = 9000
SUPER = 40000       # octets that a packet has at least once where it is not cut
SKIPPED = 4
# What the sanitizer kernel has time for: all of offload.c and gro.c, each once or twice. It is
# too slow to fill super-segments, which a path of so many microseconds is paced for.
SAN_CASES = ("veth_cut_ipv4", "veth_gro_ipv4", "veth_gro_ipv6", "router_veth_ipv6")


class Results:
    """KTAP as it comes."""

    only = ""       # part of the names of those that are to run

    def __init__(self):
        self.count = self.failed = self.skipped = 0
        self.random = random.Random(int.from_bytes(os.urandom(4), "big"))
        print("KTAP version 1")

    def skip(self, name, why):
        self.count += 1
        self.skipped += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why), flush=True)

    def case(self, name, call, *args):
        """Run @call(port, *args); it raises Bad, and yields lines that say what was seen."""
        if self.only not in name or (SAN and name not in SAN_CASES):
            return
        self.count += 1
        begin = time.monotonic()
        try:
            for line in call(PORT + self.count, *args):
                print("# " + line)
            verdict = "ok"
        except (Bad, OSError) as why:
            print("# %s: %s" % (type(why).__name__, why))
            verdict = "not ok"
            self.failed += 1
        print("%s %d - %s # %.1f s" % (verdict, self.count, name, time.monotonic() - begin),
              flush=True)

    def end(self):
        print("1..%d" % self.count)
        if self.failed:
            return 1
        return 0 if self.count > self.skipped else SKIPPED


results = Results()


def address(version, net=81):
    return "10.%d.0.2" % net if version == 4 else "fd%d::2" % net


def exchange(port, version, there, back, net=81, ends=(A, B)):
    """Octets there and back, captured by @there and @back. Return: both directions' Flow."""
    data = results.random.randbytes(SIZE), results.random.randbytes(BACK)
    got = links.transfer(ends[0], ends[1], version, address(version, net), port, *data)
    for have, sent in zip(got, data):
        if have != sent:
            raise Bad("a program received other octets than were sent")
    every = range(65536)
    return (Flow(there.packets(), (port,), every, data[0]),
            Flow(back.packets(), every, (port,), data[1]))


def wire_mss(mtu, version, flows):
    mss = mtu - (40 if version == 4 else 60)
    for flow in flows:
        if flow.mss != mss:
            raise Bad("MSS %d with an MTU of %d" % (flow.mss, mtu))
    return mss


def over_wire(port, version):
    """A device that carries no super-segments: both ends see each segment by itself."""
    flows = exchange(port, version, Capture(B, "eth0"), Capture(A, "eth0"))
    mss = wire_mss(MTU, version, flows)
    for flow in flows:
        flow.wire(MTU, mss)
        yield flow.show()


def whole(port, version, device="eth0", ends=(A, B), to=81):
    """Nothing on the way cuts: packets of some ten thousand octets arrive."""
    there = Capture(ends[1], device)
    back = Capture(ends[0], device)
    for flow in exchange(port, version, there, back, to, ends):
        flow.supers(SUPER)
        yield flow.show()


def merged(port, version):
    """The receiver of a real wire merges what its device brings in one poll."""
    flows = exchange(port, version, Capture(B, "eth0"), Capture(A, "eth0"))
    mss = wire_mss(MTU, version, flows)
    flows[0].supers(2 * mss)
    yield flows[0].show()


def through_tunnel(port, version, kind, cut):
    """The inner packets come out whole or not; the outer ones are right on a wire."""
    mtu = min(links.mtu_of(A, "tun9"), MTU)
    outer, inner, back = Capture(B, "eth0"), Capture(B, "tun9"), Capture(A, "eth0")
    flows = exchange(port, version, outer, back, 82)
    seen = Flow(inner.packets(), (port,), range(65536), flows[0].data)
    seen.whole()
    mss = wire_mss(mtu, version, flows + (seen,))
    if not flows[0].tunnels:
        raise Bad("no tunnel around the segments")
    for flow in flows:
        if cut:
            flow.wire(MTU, mss)
        else:
            flow.whole()
        yield flow.show()
    if kind and not cut:
        flows[0].supers(SUPER)


def routed(port, version, least):
    """A router merges the sender's segments, and cuts them again for the way out."""
    left = Capture(R, "left")
    flows = exchange(port, version, Capture(B, "eth0"), Capture(A, "eth0"))
    mss = wire_mss(MTU, version, flows)
    flows[0].wire(MTU, mss)
    yield flows[0].show()
    came = Flow(left.packets(), (port,), range(65536), flows[0].data)
    came.supers(least)
    yield "at the router: " + came.show()


def cards(driver):
    links.load_modules(driver)
    with links.Hosts():
        if not links.join_cards(driver):
            for version in (4, 6):
                results.skip("%s_ipv%d" % (driver, version), "no such network cards here")
            return
        for name in (A, B):
            links.feature(name, "eth0", gro=0)
        for version in (4, 6):
            results.case("%s_ipv%d" % (driver, version), over_wire, version)
        for name in (A, B):
            links.feature(name, "eth0", gro=1)
        for version in (4, 6):
            results.case("%s_gro_ipv%d" % (driver, version), merged, version)
        if driver != "e1000":
            return
        for name in (A, B):
            links.feature(name, "eth0", gro=0)
        tunnels("e1000", True)
        for name in (A, B):
            links.feature(name, "eth0", tso=0, gso=0, sg=0, tx=0, rx=0)
        for version in (4, 6):
            results.case("e1000_bare_ipv%d" % version, over_wire, version)


def tunnels(over, cut):
    """Each kind over what joins A and B."""
    for kind in links.TUNNELS:
        links.dig(kind)
        for version in (4, 6):
            if (kind, version) not in (("ipip", 6), ("sit", 4)):
                results.case("%s_over_%s_ipv%d" % (kind, over, version), through_tunnel, version,
                             kind, cut)
        links.fill()


def virtual():
    """What has no wire: super-segments go through whole."""
    with links.Hosts():
        links.join_veth()
        for version in (4, 6):
            results.case("veth_ipv%d" % version, whole, version)
            links.ip(["addr add 10.84.0.2/32 dev lo", "addr add fd84::2/128 dev lo nodad"]
                     if version == 4 else [], A)
            results.case("lo_ipv%d" % version, whole, version, "lo", (A, A), 84)
        tunnels("veth", False)
        # Without its checksums, too: each segment has one of its own then.
        for name in (A, B):
            links.feature(name, "eth0", tso=0, gso=0, tx=0)
        for version in (4, 6):
            results.case("veth_cut_ipv%d" % version, over_wire, version)
        for name in (A, B):
            links.feature(name, "eth0", gro=1)
        for version in (4, 6):
            results.case("veth_gro_ipv%d" % version, merged, version)
    with links.Hosts():
        links.join_bridge()
        for version in (4, 6):
            results.case("bridge_ipv%d" % version, whole, version)
    with links.Hosts(), links.TapBridge():
        for version in (4, 6):
            results.case("bridged_tap_ipv%d" % version, over_wire, version)


def router(driver):
    with links.Hosts():
        if driver and not links.card(driver, 1):
            for version in (4, 6):
                results.skip("router_%s_ipv%d" % (driver, version), "no such network cards here")
            return
        links.join_router(driver)
        links.feature(A, "eth0", tso=0, gso=0, tx=0)
        links.feature(R, "left", gro=1)
        links.feature(R, "right", tso=0, gso=0, gro=0, tx=0)
        links.feature(B, "eth0", tso=0, gso=0, gro=0)
        for version in (4, 6):
            results.case("router_%s_ipv%d" % (driver or "veth", version), routed, version, 4000)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="cases with TEXT in their names")
    results.only = parser.parse_args().only
    try:
        links.load_modules(*links.MODULES)
        virtual()
        router(None)
        for driver in links.CARDS:
            cards(driver)
        router("e1000")
    finally:
        links.unload_modules()
    return results.end()


if __name__ == "__main__":
    sys.exit(main())

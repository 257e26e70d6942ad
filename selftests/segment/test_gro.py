#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Segments that a device's poll merges (gro.c): what is acknowledged, counted and read.

The peer sends through a packet socket on one end of a veth; netem keeps everything back until a
slot opens and hands it over at once, so that the other end's NAPI polls a burst. What comes up
from there is seen by a packet socket, too: merged, or not. Answers leave through tun.
"""

import fcntl
import os
import socket
import struct
import sys
import time

from lib import case, main, pattern
from lib.packet import OPT_NOP, options
from lib.stage import write_file

MSS = 1000
SLOT = 0.3          # seconds in which a burst must have been injected
SKIPPED = 4
SIOCGIFHWADDR = 0x8927
NEAR, FAR = "gro1", "gro0"
FEATURES = ("tso", "off", "gso", "off")


class Cable:
    """Instead of tun's descriptor: where segments go in, and what NAPI makes of them."""

    def __init__(self, c):
        c.command("ip", "link", "add", FAR, "type", "veth", "peer", "name", NEAR)
        c.command("ethtool", "-K", FAR, *FEATURES)
        c.command("ethtool", "-K", NEAR, "gro", "on")
        for name in ("all", NEAR):
            write_file("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, 0)
        for name in (FAR, NEAR):
            c.command("ip", "link", "set", name, "up")
        slot = "%dms" % (SLOT * 1000)
        c.command("tc", "qdisc", "add", "dev", FAR, "root", "netem", "slot", slot, slot)
        self.proto = 0x0800 if c.version == 4 else 0x86dd
        self.head = 20 if c.version == 4 else 40
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
            self.mac = fcntl.ioctl(ctl, SIOCGIFHWADDR, struct.pack("40s", NEAR.encode()))[18:24]
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self.up = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self.up.bind((NEAR, 3))
        self.up.setblocking(False)

    def write(self, raw):
        self.out.sendto(raw, (FAR, self.proto, 0, 0, self.mac))

    def came(self):
        """Octets of payload of each of XTCP's packets since the last call."""
        found = []
        while True:
            try:
                raw = self.up.recv(70000)
            except BlockingIOError:
                return found
            if raw[9 if self.head == 20 else 6] == 253:
                found.append(len(raw) - self.head - (raw[self.head + 12] >> 4) * 4)


def receiver(c, sack=0, ecn=False, ts=None, before=None):
    """A connection that the peer opened, whose segments come in bursts from now on."""
    c.sysctl("sack", sack)
    c.sysctl("timestamps", int(ts is not None))
    if ecn:
        c.sysctl("ecn", 1)
    listener = c.listen(before=before)
    flow = c.flow(listener.getsockname()[1])
    flow.inject("SEC" if ecn else "S", opts=options(mss=MSS, sackok=bool(sack),
                                                    ts=ts and (ts, 0)))
    flow.next(3.0)
    flow.inject("A", opts=options(ts=ts and (ts, 0)))
    sock = c.take(listener)
    cable = Cable(c)
    c.wire.write = cable.write
    return sock, flow, cable


def at(n):
    """Where segment @n begins, counted from 0."""
    return 1 + n * MSS


def burst(c, flow, *segments):
    """Inject (number, flags, fields) in one slot. Return: what the kernel sent behind it."""
    begin = time.time()
    for number, flags, fields in segments:
        flow.inject(flags, seq=at(number), **{"len": MSS, **fields})
    c.check(time.time() - begin < SLOT, "injected within a slot")
    flow.nxt = at(max(number for number, _, _ in segments) + 1)
    return flow.gather(SLOT + 0.3)


def plain(*numbers, flags="A", **fields):
    return [(n, flags, fields) for n in numbers]


def counted(c, before, name):
    return c.counters()[name] - before[name]


@case(tcp=False)
def one_of_many(c):
    """Twenty segments come up as one, count as twenty, and are acknowledged once."""
    sock, flow, cable = receiver(c)
    for turn in range(2):
        before = c.counters()
        out = burst(c, flow, *plain(*range(20 * turn, 20 * turn + 20)))
        c.equal(cable.came(), [20 * MSS], "what NAPI made of it")
        c.equal(counted(c, before, "InSegs"), 20, "InSegs")
        c.equal(out[-1].ack, at(20 * turn + 20), "the last ACK")
        c.check(len(out) <= 2, "one ACK for a burst, not %d" % len(out))
        c.recv(sock, 20 * MSS)
    c.equal(c.info(sock)["rcv_mss"], MSS, "rcv_mss")
    c.equal(c.info(sock)["data_segs_in"], 40, "data_segs_in")


@case(tcp=False)
def pushed(c):
    """PSH ends what is merged; a short one, too."""
    sock, flow, cable = receiver(c)
    burst(c, flow, *plain(0, 1), *plain(2, flags="PA"), *plain(3, 4))
    c.equal(cable.came(), [3 * MSS, 2 * MSS], "PSH")
    c.recv(sock, 5 * MSS)


@case(tcp=False)
def finished(c):
    """The end of the stream behind the last octets."""
    sock, flow, cable = receiver(c)
    out = burst(c, flow, *plain(0, 1), *plain(2, flags="FPA"))
    c.equal(cable.came(), [3 * MSS], "FIN")
    c.equal(out[-1].ack, at(3) + 1, "ACK of the FIN")
    c.recv(sock, 3 * MSS)
    c.eof(sock)


@case(tcp=False)
def urgent(c):
    """An urgent pointer counts from its own segment's number: that one stays alone."""
    sock, flow, cable = receiver(c)
    burst(c, flow, *plain(0, 1), *plain(2, flags="UA", urg=500), *plain(3, 4))
    c.equal(cable.came(), [2 * MSS, MSS, 2 * MSS], "URG")
    c.equal(sock.recv(1, socket.MSG_OOB), pattern(at(2) + 498, 1), "the urgent octet")


@case(tcp=False)
def bad_checksum(c):
    """It is not merged with good ones but counted and dropped, and comes again."""
    sock, flow, cable = receiver(c, sack=1)
    before = c.counters()
    out = burst(c, flow, *plain(0, 1), *plain(2, bad_csum=True), *plain(3, 4))
    c.equal(cable.came(), [2 * MSS, MSS, 2 * MSS], "the bad one alone")
    c.equal(counted(c, before, "InCsumErrors"), 1, "InCsumErrors")
    c.equal(out[-1].ack, at(2), "ACK")
    c.equal(flow.blocks(out[-1]), [(at(3), at(5))], "SACK")
    out = burst(c, flow, *plain(2))
    c.equal(out[-1].ack, at(5), "ACK of all")
    c.recv(sock, 5 * MSS)


@case(tcp=False)
def holes(c):
    """What is missing in the middle, and what comes in another order."""
    sock, flow, cable = receiver(c, sack=1)
    out = burst(c, flow, *plain(0, 1, 3, 4, 6, 7, 8))
    c.equal(cable.came(), [2 * MSS, 2 * MSS, 3 * MSS], "three runs")
    c.equal(out[-1].ack, at(2), "ACK")
    c.equal(set(flow.blocks(out[-1])), {(at(3), at(5)), (at(6), at(9))}, "SACK")
    out = burst(c, flow, *plain(5, 2))
    c.equal(cable.came(), [MSS, MSS], "backwards")
    c.equal(out[-1].ack, at(9), "ACK of all")
    c.recv(sock, 9 * MSS)


@case(tcp=False)
def marked(c):
    """CE is one packet's: as many octets are reported as were marked, and ECE answers."""
    sock, flow, cable = receiver(c, ecn=True)
    before = c.counters()
    out = burst(c, flow, *plain(0, 1, tos=2), *plain(2, 3, 4, tos=3), *plain(5, tos=2))
    c.equal(cable.came(), [2 * MSS, 3 * MSS, MSS], "by their marks")
    c.equal(counted(c, before, "InCEPkts"), 3, "InCEPkts")
    c.equal(counted(c, before, "InECT0Pkts"), 3, "InECT0Pkts")
    c.check(out[-1].flags & 64, "ECE")
    c.recv(sock, 6 * MSS)


@case(tcp=False)
def stamped(c):
    """A timestamp is in each header: what differs there is not merged."""
    sock, flow, cable = receiver(c, ts=100)
    stamp = {"opts": bytes([OPT_NOP, OPT_NOP]) + struct.pack("!BBII", 8, 10, 101, 0)}
    later = {"opts": bytes([OPT_NOP, OPT_NOP]) + struct.pack("!BBII", 8, 10, 102, 0)}
    out = burst(c, flow, *plain(0, 1, 2, **stamp), *plain(3, 4, **later))
    c.equal(cable.came(), [3 * MSS, 2 * MSS], "by their stamps")
    c.equal(out[-1].ack, at(5), "ACK")
    c.equal(out[-1].ts[1], 101, "the echo of the first that was not acknowledged")
    c.recv(sock, 5 * MSS)


@case(tcp=False)
def small_buffer(c):
    """Merged segments are charged for their memory: a reader who sleeps loses nothing."""
    def small(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)

    sock, flow, _ = receiver(c, sack=1, before=small)
    got = n = 0
    for _ in range(12):
        out = burst(c, flow, *plain(*range(n, n + 12)))
        acked = out[-1].ack if out else at(n)
        c.check(acked >= at(n), "nothing is taken back")
        n = (acked - 1) // MSS
        flow.nxt = acked
        left = out[-1].ack + out[-1].window if out else 0
        if left < at(n + 3):
            c.recv(sock, acked - 1 - got)
            got = acked - 1
    c.check(n > 24, "only %d segments in the end" % n)
    c.recv(sock, acked - 1 - got)


if __name__ == "__main__":
    if os.environ.get("XTCP_KERNEL") == "san":
        # gro_kunit.c has NAPI merge there, and device/test_devices has a veth do it.
        print("KTAP version 1\n1..0 # SKIP its bursts are too fast for the sanitizer kernel")
        sys.exit(SKIPPED)
    main(__doc__)

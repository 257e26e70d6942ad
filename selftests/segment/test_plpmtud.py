#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The path's MTU without ICMP: black holes and the search by probes (RFC 4821).

The peer swallows packets above a size and says nothing, as routers behind some firewalls do.
"""

import socket
import struct

from lib import Fail, case, main
from lib.stage import pattern

BASE = 1024             # base_mss
THRESHOLD = 8           # probe_threshold
IP_MTU_DISCOVER, DONT = 10, 0
TOO_BIG = {4: (3, 4), 6: (2, 0)}
NO_THRESHOLD = 0x7fffffff


class Path:
    """A connection over a path that swallows packets longer than @limit octets."""

    def __init__(self, c, limit, probing, sack=True, before=None):
        self.c, self.limit = c, limit
        self.head = 40 if c.version == 4 else 60
        for name, value in (("mtu_probing", probing), ("base_mss", BASE), ("sack", int(sack)),
                            ("probe_threshold", THRESHOLD)):
            c.sysctl(name, value)
        self.sock, self.flow = c.start_connect(before=before)
        self.flow.expect("S")
        # Two dozen segments: their answers come before a time-out, however slow the machine is.
        self.flow.win = 24000
        opts = struct.pack("!BBH", 2, 4, c.mss)
        self.flow.inject("SA", opts=opts + (b"\4\2\1\1" if sack else b""))
        self.flow.expect("A")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)
        self.sack = sack
        self.acked, self.early = 1, {}
        self.left = self.pos = 0
        self.sizes, self.swallowed = [], []

    def feed(self):
        """Write as much as the socket takes."""
        while self.left:
            try:
                taken = self.sock.send(pattern(self.pos, min(self.left, 65536)))
            except BlockingIOError:
                return
            self.pos += taken
            self.left -= taken

    def _blocks(self):
        """Option octets that report what came early."""
        merged = []
        for start in sorted(self.early):
            if merged and start <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], self.early[start])
            else:
                merged.append([start, self.early[start]])
        if not self.sack or not merged:
            return b""
        return self.flow.sacks(*merged[:4])

    def take(self, seg):
        """The peer gets @seg; it acknowledges at once. Return: False if it was swallowed."""
        self.sizes.append(len(seg.raw))
        if len(seg.raw) > self.limit:
            self.swallowed.append(seg)
            return False
        self.early[seg.seq] = max(self.early.get(seg.seq, 0), seg.end)
        for start in sorted(self.early):
            if start <= self.acked:
                self.acked = max(self.acked, self.early.pop(start))
        self.flow.inject("A", ack=self.acked, opts=self._blocks())
        return True

    def carry(self, size, until=None, patience=15.0):
        """@size octets reach the peer, or as many as it takes for @until() to be true."""
        self.left += size
        end = self.pos + self.left + 1
        while self.acked < end:
            self.feed()
            seg = self.flow.next(patience)
            if seg is None:
                raise Fail("nothing for %g s, %d of %d octets arrived; lengths %s"
                           % (patience, self.acked, end, self.sizes[-20:]))
            if seg.len:
                self.take(seg)
            if until and until():
                self.left = 0   # what the socket has taken follows
                return

    def mss(self):
        return self.c.info(self.sock)["snd_mss"]

    def found(self):
        """Segments are as long as the path carries, to within the threshold."""
        return self.limit - THRESHOLD < self.mss() + self.head <= self.limit

    def counter(self, name):
        return self.c.counters().get(("TCP" if self.c.tcp else "") + name, 0)


@case()
def off_by_default(c):
    """Without probing full segments go into the black hole until the connection ends."""
    path = Path(c, 1200, 0, before=lambda s: c.option(s, "USER_TIMEOUT", 3000))
    c.sysctl("retries1", 1)
    path.left = 14000
    path.feed()
    seen = [seg for seg in path.flow.gather(1.5) if seg.seq == 1]
    c.check(len(seen) >= 4, "sent %d times" % len(seen))
    c.equal({seg.len for seg in seen}, {c.mss}, "lengths")
    c.so_error(path.sock, "ETIMEDOUT", timeout=8)


@case()
def black_hole(c):
    """mtu_probing=1: after R1 time-outs segments shrink to base_mss, and all arrives."""
    path = Path(c, 1300, 1)
    path.carry(20000)
    fit = [size for size in path.sizes if size <= path.limit]
    c.check(len(path.swallowed) >= 10, "the first flight was full segments")
    c.equal(max(fit[:8]), BASE + path.head, "length after the time-outs")
    first = [seg.time for seg in path.swallowed if seg.seq == 1]
    c.check(len(first) >= 4, "%d times at full length, R1 is 3" % len(first))


@case()
def black_hole_deeper(c):
    """The base is too long as well: half of it, and half of that."""
    path = Path(c, 330, 1)
    c.sysctl("retries1", 1)
    path.carry(6000)
    fit = [size for size in path.sizes if size <= path.limit]
    c.equal(max(fit[:8]), BASE // 4 + path.head, "length that went through")


@case()
def floor(c):
    """Nothing gets through: base_mss, half of it, and never shorter than mtu_probe_floor."""
    path = Path(c, 100, 1)
    c.sysctl("retries1", 1)
    c.sysctl("mtu_probe_floor", 400)
    path.left = 5000
    path.feed()
    sizes = [seg.len for seg in path.flow.gather(4.0) if seg.seq == 1]
    steps = [size for i, size in enumerate(sizes) if not i or size != sizes[i - 1]]
    c.equal(steps, [c.mss, BASE, BASE // 2, 400], "lengths of the first segment")


@case(tcp=False)    # Linux takes every time-out for a black hole
def short_segments_are_no_black_hole(c):
    """A time-out of short segments says nothing of the path's MTU."""
    path = Path(c, 1500, 1)
    c.sysctl("retries1", 1)
    path.left = 200
    path.feed()
    for _ in range(5):
        c.check(path.flow.next(8) is not None, "sent again")
    c.equal(path.mss(), c.mss, "the MSS")


def search(c, limit, sack):
    path = Path(c, limit, 2, sack)
    c.equal(path.mss(), BASE, "the MSS at first")
    path.carry(3000000, until=path.found)
    c.check(path.found(), "the MSS is %d" % path.mss())
    c.check(path.counter("MTUPSuccess") > 0, "probes that arrived are counted")
    return path


def unharmed(c, path):
    """No probe that was lost has cost anything."""
    path.carry(100000)      # the last of them may still be under way
    info = c.info(path.sock)
    c.equal(path.counter("MTUPFail"), len(path.swallowed), "probes that were lost")
    c.check(path.swallowed, "some probes were too long")
    c.equal(path.counter("Timeouts"), 0, "time-outs")
    c.equal(info["snd_ssthresh"], NO_THRESHOLD, "%d recoveries, %d tail probes, ssthresh"
            % (path.counter("SackRecovery"), path.counter("LossProbes")))
    c.check(info["snd_cwnd"] * info["snd_mss"] >= 11 * BASE, "cwnd is %d" % info["snd_cwnd"])


@case()
def search_with_sack(c):
    """mtu_probing=2: from base_mss up to what the path carries; lost probes cost nothing."""
    unharmed(c, search(c, 1333, True))


@case()
def search_without_sack(c):
    """The same by three duplicate ACKs."""
    unharmed(c, search(c, 1333, False))


@case()
def search_up_to_the_route(c):
    """A path without an obstacle: up to the MTU of the route and the peer's MSS."""
    path = search(c, 1500, True)
    c.equal(path.swallowed, [], "swallowed packets")
    c.equal(path.counter("MTUPFail"), 0, "lost probes")


@case(mtu=9000)
def search_jumbo(c):
    """A wide range: 9000 at both ends, 1500 between them."""
    path = search(c, 1500, True)
    unharmed(c, path)
    # The search is over.
    path.swallowed.clear()
    path.carry(200000)
    c.equal([len(seg.raw) for seg in path.swallowed], [], "swallowed after the search")


def first_probe(c):
    """A search whose first probe has just been sent, and is not answered."""
    path = Path(c, 1500, 2)
    path.limit = BASE + path.head
    path.carry(400000, until=lambda: path.swallowed)
    return path, path.swallowed[0]


@case()
def probe_is_one_segment(c):
    """Half-way, marked DF, in front of four more that would show its loss."""
    path, probe = first_probe(c)
    c.equal(len(probe.raw), (BASE + path.head + 1500 + 1) // 2, "length")
    c.check(probe.df, "DF")
    behind = [seg for seg in path.flow.gather(0.1) if seg.seq > probe.seq]
    c.check(len(behind) >= 4, "%d segments behind it" % len(behind))
    c.equal({seg.len for seg in behind[:4]}, {BASE}, "their lengths")


@case(versions=(4,), tcp=False)     # Linux searches all the same
def no_search_where_routers_may_cut(c):
    """IP_PMTUDISC_DONT: a probe would arrive in pieces, and prove nothing."""
    path = Path(c, 1500, 2, before=lambda s: s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER,
                                                           DONT))
    path.carry(200000)
    c.equal(max(path.sizes), BASE + path.head, "longest packet")


@case(tcp=False)    # Linux takes no ICMPv6 message that would leave the MSS as it is
def icmp_bounds_the_search(c):
    """A message about the probe: its octets go again at once, and nothing longer is tried."""
    path, probe = first_probe(c)
    mtu = 1200 if c.version == 4 else 1280
    c.check(len(probe.raw) > mtu, "a probe of %d octets" % len(probe.raw))
    late = [seg for seg in path.flow.gather(0.05) if seg.len]
    path.flow.icmp(*TOO_BIG[c.version], probe, extra=mtu)
    again = path.flow.next(0.15)
    c.check(again is not None, "nothing at once")
    c.equal((again.seq, again.len), (probe.seq, BASE), "what goes again")
    path.swallowed.clear()
    path.limit = mtu
    for seg in (again, *late):
        path.take(seg)
    path.carry(400000, until=path.found)
    c.check(path.found(), "the MSS is %d" % path.mss())
    c.equal([len(seg.raw) for seg in path.swallowed], [], "longer than the message said")
    c.equal(path.counter("Timeouts"), 0, "time-outs")


@case()
def reopened_after_the_interval(c):
    """The path got better: after probe_interval longer segments are tried again."""
    path = search(c, 1300, True)
    path.carry(200000)      # up to the end of the search
    path.limit = 1500
    path.carry(200000)
    c.check(path.mss() + path.head <= 1300, "not before the interval")
    c.sysctl("probe_interval", 1)
    c.sleep(1.1)
    path.carry(3000000, until=path.found)
    c.check(path.found(), "the MSS is %d" % path.mss())


if __name__ == "__main__":
    main(__doc__)

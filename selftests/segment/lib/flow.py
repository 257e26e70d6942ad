# SPDX-License-Identifier: GPL-2.0
"""One connection as its peer sees it: inject() a segment, expect() the kernel's.

All sequence numbers in tests are relative: 0 is each side's SYN, 1 its first byte.
What a test leaves out follows the connection: inject() continues where the peer
stands and acknowledges all it has seen; expect() wants the kernel's next sequence
number and an acknowledgment of everything injected in order. A sequence number given
to inject() is an exception (old, out of order, out of window) and moves nothing.
"""

import struct
import time

from . import packet
from .packet import ACK, FIN, PSH, RST, SYN, flags_from, flags_text
from .stage import Fail, pattern

ANY = object()  # for expect(): this field is not the point here


def signed(value):
    """A 32-bit difference as the signed number it stands for."""
    return (value + (1 << 31) & 0xffffffff) - (1 << 31)


def bounds(gap):
    """(earliest, latest): a number is a timer, never early, late as a slow machine is."""
    if isinstance(gap, tuple):
        return gap
    return gap * 0.99 - 0.008, gap * 1.25 + 0.4


class Flow:
    """State of the peer: port numbers, initial sequence numbers, what comes next."""

    def __init__(self, case, port, sut_port, isn=0x10000000):
        self.case, self.port, self.sut_port, self.isn = case, port, sut_port, isn
        self.sut_isn = None     # learned from the kernel's SYN
        self.nxt = 0            # the peer's next sequence number
        self.rcv = 0            # the kernel's next, as far as seen
        self.win = 65535        # window offered by default, in bytes
        self.shift_out = self.shift_in = 0
        self.last = None        # the last segment from the kernel
        self.sent_at = None     # when the peer last injected one
        self.verify = True      # payload is the pattern by its position

    # from the peer

    def bytes(self, flags, seq=None, ack=None, len=0, data=None, win=None, mss=None, ws=None,
              sackok=False, ts=None, opts=None, urg=0, doff=None, reserved=0, bad_csum=False,
              cut=None, src=None, dst=None, pseudo=None, dport=None):
        """The transport bytes of the segment that inject() would send."""
        bits = flags_from(flags)
        seq = self.nxt if seq is None else seq
        if data is None:
            data = pattern(seq - 1 + bool(bits & SYN), len) if len else b""
        if ack is None:
            number = self.rcv + (self.sut_isn or 0) if bits & ACK else 0
        else:
            number = ack + (self.sut_isn or 0)
        win = self.win if win is None else win
        raw_win = min(win >> (0 if bits & SYN else self.shift_out), 65535)
        if opts is None:
            opts = packet.options(mss, ws, sackok, ts)
        seg = packet.segment(self.port, dport or self.sut_port, self.isn + seq, number, bits,
                             raw_win, opts, data, urg, doff, reserved)
        if cut is not None:
            seg = seg[:cut]
        src, dst = src or self.case.peer_addr, dst or self.case.local_addr
        if len_of(seg) >= 18:
            csum = packet.checksum(src, dst, pseudo or self.case.proto, seg)
            if bad_csum:
                csum ^= 0x5555
            seg = seg[:16] + csum.to_bytes(2, "big") + seg[18:]
        return seg

    def inject(self, flags, seq=None, frag=None, tos=0, **fields):
        """Send a segment to the kernel; @frag cuts it into IP fragments of that size.

        @tos: that octet of the IP header, its last two bits are ECN's.
        """
        seg = self.bytes(flags, seq, **fields)
        src = fields.get("src") or self.case.peer_addr
        dst = fields.get("dst") or self.case.local_addr
        proto = self.case.proto
        if seq is None:
            bits = flags_from(flags)
            size = fields["len"] if "len" in fields else len(fields.get("data") or b"")
            self.nxt += size + bool(bits & SYN) + bool(bits & FIN)
        shown = dict(fields, tos=tos) if tos else fields
        self.case.log("<", self._show_sent(flags, seq, shown))
        if frag:
            for piece in packet.fragments(src, dst, proto, seg, frag):
                self.case.wire.write(piece)
        else:
            self.case.wire.write(packet.ip_header(src, dst, proto, len(seg), tos=tos) + seg)
        self.sent_at = time.time()

    def sacks(self, *blocks):
        """Option octets: these ranges of the kernel's stream have arrived."""
        out = struct.pack("!BBBB", 1, 1, 5, 2 + 8 * len(blocks))
        for block in blocks:
            out += struct.pack("!II", *((edge + self.sut_isn) & 0xffffffff for edge in block))
        return out

    def blocks(self, seg):
        """The SACK blocks of a segment from the kernel, in relative numbers."""
        return [((a - self.isn) & 0xffffffff, (b - self.isn) & 0xffffffff)
                for a, b in seg.sack or ()]

    def icmp(self, kind, code, quoted, extra=0, src=None):
        """An ICMP error about @quoted, a Segment the kernel sent (or its raw bytes)."""
        raw = quoted if isinstance(quoted, bytes) else quoted.raw
        head = 20 if self.case.version == 4 else 40
        self.case.log("<", "icmp type %d code %d extra %d" % (kind, code, extra))
        self.case.wire.write(packet.icmp_error(src or self.case.peer_addr, self.case.local_addr,
                                               kind, code, raw[:head + 8], extra))

    # from the kernel

    def next(self, timeout):
        """The next segment of this flow with relative numbers, or None."""
        seg = self.case.next_segment(self, timeout)
        if seg is None:
            return None
        if seg.flags & SYN and self.sut_isn is None:
            self.sut_isn = seg.seq
        base = self.sut_isn if self.sut_isn is not None else seg.seq
        seg.end = signed(seg.end - base)
        seg.seq = signed(seg.seq - base)
        if seg.flags & ACK:
            seg.ack = signed(seg.ack - self.isn)
        seg.window = seg.win << (0 if seg.flags & SYN else self.shift_in)
        seg.gap = seg.time - self.last.time if self.last else None
        if not seg.flags & RST:     # that one's number may be anything
            self.rcv = max(self.rcv, seg.end)
        self.last = seg
        self.case.log(">", show(seg), seg.time)
        start = seg.seq - 1 + bool(seg.flags & SYN)
        if self.verify and seg.payload and seg.payload != pattern(start, seg.len):
            raise Fail("payload at %d is not what the socket sent" % seg.seq)
        return seg

    def expect(self, flags, seq=None, ack=None, len=0, win=None, mss=None, ws=None, urg=None,
               within=3.0, gap=None, after=None):
        """The kernel's next segment must be this one; returns it.

        @gap: seconds since its last segment, @after: since the peer's last one; a number
        for a timer (see bounds()) or (earliest, latest). PSH counts only if @flags has it.
        """
        before, numbered = self.rcv, self.sut_isn is not None
        patience = within
        for limit in (gap, after):
            if limit is not None:
                patience = max(patience, bounds(limit)[1] + 1)
        seg = self.next(patience)
        want = "%s seq %s len %s" % (flags, before if seq is None else seq_text(seq),
                                     seq_text(len))
        if seg is None:
            raise Fail("expected %s, nothing came for %g s" % (want, patience))
        bits = flags_from(flags)
        mask = ~0 if bits & PSH else ~PSH
        self._equal("flags", flags_text(seg.flags & mask), flags_text(bits), seg, want)
        if numbered or seq is not None:
            self._equal("seq", seg.seq, before if seq is None else seq, seg, want)
        if bits & ACK:
            self._equal("ack", seg.ack, self.nxt if ack is None else ack, seg, want)
        self._equal("len", seg.len, len, seg, want)
        for field, value in (("window", win), ("mss", mss), ("ws", ws), ("urg", urg)):
            if value is not None:
                self._equal(field, getattr(seg, field), value, seg, want)
        if gap is not None:
            self._between("since its last segment", seg.gap, bounds(gap), seg)
        if after is not None:
            self._between("since the peer's last segment", seg.time - self.sent_at,
                          bounds(after), seg)
        return seg

    def expect_nothing(self, seconds):
        """The kernel keeps silent on this flow."""
        seg = self.next(seconds)
        if seg is not None:
            raise Fail("unexpected segment: %s" % show(seg))

    def gather(self, seconds=0.3):
        """Every segment of the next @seconds (or until silent for that long)."""
        out = []
        while True:
            seg = self.next(seconds)
            if seg is None:
                return out
            out.append(seg)

    def skip_syns(self):
        """Drop what was repeated before the peer's last segment, because the test was late."""
        self.case.drop_syns(self, self.sent_at)

    def absorb(self, end, within=5.0):
        """Read data segments, in any order, until all up to @end was seen; acknowledge none."""
        limit, out = time.time() + within, []
        while self.rcv < end:
            seg = self.next(max(0, limit - time.time()))
            if seg is None:
                raise Fail("data up to %d did not come, only to %d" % (end, self.rcv))
            out.append(seg)
        return out

    @staticmethod
    def _equal(field, got, want, seg, wanted):
        if want is ANY or got == want or isinstance(want, (range, set)) and got in want:
            return
        raise Fail("%s is %s, expected %s\n  got      %s\n  expected %s"
                   % (field, got, want, show(seg), wanted))

    @staticmethod
    def _between(what, got, limits, seg):
        if got is None or not limits[0] <= got <= limits[1]:
            raise Fail("%s s %s, expected %.3f to %.3f\n  got %s"
                       % ("none" if got is None else "%.3f" % got, what, *limits, show(seg)))

    def _show_sent(self, flags, seq, fields):
        extra = " ".join("%s=%s" % (k, v.hex() if isinstance(v, bytes) and len(v) < 41 else v)
                         for k, v in fields.items() if k not in ("ack", "data"))
        ack = fields.get("ack", self.rcv)
        return "[%d] %s seq %s ack %s %s" % (self.port, flags, "(next)" if seq is None else seq,
                                             ack, extra)


len_of = len  # where a parameter is called len


def seq_text(value):
    return "any" if value is ANY else value


def show(seg):
    """A segment as one line: port, flags, relative numbers, window, options."""
    parts = ["[%d] %s seq %d" % (seg.dport, flags_text(seg.flags), seg.seq)]
    if seg.flags & ACK:
        parts.append("ack %d" % seg.ack)
    parts.append("len %d win %d" % (seg.len, seg.window))
    for field in ("mss", "ws", "ts", "sack"):
        if getattr(seg, field) is not None:
            parts.append("%s %s" % (field, getattr(seg, field)))
    if seg.urg:
        parts.append("urg %d" % seg.urg)
    if seg.tos:
        parts.append("tos %#x" % seg.tos)
    return " ".join(parts)

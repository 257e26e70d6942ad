#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The framework against itself: what it must object to in a segment, and does."""

from lib import Fail, case, main
from lib import packet
from lib.flow import bounds, signed


def segment(c, flags=packet.ACK, opts=b"", payload=b"", reserved=0, urg=0, ack=5, damage=None,
            proto=None):
    """A datagram as the system under test would send it, with a right checksum first."""
    seg = packet.segment(8000, 5001, 7, ack, flags, 100, opts, payload, urg, None, reserved)
    csum = packet.checksum(c.local_addr, c.peer_addr, proto or c.proto, seg)
    seg = seg[:16] + csum.to_bytes(2, "big") + seg[18:]
    raw = bytearray(packet.ip_header(c.local_addr, c.peer_addr, c.proto, len(seg)) + seg)
    if damage is not None:
        raw[damage] ^= 0x10
    return bytes(raw)


def objects(c, text, **fields):
    """The parser refuses the segment for the reason @text."""
    try:
        packet.Segment(segment(c, **fields), 0, c.proto)
    except packet.BadPacket as why:
        c.check(text in str(why), "it says %s, not %s" % (why, text))
        return
    raise Fail("accepted: %s" % fields)


@case()
def good_segment(c):
    """A right segment is read field by field."""
    opts = packet.options(mss=1234, ws=3, ts=(1, 2)) + b"\0\0\0\0"
    seg = packet.Segment(segment(c, packet.SYN | packet.ACK, opts, b"hello"), 9, c.proto)
    c.equal((seg.sport, seg.dport, seg.seq, seg.ack, seg.win), (8000, 5001, 7, 5, 100), "fields")
    c.equal((seg.mss, seg.ws, seg.ts, seg.payload, seg.end), (1234, 3, (1, 2), b"hello", 13),
            "options, payload, end")


@case()
def wrong_checksums(c):
    """Any damaged byte, and the pseudo-header of another protocol."""
    head = 20 if c.version == 4 else 40
    for at in (head, head + 4, head + 14, head + 16, head + 21):
        objects(c, "checksum", payload=b"some data", damage=at)
    objects(c, "checksum", proto=17)
    if c.version == 4:
        objects(c, "IPv4 header checksum", damage=8)


@case()
def wrong_format(c):
    """Padding, reserved bits, lengths, fields without their flags."""
    objects(c, "padding", opts=b"\0\1\0\0")
    objects(c, "reserved", reserved=1)
    objects(c, "option 254", opts=bytes((254, 9, 0, 0)))
    objects(c, "option 8", opts=bytes((8, 0, 0, 0)))
    objects(c, "MUST-65", opts=packet.options(mss=1000))
    objects(c, "MUST-65", opts=packet.options(ws=1))
    objects(c, "without ACK", flags=packet.RST)
    objects(c, "without URG", urg=1)


@case()
def fragments_are_whole(c):
    """The pieces of a datagram hold all of it, in the order of their offsets."""
    data = bytes(range(256)) * 4
    pieces = packet.fragments(c.peer_addr, c.local_addr, c.proto, data, 80)
    head = 20 if c.version == 4 else 48
    c.equal(b"".join(p[head:] for p in pieces), data, "payload of the pieces")
    c.equal(len(pieces), 13, "pieces")


@case()
def expectations_fail(c):
    """An expectation that is not met is a failure: the kernel's own SYN,ACK is the probe."""
    c.listen()
    for wrong in ({"seq": 1}, {"ack": 2}, {"len": 1}, {"mss": 1}, {"win": 1}, {"after": 1.0},
                  {"flags": "S"}, {"flags": "SPA"}):
        flow = c.flow()
        flow.inject("S", mss=1000)
        try:
            flow.expect(wrong.pop("flags", "SA"), **wrong)
        except Fail:
            continue
        raise Fail("met: %s" % wrong)
    flow = c.flow()
    flow.inject("S", mss=1000)
    try:
        flow.expect_nothing(0.5)
    except Fail:
        return
    raise Fail("expect_nothing() saw nothing")


@case()
def sequence_arithmetic(c):
    """Differences are signed; a timer may be late, never early."""
    c.equal([signed(v) for v in (0, 1, 0xffffffff, 1 << 31, (1 << 31) - 1)],
            [0, 1, -1, -(1 << 31), (1 << 31) - 1], "signed()")
    early, late = bounds(1.0)
    c.check(0.97 < early < 1 < late, "bounds")


if __name__ == "__main__":
    main(__doc__)

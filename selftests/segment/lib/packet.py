# SPDX-License-Identifier: GPL-2.0
"""Segments as bytes: building them, right or wrong, and reading them strictly.

Written on struct alone: scapy takes many seconds to load in an emulated guest,
and a test that injects malformed segments needs every byte in its own hands.
"""

import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))
_LETTERS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, "A": ACK, "U": URG, "E": ECE, "C": CWR}

OPT_EOL, OPT_NOP, OPT_MSS, OPT_WS, OPT_SACKOK, OPT_SACK, OPT_TS = 0, 1, 2, 3, 4, 5, 8

ICMP, ICMP6 = 1, 58
IPOPT_LSRR, IPOPT_SSRR = 131, 137
FRAGMENT_HEADER = 44


class BadPacket(Exception):
    """What the system under test sent breaks the format."""


def flags_from(text):
    """'SA' -> SYN | ACK; '' and '.' are the null segment."""
    bits = 0
    for letter in text.replace(".", ""):
        bits |= _LETTERS[letter]
    return bits


def flags_text(bits):
    return "".join(l for l, bit in _LETTERS.items() if bits & bit) or "."


def ones_sum(data):
    """The folded one's complement sum of 16-bit words (RFC 1071)."""
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def pseudo_header(src, dst, proto, length):
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, proto, length)
    return src + dst + struct.pack("!IHBB", length, 0, 0, proto)


def checksum(src, dst, proto, segment):
    return ~ones_sum(pseudo_header(src, dst, proto, len(segment)) + segment) & 0xffff


def options(mss=None, ws=None, sackok=False, ts=None, pad=OPT_NOP):
    """Option bytes in the order of the arguments, filled up to four bytes with @pad."""
    out = b""
    if mss is not None:
        out += struct.pack("!BBH", OPT_MSS, 4, mss)
    if ws is not None:
        out += struct.pack("!BBB", OPT_WS, 3, ws)
    if sackok:
        out += bytes((OPT_SACKOK, 2))
    if ts is not None:
        out += struct.pack("!BBII", OPT_TS, 10, *ts)
    return out + bytes([pad]) * (-len(out) % 4)


def segment(sport, dport, seq, ack, flags, win, opts=b"", payload=b"", urg=0,
            doff=None, reserved=0, csum=0):
    """Header and payload with the checksum field as given."""
    words = doff if doff is not None else 5 + len(opts) // 4
    return struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (words & 15) << 4 | reserved, flags, win, csum, urg) + opts + payload


def ip_header(src, dst, proto, length, ttl=64, ident=1, df=True, frag=0, more=False, tos=0):
    """An IPv4 or IPv6 header, whichever the addresses are, before @length bytes."""
    if len(src) == 4:
        word = (0x4000 if df else 0) | (0x2000 if more else 0) | frag >> 3
        head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + length, ident, word, ttl, proto, 0)
        return head[:10] + struct.pack("!H", ~ones_sum(head + src + dst) & 0xffff) + src + dst
    return struct.pack("!IHBB", 6 << 28 | tos << 20, length, proto, ttl) + src + dst


def fragments(src, dst, proto, data, size, ident=77):
    """The same datagram in pieces of @size (a multiple of 8) bytes."""
    out = []
    for off in range(0, len(data), size):
        part = data[off:off + size]
        more = off + size < len(data)
        if len(src) == 4:
            out.append(ip_header(src, dst, proto, len(part), ident=ident, df=False,
                                 frag=off, more=more) + part)
        else:
            head = struct.pack("!BBHI", proto, 0, off | more, ident)
            out.append(ip_header(src, dst, FRAGMENT_HEADER, len(part) + 8) + head + part)
    return out


def icmp_error(src, dst, kind, code, quoted, extra=0):
    """An ICMP or ICMPv6 error from @src to @dst about the datagram @quoted."""
    body = struct.pack("!BBHI", kind, code, 0, extra) + quoted
    if len(src) == 4:
        proto, total = ICMP, ones_sum(body)
    else:
        proto = ICMP6
        total = ones_sum(pseudo_header(src, dst, ICMP6, len(body)) + body)
    body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
    return ip_header(src, dst, proto, len(body)) + body


class Segment:
    """One segment that the system under test sent, taken apart and verified."""

    def __init__(self, raw, when, proto):
        self.raw, self.time = raw, when
        self._ip(raw, proto)
        self._tcp(proto)

    def _ip(self, raw, proto):
        if raw[0] >> 4 == 4:
            ihl = (raw[0] & 15) * 4
            self.tos, total, self.ident, frag, self.ttl, found = struct.unpack("!xBHHHBB", raw[:10])
            self.df = bool(frag & 0x4000)
            if frag & 0x3fff:
                raise BadPacket("a fragment")
            if ones_sum(raw[:ihl]) != 0xffff:
                raise BadPacket("IPv4 header checksum")
            self.src, self.dst = raw[12:16], raw[16:20]
            self.ip_opts = raw[20:ihl]
            self.final = self._last_hop() or self.dst
            head, end = ihl, total
        else:
            word, length, found, self.ttl = struct.unpack("!IHBB", raw[:8])
            self.tos, self.ident, self.df = word >> 20 & 255, 0, True
            self.src = raw[8:24]
            self.dst = self.final = raw[24:40]
            self.ip_opts = b""
            head, end = 40, 40 + length
        if end != len(raw):
            raise BadPacket("IP length %d of %d bytes" % (end, len(raw)))
        if found != proto:
            raise BadPacket("protocol %d" % found)
        if not self.ttl:
            raise BadPacket("TTL 0")
        self.bytes = raw[head:]

    def _last_hop(self):
        """Where a source route that is not at its end leads, or None."""
        pos, opts = 0, self.ip_opts
        while pos < len(opts) and opts[pos] != 0:
            size = 1 if opts[pos] == 1 else opts[pos + 1]
            if opts[pos] in (IPOPT_LSRR, IPOPT_SSRR) and opts[pos + 2] <= size:
                return opts[pos + size - 4:pos + size]
            pos += size
        return None

    def _tcp(self, proto):
        seg = self.bytes
        if len(seg) < 20:
            raise BadPacket("%d bytes of header" % len(seg))
        (self.sport, self.dport, self.seq, self.ack, off, self.flags, self.win,
         self.csum, self.urg) = struct.unpack("!HHIIBBHHH", seg[:20])
        head = (off >> 4) * 4
        if head < 20 or head > len(seg):
            raise BadPacket("data offset %d" % (off >> 4))
        if off & 15:
            raise BadPacket("reserved bits %x" % (off & 15))
        if ones_sum(pseudo_header(self.src, self.final, proto, len(seg)) + seg) != 0xffff:
            raise BadPacket("checksum %04x wrong" % self.csum)
        self.opts, self.payload = seg[20:head], seg[head:]
        self.len = len(self.payload)
        self.end = self.seq + self.len + bool(self.flags & SYN) + bool(self.flags & FIN)
        self._options()
        if not self.flags & ACK and self.ack:
            raise BadPacket("acknowledgment number without ACK")
        if not self.flags & URG and self.urg:
            raise BadPacket("urgent pointer without URG")
        if not self.flags & SYN and (self.mss is not None or self.ws is not None or self.sackok):
            raise BadPacket("SYN option on another segment (RFC 9293 MUST-65)")

    def _options(self):
        """Every option well-formed, nothing but zero after EOL (MUST-69)."""
        self.mss = self.ws = self.ts = self.sack = None
        self.sackok = False
        pos, opts = 0, self.opts
        while pos < len(opts):
            kind = opts[pos]
            if kind == OPT_EOL:
                if any(opts[pos:]):
                    raise BadPacket("padding not zero: %s" % opts.hex())
                return
            if kind == OPT_NOP:
                pos += 1
                continue
            size = opts[pos + 1] if pos + 1 < len(opts) else 0
            if size < 2 or pos + size > len(opts):
                raise BadPacket("option %d length %d" % (kind, size))
            body = opts[pos + 2:pos + size]
            if kind == OPT_MSS:
                self.mss, = struct.unpack("!H", body)
            elif kind == OPT_WS:
                self.ws = body[0]
            elif kind == OPT_SACKOK:
                self.sackok = True
            elif kind == OPT_TS:
                self.ts = struct.unpack("!II", body)
            elif kind == OPT_SACK:
                words = struct.unpack("!%dI" % (len(body) // 4), body)
                self.sack = list(zip(words[::2], words[1::2]))
            pos += size


def address(text):
    """'10.0.0.1' or 'fd00::1' as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)

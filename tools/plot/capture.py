# SPDX-License-Identifier: GPL-2.0
"""Reads TCP and XTCP segments from capture files (pcap and pcapng), with nothing but Python."""

import struct
from typing import NamedTuple

TRANSPORTS = {6: "TCP", 253: "XTCP"}
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

ETH_IPV4, ETH_IPV6, ETH_VLAN, ETH_QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
# Octets in front of the IP header, by the capture's link type (LINKTYPE_*); Ethernet and the
# two "cooked" ones say in front of it what follows.
NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
IP_AT = {NULL: 4, LOOP: 4, RAW: 0, 12: 0, 14: 0, IPV4: 0, IPV6: 0, SLL: 16, SLL2: 20}
# Extension headers of IPv6 that may stand in front of a segment, and their unit of length.
HOP_BY_HOP, ROUTING, DESTINATION = 0, 43, 60


class CaptureError(Exception):
    """A file that cannot be read, and what to do about it."""


class Segment(NamedTuple):
    """One segment: time in seconds, addresses as octets, the rest as on the wire."""

    time: float
    transport: str
    src: tuple
    dst: tuple
    seq: int
    ack: int
    flags: int
    window: int
    length: int
    wscale: int
    sack: tuple


def read_pcap(data):
    """(time, link type, octets) of each packet of a classical capture file."""
    magic = data[:4]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    fraction = 1e-9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    link = struct.unpack_from(order + "I", data, 20)[0] & 0x0FFFFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, part, size, _ = struct.unpack_from(order + "IIII", data, at)
        at += 16
        yield seconds + part * fraction, link, data[at:at + size]
        at += size


def read_pcapng(data):
    """The same of a pcapng file, which Wireshark writes."""
    order, links, at = "<", [], 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(order + "II", data, at)
        body = data[at + 8:at + size - 4]
        if size < 12:
            return
        if kind == 1:
            links.append((struct.unpack_from(order + "H", body)[0], tick(body[8:], order)))
        elif kind == 6:
            which, high, low, length = struct.unpack_from(order + "IIII", body)
            if which < len(links):
                link, unit = links[which]
                yield (high << 32 | low) * unit, link, body[20:20 + length]
        at += size


def tick(options, order):
    """The unit of a pcapng interface's time stamps, in seconds."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(order + "HH", options, at)
        if code == 9 and size == 1:
            exponent = options[at + 4]
            return 2.0 ** -(exponent & 127) if exponent & 128 else 10.0 ** -exponent
        if code == 0:
            break
        at += 4 + (size + 3) // 4 * 4
    return 1e-6


def ip_header(link, packet):
    """Where the IP header begins; None if there is none."""
    if link != ETHERNET:
        return IP_AT.get(link)
    at = 12
    while packet[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    if packet[at:at + 2] in (b"\x08\x00", b"\x86\xdd"):
        return at + 2
    return None


def ip_payload(packet, at):
    """(protocol, source, destination, where the segment begins, its length); None: a fragment."""
    version = packet[at] >> 4
    if version == 4:
        size, fragment = struct.unpack_from(">HxxH", packet, at + 2)
        header = (packet[at] & 15) * 4
        if fragment & 0x3FFF:
            return None
        return (packet[at + 9], packet[at + 12:at + 16], packet[at + 16:at + 20],
                at + header, size - header)
    if version != 6:
        return None
    size, kind = struct.unpack_from(">HB", packet, at + 4)
    source, destination = packet[at + 8:at + 24], packet[at + 24:at + 40]
    at += 40
    while kind in (HOP_BY_HOP, ROUTING, DESTINATION):
        step = (packet[at + 1] + 1) * 8
        kind, at, size = packet[at], at + step, size - step
    return kind, source, destination, at, size


def options(data):
    """(window scale or -1, SACK blocks) of a segment's options."""
    wscale, sack, at = -1, (), 0
    while at < len(data) and data[at] != 0:
        if data[at] == 1:
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2 or at + size > len(data):
            break
        if data[at] == 3:
            wscale = min(data[at + 2], 14)
        elif data[at] == 5:
            edges = struct.unpack_from(">%dI" % ((size - 2) // 4), data, at + 2)
            sack = tuple(zip(edges[::2], edges[1::2]))
        at += size
    return wscale, sack


def segment(time, link, packet):
    """The segment in a packet; None if there is none, or not enough of it was kept."""
    try:
        at = ip_header(link, packet)
        found = ip_payload(packet, at) if at is not None else None
        if not found or found[0] not in TRANSPORTS:
            return None
        protocol, src, dst, at, size = found
        sport, dport, seq, ack, offset, flags, window = struct.unpack_from(">HHIIBBH", packet, at)
    except (struct.error, IndexError):
        return None
    header = (offset >> 4) * 4
    wscale, sack = options(packet[at + 20:at + header])
    return Segment(time, TRANSPORTS[protocol], (src, sport), (dst, dport), seq, ack, flags,
                   window, size - header, wscale, sack)


def read(name):
    """All TCP and XTCP segments in the file, in its order."""
    try:
        with open(name, "rb") as file:
            data = file.read()
    except OSError as error:
        raise CaptureError(f"cannot read {name}: {error.strerror}") from error
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1",
                    b"\xa1\xb2\x3c\x4d"):
        packets = read_pcap(data)
    elif data[:4] == b"\x0a\x0d\x0d\x0a":
        packets = read_pcapng(data)
    else:
        raise CaptureError(f"{name} is no capture: give it a file that tcpdump -w, tshark -w "
                           "or Wireshark has written, not compressed")
    found = [one for one in (segment(*packet) for packet in packets) if one]
    if not found:
        raise CaptureError(f"{name} holds no segment of TCP or XTCP: was the capture running "
                           "during the transfer, and on the right device?")
    return found

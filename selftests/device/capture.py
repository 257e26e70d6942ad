# SPDX-License-Identifier: GPL-2.0
"""Every frame that a device received, taken apart and checked octet by octet."""

import ctypes
import fcntl
import socket
import struct
from contextlib import contextmanager

ETH_P_ALL, PACKET_OUTGOING = 3, 4
SOL_PACKET, PACKET_STATISTICS, PACKET_AUXDATA = 263, 6, 8
SO_RCVBUFFORCE, CLONE_NEWNET = 33, 0x40000000
TP_STATUS_CSUMNOTREADY = 8
XTCP, IPIP, IP6, UDP, GRE, VXLAN_PORT = 253, 4, 41, 17, 47, 4789
ETH_IP, ETH_IP6 = 0x0800, 0x86dd
SIOCGIFMTU, SIOCGIFHWADDR, ARPHRD_ETHER, ARPHRD_LOOPBACK = 0x8921, 0x8927, 1, 772
FIN, SYN, RST, PSH, ACK, CWR = 1, 2, 4, 8, 16, 128
ETH_LEN = 14
MTU = 1500

LIBC = ctypes.CDLL(None, use_errno=True)


class Bad(Exception):
    """What is wrong with a frame or a transfer."""


@contextmanager
def inside(name):
    """This thread is in the network namespace @name meanwhile."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as home, \
            open("/run/netns/" + name, encoding="ascii") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns " + name)
        try:
            yield
        finally:
            LIBC.setns(home.fileno(), CLONE_NEWNET)


def interface(device, number, form):
    """What an ioctl tells of a device of this namespace; /sys shows those of the first one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
        return struct.unpack_from(form, fcntl.ioctl(ctl, number, struct.pack("40s", device.encode())), 16)


def right_sum(data):
    """Does the one's complement sum of @data, its checksum in it, come out as RFC 1071 says?"""
    if len(data) & 1:
        data += b"\0"
    number = int.from_bytes(data, "big")
    return number != 0 and number % 0xffff == 0


class Packet:
    """The segment inside a frame, and what its headers say; @ready: its checksums are made."""

    def __init__(self, frame, ready, ethernet=True):
        self.ready = ready
        self.longest = 0        # of the IP packets around one another
        self.tunnels = []
        if ethernet:
            self._ethernet(frame)
        else:
            self._ip(frame)

    def _ethernet(self, frame):
        kind, = struct.unpack("!H", frame[12:14])
        if kind not in (ETH_IP, ETH_IP6):
            raise LookupError
        self._ip(frame[ETH_LEN:])

    def _ip(self, raw):
        if raw[0] >> 4 == 4:
            total, frag, proto = struct.unpack("!2xH2xHxB", raw[:10])
            head = (raw[0] & 15) * 4
            if frag & 0x3fff:
                raise Bad("a fragment")
            if not right_sum(raw[:head]):
                raise Bad("IPv4 header checksum")
            ends = raw[12:20]
        else:
            length, proto = struct.unpack("!4xHB", raw[:7])
            total, head, ends = 40 + length, 40, raw[8:40]
        if total > len(raw) or len(raw) - total > 46:
            raise Bad("IP says %d octets of %d" % (total, len(raw)))
        self.longest = max(self.longest, total)
        self._inner(proto, ends, raw[head:total])

    def _inner(self, proto, ends, data):
        if proto == 60:     # destination options: the tunnel's limit of encapsulation
            proto, data = data[0], data[8 + 8 * data[1]:]
        if proto in (IPIP, IP6):
            self.tunnels.append(proto)
            self._ip(data)
        elif proto == GRE:
            self.tunnels.append(proto)
            if data[0] or data[1]:
                raise Bad("GRE flags")
            self._ip(data[4:])
        elif proto == UDP and struct.unpack("!H", data[2:4])[0] == VXLAN_PORT:
            self._pseudo(proto, ends, data, data[6:8] == b"\0\0")
            self.tunnels.append(proto)
            self._ethernet(data[16:])
        elif proto == XTCP:
            self._pseudo(proto, ends, data, False)
            self._segment(data)
        else:
            raise LookupError

    def _pseudo(self, proto, ends, data, none):
        """The checksum over the pseudo-header; UDP's may be left out."""
        if self.ready and not none and not right_sum(
                ends + struct.pack("!II", len(data), proto) + data):
            raise Bad("checksum of protocol %d" % proto)

    def _segment(self, data):
        self.sport, self.dport, self.seq, self.ack, words, self.flags = struct.unpack(
            "!HHIIBB", data[:14])
        head = (words >> 4) * 4
        if head < 20 or head > len(data):
            raise Bad("data offset")
        self.options, self.payload = data[20:head], data[head:]

    def mss(self):
        """The option of a SYN."""
        pos = 0
        while pos < len(self.options) and self.options[pos]:
            if self.options[pos] == 2:
                return struct.unpack("!H", self.options[pos + 2:pos + 4])[0]
            pos += 1 if self.options[pos] == 1 else self.options[pos + 1]
        raise Bad("SYN without MSS")


class Capture:
    """What comes in by @device of the namespace @name, from now on."""

    def __init__(self, name, device):
        self.name, self.device = name, device
        with inside(name):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
            self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self.sock.bind((device, ETH_P_ALL))
            self.ethernet = interface(device, SIOCGIFHWADDR, "H")[0] in (ARPHRD_ETHER, ARPHRD_LOOPBACK)
        self.sock.setblocking(False)

    def packets(self):
        """All of XTCP's, in the order in which they came; the capture is over then."""
        out = []
        while True:
            try:
                raw, notes, _, sender = self.sock.recvmsg(70000, 256)
            except BlockingIOError:
                break
            if sender[2] == PACKET_OUTGOING:
                continue
            ready = not any(kind == PACKET_AUXDATA and
                            struct.unpack("I", data[:4])[0] & TP_STATUS_CSUMNOTREADY
                            for _, kind, data in notes)
            try:
                out.append(Packet(raw, ready, self.ethernet))
            except LookupError:
                pass
        _, drops = struct.unpack("II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.sock.close()
        if drops:
            raise Bad("the capture on %s lost %d frames" % (self.device, drops))
        return out


class Flow:
    """One direction of a transfer as its frames show it."""

    def __init__(self, packets, dport, sport, data):
        self.data, self.isn, self.mss = data, None, 0
        self.sizes, self.seen, self.again, self.pushes, self.ended = [], 0, 0, 0, False
        self.longest, self.tunnels, self.raw_sums = 0, [], 0
        self.ranges = []
        for packet in packets:
            if packet.dport in dport and packet.sport in sport:
                self._take(packet)

    def _take(self, packet):
        self.longest = max(self.longest, packet.longest)
        if packet.flags & SYN:
            self.isn, self.mss = packet.seq, packet.mss()
            return
        if packet.flags & RST:
            # A FIN that came again is acknowledged again, when its sender may be gone already.
            if not self.ended:
                raise Bad("a RST at %d" % self.seen)
            return
        if self.isn is None:
            raise Bad("a segment in front of the SYN")
        pos, length = (packet.seq - self.isn - 1) & 0xffffffff, len(packet.payload)
        if packet.flags & FIN:
            if pos + length != len(self.data):
                raise Bad("FIN at %d of %d" % (pos + length, len(self.data)))
            self.ended = True
        if not length:
            return
        if packet.payload != self.data[pos:pos + length]:
            raise Bad("the octets at %d are not those that were sent there" % pos)
        self.tunnels = packet.tunnels
        self.raw_sums += not packet.ready
        self.sizes.append(length + len(packet.options))
        self.pushes += bool(packet.flags & PSH)
        self.again += pos < self.seen
        self.seen = max(self.seen, pos + length)
        self.ranges.append((pos, pos + length))

    def whole(self):
        """All octets were there, and the end."""
        at = 0
        for start, end in sorted(self.ranges):
            if start > at:
                raise Bad("nothing had the octets from %d to %d" % (at, start))
            at = max(at, end)
        if at != len(self.data) or not self.ended:
            raise Bad("%d of %d octets%s" % (at, len(self.data), "" if self.ended else ", no FIN"))

    def wire(self, mtu, mss):
        """Each frame is one segment, right to the last bit, as a wire must see it."""
        self.whole()
        if self.longest > mtu:
            raise Bad("an IP packet of %d octets, MTU %d" % (self.longest, mtu))
        if max(self.sizes) > mss:
            raise Bad("a segment of %d octets, MSS %d" % (max(self.sizes), mss))
        if self.raw_sums:
            raise Bad("%d segments without a checksum" % self.raw_sums)
        full = sum(size == mss for size in self.sizes)
        if full < len(self.sizes) * 0.8:
            raise Bad("only %d of %d segments are full" % (full, len(self.sizes)))
        # A cut super-segment has it in its last segment.
        if self.pushes > len(self.sizes) / 3:
            raise Bad("%d of %d segments say PSH" % (self.pushes, len(self.sizes)))

    def supers(self, least):
        """Packets went as a whole that no wire would carry, the longest @least octets or more."""
        self.whole()
        if max(self.sizes) < least:
            raise Bad("the longest packet has %d octets, wanted %d" % (max(self.sizes), least))

    def show(self):
        return "%d octets in %d packets, the longest %d; %d again" % (
            len(self.data), len(self.sizes), max(self.sizes, default=0), self.again)

# SPDX-License-Identifier: GPL-2.0
"""One case's world: a network namespace of its own, a tun device whose far side
the test plays, sockets of the transport under test, its sysctls, states and counters.

The tun descriptor only carries what the test injects. What the kernel sends is read
from a packet socket on the same device, because that one has the kernel's own time
stamps: an interval is right even when a busy machine runs the test late.
"""

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import threading
import time

from . import packet

AF_XTCP, IPPROTO_XTCP, XTCPPROTO_XTCP6 = 22, 253, 1
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x8914, 0x8916, 0x891c, 0x8922
IFF_UP, IFF_RUNNING = 1, 0x40
IFA_F_TENTATIVE = 0x40
ETH_P_ALL, PACKET_OUTGOING = 3, 4
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33

DEVICE = "tun0"
LOCAL = {4: "10.9.0.1", 6: "fd09::1"}
PEER = {4: "10.9.0.2", 6: "fd09::2"}
NETMASK4, PREFIX6 = "255.255.255.0", 64

STATES = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
          "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "SYN_RECV")

# What makes kernel TCP comparable with the first XTCP: no SACK, no timestamps, nothing
# that grew out of them, plain NewReno, no memory of earlier connections, no rate limits
# on the answers to odd segments. Names that a kernel or XTCP does not have are skipped.
PLAIN = {"sack": 0, "timestamps": 0, "ecn": 0, "recovery": 0, "early_retrans": 0, "frto": 0,
         "congestion_control": "reno", "no_metrics_save": 1, "invalid_ratelimit": 0,
         "challenge_ack_limit": 1000, "syncookies": 0, "syn_linear_timeouts": 0,
         "slow_start_after_idle": 0, "autocorking": 0, "fastopen": 0}


class Fail(Exception):
    """The system under test did something else than expected."""


class Skip(Exception):
    """The case cannot run here; the text says why."""


def pattern(pos, size):
    """@size bytes of the stream every test sends, from position @pos on."""
    start = pos % 251
    return (_PATTERN * ((start + size) // 251 + 1))[start:start + size]


_PATTERN = bytes((i * 7 + 13) & 255 for i in range(251))


def write_file(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(text))


def read_file(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Wire:
    """The device: bytes in through tun, segments out through the packet socket."""

    def __init__(self, mtu):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise Skip("no network namespace: %s; run as root" % os.strerror(ctypes.get_errno()))
        self.tun = self._open(DEVICE)
        name = DEVICE.encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
            def ioctl(number, device, form, *args):
                fcntl.ioctl(ctl, number, struct.pack("16s" + form, device, *args).ljust(40, b"\0"))
            ioctl(SIOCSIFMTU, name, "i", mtu)
            for path in ("router_solicitations", "accept_dad", "autoconf"):
                write_file("/proc/sys/net/ipv6/conf/%s/%s" % (DEVICE, path), 0)
            write_file("/proc/sys/net/ipv6/conf/%s/addr_gen_mode" % DEVICE, 1)
            ioctl(SIOCSIFFLAGS, b"lo", "H", IFF_UP | IFF_RUNNING)
            ioctl(SIOCSIFADDR, name, "HH4s", socket.AF_INET, 0, packet.address(LOCAL[4]))
            ioctl(SIOCSIFNETMASK, name, "HH4s", socket.AF_INET, 0, packet.address(NETMASK4))
            ioctl(SIOCSIFFLAGS, name, "H", IFF_UP | IFF_RUNNING)
        self.add_address(LOCAL[6])
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self.tap.bind((DEVICE, ETH_P_ALL))
        self.tap.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self.tap, select.POLLIN)

    @staticmethod
    def _open(name):
        try:
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        except OSError as err:
            raise Skip("/dev/net/tun: %s; modprobe tun" % err.strerror) from err
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        return tun

    def add_device(self, name):
        """What write() is given comes in by this device from now on; without an address."""
        self.tun = self._open(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
            fcntl.ioctl(ctl, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(),
                                                       IFF_UP | IFF_RUNNING))

    @staticmethod
    def add_address(text):
        """One more address for the device; for IPv4 as the alias tun0:1."""
        if ":" not in text:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
                fcntl.ioctl(ctl, SIOCSIFADDR, struct.pack(
                    "16sHH4s", (DEVICE + ":1").encode(), socket.AF_INET, 0,
                    packet.address(text)).ljust(40, b"\0"))
            return
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ctl:
            index = socket.if_nametoindex(DEVICE)
            fcntl.ioctl(ctl, SIOCSIFADDR,
                        packet.address(text) + struct.pack("Ii", PREFIX6, index))
        # tentative until a work item of the kernel has run
        while any(int(line.split()[4], 16) & IFA_F_TENTATIVE
                  for line in read_file("/proc/net/if_inet6").splitlines()):
            time.sleep(0.005)

    def write(self, raw):
        os.write(self.tun, raw)

    def read(self, timeout):
        """The next packet from the kernel and its time, or None after @timeout s."""
        limit = time.time() + timeout
        while True:
            try:
                raw, notes, _, sender = self.tap.recvmsg(70000, 64)
            except BlockingIOError:
                left = limit - time.time()
                if left <= 0:
                    return None
                self._poll.poll(left * 1000 + 1)
                continue
            if sender[2] != PACKET_OUTGOING:
                continue
            self._drain()
            return raw, self._stamp(notes)

    def _drain(self):
        """Empty the device's own queue, so that it never refuses a segment."""
        try:
            while True:
                os.read(self.tun, 70000)
        except BlockingIOError:
            pass

    @staticmethod
    def _stamp(notes):
        for level, kind, data in notes:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                sec, nsec = struct.unpack("qq", data[:16])
                return sec + nsec / 1e9
        return time.time()


class Transport:
    """The system under test: sockets, sysctls, connection states and counters."""

    def __init__(self, tcp, version):
        self.tcp, self.version = tcp, version
        self.proto = socket.IPPROTO_TCP if tcp else IPPROTO_XTCP
        self.family = socket.AF_INET if version == 4 else socket.AF_INET6
        self.name = "tcp" if tcp else "xtcp"

    def socket(self):
        """A new non-blocking socket."""
        if self.tcp:
            sock = socket.socket(self.family, socket.SOCK_STREAM)
        else:
            raw = socket.socket(AF_XTCP, socket.SOCK_STREAM,
                                0 if self.version == 4 else XTCPPROTO_XTCP6)
            # Python builds addresses by the family it was told: plain AF_INET(6) ones here
            sock = socket.socket(self.family, socket.SOCK_STREAM, self.proto, fileno=raw.detach())
        sock.setblocking(False)
        return sock

    def _sysctl(self, name):
        return "/proc/sys/net/" + ("ipv4/tcp_" if self.tcp else "xtcp/") + name

    def has_sysctl(self, name):
        return os.path.exists(self._sysctl(name))

    def sysctl(self, name, value=None):
        """Read net.ipv4.tcp_NAME or net.xtcp.NAME, or set it."""
        if value is None:
            return read_file(self._sysctl(name)).strip()
        return write_file(self._sysctl(name), value)

    def table(self):
        """[(local port, remote port, state name, fields)] of the connection table."""
        path = "/proc/net/" + self.name + ("" if self.version == 4 else "6")
        out = []
        for line in read_file(path).splitlines()[1:]:
            f = line.split()
            out.append((int(f[1].rpartition(":")[2], 16), int(f[2].rpartition(":")[2], 16),
                        STATES[int(f[3], 16)], f))
        return out

    def counters(self):
        """{name: value}: for TCP both SNMP tables, for XTCP /proc/net/xtcp_stat."""
        out = {}
        if self.tcp:
            for path in ("/proc/net/snmp", "/proc/net/netstat"):
                lines = read_file(path).splitlines()
                for head, values in zip(lines[::2], lines[1::2]):
                    if not head.startswith("Tcp"):
                        continue    # other protocols have counters of the same names
                    out.update(zip(head.split()[1:], map(int, values.split()[1:])))
            return out
        for line in read_file("/proc/net/xtcp_stat").splitlines():
            words = line.replace(":", " ").split()
            if len(words) == 2 and words[1].lstrip("-").isdigit():
                out[words[0]] = int(words[1])
        return out


class Background:
    """A blocking call in a thread, for what only a sleeping caller shows."""

    def __init__(self, call, args):
        self._value = self._error = None
        self._thread = threading.Thread(target=self._run, args=(call, args), daemon=True)
        self._thread.start()

    def _run(self, call, args):
        try:
            self._value = call(*args)
        except OSError as err:
            self._error = err

    def result(self, timeout=10):
        """The call's value; its OSError is raised here."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise Fail("the call still blocks after %g s" % timeout)
        if self._error:
            raise self._error
        return self._value

    def running(self):
        return self._thread.is_alive()


def error_name(number):
    return errno.errorcode.get(number, str(number)) if number else "0"

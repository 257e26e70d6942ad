# SPDX-License-Identifier: GPL-2.0
"""What a case works with: sockets of the transport under test, flows, checks.

    @case()
    def active_open(c):
        sock, flow = c.connect(mss=1000)
        flow.inject("PA", len=10)
        flow.expect("A")
        c.recv(sock, 10)
"""

import collections
import select
import socket
import struct
import subprocess
import time

from . import packet
from .flow import ANY, Flow
from .stage import LOCAL, PEER, PLAIN, Background, Fail, Skip, Transport, Wire, error_name, pattern

__all__ = ["ANY", "Case"]

PORT = 8000         # where the system under test listens
PEER_PORT = 5001    # the peer's first port; every flow takes another one

# struct tcp_info in its order: numbers of one size and their names. Newer kernels append.
INFO = (
    ("B", ("state", "ca_state", "retransmits", "probes", "backoff", "options", "wscale",
           "app_limited")),
    ("I", ("rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "fackets",
           "last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv", "pmtu",
           "rcv_ssthresh", "rtt", "rttvar", "snd_ssthresh", "snd_cwnd", "advmss", "reordering",
           "rcv_rtt", "rcv_space", "total_retrans")),
    ("Q", ("pacing_rate", "max_pacing_rate", "bytes_acked", "bytes_received")),
    ("I", ("segs_out", "segs_in", "notsent_bytes", "min_rtt", "data_segs_in", "data_segs_out")),
    ("Q", ("delivery_rate", "busy_time", "rwnd_limited", "sndbuf_limited")),
    ("I", ("delivered", "delivered_ce")),
    ("Q", ("bytes_sent", "bytes_retrans")),
    ("I", ("dsack_dups", "reord_seen", "rcv_ooopack", "snd_wnd", "rcv_wnd", "rehash")),
    ("H", ("total_rto", "total_rto_recoveries")),
    ("I", ("total_rto_time", "received_ce")),
)


class Case:
    """One run of one case: IPv4 or IPv6, XTCP or kernel TCP, in its own namespace."""

    def __init__(self, tcp, version, mtu):
        self.version, self.tcp, self.mtu = version, tcp, mtu
        self.start = self.awake = time.time()
        self.stalled = 0.0      # the longest time in which the test itself did not run
        self.trace = []
        self.wire = Wire(mtu)
        self.sut = Transport(tcp, version)
        self.proto = self.sut.proto
        self.local, self.peer = LOCAL[version], PEER[version]
        self.local_addr, self.peer_addr = packet.address(self.local), packet.address(self.peer)
        self.mss = mtu - (40 if version == 4 else 60)
        self.pending = collections.deque()
        self.icmps = []
        self.ports = 0
        self.sent, self.received = {}, {}
        self.kept = []      # or Python closes a socket that the case has no name for
        for name, value in PLAIN.items():
            if self.sut.has_sysctl(name):
                self.sysctl(name, value)

    # the trace and the checks

    def pulse(self):
        """Called where no time should have passed since woke(): notices a stalled machine."""
        self.stalled = max(self.stalled, time.time() - self.awake)
        self.awake = time.time()

    def woke(self):
        """Called when a call that may wait has returned."""
        self.awake = time.time()

    def log(self, mark, text, when=None):
        self.pulse()
        self.trace.append("%8.4f %s %s" % ((when or time.time()) - self.start, mark, text))

    @staticmethod
    def check(truth, text):
        if not truth:
            raise Fail(text)

    @staticmethod
    def equal(got, want, what):
        if got != want:
            raise Fail("%s is %r, expected %r" % (what, got, want))

    def sleep(self, seconds):
        self.pulse()
        time.sleep(seconds)
        self.woke()

    def eventually(self, truth, what, timeout=3.0):
        """@truth() becomes true, asked every 20 ms."""
        limit = time.time() + timeout
        while not truth():
            if time.time() > limit:
                raise Fail("%s: not within %g s" % (what, timeout))
            self.sleep(0.02)

    def command(self, *words):
        """Run a command of the system in the case's namespace."""
        self.log("#", " ".join(words))
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except FileNotFoundError as err:
            raise Skip("no %s here" % words[0]) from err
        self.woke()
        if done.returncode:
            raise Fail("%s: %s" % (" ".join(words), done.stderr.strip()))

    # segments

    def next_segment(self, flow, timeout):
        """The next segment that belongs to @flow, sent within @timeout; others wait for theirs.

        The kernel's own time counts: what the test finds late may have come in time.
        """
        limit = time.time() + timeout
        for seg in self.pending:
            if self._belongs(seg, flow):
                if seg.time > limit:
                    return None
                self.pending.remove(seg)
                return seg
        while True:
            got = self._read(limit)
            if got is None:
                return None
            seg = self._parse(*got)
            if seg is None:
                continue
            if self._belongs(seg, flow) and seg.time <= limit:
                return seg
            self.pending.append(seg)
            if seg.time > limit:
                return None

    def drop_syns(self, flow, before):
        """Forget SYN segments of @flow sent until @before."""
        got = self.wire.read(0)
        while got is not None:
            seg = self._parse(*got)
            if seg is not None:
                self.pending.append(seg)
            got = self.wire.read(0)
        self.pending = collections.deque(
            seg for seg in self.pending
            if not (self._belongs(seg, flow) and seg.flags & packet.SYN and seg.time < before))

    def next_icmp(self, timeout=1.0):
        """(type, code) of the next ICMP error the kernel sends, or None."""
        limit = time.time() + timeout
        while not self.icmps:
            got = self._read(limit)
            if got is None:
                return None
            seg = self._parse(*got)
            if seg is not None:
                self.pending.append(seg)
        return self.icmps.pop(0)

    def _read(self, limit):
        """A packet before @limit, or None; it comes late if the machine stalled."""
        self.pulse()
        got = self.wire.read(max(0, limit - time.time()))
        if got is None:
            self.stalled = max(self.stalled, time.time() - limit)
        self.woke()
        return got

    def _parse(self, raw, when):
        version = raw[0] >> 4
        proto, head = (raw[9], 20) if version == 4 else (raw[6], 40)
        if proto == self.proto:
            try:
                return packet.Segment(raw, when, self.proto)
            except packet.BadPacket as err:
                raise Fail("the kernel sent a bad packet: %s: %s" % (err, raw.hex())) from err
        if proto == packet.ICMP and version == 4 or proto == packet.ICMP6 and raw[head] < 128:
            self.icmps.append((raw[head], raw[head + 1]))
            self.log(">", "icmp type %d code %d" % self.icmps[-1], when)
        return None

    @staticmethod
    def _belongs(seg, flow):
        return seg.dport == flow.port and flow.sut_port in (None, seg.sport)

    # the system under test

    def sysctl(self, name, value=None):
        return self.sut.sysctl(name, value)

    def socket(self):
        return self.sut.socket()

    def add_address(self, text):
        self.wire.add_address(text)

    def listen(self, port=PORT, backlog=16, before=None):
        sock = self.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if before:
            before(sock)
        sock.bind((self.local, port))
        sock.listen(backlog)
        self.kept.append(sock)
        return sock

    def flow(self, sut_port=PORT, port=None, isn=0x10000000):
        """A new flow from a fresh peer port."""
        if port is None:
            port = PEER_PORT + self.ports
            self.ports += 1
        return Flow(self, port, sut_port, isn)

    def start_connect(self, port=None, isn=0x10000000, before=None):
        """Begin a non-blocking connect; the SYN is not read yet."""
        sock = self.socket()
        self.kept.append(sock)
        if before:
            before(sock)
        flow = self.flow(None, port, isn)
        err = sock.connect_ex((self.peer, flow.port))
        self.equal(error_name(err), "EINPROGRESS", "connect")
        flow.sut_port = sock.getsockname()[1]
        return sock, flow

    def connect(self, mss=1000, ws=None, win=65535, isn=0x10000000, before=None, port=None,
                rtt=0):
        """An established connection that the system under test opened.

        Its first round-trip sample is @rtt seconds: half a second makes the time-out 1.5,
        for cases that must not meet a retransmission.
        """
        sock, flow = self.start_connect(port, isn, before)
        syn = flow.expect("S")
        self.sleep(rtt)
        flow.win = win
        flow.inject("SA", mss=mss, ws=ws)
        self.scale(flow, syn, ws)
        flow.skip_syns()
        flow.expect("A")
        if rtt:
            flow.inject("A")    # Linux takes the first ACK behind the SYN for a window update
        self.equal(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0, "SO_ERROR")
        return sock, flow

    def accept(self, listener=None, mss=1000, ws=None, win=65535, isn=0x10000000, before=None,
               port=None, rtt=0):
        """An established connection that the peer opened; @rtt as for connect()."""
        listener = listener or self.listen(before=before)
        flow = self.flow(listener.getsockname()[1], port, isn)
        flow.win = win
        flow.inject("S", mss=mss, ws=ws)
        syn = flow.expect("SA")
        self.scale(flow, syn, ws)
        self.sleep(rtt)
        flow.inject("A")
        self.wait(listener, "r")
        flow.skip_syns()
        sock = listener.accept()[0]
        sock.setblocking(False)
        self.kept.append(sock)
        return sock, flow

    @staticmethod
    def scale(flow, syn, ws):
        """Both sides scale windows only if both SYNs had the option (RFC 7323 2.2)."""
        if ws is not None and syn.ws is not None:
            flow.shift_out, flow.shift_in = ws, syn.ws

    # socket calls with the stream pattern

    def take(self, listener, sndbuf=0):
        """The connection that waits on @listener, non-blocking and kept open."""
        self.wait(listener, "r")
        sock = listener.accept()[0]
        sock.setblocking(False)
        if sndbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        self.kept.append(sock)
        return sock

    def wait(self, sock, events, timeout=3.0):
        """Poll until one of @events ('r', 'w', 'p' for urgent, 'h' for hang-up)."""
        poll = select.poll()
        bits = {"r": select.POLLIN, "w": select.POLLOUT, "p": select.POLLPRI,
                "h": select.POLLHUP, "e": select.POLLERR}
        mask = sum(bits[e] for e in events)
        poll.register(sock, mask)
        limit = time.time() + timeout
        while True:
            self.pulse()
            got = poll.poll(max(0, limit - time.time()) * 1000)
            self.woke()
            if got and got[0][1] & mask:
                return got[0][1]
            if time.time() > limit:
                raise Fail("poll: no %s in %g s, only %r" % (events, timeout, got))
            if got:
                time.sleep(0.01)    # an error or a hang-up ends the poll at once

    def send(self, sock, size, flags=0):
        """Send the next @size bytes of the stream; all must be taken."""
        pos = self.sent.get(sock, 0)
        self.log("#", "send %d" % size)
        taken = sock.send(pattern(pos, size), flags)
        self.equal(taken, size, "send")
        self.sent[sock] = pos + size

    def recv(self, sock, size, timeout=3.0):
        """Receive exactly @size bytes and compare them with the stream."""
        pos, out = self.received.get(sock, 0), b""
        while len(out) < size:
            self.wait(sock, "r", timeout)
            part = sock.recv(size - len(out))
            if not part:
                raise Fail("end of stream after %d of %d bytes" % (len(out), size))
            out += part
        if out != pattern(pos, size):
            raise Fail("%d bytes received at %d differ from what the peer sent" % (size, pos))
        self.log("#", "received %d" % size)
        self.received[sock] = pos + size

    def eof(self, sock, timeout=3.0):
        self.wait(sock, "r", timeout)
        self.equal(sock.recv(1), b"", "recv at the end of the stream")

    def nothing(self, sock):
        """The socket has neither data nor an end nor an error."""
        self.error(sock, "EAGAIN")

    def error(self, sock, want):
        """recv() fails with the error named @want."""
        try:
            got = "%d bytes" % len(sock.recv(1))
        except OSError as err:
            got = error_name(err.errno)
        self.equal(got, want, "recv")

    def so_error(self, sock, want, timeout=3.0):
        """The socket fails with @want, seen by poll and SO_ERROR."""
        if want != "0":
            self.wait(sock, "e", timeout)
        got = error_name(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        self.equal(got, want, "SO_ERROR")

    def raises(self, want, call, *args):
        """@call(*args) fails with the error named @want."""
        try:
            call(*args)
        except OSError as err:
            self.equal(error_name(err.errno), want, call.__name__)
            return
        raise Fail("%s succeeded, expected %s" % (call.__name__, want))

    @staticmethod
    def linger(sock, seconds):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))

    @staticmethod
    def option(sock, name, value):
        """A TCP_* option; SOL_TCP works for both transports."""
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_" + name), value)

    @staticmethod
    def info(sock):
        """struct tcp_info as a dict, as far as this kernel has it."""
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
        out, pos = {}, 0
        for kind, names in INFO:
            size = struct.calcsize(kind)
            for name in names:
                if pos + size > len(raw):
                    return out
                out[name] = struct.unpack_from("=" + kind, raw, pos)[0]
                pos += size
        return out

    def background(self, call, *args):
        return Background(call, args)

    # what /proc says

    def state(self, flow):
        """The state of the connection or request, None if there is none."""
        for local, remote, state, _ in self.sut.table():
            if local == flow.sut_port and remote == flow.port:
                return state
        return None

    def expect_state(self, flow, want, timeout=2.0):
        limit = time.time() + timeout
        while self.state(flow) != want:
            if time.time() > limit:
                raise Fail("state is %s, expected %s" % (self.state(flow), want))
            self.sleep(0.01)

    def counters(self):
        return self.sut.counters()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Corners of RFC 9293 that docs/rfc9293.md asks about and no other file shows.

Windows above 2^15, RST with data, urgency at a closed window, a shrunk window, what a peer
queues behind its FIN, TIME-WAIT behind much data, IP options that change the segment size.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import socket
import struct

from lib import case, main
from lib.packet import ip_header
from lib.stage import Skip

# <linux/userfaultfd.h>; the call by its number on x86-64
SYS_USERFAULTFD = 323
UFFD_API, UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 0xaa, 0xc018aa3f, 0xc020aa00, 0xc020aa04


# Windows


@case()
def window_field_is_unsigned(c):
    """More than 2^15 octets go out in a window of 65535 without scaling (MUST-1)."""
    sock, flow = c.accept(rtt=0.5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    c.send(sock, 200000)
    for flight in (10, 20, 40):     # slow start
        flow.absorb(flow.rcv + 1000 * flight)
        flow.inject("A")
    edge = flow.rcv
    flow.gather(0.2)
    c.check(32767 < flow.rcv - edge <= 65535, "%d octets in flight" % (flow.rcv - edge))


@case()
def shrunk_window_resends_inside(c):
    """What the window still covers is sent again, nothing new before that (SHLD-15, 16)."""
    sock, flow = c.accept(win=5000)
    c.send(sock, 8000)
    flow.absorb(5001)
    flow.inject("PA", len=1, ack=1001, win=2000)    # the edge goes back from 5001 to 3001
    seen, edge = 1001, 3001
    while seen < edge:
        seg = flow.next(5)
        c.check(seg is not None, "nothing was sent again from %d on" % seen)
        if not seg.len:
            continue
        c.check(seg.seq <= seen, "%d was sent again before %d" % (seg.seq, seen))
        c.check(seg.end <= 5001, "new data up to %d in a shrunk window" % seg.end)
        seen = max(seen, seg.end)
        flow.inject("A", ack=seen, win=max(0, edge - seen))
    while seen < 8001:
        flow.inject("A", ack=seen, win=20000)
        for seg in flow.gather(0.05) or [flow.next(3)]:
            c.check(seg is not None, "nothing came from %d on" % seen)
            if seg.seq <= seen:
                seen = max(seen, seg.end)
    flow.inject("A", ack=8001)
    c.expect_state(flow, "ESTABLISHED")


@case()
def shrunk_window_does_not_time_out(c):
    """Data beyond a window that closed does not end a connection that answers (SHLD-17)."""
    c.sysctl("retries2", 2)
    sock, flow = c.accept(win=5000)
    c.send(sock, 5000)
    flow.absorb(5001)
    flow.inject("PA", len=1, ack=1001, win=0)
    for _ in range(6):      # 0.2, 0.4 ... 6.4 s
        seg = flow.next(10)
        c.check(seg is not None, "neither a repetition nor a probe")
        c.check(seg.end <= 5001, "new data up to %d in a closed window" % seg.end)
        flow.inject("A", ack=1001, win=0)
    c.expect_state(flow, "ESTABLISHED")
    c.so_error(sock, "0")
    flow.inject("A", ack=5001, win=5000)
    c.send(sock, 100)
    flow.expect("PA", seq=5001, len=100)


def fill(c, flow):
    """Send until our window is closed."""
    edge = flow.last.ack + flow.last.window
    while edge > flow.nxt:
        flow.inject("PA", len=min(1000, edge - flow.nxt))
        for seg in flow.gather(0.25):
            edge = seg.ack + seg.window
    c.equal(flow.last.window, 0, "window after as much as it allowed")


@case()
def urgency_enters_a_closed_window(c):
    """An urgent pointer counts although our window takes no data (MUST-66)."""
    got = []
    signal.signal(signal.SIGURG, lambda *_: got.append(1))
    sock, flow = c.accept(before=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192))
    fcntl.fcntl(sock, fcntl.F_SETOWN, os.getpid())
    fill(c, flow)
    flow.inject("UA", urg=5)
    c.eventually(lambda: got, "SIGURG")
    c.raises("EAGAIN", sock.recv, 1, socket.MSG_OOB)
    c.recv(sock, flow.nxt - 1)


class HeldPage:
    """A page of memory at which whoever writes to it sleeps until fill()."""

    def __init__(self):
        self.page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.place = ctypes.addressof(ctypes.c_char.from_buffer(self.page))
        libc = ctypes.CDLL(None, use_errno=True)
        if os.uname().machine != "x86_64":
            raise Skip("the number of userfaultfd() is that of x86-64")
        self.fd = libc.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
        if self.fd < 0:
            raise Skip("no userfaultfd: %s" % os.strerror(ctypes.get_errno()))
        fcntl.ioctl(self.fd, UFFDIO_API, struct.pack("QQQ", UFFD_API, 0, 0))
        fcntl.ioctl(self.fd, UFFDIO_REGISTER,
                    struct.pack("QQQQ", self.place, mmap.PAGESIZE, 1, 0))

    def touched(self):
        """True once somebody waits."""
        try:
            return bool(os.read(self.fd, 32))
        except OSError as err:
            if err.errno != errno.EAGAIN:
                raise
            return False

    def fill(self):
        fcntl.ioctl(self.fd, UFFDIO_ZEROPAGE,
                    struct.pack("QQQq", self.place, mmap.PAGESIZE, 0, 0))


@case()
def queued_segments_before_the_ack(c):
    """Segments that found the socket busy are all processed before an ACK goes (MUST-59)."""
    sock, flow = c.accept(rtt=0.5)
    flow.inject("PA", len=100)
    flow.expect("A")
    sock.setblocking(True)
    held = HeldPage()
    reading = c.background(sock.recv_into, held.page, 100)
    c.eventually(held.touched, "recv() at the page")
    for _ in range(8):      # recv() holds the socket now
        flow.inject("PA", len=1000)
    flow.expect_nothing(0.3)
    held.fill()
    c.equal(reading.result(), 100, "recv_into")
    flow.expect("A", ack=8101, within=1)
    flow.expect_nothing(0.3)


# Opening and ending


@case()
def passive_open_disturbs_nobody(c):
    """Requests, children, other listeners and active opens live side by side (MUST-41)."""
    listener = c.listen()
    first, old = c.accept(listener)
    half = c.flow()
    half.inject("S", mss=1000)
    half.expect("SA")
    c.listen(9000)
    other, active = c.connect()
    _, new = c.accept(listener)
    for sock, flow in ((first, old), (other, active)):
        flow.inject("PA", len=10)
        flow.expect("A")
        c.recv(sock, 10)
    listener.close()
    for flow in (old, active, new):
        c.expect_state(flow, "ESTABLISHED")
    c.send(first, 10)
    old.expect("PA", len=10)


@case()
def rst_with_data(c):
    """Octets in a RST do not keep it from ending the connection or the open (SHLD-2)."""
    sock, flow = c.accept()
    flow.inject("R", seq=1, len=20)
    c.error(sock, "ECONNRESET")
    c.expect_state(flow, None)
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("RA", seq=0, ack=1, len=20)
    c.so_error(sock, "ECONNREFUSED")
    c.expect_state(flow, None)


@case(tcp=False)    # Linux joins the two and takes the data
def data_queued_behind_a_fin(c):
    """Data that waits behind the peer's FIN is nothing; the FIN counts."""
    sock, flow = c.accept()
    flow.inject("FA", seq=101)
    flow.expect("A", ack=1)
    flow.inject("PA", seq=102, len=50)
    flow.expect("A", ack=1)
    flow.inject("A", seq=1, len=100)
    flow.expect("A", ack=102)
    c.expect_state(flow, "CLOSE_WAIT")
    c.recv(sock, 100)
    c.eof(sock)
    sock.close()
    flow.expect("FA", seq=1, ack=102)


@case(tcp=False)    # Linux takes the SYN off and goes on
def syn_ack_to_a_request(c):
    """A listener never sent the SYN that a SYN,ACK answers: the request waits for its ACK."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    flow.inject("SA", seq=0, ack=1, mss=1000, len=10)
    flow.expect("A", seq=1, ack=1)
    c.expect_state(flow, "SYN_RECV")
    c.raises("EAGAIN", listener.accept)
    flow.inject("A")
    c.wait(listener, "r")
    c.expect_state(flow, "ESTABLISHED")


@case(mtu=65000)
def time_wait_reopened_behind_much_data(c):
    """The ISN of a new incarnation lies beyond what a fast old one sent (MAY-2)."""
    listener, total, sent = c.listen(), 6 << 20, 0
    sock, flow = c.accept(listener, mss=c.mss, ws=7, win=4 << 20)
    flow.verify, chunk = False, bytes(1 << 16)
    while flow.rcv <= total:
        try:
            while sent < total:
                sent += sock.send(chunk[:total - sent])
        except BlockingIOError:
            pass
        if flow.next(2) is None:
            break
        flow.inject("A")
    c.equal(flow.rcv, total + 1, "end of the stream")
    sock.close()
    flow.expect("FA", seq=total + 1)
    flow.inject("FA")
    flow.expect("A", seq=total + 2)
    c.expect_state(flow, "TIME_WAIT")
    new = c.flow(port=flow.port, isn=flow.isn + 5000)
    new.inject("S", mss=1000)
    new.expect("SA", ack=1)
    ahead = new.sut_isn - flow.sut_isn - total - 2 & 0xffffffff
    c.check(0 < ahead < 1 << 31, "the new ISN is %d octets behind the old stream's end"
            % ((1 << 32) - ahead))


@case(versions=(6,))
def advice_to_ip(c):
    """Each time-out draws another flow label, before R1 and behind it (MUST-20)."""
    c.sysctl("retries1", 1)
    sock, flow = c.connect()
    c.send(sock, 100)
    seen = [flow.expect("PA", len=100)]
    for _ in range(2):
        seen.append(flow.expect("PA", seq=1, len=100))
    labels = [int.from_bytes(seg.raw[:4], "big") & 0xfffff for seg in seen]
    c.equal(len(set(labels)), 3, "different flow labels")


# Segment sizes and pointers


@case(versions=(4,))
def ip_options_set_later_shorten_segments(c):
    """IP options of an open connection take their room from the segments (MUST-16).

    No-operations, a route to record (MAY-11), a time stamp (MAY-10).
    """
    sock, flow = c.connect(mss=1460, rtt=0.5)
    c.send(sock, c.mss)
    flow.expect("PA", len=c.mss)
    flow.inject("A")
    for opts in (b"\1" * 8, bytes((7, 7, 4)) + bytes(5), bytes((0x44, 12, 5, 0)) + bytes(8)):
        sock.setsockopt(socket.IPPROTO_IP, 4, opts)
        c.send(sock, c.mss)
        seg = flow.expect("A", len=c.mss - len(opts))
        c.equal((seg.ip_opts[0], len(seg.ip_opts)), (opts[0], len(opts)), "IP option, octets")
        flow.inject("A")
        flow.expect("PA", len=len(opts))
        flow.inject("A")


@case(versions=(4,))
def received_dscp(c):
    """IP_PKTOPTIONS tells the service type that the handshake's last segment had (MAY-9)."""
    listener = c.listen(before=lambda s: s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1))
    flow = c.flow()
    flow.inject("S", mss=1000)
    flow.expect("SA")
    ack = flow.bytes("A")
    c.wire.write(ip_header(c.peer_addr, c.local_addr, c.proto, len(ack), tos=0x28) + ack)
    c.wait(listener, "r")
    sock = listener.accept()[0]
    notes = sock.getsockopt(socket.IPPROTO_IP, 9, 64)
    c.equal(struct.unpack("iii", notes[8:20]), (socket.IPPROTO_IP, socket.IP_TOS, 0x28),
            "level, type, value")


@case(tcp=False)    # Linux also points at places in between
def urgent_further_than_64k(c):
    """A pointer that the field cannot hold is not sent; no other place is named (MUST-62)."""
    sock, flow = c.accept(ws=7, win=1 << 20, rtt=0.5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    c.send(sock, 100000, socket.MSG_OOB)
    while flow.rcv < 100001:
        for seg in flow.gather(0.05):
            if seg.flags & 32:
                c.equal(seg.seq + seg.urg, 100001, "where the urgent pointer points")
        flow.inject("A")
    # What is sent as one buffer of up to 64 KB has the pointer throughout or not at all.
    c.check(flow.last.flags & 32, "the last segment has no URG")


if __name__ == "__main__":
    main(__doc__)

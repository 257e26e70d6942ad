#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Transmit time stamps of octets that are cut, acknowledged in parts, or sent again."""

import socket
import struct

from lib import case, main

SO_TIMESTAMPING = 37
TX_SOFTWARE, SOFTWARE, OPT_ID, TX_ACK, OPT_TSONLY = 1 << 1, 1 << 4, 1 << 7, 1 << 9, 1 << 11
SND, ACK = 0, 2


def ask(sock, flags):
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, flags | SOFTWARE | OPT_ID | OPT_TSONLY)


def reports(sock):
    """All reports in the error queue: (kind, number of the octet)."""
    out = []
    while True:
        try:
            control = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)[1]
        except BlockingIOError:
            return out
        for level, kind, data in control:
            if (level, kind) in ((socket.IPPROTO_IP, 11), (socket.IPPROTO_IPV6, 25)):
                out.append(struct.unpack_from("=II", data, 8))


@case()
def acknowledged_with_its_octet(c):
    """The report waits for the last octet of the call, and comes once."""
    sock, flow = c.connect(rtt=0.5)
    ask(sock, TX_ACK)
    c.send(sock, 3 * c.mss)
    flow.absorb(3 * c.mss + 1)
    flow.inject("A", ack=2 * c.mss + 1)
    flow.inject("A", ack=3 * c.mss)
    c.sleep(0.1)
    c.equal(reports(sock), [], "reports before it")
    flow.inject("A", ack=3 * c.mss + 1)
    c.sleep(0.1)
    c.equal(reports(sock), [(ACK, 3 * c.mss - 1)], "reports")
    flow.inject("A", ack=3 * c.mss + 1)
    c.sleep(0.1)
    c.equal(reports(sock), [], "reports after it")


@case()
def cut_by_the_window(c):
    """The part that may go takes no report with it; the octet's part does."""
    sock, flow = c.connect(win=1500, rtt=0.5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ask(sock, TX_ACK | TX_SOFTWARE)
    c.send(sock, 2500)
    flow.gather(0.1)
    c.equal(reports(sock), [], "reports of the first part")
    flow.inject("A", ack=flow.rcv, win=65535)
    flow.absorb(2501)
    flow.inject("A", ack=2501)
    c.sleep(0.1)
    c.equal(reports(sock), [(SND, 2499), (ACK, 2499)], "reports")


@case()
def sent_again(c):
    """Each time it leaves the device there is a stamp, as in TCP."""
    sock, flow = c.connect()
    ask(sock, TX_SOFTWARE | TX_ACK)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    flow.expect("PA", seq=1, len=100, within=5)
    flow.inject("A", ack=101)
    c.sleep(0.1)
    got = reports(sock)
    c.check(set(got) == {(SND, 99), (ACK, 99)}, "reports %s" % got)
    c.check(got.count((ACK, 99)) == 1, "reports %s" % got)


if __name__ == "__main__":
    main(__doc__)

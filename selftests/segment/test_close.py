#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Closing: every way through the lower half of RFC 9293 figure 5, aborts, TIME-WAIT."""

import socket
import time

from lib import case, main
from lib.states import bring

QUIET = 0.3


def gone(c, flow):
    """No trace of the connection: a segment for it meets a RST."""
    c.expect_state(flow, None)
    flow.inject("A", seq=flow.nxt, ack=flow.rcv)
    flow.expect("R", seq=flow.rcv)


# The regular ways


@case()
def active_close(c):
    """FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT."""
    sock, flow = c.connect(rtt=0.5)
    sock.close()
    flow.expect("FA", seq=1)
    c.expect_state(flow, "FIN_WAIT1")
    flow.inject("A")
    c.expect_state(flow, "FIN_WAIT2")
    flow.inject("FA")
    flow.expect("A", seq=2, ack=2)
    c.expect_state(flow, "TIME_WAIT")
    flow.expect_nothing(QUIET)


@case()
def passive_close(c):
    """CLOSE-WAIT, LAST-ACK, gone."""
    sock, flow = c.accept(rtt=0.5)
    flow.inject("FA")
    flow.expect("A", seq=1, ack=2, after=(-1, 0.2))
    c.expect_state(flow, "CLOSE_WAIT")
    c.eof(sock)
    sock.close()
    flow.expect("FA", seq=1)
    c.expect_state(flow, "LAST_ACK")
    flow.inject("A")
    gone(c, flow)


@case()
def simultaneous_close(c):
    """The FINs cross: CLOSING, then TIME-WAIT for the ACK (figure 13)."""
    sock, flow = c.connect(rtt=0.5)
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("FA", ack=1)
    flow.expect("A", seq=2, ack=2)
    c.expect_state(flow, "CLOSING")
    flow.inject("A", ack=2)
    c.expect_state(flow, "TIME_WAIT")
    flow.expect_nothing(QUIET)


@case()
def fin_ack_short_cut(c):
    """A FIN that acknowledges ours leads from FIN-WAIT-1 straight to TIME-WAIT."""
    sock, flow = c.connect(rtt=0.5)
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("FA")
    flow.expect("A", seq=2, ack=2)
    c.expect_state(flow, "TIME_WAIT")


@case()
def half_close_ours(c):
    """After shutdown(SHUT_WR) the peer goes on sending, then finishes."""
    sock, flow = c.connect()
    c.send(sock, 500)
    sock.shutdown(socket.SHUT_WR)
    while flow.rcv < 502:
        flow.next(1)
    flow.inject("A")
    c.expect_state(flow, "FIN_WAIT2")
    c.raises("EPIPE", sock.send, b"x", socket.MSG_NOSIGNAL)
    for _ in range(5):
        flow.inject("PA", len=1000)
        c.recv(sock, 1000)
    flow.inject("FA", len=300)
    c.recv(sock, 300)
    c.eof(sock)
    c.expect_state(flow, "TIME_WAIT")


@case()
def half_close_theirs(c):
    """In CLOSE-WAIT we go on sending; the peer acknowledges."""
    sock, flow = c.accept(rtt=0.5)
    flow.inject("FA")
    flow.expect("A")
    c.eof(sock)
    for _ in range(5):
        c.send(sock, 800)
        flow.expect("PA", len=800)
        flow.inject("A")
    sock.close()
    flow.expect("FA", seq=4001)
    flow.inject("A")
    gone(c, flow)


@case()
def fin_carries_data(c):
    """The peer's FIN with data: both count."""
    sock, flow = c.accept()
    flow.inject("FPA", len=400)
    flow.expect("A", ack=402)
    c.expect_state(flow, "CLOSE_WAIT")
    c.recv(sock, 400)
    c.eof(sock)


@case()
def fin_follows_unsent_data(c):
    """close() with data waiting: all of it, then FIN, on the last segment if that waits."""
    sock, flow = c.connect()
    c.option(sock, "CORK", 1)
    c.send(sock, 1400)
    flow.expect("A", len=1000)
    sock.close()
    seg = flow.expect("FPA", len=400)
    c.equal(seg.end, 1402, "end")
    flow.inject("A")
    c.expect_state(flow, "FIN_WAIT2")


@case()
def fin_out_of_order(c):
    """A FIN behind a hole counts when the hole is filled, not before."""
    sock, flow = c.accept()
    flow.inject("FA", seq=101)
    flow.expect("A", ack=1)
    c.expect_state(flow, "ESTABLISHED")
    c.nothing(sock)
    flow.inject("A", len=100)
    flow.nxt = 102
    flow.expect("A", ack=102)
    c.expect_state(flow, "CLOSE_WAIT")
    c.recv(sock, 100)
    c.eof(sock)


@case()
def fin_in_old_data(c):
    """Old data with a new FIN: the FIN counts."""
    sock, flow = c.accept()
    flow.inject("PA", len=100)
    flow.expect("A")
    flow.inject("FPA", seq=51, len=50)
    flow.nxt = 102
    flow.expect("A", ack=102)
    c.recv(sock, 100)
    c.eof(sock)


@case()
def fin_repeated_by_peer(c):
    """A repeated FIN is acknowledged again and changes nothing."""
    sock, flow = c.accept()
    flow.inject("FA")
    flow.expect("A")
    for _ in range(3):
        flow.inject("FA", seq=1)
        flow.expect("A", ack=2, after=(-1, 0.2))
    c.expect_state(flow, "CLOSE_WAIT")
    sock.close()
    flow.expect("FA", seq=1)


@case()
def fin_retransmitted(c):
    """Our FIN is repeated at doubling intervals until it is acknowledged."""
    sock, flow = c.connect()
    sock.close()
    flow.expect("FA", seq=1)
    gap = flow.expect("FA", seq=1, gap=(0.19, 0.8)).gap
    flow.expect("FA", seq=1, gap=(1.8 * gap, 2.4 * gap + 0.3))
    flow.inject("A")
    c.expect_state(flow, "FIN_WAIT2")


@case()
def fin_given_up(c):
    """An orphan whose FIN is never answered disappears after net...orphan_retries."""
    c.sysctl("orphan_retries", 2)
    sock, flow = c.connect()
    sock.close()
    flow.expect("FA", seq=1)
    c.check(len(flow.gather(1.2)) >= 1, "the FIN was not repeated")
    c.expect_state(flow, None, timeout=8)


# Orphans and aborts


@case()
def fin_wait_2_orphan(c):
    """A closed socket waits net...fin_timeout seconds for the peer's FIN, then forgets."""
    c.sysctl("fin_timeout", 2)
    sock, flow = c.connect()
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("A")
    start = time.time()
    c.expect_state(flow, "FIN_WAIT2")
    c.expect_state(flow, None, timeout=6)
    c.check(time.time() - start > 1.8, "it lasted %.2f s only" % (time.time() - start))
    gone(c, flow)


@case()
def linger2_option(c):
    """TCP_LINGER2 sets that time for one socket; -1: none at all."""
    sock, flow = c.connect(before=lambda s: c.option(s, "LINGER2", 1))
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("A")
    c.expect_state(flow, "FIN_WAIT2")
    c.expect_state(flow, None, timeout=4)
    sock, flow = c.connect(before=lambda s: c.option(s, "LINGER2", -1))
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("A")
    c.expect_state(flow, None, timeout=1)


@case()
def fin_wait_2_socket_is_not_an_orphan(c):
    """While the program holds the socket, FIN-WAIT-2 has no time limit."""
    c.sysctl("fin_timeout", 1)
    sock, flow = c.connect()
    sock.shutdown(socket.SHUT_WR)
    flow.expect("FA", seq=1)
    flow.inject("A")
    c.sleep(2.5)
    c.expect_state(flow, "FIN_WAIT2")
    flow.inject("PA", len=10)
    c.recv(sock, 10)


@case()
def data_for_a_closed_reader(c):
    """Data that no program will ever read is answered with a RST."""
    sock, flow = c.connect(rtt=0.5)
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("A")
    flow.inject("PA", len=100)
    seg = flow.next(2)
    c.check(seg is not None and seg.flags & 4, "no RST")
    c.equal(seg.seq, 2, "sequence number of the RST")
    gone(c, flow)


@case()
def data_for_a_closed_reader_with_fin(c):
    """The same while our FIN is not acknowledged yet."""
    sock, flow = c.connect(rtt=0.5)
    sock.close()
    flow.expect("FA", seq=1)
    flow.inject("PA", len=100, ack=1)
    seg = flow.next(2)
    c.check(seg is not None and seg.flags & 4, "no RST")
    c.expect_state(flow, None)


@case()
def close_with_unread_data(c):
    """close() while received data is unread: a RST instead of a FIN (SHLD-3)."""
    sock, flow = c.connect()
    flow.inject("PA", len=100)
    flow.expect("A")
    sock.close()
    flow.expect("RA", seq=1)
    gone(c, flow)


@case()
def linger_zero(c):
    """SO_LINGER with zero: close() aborts with a RST and drops what is unsent."""
    sock, flow = c.connect()
    c.linger(sock, 0)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    sock.close()
    flow.expect("RA", seq=101)
    gone(c, flow)


@case()
def linger_waits(c):
    """SO_LINGER with a time: close() returns when the FIN is acknowledged."""
    sock, flow = c.connect(rtt=0.4)
    sock.setblocking(True)
    c.linger(sock, 5)
    c.send(sock, 100)
    flow.expect("PA", len=100)
    closing = c.background(sock.close)
    flow.expect("FA", seq=101)
    c.sleep(0.2)
    c.check(closing.running(), "close() returned before the ACK")
    flow.inject("A")
    closing.result(2)


@case()
def linger_gives_up(c):
    """close() does not wait longer than that; the connection goes on without it."""
    sock, flow = c.connect(rtt=0.6)
    sock.setblocking(True)
    c.linger(sock, 1)
    start = time.time()
    c.background(sock.close).result(4)
    c.check(time.time() - start > 0.9, "close() returned after %.2f s" % (time.time() - start))
    flow.expect("FA", seq=1)
    c.check(c.state(flow) == "FIN_WAIT1", "state %s" % c.state(flow))


@case()
def close_in_syn_sent(c):
    """close() before the SYN,ACK: forgotten, and the SYN,ACK meets a RST."""
    sock, flow = c.start_connect()
    flow.expect("S")
    sock.close()
    c.expect_state(flow, None)
    flow.inject("SA", mss=1000)
    flow.expect("R", seq=1)


@case()
def shutdown_wakes_a_reader(c):
    """The peer's FIN ends a sleeping recv() with 0 bytes; a RST with ECONNRESET."""
    sock, flow = c.accept()
    sock.setblocking(True)
    waiting = c.background(sock.recv, 10)
    c.sleep(0.1)
    flow.inject("FA")
    c.equal(waiting.result(), b"", "recv")
    sock, flow = c.connect()
    sock.setblocking(True)
    waiting = c.background(sock.recv, 10)
    c.sleep(0.1)
    flow.inject("R")
    c.raises("ECONNRESET", waiting.result)


@case()
def send_after_reset(c):
    """After a RST: ECONNRESET once, then EPIPE (MUST-12)."""
    sock, flow = c.accept()
    flow.inject("R")
    c.expect_state(flow, None)
    c.raises("ECONNRESET", sock.send, b"x", socket.MSG_NOSIGNAL)
    c.raises("EPIPE", sock.send, b"x", socket.MSG_NOSIGNAL)
    c.equal(sock.recv(1), b"", "recv")


@case()
def data_before_a_reset_is_readable(c):
    """Data received before a RST can still be read, as in Linux."""
    sock, flow = c.accept()
    flow.inject("PA", len=100)
    flow.expect("A")
    flow.inject("R")
    c.expect_state(flow, None)
    c.recv(sock, 100)
    c.error(sock, "ECONNRESET")


# TIME-WAIT


@case()
def time_wait_answers_fin(c):
    """The last ACK was lost: the repeated FIN is acknowledged again, each time."""
    _, flow = bring(c, "TIME_WAIT")
    for _ in range(3):
        flow.inject("FA", seq=1)
        flow.expect("A", seq=2, ack=2, after=(-1, 0.3))
    c.expect_state(flow, "TIME_WAIT")


@case(tcp=False)    # Linux fixes the time at 60 s
def time_wait_lasts_2msl(c):
    """net.xtcp.msl in milliseconds: TIME-WAIT ends after twice that, not before (MUST-13)."""
    c.sysctl("msl", 1000)
    _, flow = bring(c, "TIME_WAIT")
    c.sleep(1.6)
    c.expect_state(flow, "TIME_WAIT")
    c.expect_state(flow, None, timeout=2)
    flow.inject("A", seq=2, ack=2)
    flow.expect("R", seq=2)


@case(tcp=False)    # Linux fixes the time at 60 s
def time_wait_restarts(c):
    """A repeated FIN starts the 2MSL anew (RFC 9293 3.10.7.4); a RST or old ACK does not."""
    c.sysctl("msl", 1000)
    _, flow = bring(c, "TIME_WAIT")
    c.sleep(1.2)
    flow.inject("FA", seq=1)
    flow.expect("A", seq=2, ack=2)
    c.sleep(1.4)
    c.expect_state(flow, "TIME_WAIT")
    flow.inject("R")
    c.expect_state(flow, None, timeout=2)


@case()
def time_wait_reopened(c):
    """A SYN beyond the old sequence numbers opens a new connection (MAY-2)."""
    listener = c.listen()
    sock, flow = c.accept(listener)
    sock.close()
    flow.expect("FA")
    flow.inject("FA")
    flow.expect("A")
    c.expect_state(flow, "TIME_WAIT")
    old_isn = flow.sut_isn
    flow.inject("S", seq=1, mss=1000)       # not beyond: an ACK of the old connection
    flow.expect("A", seq=2, ack=2)
    new = c.flow(port=flow.port, isn=flow.isn + 5000)
    new.inject("S", mss=1000)
    new.expect("SA", ack=1)
    c.check(0 < (new.sut_isn - old_isn - 2) & 0xffffffff < 1 << 31,
            "the new ISN is not beyond the old sequence numbers")
    new.inject("A")
    c.wait(listener, "r")
    c.expect_state(new, "ESTABLISHED")
    new.inject("PA", len=10)
    new.expect("A")


@case()
def time_wait_keeps_the_port(c):
    """The pair of addresses stays taken for a new connect() from the same port."""
    def reuse(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    sock, flow = c.connect(before=reuse, rtt=0.5)
    sock.close()
    flow.expect("FA")
    flow.inject("FA")
    flow.expect("A")
    c.expect_state(flow, "TIME_WAIT")
    again = c.socket()
    reuse(again)
    again.bind((c.local, flow.sut_port))
    c.raises("EADDRNOTAVAIL", again.connect, (c.peer, flow.port))


if __name__ == "__main__":
    main(__doc__)

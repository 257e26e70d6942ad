#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Explicit congestion notification (RFC 3168): who asks, what is marked, what an echo does."""

import shutil
import socket
import struct
import subprocess

from lib import case, main
from lib.stage import DEVICE, Skip

MSS = 1000
NOT_ECT, ECT1, ECT0, CE = range(4)
QUIET = 0.15


def mark(seg):
    """The two ECN bits of a segment's IP header."""
    return seg.tos & 3


def at(n):
    """Where segment @n begins, counted from 0."""
    return 1 + n * MSS


def accept(c, sack=0, rtt=0):
    """A connection with ECN that the peer opened; @rtt seconds make its time-out long."""
    c.sysctl("ecn", 2)
    c.sysctl("sack", sack)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("SEC", mss=MSS, sackok=bool(sack))
    flow.expect("SAE")
    c.sleep(rtt)
    flow.inject("A")
    return c.take(listener, sndbuf=1 << 18), flow


def busy(c, queued=40, **how):
    """The same, with ten segments out and more behind them."""
    sock, flow = accept(c, rtt=0.5, **how)
    c.send(sock, queued * MSS)
    flow.absorb(at(10))
    return sock, flow


def options(c, sock):
    """tcpi_options."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5]


# who asks, who agrees


@case()
def who_asks(c):
    """ecn=1 alone makes our SYN ask; no SYN is marked itself (6.1.1)."""
    for ecn, flags in ((0, "S"), (1, "SEC"), (2, "S")):
        c.sysctl("ecn", ecn)
        _, flow = c.start_connect()
        c.equal(mark(flow.expect(flags)), NOT_ECT, "mark of the SYN")


@case()
def who_agrees(c):
    """Any but 0 agrees, to ECE and CWR together and on a SYN that is not ECT."""
    listener = c.listen()
    table = [(ecn, flags, NOT_ECT, "SAE" if ecn and flags == "SEC" else "SA")
             for ecn in (0, 1, 2) for flags in ("S", "SE", "SC", "SEC")]
    table += [(2, "SEC", tos, "SA") for tos in (ECT1, ECT0, CE)]
    for ecn, flags, tos, want in table:
        c.sysctl("ecn", ecn)
        flow = c.flow(listener.getsockname()[1])
        flow.inject(flags, mss=MSS, tos=tos)
        c.equal(mark(flow.expect(want)), NOT_ECT, "mark of the SYN-ACK")


@case()
def what_an_answer_means(c):
    """ECE without CWR agrees; anything else is a host without ECN (6.1.1)."""
    c.sysctl("ecn", 1)
    for flags, want in (("SA", NOT_ECT), ("SAE", ECT0), ("SAC", NOT_ECT), ("SAEC", NOT_ECT)):
        sock, flow = c.start_connect()
        flow.expect("SEC")
        flow.inject(flags, mss=MSS)
        flow.expect("A")
        c.send(sock, 100)
        c.equal(mark(flow.expect("PA", len=100)), want, "mark after " + flags)
        c.equal(bool(options(c, sock) & 8), want == ECT0, "TCPI_OPT_ECN after " + flags)
        flow.inject("A")


@case()
def not_asked_not_used(c):
    """An ECE in the answer to a SYN that did not ask means nothing."""
    c.sysctl("ecn", 2)
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.inject("SAE", mss=MSS)
    flow.expect("A")
    c.send(sock, 100)
    c.equal(mark(flow.expect("PA", len=100)), NOT_ECT, "mark")
    flow.inject("PA", len=10, tos=CE)
    flow.expect("A")


@case()
def fallback(c):
    """A SYN sent again asks no more (6.1.1.1), unless ecn_fallback is 0."""
    c.sysctl("ecn", 1)
    for knob, again in ((1, "S"), (0, "SEC")):
        c.sysctl("ecn_fallback", knob)
        _, flow = c.start_connect()
        flow.expect("SEC")
        flow.expect(again, seq=0, gap=1)


@case(tcp=False)
def fallback_and_answered(c):
    """The first SYN is answered late: we sent one without ECN, so no ECT, but we echo (6.1.1).

    Linux marks its data.
    """
    c.sysctl("ecn", 1)
    sock, flow = c.start_connect()
    flow.expect("SEC")
    flow.expect("S", seq=0, gap=1)
    flow.inject("SAE", mss=MSS)
    flow.expect("A")
    c.send(sock, 100)
    c.equal(mark(flow.expect("PA", len=100)), NOT_ECT, "mark")
    flow.inject("PA", len=10, tos=CE)
    flow.expect("AE")


@case(tcp=False)
def peer_falls_back(c):
    """The peer's second SYN does not ask: our answer to it does not agree, nor is data marked.

    Linux keeps what the first SYN asked.
    """
    listener = c.listen()
    c.sysctl("ecn", 2)
    flow = c.flow(listener.getsockname()[1])
    flow.inject("SEC", mss=MSS)
    flow.expect("SAE")
    flow.inject("S", seq=0, mss=MSS)
    flow.expect("SA", seq=0)
    flow.inject("A")
    c.wait(listener, "r")
    sock = listener.accept()[0]
    c.send(sock, 100)
    c.equal(mark(flow.expect("PA", len=100)), NOT_ECT, "mark")
    flow.inject("PA", len=10, tos=CE)
    flow.expect("AE")
    c.kept.append(sock)


@case()
def simultaneous_open(c):
    """Crossing SYNs agree if both ask; our SYN-ACK has ECE then."""
    c.sysctl("ecn", 1)
    for flags, answer, want in (("SEC", "SAE", ECT0), ("S", "SA", NOT_ECT)):
        sock, flow = c.start_connect()
        flow.expect("SEC")
        flow.inject(flags, mss=MSS, ack=0)
        flow.expect(answer, seq=0, ack=1)
        flow.inject("A")
        c.wait(sock, "w")
        c.send(sock, 100)
        c.equal(mark(flow.expect("PA", len=100)), want, "mark")
        flow.inject("A")


# what is marked


@case()
def new_data_alone(c):
    """ECT(0) on data sent for the first time, FIN or not; not on ACKs (6.1.4)."""
    sock, flow = accept(c)
    c.send(sock, 3 * MSS)
    for seg in flow.absorb(at(3)):
        c.equal(mark(seg), ECT0, "mark of data")
    flow.inject("PA", len=10)
    c.equal(mark(flow.expect("A")), NOT_ECT, "mark of an ACK")
    sock.shutdown(socket.SHUT_WR)
    c.equal(mark(flow.expect("FA")), NOT_ECT, "mark of a bare FIN")


@case()
def not_what_is_sent_again(c):
    """After a time-out the segment goes without ECT and without CWR (6.1.5)."""
    sock, flow = accept(c)
    c.send(sock, MSS)
    c.equal(mark(flow.expect("PA", len=MSS)), ECT0, "mark of the first")
    c.equal(mark(flow.expect("PA", seq=1, len=MSS)), NOT_ECT, "mark of the second")
    flow.inject("A")
    c.send(sock, 2 * MSS)
    seg = flow.expect("AC", len=MSS)
    c.equal(mark(seg), ECT0, "mark of new data")


@case()
def loss_is_announced(c):
    """A fast retransmission halves the window: CWR on the next new data, not on itself (6.1.2)."""
    sock, flow = accept(c, rtt=0.5)
    c.send(sock, 10 * MSS)
    flow.absorb(at(10))
    for _ in range(3):
        flow.inject("A", ack=1)
    seg = flow.expect("A", seq=1, len=MSS)
    c.equal(mark(seg), NOT_ECT, "mark of what is sent again")
    flow.inject("A", ack=at(10))
    c.send(sock, 3 * MSS)
    flags = [seg.flags & 0x80 for seg in flow.absorb(at(13))]
    c.equal(flags, [0x80] + [0] * (len(flags) - 1), "CWR")


@case()
def not_on_probes(c):
    """A probe of a closed window is not ECT (6.1.6)."""
    sock, flow = accept(c)
    # Two: Linux takes no smaller window from the first octet on.
    for win in (65535, 0):
        flow.inject("PA", len=10, win=win)
        flow.expect("A")
    c.send(sock, 100)
    c.equal(mark(flow.expect("A", seq=0, len=0)), NOT_ECT, "mark of the probe")


@case()
def service_type_stays(c):
    """What the user writes into the octet and what ECN does are two things."""
    sock, flow = accept(c)
    level, name = ((socket.IPPROTO_IP, socket.IP_TOS) if c.version == 4 else
                   (socket.IPPROTO_IPV6, socket.IPV6_TCLASS))
    for value in (0x10, 0x13, 0xb9, 0):
        sock.setsockopt(level, name, value)
        c.send(sock, 100)
        c.equal(flow.expect("PA", len=100).tos, value & 0xfc | ECT0, "octet of data")
        flow.inject("PA", len=10)
        c.equal(flow.expect("A").tos, value & 0xfc, "octet of an ACK")


# what is echoed


@case()
def echoed_until_cwr(c):
    """CE: ECE on each ACK, data too, until CWR (6.1.3)."""
    sock, flow = accept(c)
    flow.inject("PA", len=100, tos=ECT0)
    flow.expect("A")
    flow.inject("PA", len=100, tos=CE)
    flow.expect("AE")
    for tos in (ECT0, ECT1, NOT_ECT):
        flow.inject("PA", len=100, tos=tos)
        flow.expect("AE")
    c.send(sock, 100)
    flow.expect("PAE", len=100)
    flow.inject("PAC", len=100, tos=ECT0)
    flow.expect("A")
    c.equal(options(c, sock) & 24, 24, "TCPI_OPT_ECN and TCPI_OPT_ECN_SEEN")


@case()
def marked_again_with_cwr(c):
    """CWR and CE in one segment: the old is over, the new begins."""
    _, flow = accept(c)
    flow.inject("PA", len=100, tos=CE)
    flow.expect("AE")
    flow.inject("PAC", len=100, tos=CE)
    flow.expect("AE")
    flow.inject("PA", len=100, tos=ECT0)
    flow.expect("AE")
    flow.inject("PAC", len=100, tos=ECT0)
    flow.expect("A")


@case()
def early_data_counts(c):
    """CE on what arrives out of order is echoed at once."""
    _, flow = accept(c)
    flow.inject("A", seq=at(1), len=MSS, tos=CE)
    flow.expect("AE", ack=1)
    flow.inject("A", seq=at(0), len=MSS, tos=ECT0)
    flow.expect("AE", ack=at(2))


@case()
def outside_the_window_is_not_heard(c):
    """CE on a duplicate, or beyond the window: no echo (6.1.5)."""
    _, flow = accept(c)
    flow.inject("A", len=MSS, tos=ECT0)
    ack = flow.expect("A", ack=at(1))
    flow.inject("A", seq=1, len=MSS, tos=CE)
    flow.expect("A", ack=at(1))
    flow.inject("A", seq=at(1) + ack.window + 10 * MSS, len=MSS, tos=CE)
    flow.expect("A", ack=at(1))
    flow.inject("A", len=MSS, tos=ECT0)
    flow.expect("A", ack=at(2))


@case()
def not_echoed_without_agreement(c):
    """A connection without ECN: CE, ECE and CWR mean nothing."""
    c.sysctl("ecn", 2)
    sock, flow = c.accept()
    flow.inject("PA", len=100, tos=CE)
    flow.expect("A")
    before = c.info(sock)
    c.send(sock, 10 * MSS)
    flow.absorb(at(10))
    flow.inject("AE", ack=at(10))
    c.sleep(0.05)
    info = c.info(sock)
    c.equal((info["ca_state"], info["snd_ssthresh"]), (0, before["snd_ssthresh"]), "state")
    c.check(info["snd_cwnd"] > before["snd_cwnd"], "the window grows")
    c.equal(options(c, sock) & 24, 0, "TCPI_OPT_ECN and TCPI_OPT_ECN_SEEN")


# what an echo does


def one_reduction(c, sack):
    sock, flow = busy(c, sack=sack)
    flow.inject("AE", ack=at(1))
    first = flow.expect("AC", seq=at(10), len=MSS)
    c.equal(mark(first), ECT0, "mark of the segment with CWR")
    info = c.info(sock)
    c.equal((info["ca_state"], info["snd_ssthresh"]), (2, 5), "CWR, half of ten")
    # The same round trip: one segment for two that arrive, none of them with CWR.
    for n in range(2, 11):
        flow.inject("AE", ack=at(n))
    more = flow.gather(QUIET)
    c.check(not any(seg.flags & 0x80 for seg in more), "CWR once")
    c.check(all(seg.seq >= at(11) for seg in more), "nothing is sent again")
    c.equal(flow.rcv, at(15), "where the stream is: half of what arrived has left")
    info = c.info(sock)
    c.equal(info["snd_ssthresh"], 5, "ssthresh")
    # Beyond the CWR: the next round trip.
    flow.inject("AE", ack=at(11))
    flow.expect("AC", seq=at(15), len=MSS)
    info = c.info(sock)
    c.equal((info["ca_state"], info["snd_ssthresh"]), (2, 2), "CWR again, half of five")


@case()
def one_reduction_a_round_trip(c):
    """ECE brings the window down to half, in proportion, once in a round trip (6.1.2)."""
    one_reduction(c, 0)


@case()
def one_reduction_with_sack(c):
    """The same where both sides have SACK."""
    one_reduction(c, 1)


@case()
def first_of_a_burst(c):
    """CWR is on the first segment of what leaves as one super-segment."""
    sock, flow = busy(c)
    flow.inject("AE", ack=at(10))
    flags = [seg.flags & 0x80 for seg in flow.gather(QUIET)]
    c.equal(flags, [0x80, 0, 0, 0, 0], "CWR")
    flow.inject("A")
    c.sleep(0.05)
    c.equal(c.info(sock)["ca_state"], 0, "the round trip is over")
    c.check(not any(seg.flags & 0x80 for seg in flow.gather(QUIET)), "no more CWR")


@case()
def grows_afterwards(c):
    """The reduction is over when what was out is acknowledged: the window grows again."""
    sock, flow = busy(c)
    flow.inject("AE", ack=at(10))
    flow.absorb(at(15))
    flow.inject("A", ack=at(15))
    flow.gather(QUIET)
    flow.inject("A")
    flow.gather(QUIET)
    info = c.info(sock)
    c.equal((info["ca_state"], info["snd_ssthresh"]), (0, 5), "open, ssthresh")
    c.check(5 < info["snd_cwnd"] <= 8, "congestion avoidance: %d" % info["snd_cwnd"])


@case()
def loss_within_the_round_trip(c):
    """Something is lost as well: it is sent again, and the window comes down once."""
    sock, flow = busy(c, sack=1)
    flow.inject("AE", ack=at(1))
    flow.expect("AC", seq=at(10), len=MSS)
    segs = []
    for end in (6, 9):
        opts = struct.pack("!BBBBII", 1, 1, 5, 10, (at(2) + flow.sut_isn) & 0xffffffff,
                           (at(end) + flow.sut_isn) & 0xffffffff)
        flow.inject("AE", ack=at(1), opts=opts)
        segs += flow.gather(QUIET)
        # Linux counts what CWR let out, and so waits for the second report.
        c.check(segs or c.tcp, "the first repair goes at once")
    again = [seg for seg in segs if seg.seq == at(1)]
    c.equal([mark(seg) for seg in again], [NOT_ECT], "sent again once, without ECT")
    info = c.info(sock)
    c.equal((info["ca_state"], info["snd_ssthresh"]), (3, 5), "recovery, the same ssthresh")


@case(tcp=False)
def counted(c):
    """Counters of what comes in; TCP's are in IP's table, with all other protocols'."""
    sock, flow = busy(c)
    flow.inject("AE", ack=at(3))
    flow.inject("PA", len=10, tos=CE)
    flow.inject("PA", len=10, tos=ECT0)
    flow.inject("PA", len=10, tos=ECT1)
    c.recv(sock, 30)
    count = c.counters()
    c.equal([count[n] for n in ("InNoECTPkts", "InECT1Pkts", "InECT0Pkts", "InCEPkts",
                                "DeliveredCE")], [3, 1, 1, 1, 3], "counters")
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 200)
    c.equal(struct.unpack("=I", raw[196:200])[0], 3, "tcpi_delivered_ce")


@case()
def route_asks(c):
    """The route's ECN feature does what ecn=1 does, for one destination."""
    if not shutil.which("ip"):
        raise Skip("no ip; install iproute2")
    c.sysctl("ecn", 0)
    subprocess.run(["ip", "route", "add", "%s/%d" % (c.peer, 32 if c.version == 4 else 128),
                    "dev", DEVICE, "features", "ecn"], check=True)
    sock, flow = c.start_connect()
    flow.expect("SEC")
    flow.inject("SAE", mss=MSS)
    flow.expect("A")
    c.send(sock, 100)
    c.equal(mark(flow.expect("PA", len=100)), ECT0, "mark")
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("SEC", mss=MSS)
    flow.expect("SAE")


if __name__ == "__main__":
    main(__doc__)

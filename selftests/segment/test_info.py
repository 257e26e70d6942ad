#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What TCP_INFO says, field by field, after the same segments: kernel TCP must say the same.

Fields that this kernel's struct tcp_info does not have are left out.
"""

import struct

from lib import case, main

MSS = 1000
OPEN, DISORDER, RECOVERY, LOSS = 0, 1, 3, 4
TIMESTAMPS, SACK, WSCALE = 1, 2, 4


def accept(c, sack=True, rtt=0.2):
    """A connection that the peer opened, without delay of small segments."""
    c.sysctl("sack", int(sack))
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", opts=struct.pack("!BBH", 2, 4, MSS) + (b"\4\2\1\1" if sack else b""))
    flow.expect("SA")
    c.sleep(rtt)
    flow.inject("A")
    sock = c.take(listener, sndbuf=1 << 18)
    c.option(sock, "NODELAY", 1)
    return sock, flow


def at(number):
    """Where segment @number begins, counted from 0."""
    return 1 + number * MSS


def says(c, sock, **want):
    """TCP_INFO has these values; (least, most) is a range."""
    info = c.info(sock)
    for name, value in want.items():
        if name not in info:
            continue
        if isinstance(value, tuple):
            c.check(value[0] <= info[name] <= value[1],
                    "%s is %d, expected %d to %d" % (name, info[name], *value))
        else:
            c.equal(info[name], value, name)
    return info


@case()
def nothing_agreed_before_the_answer(c):
    """What our SYN offers is not what the connection has."""
    for name in ("sack", "timestamps"):
        c.sysctl(name, 1)
    sock, flow = c.start_connect()
    flow.expect("S")
    says(c, sock, state=2, ca_state=OPEN, options=0, wscale=0, unacked=1, retrans=0,
         total_retrans=0, reordering=3, rehash=0, total_rto=0, snd_cwnd=10)
    # A scale of zero is one that was agreed on.
    flow.inject("SA", opts=struct.pack("!BBHBBBB", 2, 4, MSS, 1, 3, 3, 0) + b"\4\2\1\1")
    flow.skip_syns()
    flow.expect("A")
    info = says(c, sock, state=1, options=SACK | WSCALE, unacked=0, snd_mss=MSS, advmss=c.mss,
                pmtu=c.mtu, snd_wnd=65535)
    c.equal(info["wscale"] & 15, 0, "snd_wscale")
    c.check(info["wscale"] >> 4, "rcv_wscale is 0")


@case()
def segments_are_counted_as_sent(c):
    """Small ones count like full ones, in what was sent and in what arrived."""
    sock, flow = accept(c)
    before = c.info(sock)
    for _ in range(5):
        c.send(sock, 100)
        flow.expect("PA", len=100)
    says(c, sock, unacked=5, notsent_bytes=0, bytes_acked=0)
    flow.inject("A")
    c.send(sock, 3 * MSS)
    flow.absorb(501 + 3 * MSS)
    flow.inject("A")
    says(c, sock, ca_state=OPEN, unacked=0, sacked=0, lost=0, retrans=0, total_retrans=0,
         bytes_sent=500 + 3 * MSS, bytes_acked=500 + 3 * MSS, bytes_retrans=0,
         data_segs_out=8, segs_out=before["segs_out"] + 8, segs_in=before["segs_in"] + 2,
         delivered=before["delivered"] + 8, delivered_ce=0, data_segs_in=0, reordering=3,
         reord_seen=0, dsack_dups=0, rttvar=(1, 400000), rtt=(1, 400000), min_rtt=(1, 300000),
         delivery_rate=(1, 1 << 40), busy_time=(1, 3000000), rwnd_limited=0, sndbuf_limited=0,
         snd_wnd=65535, last_data_sent=(0, 2000), last_ack_recv=(0, 2000))


@case()
def what_the_peer_sends(c):
    """Octets and segments, and those out of order."""
    sock, flow = accept(c)
    flow.inject("A", seq=1, len=MSS)
    flow.inject("A", seq=2 * MSS + 1, len=MSS)
    flow.inject("A", seq=3 * MSS + 1, len=MSS)
    flow.gather(0.3)
    says(c, sock, bytes_received=MSS, data_segs_in=3, rcv_ooopack=2, rcv_mss=MSS)
    flow.inject("A", seq=MSS + 1, len=MSS)
    flow.gather(0.3)
    says(c, sock, bytes_received=4 * MSS, data_segs_in=4, rcv_ooopack=2, data_segs_out=0,
         last_data_recv=(0, 3000), received_ce=0)
    c.recv(sock, 4 * MSS)


@case()
def time_outs(c):
    """Three in a row are one recovery, which ends with the answer to what was out then."""
    sock, flow = accept(c)
    before = c.counters()["TcpTimeoutRehash"]
    c.send(sock, 2 * MSS)
    flow.absorb(at(2))
    first = flow.expect("A", seq=1, len=MSS, gap=(0.19, 1.5))
    flow.expect("A", seq=1, len=MSS, within=4)
    third = flow.expect("A", seq=1, len=MSS, within=8)
    info = says(c, sock, ca_state=LOSS, retransmits=3, backoff=3, unacked=2, sacked=0, lost=(1, 2),
                retrans=1, total_retrans=3, bytes_sent=5 * MSS, bytes_retrans=3 * MSS,
                data_segs_out=5, snd_cwnd=1, snd_ssthresh=(2, 5), rehash=3, total_rto=3,
                total_rto_recoveries=1)
    c.equal(c.counters()["TcpTimeoutRehash"] - before, 3, "TcpTimeoutRehash")
    c.check(info["rto"] >= 8 * 200000, "rto is %d us" % info["rto"])
    if "total_rto_time" in info:
        least = (third.time - first.time) * 1000
        c.check(least - 10 < info["total_rto_time"] < least + 1000,
                "total_rto_time is %d ms after %d" % (info["total_rto_time"], least))
    flow.inject("A", ack=at(2))
    c.sleep(0.05)
    says(c, sock, ca_state=OPEN, retransmits=0, unacked=0, lost=0, retrans=0, total_retrans=3,
         bytes_acked=2 * MSS, rehash=3, total_rto=3, total_rto_recoveries=1)
    c.send(sock, MSS)
    flow.expect("A", seq=at(2), len=MSS)
    flow.expect("A", seq=at(2), len=MSS, within=8)
    says(c, sock, retransmits=1, rehash=4, total_rto=4, total_rto_recoveries=2)


@case()
def time_outs_of_the_syn(c):
    """Those of the handshake count as well."""
    sock, flow = c.start_connect()
    flow.expect("S")
    flow.expect("S", seq=0, gap=1.0)
    says(c, sock, retransmits=1, backoff=1, total_retrans=1, unacked=1, retrans=1, rehash=1,
         total_rto=1, total_rto_recoveries=1)
    flow.inject("SA", mss=MSS)
    flow.skip_syns()
    flow.expect("A")
    # Linux leaves that state, and forgets the back-off, with the next acknowledgment.
    says(c, sock, ca_state=LOSS if c.tcp else OPEN, backoff=int(c.tcp), retransmits=0, unacked=0,
         total_retrans=1, total_rto=1, total_rto_recoveries=1, snd_cwnd=1)


@case()
def time_outs_of_the_syn_ack(c):
    """Those of a connection that the peer opens, too."""
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS)
    flow.expect("SA")
    flow.expect("SA", seq=0, gap=1.0)
    flow.inject("A")
    sock = c.take(listener)
    says(c, sock, ca_state=OPEN, retransmits=0, total_retrans=1, total_rto=1,
         total_rto_recoveries=1)


@case()
def reordering(c):
    """How many segments a later one overtook at most, itself counted; three until then."""
    sock, flow = accept(c)
    c.send(sock, 10 * MSS)
    flow.absorb(at(10))
    says(c, sock, reordering=3, reord_seen=0)
    # Two reports are no loss yet; what is between them and the others was late. A quarter of
    # this round trip is what it may be late by.
    c.sleep(0.2)
    flow.inject("A", ack=at(2), opts=flow.sacks((at(7), at(9))))
    c.sleep(0.01)
    says(c, sock, ca_state=DISORDER, unacked=8, sacked=2, lost=0, reordering=3, reord_seen=0)
    flow.inject("A", ack=at(9))
    c.sleep(0.01)
    info = says(c, sock, reordering=7, unacked=1, sacked=0, retrans=0, total_retrans=0)
    c.check(info.get("reord_seen", 1) > 0, "reord_seen is 0")
    # What follows in order changes nothing.
    flow.inject("A", ack=at(10))
    c.send(sock, MSS)
    flow.absorb(at(11))
    flow.inject("A", ack=at(11))
    says(c, sock, ca_state=OPEN, reordering=7)


@case()
def lost_and_reported_twice(c):
    """A hole is repaired; then the peer says that the repair was not needed."""
    sock, flow = accept(c)
    c.send(sock, 6 * MSS)
    flow.absorb(at(6))
    before = c.info(sock)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(6))))
    flow.expect("A", seq=1, len=MSS)
    says(c, sock, ca_state=RECOVERY, unacked=6, sacked=5, retrans=1, total_retrans=1,
         delivered=before["delivered"] + 5)
    flow.inject("A", ack=at(6))
    flow.inject("A", ack=at(6), opts=flow.sacks((1, at(1))))
    c.sleep(0.05)
    says(c, sock, ca_state=OPEN, sacked=0, lost=0, retrans=0, dsack_dups=1, rehash=0,
         delivered=before["delivered"] + 7, bytes_retrans=MSS)


@case()
def another_path_for_repeated_data(c):
    """Twice the same old segment: our ACKs seem lost; IPv6 shows it by its flow label."""
    sock, flow = accept(c)
    before = c.counters()["TcpDuplicateDataRehash"]
    flow.inject("A", seq=1, len=MSS)
    labels = [label(flow.expect("A", ack=MSS + 1))]
    for count in (0, 1, 2):
        flow.inject("A", seq=1, len=MSS)
        labels.append(label(flow.expect("A", ack=MSS + 1)))
        c.equal(c.counters()["TcpDuplicateDataRehash"] - before, count, "TcpDuplicateDataRehash")
    says(c, sock, rehash=0)     # that one counts time-outs
    if c.version == 6:
        c.equal(labels[0] == labels[1], True, "the first repetition kept the flow label")
        c.equal(len(set(labels[1:])), 3, "flow labels after that")


def label(seg):
    return int.from_bytes(seg.raw[:4], "big") & 0xfffff


if __name__ == "__main__":
    main(__doc__)

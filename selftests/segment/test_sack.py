#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Selective acknowledgments: what is reported (RFC 2018, 2883) and what reports do (RFC 8985)."""

import socket
import struct
import time

from lib import case, main

MSS = 1000
SOON = (-0.1, 0.15)     # the answer may be stamped before the question was


def accept(c, rtt=0):
    """A connection with SACK that the peer opened."""
    c.sysctl("sack", 1)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", opts=struct.pack("!BBHBBBB", 2, 4, MSS, 4, 2, 1, 1))
    syn = flow.expect("SA")
    c.check(syn.sackok, "the SYN-ACK agrees to SACK")
    c.sleep(rtt)
    flow.inject("A")
    return c.take(listener), flow


def sender(c, segments, rtt=0.2):
    """A connection on which so many segments are out: its socket and flow."""
    sock, flow = accept(c, rtt)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    c.send(sock, segments * MSS)
    flow.absorb(1 + segments * MSS)
    return sock, flow


def at(n):
    """Where segment @n begins, counted from 0."""
    return 1 + n * MSS


# what is reported


@case()
def offered_and_agreed(c):
    """Our SYN offers SACK; our SYN-ACK has it only in answer to an offer."""
    c.sysctl("sack", 1)
    _, flow = c.start_connect()
    syn = flow.expect("S")
    c.check(syn.sackok, "the SYN offers SACK")
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS)
    syn = flow.expect("SA")
    c.check(not syn.sackok, "no SACK towards a peer that did not ask")


@case()
def switched_off(c):
    """net.xtcp.sack=0: neither offered nor agreed to, and blocks mean nothing."""
    c.sysctl("sack", 0)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1])
    flow.inject("S", mss=MSS, sackok=True)
    syn = flow.expect("SA")
    c.check(not syn.sackok, "not agreed to")


@case()
def blocks_newest_first(c):
    """Each out-of-order segment is acknowledged at once, its block first (RFC 2018 4)."""
    _, flow = accept(c)
    flow.inject("A", seq=1001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(1001, 2001)], "blocks")
    flow.inject("A", seq=3001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(3001, 4001), (1001, 2001)], "blocks")
    flow.inject("A", seq=5001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(5001, 6001), (3001, 4001), (1001, 2001)], "blocks")
    # Joined, it is one block and the newest.
    flow.inject("A", seq=2001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(1001, 4001), (5001, 6001)], "blocks")
    # The hole is filled: what lies behind it needs no report any more.
    flow.inject("A", seq=1, len=MSS)
    seg = flow.expect("A", ack=4001)
    c.equal(flow.blocks(seg), [(5001, 6001)], "blocks")
    flow.inject("A", seq=4001, len=MSS)
    seg = flow.expect("A", ack=6001)
    c.equal(flow.blocks(seg), [], "blocks")


@case()
def blocks_over_the_wrap(c):
    """Sequence numbers that pass zero change nothing."""
    c.sysctl("sack", 1)
    listener = c.listen()
    flow = c.flow(listener.getsockname()[1], isn=0xfffffc00)
    flow.inject("S", mss=MSS, sackok=True)
    flow.expect("SA")
    flow.inject("A")
    c.wait(listener, "r")
    flow.inject("A", seq=1001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(1001, 2001)], "blocks")


@case()
def duplicate_reported_once(c):
    """RFC 2883: octets that are acknowledged come again: a block before the acknowledgment."""
    _, flow = accept(c)
    c.sysctl("dsack", 1)
    flow.inject("A", len=MSS)
    flow.expect("A", ack=1001)
    flow.inject("A", seq=1, len=MSS)
    seg = flow.expect("A", ack=1001)
    c.equal(flow.blocks(seg), [(1, 1001)], "blocks")
    flow.inject("A", seq=2001, len=MSS)
    seg = flow.expect("A", ack=1001)
    c.equal(flow.blocks(seg), [(2001, 3001)], "blocks: the duplicate is not repeated")


@case()
def duplicate_out_of_order(c):
    """RFC 2883 4.1.2: a duplicate above the acknowledgment, then the block it lies in."""
    _, flow = accept(c)
    c.sysctl("dsack", 1)
    flow.inject("A", seq=1001, len=MSS)
    flow.expect("A", ack=1)
    flow.inject("A", seq=2001, len=MSS)
    flow.expect("A", ack=1)
    flow.inject("A", seq=1001, len=MSS)
    seg = flow.expect("A", ack=1)
    c.equal(flow.blocks(seg), [(1001, 2001), (1001, 3001)], "blocks")


@case()
def beyond_the_window_is_no_duplicate(c):
    """Data that was refused never arrived: no block may claim it."""
    _, flow = accept(c)
    c.sysctl("dsack", 1)
    flow.inject("A", len=MSS)
    ack = flow.expect("A", ack=1001)
    flow.inject("A", seq=1001 + ack.window + 5 * MSS, len=MSS)
    seg = flow.expect("A", ack=1001)
    c.equal(flow.blocks(seg), [], "blocks")


@case()
def nothing_behind_a_fin(c):
    """The stream ends before what waits out of order: it is dropped, and not reported."""
    _, flow = accept(c)
    flow.inject("A", seq=2001, len=MSS)
    flow.expect("A", ack=1)
    flow.inject("FA", len=MSS)
    seg = flow.expect("A", ack=1002)
    c.equal(flow.blocks(seg), [], "blocks")


# what reports do


@case()
def only_the_hole_is_sent_again(c):
    """Three segments behind the first are reported: the first goes again, and nothing else."""
    _, flow = sender(c, 5)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(4))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    flow.inject("A", ack=at(4))
    flow.expect_nothing(0.15)
    flow.inject("A", ack=at(5))
    flow.expect_nothing(0.4)


@case()
def two_holes(c):
    """Segments 1 and 3 of six are missing: both are sent again, in this order."""
    _, flow = sender(c, 6)
    flow.inject("A", ack=at(1), opts=flow.sacks((at(4), at(6)), (at(2), at(3))))
    flow.expect("A", seq=at(1), len=MSS, after=SOON)
    flow.inject("A", ack=at(3), opts=flow.sacks((at(4), at(6))))
    flow.expect("A", seq=at(3), len=MSS, after=SOON)
    flow.inject("A", ack=at(6))
    flow.expect_nothing(0.3)


@case()
def block_inside_a_buffer(c):
    """A report that begins and ends inside what was sent as one super-segment."""
    sock, flow = sender(c, 8)
    flow.inject("A", ack=1, opts=flow.sacks((at(2), at(3))))
    info = c.info(sock)
    c.equal(info["sacked"], 1, "segments reported")
    flow.inject("A", ack=1, opts=flow.sacks((at(2), at(6))))
    first = flow.expect("A", seq=1, len={MSS, 2 * MSS}, after=SOON)
    if first.len == MSS:
        flow.expect("A", seq=at(1), len=MSS)
    flow.inject("A", ack=at(8))
    flow.expect_nothing(0.3)


@case()
def one_report_waits(c):
    """A single overtaken segment may be reordering: a quarter of the round trip passes first."""
    _, flow = sender(c, 3, rtt=0.4)
    c.sleep(0.3)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(2))))
    flow.expect("A", seq=1, len=MSS, after=(0.05, 0.45))
    flow.inject("A", ack=at(3))


@case()
def nonsense_blocks_ignored(c):
    """Blocks beyond SND.NXT, empty, or turned round mark nothing, and the stream goes on."""
    sock, flow = sender(c, 4)
    for blocks in (((at(5), at(6)),), ((at(2), at(2)),), ((at(3), at(1)),),
                   ((at(4), at(40)), (at(3), at(3)))):
        flow.inject("A", ack=1, opts=flow.sacks(*blocks))
    c.equal(c.info(sock)["sacked"], 0, "segments reported")
    flow.inject("A", ack=at(4))
    c.send(sock, MSS)
    flow.expect("A", seq=at(4), len=MSS)
    flow.inject("A", ack=at(5))


@case()
def lost_again_without_timeout(c):
    """The retransmission is lost as well: what was sent after it arrives, and tells (RACK)."""
    sock, flow = sender(c, 8)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(5))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    c.send(sock, 4 * MSS)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(8))))
    later = flow.gather(0.1)
    c.check(any(seg.seq >= at(8) for seg in later), "new data goes during recovery")
    flow.inject("A", ack=1, opts=flow.sacks((at(1), flow.rcv)))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    flow.inject("A")


@case()
def tail_is_probed(c):
    """RFC 8985 7: the last two are lost: a probe comes before the time-out and tells."""
    c.sysctl("early_retrans", 3)
    sock, flow = sender(c, 4, rtt=0.1)
    c.sleep(0.01)
    flow.inject("A", ack=at(2))
    probe = flow.expect("A", seq=at(3), len=MSS, after=(0.1, 0.6))
    c.equal(c.info(sock)["ca_state"], 0, "a probe is no time-out")
    # An answer quicker than any before it would be to the first sending (RFC 8985 6.2).
    c.sleep(0.08)
    flow.inject("A", ack=at(2), opts=flow.sacks((at(3), at(4))))
    flow.expect("A", seq=at(2), len=MSS, after=SOON)
    flow.inject("A", ack=at(4))
    c.check(probe.gap > 0.05, "not at once")
    c.equal(c.counters().get("LossProbes" if not c.tcp else "TCPLossProbes"), 1, "probes")


@case(tcp=False)
def last_repair_is_probed(c):
    """The last repair is lost, and nothing is left to send: a probe, where TCP has a time-out."""
    c.sysctl("early_retrans", 3)
    sock, flow = sender(c, 8, rtt=0.2)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(4)), (at(5), at(8))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    flow.expect("A", seq=at(4), len=MSS)
    c.sleep(0.2)
    flow.inject("A", ack=at(4), opts=flow.sacks((at(5), at(8))))
    flow.expect("A", seq=at(4), len=MSS, after=(0.35, 0.55))
    c.equal(c.info(sock)["ca_state"], 3, "recovery, and no time-out")
    flow.inject("A", ack=at(8))
    c.eventually(lambda: c.info(sock)["ca_state"] == 0, "the end of the recovery")
    c.equal((c.counters().get("LossProbes"), c.counters().get("Timeouts")), (1, 0),
            "probes, time-outs")


@case()
def probe_before_the_restarted_timeout(c):
    """An ACK long after the rest was sent: a probe where its time-out would be (RFC 7765)."""
    c.sysctl("early_retrans", 3)
    sock, flow = sender(c, 3, rtt=0.4)
    sent = flow.last.time
    c.sleep(0.7)
    flow.inject("A", ack=at(1))
    probe = flow.expect("A", seq=at(2), len=MSS, after=(0.3, 0.9))
    c.check(1.1 < probe.time - sent < 1.6, "%.3f s after it was sent" % (probe.time - sent))
    c.equal(c.info(sock)["ca_state"], 0, "a probe is no time-out")
    # The time-out counts from the probe, in full.
    flow.expect("A", seq=at(1), len=MSS, gap=(1.1, 2.0))
    flow.inject("A", ack=at(3))


@case()
def probe_brings_new_data(c):
    """Nagle held back a partial segment: the probe is that, and costs nothing."""
    c.sysctl("early_retrans", 3)
    sock, flow = accept(c, 0.1)
    c.send(sock, 100)
    flow.expect("PA", seq=1, len=100)
    c.send(sock, 50)
    flow.expect("PA", seq=101, len=50, after=(0.2, 1.0))
    flow.inject("A", ack=151)
    c.equal(c.counters().get("RetransSegs"), 0, "segments sent again")


@case()
def doubled_by_the_network(c):
    """What was sent once arrives twice: that says nothing of what was sent again."""
    sock, flow = sender(c, 8)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(4))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    flow.inject("A", ack=1, opts=flow.sacks((at(2), at(3)), (at(1), at(4))))
    c.sleep(0.05)
    info = c.info(sock)
    c.equal((info["ca_state"], info["dsack_dups"]), (3, 1), "state, duplicates")
    before = info["snd_ssthresh"]
    flow.inject("A", ack=at(8))
    c.eventually(lambda: c.info(sock)["ca_state"] == 0, "the end of the recovery")
    c.equal(c.info(sock)["snd_ssthresh"], before, "ssthresh")
    if not c.tcp:
        c.equal(c.counters().get("DSACKIgnoredDubious"), 1, "DSACKIgnoredDubious")
        c.equal(c.counters().get("DSACKUndo"), 0, "DSACKUndo")


@case()
def reduction_undone_by_dsack(c):
    """All that was sent again arrived twice: cwnd is as before (RFC 3708)."""
    sock, flow = sender(c, 8)
    before = c.info(sock)["snd_cwnd"]
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(4))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    c.check(c.info(sock)["snd_ssthresh"] <= before, "ssthresh fell")
    flow.inject("A", ack=at(8), opts=flow.sacks((1, at(1))))
    c.eventually(lambda: c.info(sock)["snd_cwnd"] >= before, "cwnd as before the recovery")
    c.equal(c.info(sock)["ca_state"], 0, "state")


@case()
def reported_data_survives_a_timeout(c):
    """After a time-out what was reported is not sent again (RFC 2018 8 allows to keep it)."""
    _, flow = sender(c, 6)
    flow.inject("A", ack=1, opts=flow.sacks((at(2), at(3))))
    seen = set()
    end = time.time() + 4
    acked = 1
    while acked < at(6) and time.time() < end:
        seg = flow.next(1.5)
        if seg is None:
            break
        seen.add(seg.seq)
        acked = max(acked, seg.seq + seg.len)
        if acked == at(2):
            acked = at(3)
        flow.inject("A", ack=acked, opts=flow.sacks((at(2), at(3))) if acked < at(2) else b"")
    c.check(at(2) not in seen, "the reported segment was not sent again")
    c.check(1 in seen and at(1) in seen, "the missing ones were")


@case()
def a_repair_restarts_the_timeout(c):
    """The first segment goes again late: the time-out counts from then (RFC 6298 5.1)."""
    c.sysctl("early_retrans", 0)
    _, flow = sender(c, 5, rtt=0.4)
    # 400 ms of round trip: the first time-out is about 1.2 s.
    c.sleep(0.9)
    flow.inject("A", ack=1, opts=flow.sacks((at(1), at(4))))
    flow.expect("A", seq=1, len=MSS, after=SOON)
    flow.expect_nothing(0.9)
    # The late report was a sample of a second, so the next one is further away.
    flow.expect("A", seq=1, len=MSS, within=3)


@case()
def reneging_peer(c):
    """The first octet is reported and never acknowledged: the time-out sends it all again."""
    _, flow = sender(c, 3)
    flow.inject("A", ack=1, opts=flow.sacks((1, at(3))))
    flow.expect("A", seq=1, len=MSS, within=4)
    flow.inject("A", ack=at(3))
    flow.expect_nothing(0.3)


# whether a time-out was spurious (RFC 5682)


def timed_out(c):
    """Ten segments are out, the window is used up, more waits; the first has timed out."""
    if c.tcp:
        c.sysctl("frto", 2)
    sock, flow = sender(c, 10)
    c.send(sock, 4 * MSS)
    before = c.info(sock)["snd_cwnd"]
    flow.expect("A", seq=1, len=MSS, within=4)
    c.equal(c.info(sock)["ca_state"], 4, "a time-out")
    return sock, flow, before


def spurious(c):
    return c.counters()["TCPSpuriousRTOs" if c.tcp else "SpuriousRTOs"]


@case()
def spurious_timeout_found(c):
    """New data goes before repairs; then what was sent once arrives: nothing was lost."""
    sock, flow, before = timed_out(c)
    flow.inject("A", ack=at(1))
    new = flow.gather(0.15)
    c.check(new and all(seg.seq >= at(10) for seg in new), "new data goes first")
    flow.inject("A", ack=at(3))
    c.eventually(lambda: c.info(sock)["snd_cwnd"] >= before, "cwnd as before")
    c.equal(c.info(sock)["ca_state"], 0, "state")
    c.check(all(seg.seq >= at(10) for seg in flow.gather(0.15)), "nothing is sent again")
    c.equal(spurious(c), 1, "counted")
    flow.inject("A")


@case()
def spurious_timeout_found_by_report(c):
    """The same by a SACK block: the original of a later segment arrives."""
    sock, flow, before = timed_out(c)
    flow.inject("A", ack=1, opts=flow.sacks((at(4), at(5))))
    c.eventually(lambda: c.info(sock)["snd_cwnd"] >= before, "cwnd as before")
    c.equal(spurious(c), 1, "counted")
    flow.gather(0.1)
    flow.inject("A")


@case()
def real_timeout_goes_on(c):
    """Only the new data arrives: the rest was lost, and is sent again."""
    sock, flow, before = timed_out(c)
    flow.inject("A", ack=at(1))
    flow.gather(0.15)
    flow.inject("A", ack=at(1), opts=flow.sacks((at(10), flow.rcv)))
    flow.expect("A", seq=at(1), len=MSS, after=SOON)
    c.check(c.info(sock)["snd_cwnd"] < before, "cwnd stays small")
    c.equal(spurious(c), 0, "counted")
    flow.gather(0.1)
    flow.inject("A", ack=flow.rcv)


@case()
def no_room_for_new_data(c):
    """The window ends inside the next segment: what is lost goes at once, and no time-out later."""
    _, flow, _ = timed_out(c)
    flow.inject("A", ack=at(1), win=9 * MSS + 5)
    flow.expect("A", seq=at(1), len=MSS, after=SOON)
    flow.gather(0.1)
    flow.inject("A", ack=at(10))


@case()
def held_data_tells(c):
    """Nagle held back a partial segment: it goes, for that is the question."""
    if c.tcp:
        c.sysctl("frto", 2)
    sock, flow = sender(c, 3)
    c.send(sock, 10)
    flow.expect("PA", seq=at(3), len=10)
    c.send(sock, 20)
    flow.expect("A", seq=1, len=MSS, within=4)
    flow.inject("A", ack=at(1))
    flow.expect("PA", seq=at(3) + 10, len=20, after=SOON)
    flow.inject("A", ack=at(3) + 10)
    c.eventually(lambda: spurious(c) == 1, "counted")
    flow.expect_nothing(0.1)
    flow.inject("A")


if __name__ == "__main__":
    main(__doc__)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Malformed segments to every state: dropped, counted, without effect (MUST-3, 7, 68).

Kernel TCP is more lenient with options and flags, so those parts run for XTCP only; the
reasons stand where it differs.
"""

import random

from lib import Fail, case, main
from lib.packet import flags_text
from lib.states import ALL, bring, in_states

QUIET = 0.2
ENDING = ("R", "RA", "FA", "S", "SA", "PA", "A")    # what acts on some state when well-formed


class Counter:
    """How far counters of the transport grow."""

    def __init__(self, c):
        self.c, self.before = c, c.counters()

    def grown(self, name):
        return self.c.counters().get(name, 0) - self.before.get(name, 0)

    def expect(self, least, *names):
        """The counters of @names together went up by at least @least."""
        for name in names:
            if name not in self.before:
                raise Fail("no counter %s" % name)
        got = sum(self.grown(name) for name in names)
        if got < least:
            raise Fail("%s went up by %d, not by %d" % (" + ".join(names), got, least))


def unharmed(c, state, sock, flow):
    """Nothing was answered, the state is the same, no error waits.

    What was sent before may come again meanwhile: a slow machine takes longer than a time-out.
    """
    sent = flow.rcv
    while (seg := flow.next(QUIET)) is not None:
        if not seg.seq < seg.end <= sent:
            raise Fail("unexpected segment: %s %d..%d" % (flags_text(seg.flags), seg.seq, seg.end))
    if state != "LISTEN":
        c.equal(c.state(flow), state, "state")
    c.so_error(sock, "0")


def length(flags):
    return 20 if "P" in flags else 0


@in_states(ALL)
def wrong_checksum(c, state, sock, flow):
    """Bad in the checksum field, or right for another protocol's pseudo-header."""
    count = Counter(c)
    other = 253 if c.tcp else 6
    for flags in ENDING:
        flow.inject(flags, seq=flow.nxt, len=length(flags), bad_csum=True)
        flow.inject(flags, seq=flow.nxt, len=length(flags), pseudo=other)
        flow.inject(flags, seq=flow.nxt, len=0, data=b"odd", bad_csum=True)
    unharmed(c, state, sock, flow)
    count.expect(21, "InCsumErrors")
    count.expect(21, "InErrs")


@in_states(ALL)
def short_header(c, state, sock, flow):
    """Fewer bytes than a header, from none at all."""
    count = Counter(c)
    for size in range(20):
        flow.inject("RA", seq=flow.nxt, cut=size)
    for size in (0, 19):
        flow.inject("FA", seq=flow.nxt, cut=size)
    unharmed(c, state, sock, flow)
    if not c.tcp:       # Linux does not count what is too short for its ports
        count.expect(22, "InHdrErrors")
        count.expect(22, "InErrs")


@in_states(ALL)
def wrong_data_offset(c, state, sock, flow):
    """A data offset below 5 or behind the end of the segment."""
    count = Counter(c)
    for doff in (0, 1, 2, 3, 4, 6, 10, 15):
        flow.inject("RA", seq=flow.nxt, doff=doff)
    for doff in (0, 4, 11, 15):
        flow.inject("FPA", seq=flow.nxt, len=20, doff=doff)
    for flags in ("S", "SA"):
        flow.inject(flags, seq=flow.nxt, mss=1000, doff=7)
        flow.inject(flags, seq=flow.nxt, mss=1000, doff=4)
    unharmed(c, state, sock, flow)
    if c.tcp:
        count.expect(9, "InErrs")   # Linux counts only those below 5
    else:
        count.expect(16, "InHdrErrors")
        count.expect(16, "InErrs")


BROKEN_OPTIONS = {
    "length zero": bytes((2, 0, 5, 180)),
    "length one": bytes((8, 1, 1, 1)),
    "length one of an unknown option": bytes((254, 1, 1, 1)),
    "length zero of an unknown option": bytes((77, 0, 0, 0)),
    "no room for the length": bytes((1, 1, 1, 2)),
    "beyond the header": bytes((1, 1, 254, 3)),
    "far beyond the header": bytes((254, 255, 1, 1)),
    "timestamps beyond the header": bytes((8, 10, 0, 0, 0, 1, 0, 0)),
}


@in_states(ALL, tcp=False)  # Linux stops reading options there and keeps the segment
def broken_options(c, state, sock, flow):
    """Options whose length cannot be: the segment is dropped (MUST-7)."""
    count = Counter(c)
    for opts in BROKEN_OPTIONS.values():
        for flags in ENDING:
            flow.inject(flags, seq=flow.nxt, len=length(flags), opts=opts)
    unharmed(c, state, sock, flow)
    count.expect(len(BROKEN_OPTIONS) * len(ENDING), "InOptErrors")


@case()
def strange_but_legal_options(c):
    """Unknown options, options out of place and repeated ones are read over (MUST-6)."""
    sock, flow = c.accept()
    layouts = (b"\1" * 40, b"\0" * 40, bytes((254, 2)) * 20, bytes((253, 40)) + b"\xff" * 38,
               bytes((2, 4, 0, 100)) * 2, bytes((3, 3, 9, 1)), bytes((4, 2, 1, 1)),
               bytes((255, 4, 255, 4)), bytes((5, 10)) + b"\x11" * 8 + b"\0\0")
    for opts in layouts:
        flow.inject("PA", len=10, opts=opts)
        flow.expect("A")
        c.recv(sock, 10)
    c.send(sock, 1000)
    flow.expect("PA", len=1000)


@in_states(ALL)
def no_flags(c, state, sock, flow):
    """The null segment and others without SYN, RST or ACK."""
    # In LISTEN and SYN-SENT RFC 9293 drops them; the closed port's answer is not theirs.
    # TIME-WAIT may answer what it does not like, so it is only asked to stay.
    for flags in ("", "U", "P", "F", "FU", "FPU"):
        flow.inject(flags, seq=flow.nxt, len=length(flags), urg=1 if "U" in flags else 0)
    if state == "TIME_WAIT":
        flow.gather(QUIET)
    unharmed(c, state, sock, flow)


@in_states(ALL, tcp=False)  # Linux obeys the RST or the SYN of them
def impossible_flags(c, state, sock, flow):
    """SYN with FIN or RST, alone and with all the others ("Christmas tree")."""
    count = Counter(c)
    tries = ("SF", "SR", "SFA", "SRA", "SFR", "SFRA", "SFPU", "SFRPAU", "SFRPAUEC")
    for flags in tries:
        flow.inject(flags, seq=flow.nxt, len=length(flags), urg=1 if "U" in flags else 0)
    unharmed(c, state, sock, flow)
    count.expect(len(tries), "InFlagErrors")


@case()
def syn_fin_to_listener(c):
    """SYN with FIN opens nothing, in Linux neither."""
    c.listen()
    flow = c.flow()
    for flags in ("SF", "SFPU", "SFU"):
        flow.inject(flags, seq=0, urg=1 if "U" in flags else 0)
    flow.expect_nothing(QUIET)
    c.equal(c.state(flow), None, "state")


@case()
def reserved_bits_ignored(c):
    """Reserved bits mean nothing, nor do ECE and CWR where net.xtcp.ecn is 0."""
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, reserved=14)
    flow.expect("SA")
    flow.inject("A", reserved=15)
    c.wait(listener, "r")
    sock = listener.accept()[0]
    sock.setblocking(False)
    for flags in ("PA", "PAE", "PAC", "PAEC"):
        flow.inject(flags, len=10, reserved=15)
        flow.expect("A")
        c.recv(sock, 10)
    ecn = c.flow()
    ecn.inject("SEC", mss=1000)
    ecn.expect("SA")


@case()
def fragments(c):
    """IP fragments are put together before anything looks at them."""
    small = 8 if c.version == 4 else 24     # IPv6 wants the whole header in the first (RFC 7112)
    listener = c.listen()
    flow = c.flow()
    flow.inject("S", mss=1000, ws=2, frag=small)
    flow.expect("SA")
    flow.inject("A", frag=small)
    c.wait(listener, "r")
    sock = listener.accept()[0]
    sock.setblocking(False)
    flow.inject("PA", len=1000, frag=64)
    flow.expect("A")
    c.recv(sock, 1000)
    flow.inject("A", len=20000, frag=1400)
    flow.expect("A", within=1)
    c.recv(sock, 20000)
    flow.gather(QUIET)  # the window is open again
    flow.inject("PA", seq=flow.nxt, len=500, frag=small, bad_csum=True)
    flow.expect_nothing(QUIET)
    flow.inject("FPA", len=500, frag=small)
    flow.expect("A")
    c.recv(sock, 500)
    c.eof(sock)


@case()
def own_address_as_source(c):
    """A SYN that claims to come from us, to the port it comes from (a "land" attack)."""
    c.listen()
    flow = c.flow(port=8000)
    flow.inject("S", mss=1000, src=c.local_addr)
    flow.expect_nothing(QUIET)
    good = c.flow()
    good.inject("S", mss=1000)
    good.expect("SA")


def mutated(rng, flow):
    """A segment with a right checksum that is random in some of its fields."""
    flags = "".join(l for l in "SFRPAUEC" if rng.random() < 0.35)
    opts = rng.randbytes(4 * rng.randint(0, 10)) if rng.random() < 0.5 else b""
    fields = {"opts": opts, "len": rng.choice((0, 0, 1, 7, 500, 1400)),
              "ack": rng.choice((0, flow.rcv, flow.rcv, flow.rcv + 1, rng.getrandbits(32))),
              "win": rng.choice((0, 1, 500, 65535)), "urg": rng.getrandbits(16)
              if rng.random() < 0.2 else 0, "reserved": rng.getrandbits(4)}
    if rng.random() < 0.1:
        fields["doff"] = rng.randint(0, 15)
    if rng.random() < 0.1:
        fields["cut"] = rng.randint(0, 60)
    near = flow.nxt + rng.randint(-2000, 70000)
    return flags, rng.choice((flow.nxt, flow.nxt, near, rng.getrandbits(32))), fields


@in_states(ALL)
def random_segments(c, state, sock, flow):
    """Random segments with right checksums may end this connection, but nothing else."""
    rng = random.Random("%s %d" % (state, c.version))
    flow.verify = False
    witness = c.accept(c.listen(9000), rtt=0)
    for _ in range(150):
        flags, seq, fields = mutated(rng, flow)
        flow.inject(flags, seq=seq, **fields)
    flow.gather(0.1)
    sock.close()
    c.trace.clear()
    witness[1].inject("PA", len=100)
    witness[1].expect("A")
    c.recv(witness[0], 100)
    c.send(witness[0], 100)
    witness[1].expect("PA", len=100)
    bring(c, "ESTABLISHED")


if __name__ == "__main__":
    main(__doc__)

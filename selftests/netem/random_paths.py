#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Transfers across paths drawn at random: all end, whole, and none waits longer than it must.

A path has a round trip of 1 to 400 ms, loss each way by chance or in spells, reordering,
copies, damage, jitter and a bottleneck, each of them or not. What it explains:

  - the time-out without its back-off is at most B = max(1 s, 3 * (R + 200 ms)): R is the
    longest round trip, queue included; RFC 6298's first sample makes it 3 * R, and the
    peer may keep an acknowledgment for 200 ms. After a lost SYN B is at least 3 s, and three
    times what connect() took, for a SYN,ACK sent again echoes the first SYN. TCP_INFO never
    shows more than B * 2^b, where b is the largest back-off that it shows;
  - the back-off doubles only when what was sent again is lost again, or the answer: b is at
    most D, what netem and the queues dropped and damaged, and k, beyond which a row of such
    losses is rarer than one in 10,000 transfers;
  - time-outs are at most D and two that were none (jitter, reordering);
  - nothing arrives for at most B * (2^(b+1) - 1), that is b + 1 time-outs, and six round trips;
  - all is done after one and a half times the octets at the bottleneck's rate, half a round trip
    for each segment (two segments a round trip), B for each fourth of D, and that longest gap.

Whatever is broken is printed with the case. --seed N --only K repeats one path and its octets;
which segments netem picks is drawn anew. It needs a guest that counts instructions
(`make netem`): in another, time-outs may be the machine's own load.
"""

import argparse
import math
import random
import sys

import ktap
import path

MSS = 1400
DELAYED_ACK = 0.2
TICK = 0.004        # s, what the kernel counts a time-out in
RARE = 1e-4


class Drawn:
    """Number k's path and transfer, from the seed alone."""

    def __init__(self, seed, number):
        rand = random.Random(f"{seed}/{number}")
        self.number = number
        self.ip = rand.choice((4, 6))
        self.octets = int(10 ** rand.uniform(3, 6.3))
        self.rtt = 10 ** rand.uniform(0, 2.6)                   # ms
        self.chain = 0.0        # how likely a loss follows on a loss
        self.damage = 0.0
        self.jitter = 0
        forward = back = f"delay {self.rtt / 2:.3f}ms"
        if rand.random() < 0.2:
            self.jitter = self.rtt / 2 * rand.uniform(0.02, 0.5)
            forward += f" {self.jitter:.3f}ms"
        if rand.random() < 0.7:
            forward += self.loss(rand)
        if rand.random() < 0.6:
            percent = 5 * 10 ** rand.uniform(-2, 0)
            self.chain = 1 - (1 - self.chain) * (1 - percent / 100)
            back += f" loss {percent:.3f}%"
        self.back = back
        if rand.random() < 0.3:
            forward += f" duplicate {rand.uniform(0.1, 10):.2f}%"
        if rand.random() < 0.2:
            percent = rand.uniform(0.05, 2)
            self.damage = percent / 100
            self.chain = 1 - (1 - self.chain) * (1 - self.damage)
            forward += f" corrupt {percent:.2f}%"
        if rand.random() < 0.4 and not self.jitter:
            forward += f" reorder {rand.choice((rand.uniform(0.5, 5), 25, 50)):.2f}%"
        self.forward = forward
        self.rate = self.queue = None
        if rand.random() < 0.5:
            self.rate = 10 ** rand.uniform(0, 2)                # Mbit/s
            product = self.rate * 1e6 / 8 * self.rtt / 1e3
            self.queue = int(max(product * 10 ** rand.uniform(-1, 0.6), 6 * 1514))
        self.seed = rand.randrange(1 << 30)

    def loss(self, rand):
        """netem's words for loss of up to a tenth, by chance or in spells that lose a third."""
        percent = 10 * 10 ** rand.uniform(-2, 0)
        if rand.random() < 0.6:
            self.chain = percent / 100
            return f" loss {percent:.3f}%"
        heavy, leave = rand.uniform(15, 40), rand.uniform(5, 30)
        bad = percent / heavy
        self.chain = heavy / 100
        return f" loss gemodel {min(bad * leave / (1 - bad), 50):.3f}% {leave:.1f}% {heavy:.1f}% 0%"

    def shape(self):
        return {"forward": self.forward, "back": self.back, "rate": self.rate, "queue": self.queue}

    def __str__(self):
        limit = f", {self.rate:.2f} Mbit/s, queue {self.queue}" if self.rate else ""
        return (f"IPv{self.ip}, {self.octets} octets; there: {self.forward}; "
                f"back: {self.back}{limit}")

    # -- what the path explains; seconds

    def round_trip(self):
        queue = self.queue * 8 / (self.rate * 1e6) if self.rate else 0
        return (self.rtt + 2 * self.jitter) / 1000 + queue + 0.02

    def timeout(self, result):
        opened = result["open"]
        return max(3 * (opened + TICK) if opened > 1 else 1.0,
                   3 * (self.round_trip() + DELAYED_ACK))

    def lost(self, result, dropped):
        """What was dropped, and damaged: that is not counted anywhere, so what may have been."""
        damaged = self.damage * result["data_segs"]
        return dropped + (math.ceil(damaged + 4 * math.sqrt(damaged) + 3) if damaged else 0)

    def doublings(self, lost):
        # A queue that overflows takes one in twenty, too.
        chain = max(self.chain, 0.05 if self.rate else 0.001)
        return min(lost, math.ceil(math.log(RARE / (1 + lost)) / math.log(chain)))

    def gap(self, result):
        return self.timeout(result) * (2 ** (result["max_backoff"] + 1) - 1) + 6 * self.round_trip()

    def opened(self, lost):
        """SYN and SYN,ACK have time-outs of their own: 1, 2, 4 ... seconds."""
        return 2 ** (self.doublings(lost) + 1) - 1 + 2 * self.round_trip()

    def time(self, result, lost):
        line = self.octets * 8 / (self.rate * 1e6) if self.rate else 0
        segments = self.octets / MSS + 20
        return (line * 1.5 + segments * self.round_trip() / 2 +
                lost / 4 * self.timeout(result) + self.gap(result))


def one(nodes, drawn, transport):
    nodes.shape(**drawn.shape())
    # An hour is beyond every path here: a transfer that waits for so long has stalled.
    result = nodes.transfer(f"{transport}{drawn.ip}", octets=drawn.octets, seed=drawn.seed,
                            sum=True, watch=50, limit=3600)
    lost = drawn.lost(result, nodes.dropped())
    backoff, rto = result["max_backoff"], result["max_rto"] / 1e6
    timeouts = result["snd_counters"].get("Timeouts", 0) + \
        result["snd_counters"].get("TCPTimeouts", 0)
    facts = (("octets differ", result["sha256"] != result["sha256_sent"], 0),
             ("back-off", backoff, drawn.doublings(lost)),
             ("time-out, s", rto, drawn.timeout(result) * 2 ** backoff),
             ("time-outs", timeouts, lost + 2),
             ("connect, s", result["open"], drawn.opened(lost)),
             ("longest gap, s", result["gap"], drawn.gap(result)),
             ("time, s", result["seconds"] - result["open"], drawn.time(result, lost)))
    bad = [f"{name}: {found:.6g}, explained {most:.6g}" for name, found, most in facts
           if found > most]
    assert not bad, "\n".join([str(drawn), f"{lost} lost"] + bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), metavar="N",
                        help="the same paths again")
    parser.add_argument("--only", type=int, metavar="K", help="this path alone")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--transport", default="xtcp", choices=("tcp", "xtcp"))
    args = parser.parse_args()
    numbers = [args.only] if args.only is not None else range(args.count)
    plan = ktap.Plan(len(numbers))
    plan.note(f"repeat with --seed {args.seed} [--only K]")
    with path.Path("rand") as nodes:
        for number in numbers:
            drawn = Drawn(args.seed, number)
            if args.only is not None:
                plan.note(drawn)
            plan.case(f"path {number}", one, nodes, drawn, args.transport)
    return plan.end()


if __name__ == "__main__":
    sys.exit(main())

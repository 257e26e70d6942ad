# SPDX-License-Identifier: GPL-2.0
"""The cells of the matrix: what each path does to segments, and how much goes across it.

Where a path loses by chance, the goodput is that of the last two thirds, for a start that no
loss happened to meet can be quicker than all that follows; its size is such that each run
meets some 20 (at 0.1 %) to 60 losses there, or 30 spells of them. Elsewhere the whole transfer
counts, start and all.
"""

import dataclasses

STEADY, START = "steady state", "start, buffers"
# Segments that a bad spell of the path lasts on average, and percent of them that it loses;
# shorter ones where there are so few that a run would meet two or three.
SPELLS = {0.1: (5, 50), 1: (10, 30), 5: (20, 30)}
MB = 1000000
# What goes across a path that loses so many percent, one by one and in spells. A spell may end
# in a time-out or not, and at 1 ms that costs 200 round trips: a run is to meet some 30 to 50.
LOSS_OCTETS = {0: 30 * MB, 0.1: 45 * MB, 1: 12 * MB, 5: 4 * MB}
BURST_OCTETS = {0.1: 90 * MB, 1: 40 * MB, 5: 20 * MB}


@dataclasses.dataclass
class Cell:
    """One path: round trip in ms, netem's words each way, the rate and its queue."""
    name: str
    group: str
    rtt: float
    octets: int
    shows: str
    forward: str = ""
    back: str = ""
    rate: float = None      # Mbit/s
    queue: int = None       # octets

    def grown(self, octets):
        """The same path, for an algorithm that loss does not slow down."""
        if self.shows != STEADY:
            return self
        return dataclasses.replace(self, octets=max(self.octets, octets))

    @property
    def skip(self):
        return self.octets // 3 if self.shows == STEADY else 0

    def shape(self):
        half = f"delay {self.rtt / 2:g}ms"
        return {"forward": f"{half} {self.forward}".strip(),
                "back": f"{half} {self.back}".strip(), "rate": self.rate, "queue": self.queue}


def bursty(percent):
    """netem's words for Gilbert and Elliott's model: good and bad spells, all loss in the bad.

    A bad spell that loses everything would decide the time of a run by itself: segments end
    it, not time, and after some time-outs there comes one a minute.
    """
    length, loses = SPELLS[percent]
    bad, leave = percent / loses, 100 / length
    return f"loss gemodel {bad * leave / (1 - bad):.4f}% {leave:g}% {loses}% 0%"


def make():
    """All cells, in the order in which they run."""
    cells = []

    def add(name, group, rtt, octets, shows, **more):
        cells.append(Cell(name, group, rtt, octets, shows, **more))

    for rtt in (1, 20, 100, 300):
        for percent in (0, 0.1, 1, 5):
            words = f"loss {percent:g}%" if percent else ""
            add(f"rtt{rtt}-loss{percent:g}", "random loss", rtt, LOSS_OCTETS[percent],
                STEADY if percent else START, forward=words)
    for rtt, percent in ((20, 0.1), (100, 0.1), (1, 1), (20, 1), (100, 1), (300, 1),
                         (1, 5), (20, 5), (100, 5), (300, 5)):
        add(f"rtt{rtt}-burst{percent:g}", "bursty loss", rtt, BURST_OCTETS[percent],
            STEADY, forward=bursty(percent))
    for rtt, percent in ((20, 1), (20, 25), (100, 1), (100, 25), (300, 1), (300, 25), (1, 25)):
        add(f"rtt{rtt}-reorder{percent}", "reordering", rtt, 15 * MB,
            "start, adaptation", forward=f"reorder {percent}%")
    add("rtt20-jitter", "reordering", 20, 15 * MB, "start, adaptation", forward="1ms")
    for rtt in (20, 100):
        add(f"rtt{rtt}-reorder25-loss1", "reordering", rtt, 10 * MB, STEADY,
            forward="loss 1% reorder 25%")
    add("rtt20-dup1", "duplication", 20, 15 * MB, START, forward="duplicate 1%")
    add("rtt100-dup10", "duplication", 100, 15 * MB, START, forward="duplicate 10%")
    add("rtt20-dup1-loss1", "duplication", 20, 10 * MB, STEADY,
        forward="loss 1% duplicate 1%")
    # Mbit/s, round trip, shallow and deep queue in parts of the bandwidth-delay product
    for rate, rtt, octets, shallow, deep in ((100, 1, 20 * MB, 1.2, 20), (10, 20, 10 * MB, 0.5, 8),
                                             (50, 100, 30 * MB, 0.1, 3), (20, 300, 20 * MB, 0.1, 2)):
        product = rate * 1e6 / 8 * rtt / 1e3
        for word, part in (("shallow", shallow), ("deep", deep)):
            add(f"{rate}M-rtt{rtt}-{word}", "rate limit", rtt, octets, "start, then a full link",
                rate=rate, queue=int(product * part))
    add("10M-rtt100-loss1", "rate limit", 100, 10 * MB, STEADY,
        forward="loss 1%", rate=10, queue=125000)
    add("2M-rtt40-bloat", "rate limit", 40, 3 * MB, "start, then a full link", rate=2, queue=200000)
    add("rtt20-ackloss5", "lost ACKs", 20, 15 * MB, START, back="loss 5%")
    add("rtt100-ackloss5", "lost ACKs", 100, 15 * MB, START, back="loss 5%")
    add("rtt100-bothloss1", "lost ACKs", 100, 10 * MB, STEADY,
        forward="loss 1%", back="loss 1%")
    return cells

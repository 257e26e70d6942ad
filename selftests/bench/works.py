# SPDX-License-Identifier: GPL-2.0
"""What is measured, how much of it, in which unit, and what XTCP is to reach."""

import dataclasses

MB = 1000 * 1000
PLACES = ("lo", "veth")
# Of the transports these have TIME-WAIT.
TIMEWAIT = ("tcp", "xtcp")


@dataclasses.dataclass(frozen=True)
class Work:
    """One row: bench's arguments, and how its result becomes a value.

    target: the ratio to TCP that XTCP is to reach, None: none is set.
    part: how much of the runs that were asked for it gets, where it takes long.
    """

    name: str
    kind: str
    count: int
    warm: int
    size: int = 1
    pairs: int = 1
    conns: int = 10
    places: tuple = PLACES
    target: float = None
    part: float = 1

    @property
    def unit(self):
        if self.kind in ("stream", "sendfile"):
            return "MB/s"
        return "octets" if self.kind in ("idle", "timewait") else "us"

    @property
    def more_is_better(self):
        return self.unit == "MB/s"

    def words(self):
        words = [self.kind, "--count", str(self.count)]
        if self.unit != "octets":
            words += ["--warm", str(self.warm), "--size", str(self.size),
                      "--pairs", str(self.pairs), "--conns", str(self.conns)]
        return words

    def value(self, result):
        """From bench's line of JSON, in self.unit."""
        if self.unit == "octets":
            return result["kernel"] / result["count"]
        if self.unit == "MB/s":
            return result["count"] / MB / (result["ns"] / 1e9)
        return result["ns"] / 1000 / result["count"]

    def done_by(self, transport, place):
        if transport == "unix" and place != "lo":
            return False
        return self.kind != "timewait" or transport in TIMEWAIT

    def goal(self, _tcp):
        """The ratio to TCP to be reached, TCP's value being that."""
        return self.target


@dataclasses.dataclass(frozen=True)
class Growth:
    """A row that follows from two: how many times as much one work costs as another.

    limit: what XTCP's may be, whatever TCP's is.
    """

    name: str
    more: str
    less: str
    limit: float
    unit = "times"
    more_is_better = False

    @property
    def target(self):
        return self.limit

    def goal(self, tcp):
        return self.limit / tcp if tcp else None


COUNTED = (
    Work("stream 64 B", "stream", 8 * MB, 4 * MB, size=64, target=1.3),
    Work("stream 1 KB", "stream", 64 * MB, 16 * MB, size=1024, target=1.3),
    Work("stream 16 KB", "stream", 256 * MB, 64 * MB, size=16384),
    Work("stream 64 KB", "stream", 256 * MB, 64 * MB, size=65536, target=1.2),
    Work("stream 1 MB", "stream", 256 * MB, 64 * MB, size=1 << 20),
    Work("8 streams 64 KB", "stream", 32 * MB, 8 * MB, size=65536, pairs=8),
    Work("sendfile", "sendfile", 256 * MB, 64 * MB),
    Work("round trip 1 B", "rr", 10000, 2000, target=0.8),
    Work("round trip 1 KB", "rr", 10000, 2000, size=1024),
    Work("connect, 1 B, close", "crr", 3000, 1000, target=0.55),
    Work("10 connections", "many", 20000, 2000, conns=10, places=("lo",)),
    Work("10000 connections", "many", 20000, 10000, conns=10000, places=("lo",)),
    Work("idle connection", "idle", 4000, 0, places=("lo",), target=0.6),
    Work("TIME-WAIT", "timewait", 5000, 0, places=("lo",), target=0.8),
)

GROWTHS = (Growth("10000 against 10", "10000 connections", "10 connections", 1.25),)

# In wall-clock time, on several processors: short, for each is measured often.
SMP = (
    Work("stream 1 KB", "stream", 16 * MB, 4 * MB, size=1024),
    Work("stream 64 KB", "stream", 128 * MB, 32 * MB, size=65536),
    Work("8 streams 64 KB", "stream", 16 * MB, 4 * MB, size=65536, pairs=8),
    Work("round trip 1 B", "rr", 2000, 500),
    Work("connect, 1 B, close", "crr", 600, 200),
    Work("1 connection", "many", 1500, 500, conns=1),
    Work("10 connections", "many", 4000, 1000, conns=10),
    Work("100 connections", "many", 4000, 1000, conns=100),
    Work("1000 connections", "many", 4000, 1000, conns=1000, part=0.6),
    Work("10000 connections", "many", 10000, 10000, conns=10000, part=0.35),
)

SETS = {"counted": COUNTED, "smp": SMP}

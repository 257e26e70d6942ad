# SPDX-License-Identifier: GPL-2.0
"""What one connection's sender did and learned, computed from a capture at its side."""

import bisect
import ipaddress
from typing import NamedTuple

from capture import ACK, FIN, SYN, CaptureError

HALF = 1 << 31


class Sent(NamedTuple):
    """A segment that takes sequence space: relative octets, the first one of data is 0."""

    time: float
    low: int
    high: int
    again: bool


class Ranges:
    """A set of sequence numbers as sorted ranges that do not touch."""

    def __init__(self):
        self.lows, self.highs = [], []

    def add(self, low, high):
        """Add a range; returns the parts of it that are new."""
        first = bisect.bisect_left(self.highs, low)
        last = bisect.bisect_right(self.lows, high)
        new, at = [], low
        for old_low, old_high in zip(self.lows[first:last], self.highs[first:last]):
            if at < old_low:
                new.append((at, min(old_low, high)))
            at = max(at, old_high)
        if at < high:
            new.append((at, high))
        if first < last:
            low, high = min(low, self.lows[first]), max(high, self.highs[last - 1])
        self.lows[first:last], self.highs[first:last] = [low], [high]
        return new

    def meets(self, low, high):
        """True if some of these numbers are in it."""
        at = bisect.bisect_right(self.highs, low)
        return at < len(self.lows) and self.lows[at] < high

    def cut_below(self, edge):
        """Forget what is below the edge."""
        while self.highs and self.highs[0] <= edge:
            del self.lows[0], self.highs[0]
        if self.lows and self.lows[0] < edge:
            self.lows[0] = edge

    def size(self):
        """How many numbers are in it."""
        return sum(self.highs) - sum(self.lows)


class Flow:
    """One direction of a connection, seen where its data is sent; times from its first segment.

    sent: every Sent; acks, edges (right edge of the receiver's window): (time, octet);
    sacks, dsacks: (time, low, high), the former only what was not reported before;
    rtts: (time, seconds), by Karn's rule only of what was sent once;
    flight: (time, octets sent, neither acknowledged nor reported by SACK).
    """

    def __init__(self, segments, sender):
        self.segments = segments
        self.sender = sender
        self.transport = segments[0].transport
        self.start = segments[0].time
        self.sent, self.acks, self.edges = [], [], []
        self.sacks, self.dsacks, self.rtts, self.flight = [], [], [], []
        self.una = 0
        self._next = -1                 # the SYN is octet -1
        self._base = self._first_octet()
        self._scale = self._window_scale()
        self._held = Ranges()
        self._once = []                 # [high, low, time], not (yet) sent again
        for one in segments:
            if one.src == sender:
                self._send(one)
            else:
                self._receive(one)

    def _first_octet(self):
        mine = [one for one in self.segments if one.src == self.sender]
        for one in mine:
            if one.flags & SYN:
                return (one.seq + 1) % 2 ** 32
        return mine[0].seq

    def _window_scale(self):
        """The shift of the receiver's windows; None if the capture begins after the SYNs."""
        scales = [(one.src, one.wscale) for one in self.segments if one.flags & SYN]
        if len({src for src, _ in scales}) < 2:
            return None
        if min(scale for _, scale in scales) < 0:
            return 0
        return [scale for src, scale in scales if src != self.sender][0]

    def _unwrap(self, number, near):
        """A relative number without wrapping: the one of its kind nearest to another."""
        relative = (number - self._base) % 2 ** 32
        return relative + (near - relative + HALF) // 2 ** 32 * 2 ** 32

    def _send(self, one):
        length = one.length + bool(one.flags & SYN) + bool(one.flags & FIN)
        if not length:
            return
        low = self._unwrap(one.seq, max(self._next, 0))
        high, time = low + length, one.time - self.start
        again = low < self._next
        self.sent.append(Sent(time, low, high, again))
        if again:
            self._sent_again(low, high)
        else:
            self._once.append([high, low, time])
        self._next = max(self._next, high)
        self._note_flight(time)

    def _sent_again(self, low, high):
        """Acknowledgments of these octets no longer tell a round trip."""
        at = bisect.bisect_right(self._once, [low, HALF * HALF, 0.0])
        while at < len(self._once) and self._once[at][1] < high:
            self._once[at][2] = None
            at += 1

    def _receive(self, one):
        if not one.flags & ACK:
            return
        time = one.time - self.start
        ack = self._unwrap(one.ack, self.una)
        if ack > self.una:
            self.una = ack
        self.acks.append((time, self.una))
        if one.flags & SYN:
            self.edges.append((time, ack + one.window))
        elif self._scale is not None:
            self.edges.append((time, ack + (one.window << self._scale)))
        self._held.cut_below(self.una)
        new = []
        for number, (left, right) in enumerate(one.sack):
            low = self._unwrap(left, ack)
            high = low + (right - left) % 2 ** 32
            # RFC 2883: the first block may lie below the ACK, or in the second one.
            if number == 0 and (high <= ack or self._inside(one.sack, low, high)):
                self.dsacks.append((time, low, high))
            elif low >= self.una:
                new += self._held.add(low, high)
        self.sacks += [(time, low, high) for low, high in new]
        self._sample(time, new)
        self._note_flight(time)

    def _inside(self, blocks, low, high):
        if len(blocks) < 2:
            return False
        left = self._unwrap(blocks[1][0], low)
        return left <= low and high <= left + (blocks[1][1] - blocks[1][0]) % 2 ** 32

    def _sample(self, time, new):
        """A round trip from the newest segment that this acknowledgment covers."""
        newest = None
        gone = bisect.bisect_right(self._once, [self.una, HALF * HALF, 0.0])
        covered = self._once[:gone]
        for low, high in new:
            first = bisect.bisect_left(self._once, [low + 1, -2, 0.0])
            last = bisect.bisect_right(self._once, [high, HALF * HALF, 0.0])
            covered += self._once[max(first, gone):last]
        for entry in covered:
            if entry[2] is not None:
                newest = max(newest or 0.0, entry[2])
            entry[2] = None
        del self._once[:gone]
        if newest is not None:
            self.rtts.append((time, time - newest))

    def _note_flight(self, time):
        self.flight.append((time, max(self._next, 0) - max(self.una, 0) - self._held.size()))

    # ---- of the whole ----

    def octets(self):
        """How much data was acknowledged (a FIN counts as an octet of it)."""
        return self.una

    def end(self):
        """When the last octet was acknowledged."""
        return next((time for time, ack in self.acks if ack >= self.una), 0.0)

    def count_again(self):
        return sum(one.again for one in self.sent)

    def median_rtt(self):
        values = sorted(value for _, value in self.rtts)
        return values[len(values) // 2] if values else 0.0

    def lost(self):
        """Those sent that were sent again later, and not needlessly as DSACK tells."""
        needless, later, out = Ranges(), Ranges(), []
        for _, low, high in self.dsacks:
            needless.add(low, high)
        for one in reversed(self.sent):
            if later.meets(one.low, one.high) and not needless.meets(one.low, one.high):
                out.append(one)
            if one.again:
                later.add(one.low, one.high)
        return out[::-1]


def connections(segments):
    """The segments of each connection, {key: list}; ports used again make another one."""
    found, opened = {}, {}
    for one in segments:
        pair = (one.transport, *sorted((one.src, one.dst)))
        if one.flags & SYN and not one.flags & ACK and opened.get((pair, one.src)) != one.seq:
            opened[pair, one.src] = one.seq
            opened[pair] = opened.get(pair, 0) + 1
        found.setdefault((pair, opened.get(pair, 0)), []).append(one)
    return found


def flow_of(segments, port=None):
    """The Flow with the most data, or the one of a port."""
    best, most = None, -1
    for (pair, _), members in connections(segments).items():
        if port and port not in (pair[1][1], pair[2][1]):
            continue
        for sender in pair[1:]:
            octets = sum(one.length for one in members if one.src == sender)
            if octets > most:
                best, most = (members, sender), octets
    if not best:
        raise CaptureError(f"no connection of port {port} in the capture: leave --port away to "
                           "draw the largest one")
    if not most:
        raise CaptureError("no data was sent in this capture: there is nothing to draw")
    return Flow(*best)


def name_of(address):
    """A host and its port, as text."""
    octets, port = address
    host = str(ipaddress.ip_address(octets))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

# SPDX-License-Identifier: GPL-2.0
"""Charts of what the benchmark measured."""

import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netem"))
from drawing import BAD, GOOD, INK, PALE, Drawing       # noqa: E402

# The chart of ratios, in its own units
ROW, LEFT, WIDTH, TOP, BOTTOM = 18, 210, 520, 72, 50
LOW, HIGH = 0.5, 8.0

# A panel of the chart of connections
PANEL, HEIGHT, SIDE, ABOVE, UNDER = 340, 240, 60, 90, 60
COLOURS = {"xtcp": GOOD, "tcp": BAD}


def place(ratio):
    """Where on the logarithmic axis."""
    part = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + part * WIDTH


def ratios(title, rows, path, spreads=None):
    """A dot for each row: how many times as much as TCP XTCP does, and where the target lies.

    spreads: {row: Spread of the ratio}, where there were several runs.
    """
    rows = [row for row in rows if row.ratio()]
    drawing = Drawing()
    bottom = TOP + ROW * (len(rows) + 0.5)
    drawing.text(LEFT, 22, title, size=15, weight="bold")
    drawing.text(LEFT, 40, "XTCP beside kernel TCP; right is better; " +
                 ("thin: half of the pairs" if spreads else "|: target; o: AF_UNIX"))
    for value in (0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8):
        drawing.line(place(value), TOP - 8, place(value), bottom, PALE)
        drawing.text(place(value), bottom + 16, f"{value:g}", "middle")
    drawing.line(place(1), TOP - 8, place(1), bottom, INK)
    drawing.text(LEFT + WIDTH / 2, bottom + 36,
                 "times TCP's throughput; of costs: TCP's over XTCP's", "middle")
    for number, row in enumerate(rows):
        y = TOP + ROW * (number + 0.5)
        ratio = spreads[row].median if spreads else row.ratio()
        gain = row.gain(ratio)
        missed = gain < 1 if spreads else row.reached() is False
        colour = BAD if missed else GOOD
        drawing.text(LEFT - 12, y + 4, f"{row.work.name}, {row.place}", "end")
        drawing.line(place(1), y, place(gain), y, colour, 3)
        if spreads:
            ends = (place(row.gain(spreads[row].low)), place(row.gain(spreads[row].high)))
            drawing.line(min(ends), y, max(ends), y, INK)
            for x in ends:
                drawing.line(x, y - 4, x, y + 4, INK)
        drawing.dot(place(gain), y, colour)
        if row.goal() and not spreads:
            mark = place(row.gain(row.goal()))
            drawing.line(mark, y - 7, mark, y + 7, INK, 2)
        if row.floor and not spreads:
            floor = row.floor / row.values["tcp"]
            drawing.text(place(row.gain(floor)), y + 4, "o", "middle")
        drawing.text(LEFT + WIDTH + 10, y + 4, f"{gain:.2f}", colour=colour)
    drawing.save(path, LEFT + WIDTH + 60, int(bottom + BOTTOM))


def step(highest):
    """A round number, four to ten of which reach so far."""
    size = 10 ** math.floor(math.log10(highest))
    return next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if highest / (size * part) <= 8)


def connections(title, panels, path):
    """Time for each request against the number of connections, a panel for each machine.

    panels: [(its title, {transport: {connections: Spread}})]
    """
    drawing = Drawing()
    highest = max(spread.high for _, curves in panels for curve in curves.values()
                  for spread in curve.values())
    tick = step(highest)
    top = tick * math.ceil(highest / tick)
    drawing.text(SIDE, 22, title, size=15, weight="bold")
    drawing.text(SIDE, 40, "an octet there and back over veth, up to 10 connections at once; "
                 "thin: half of the runs")
    for number, (name, curves) in enumerate(panels):
        left = SIDE + number * (PANEL + SIDE)
        counts = sorted({count for curve in curves.values() for count in curve})
        decades = max(math.log10(counts[-1] / counts[0]), 1)

        def across(count, left=left, first=counts[0], decades=decades):
            return left + 20 + (PANEL - 40) * math.log10(count / first) / decades

        def up(value):
            return ABOVE + HEIGHT * (1 - value / top)

        drawing.text(left + PANEL / 2, ABOVE - 12, name, "middle", weight="bold")
        for line in range(round(top / tick) + 1):
            drawing.line(left, up(line * tick), left + PANEL, up(line * tick), PALE)
            drawing.text(left - 6, up(line * tick) + 4, f"{line * tick:g}", "end")
        for count in counts:
            drawing.text(across(count), ABOVE + HEIGHT + 18, f"{count:,}", "middle")
        drawing.text(left + PANEL / 2, ABOVE + HEIGHT + 40, "connections", "middle")
        for transport, curve in curves.items():
            colour = COLOURS[transport]
            # Side by side where they would hide each other.
            shift = -3 if transport == "xtcp" else 3
            points = [(across(count) + shift, curve[count]) for count in sorted(curve)]
            for (x1, one), (x2, two) in zip(points, points[1:]):
                drawing.line(x1, up(one.median), x2, up(two.median), colour, 2)
            for x, spread in points:
                drawing.line(x, up(spread.low), x, up(spread.high), INK)
                drawing.dot(x, up(spread.median), colour)
    drawing.text(14, ABOVE - 12, "us a request")
    for number, (transport, colour) in enumerate(COLOURS.items()):
        x = SIDE + number * 70
        drawing.dot(x + 4, 56 - 4, colour)
        drawing.text(x + 14, 56, transport, colour=colour)
    drawing.save(path, SIDE + len(panels) * (PANEL + SIDE), ABOVE + HEIGHT + UNDER)

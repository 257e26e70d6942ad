#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the benchmark measured: a table with ratios to TCP and to AF_UNIX, a CSV file, a chart."""

import argparse
import csv
import json
import math
import os
import statistics
import sys

import works

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netem"))
from drawing import BAD, GOOD, INK, PALE, Drawing       # noqa: E402

TRANSPORTS = ("xtcp", "tcp", "mptcp", "sctp", "unix")

# The chart, in its own units
ROW, LEFT, WIDTH, TOP, BOTTOM = 18, 210, 520, 72, 50
LOW, HIGH = 0.5, 8.0


class Row:
    """One work at one place: the median value of each transport, None where it has none."""

    def __init__(self, work, place, results):
        self.work, self.place = work, place
        self.values = {}
        for transport in TRANSPORTS:
            values = [r["value"] for r in results if r["transport"] == transport and r["value"]]
            self.values[transport] = statistics.median(values) if values else None
        # AF_UNIX knows no places.
        self.floor = None

    def ratio(self, other="tcp"):
        """XTCP's value as a part of the other's."""
        value = self.floor if other == "unix" else self.values[other]
        return self.values["xtcp"] / value if value and self.values["xtcp"] else None

    def gain(self, ratio):
        """The same, so that more is better."""
        return ratio if self.work.more_is_better else 1 / ratio

    def verdict(self):
        if self.work.target is None or self.ratio() is None:
            return ""
        sign = ">=" if self.work.more_is_better else "<="
        word = "reached" if self.work.reached(self.ratio()) else "missed"
        return f"{sign} {self.work.target:.2f} {word}"


def read(path, table_of_works):
    """The rows, in the order in which they were measured."""
    known = {work.name: work for work in table_of_works}
    cells = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            result = json.loads(line)
            cells.setdefault((result["name"], result["place"]), []).append(result)
    rows = [Row(known[name], place, results) for (name, place), results in cells.items()]
    floors = {row.work: row.values["unix"] for row in rows if row.place == "lo"}
    for row in rows:
        row.floor = floors.get(row.work)
    return rows


def show(value):
    return f"{value:10.1f}" if value is not None else f"{'-':>10}"


def table(title, rows, out):
    print(f"\n{title}\n", file=out)
    print(f"{'work':19} {'over':5}" + "".join(f"{name:>10}" for name in TRANSPORTS) +
          f"  unit    {'/TCP':>6} {'/floor':>7}  target", file=out)
    for row in rows:
        ratios = [f"{ratio:.2f}" if ratio else "-" for ratio in (row.ratio(), row.ratio("unix"))]
        print(f"{row.work.name:19} {row.place:5}" +
              "".join(show(row.values[name]) for name in TRANSPORTS) +
              f"  {row.work.unit:7} {ratios[0]:>6} {ratios[1]:>7}  {row.verdict()}", file=out)


def write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("work", "over", "unit", *TRANSPORTS, "xtcp/tcp", "target"))
        for row in rows:
            values = [f"{row.values[name]:.2f}" if row.values[name] else "" for name in TRANSPORTS]
            ratio = row.ratio()
            out.writerow((row.work.name, row.place, row.work.unit, *values,
                          f"{ratio:.3f}" if ratio else "", row.work.target or ""))


def place(ratio):
    """Where on the logarithmic axis."""
    part = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + part * WIDTH


def plot(title, rows, path):
    """A dot for each row: how many times as much as TCP XTCP does, and where the target lies."""
    rows = [row for row in rows if row.ratio()]
    drawing = Drawing()
    bottom = TOP + ROW * (len(rows) + 0.5)
    drawing.text(LEFT, 22, title, size=15, weight="bold")
    drawing.text(LEFT, 40, "XTCP beside kernel TCP; right is better; |: target; o: AF_UNIX")
    for value in (0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8):
        drawing.line(place(value), TOP - 8, place(value), bottom, PALE)
        drawing.text(place(value), bottom + 16, f"{value:g}", "middle")
    drawing.line(place(1), TOP - 8, place(1), bottom, INK)
    drawing.text(LEFT + WIDTH / 2, bottom + 36,
                 "times TCP's throughput; of costs: TCP's over XTCP's", "middle")
    for number, row in enumerate(rows):
        y = TOP + ROW * (number + 0.5)
        gain = row.gain(row.ratio())
        colour = BAD if row.verdict().endswith("missed") else GOOD
        drawing.text(LEFT - 12, y + 4, f"{row.work.name}, {row.place}", "end")
        drawing.line(place(1), y, place(gain), y, colour, 3)
        drawing.dot(place(gain), y, colour)
        if row.work.target:
            mark = place(row.gain(row.work.target))
            drawing.line(mark, y - 7, mark, y + 7, INK, 2)
        if row.floor:
            floor = row.floor / row.values["tcp"]
            drawing.text(place(row.gain(floor)), y + 4, "o", "middle")
        drawing.text(LEFT + WIDTH + 10, y + 4, f"{gain:.2f}", colour=colour)
    drawing.save(path, LEFT + WIDTH + 60, int(bottom + BOTTOM))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="file of JSON lines that run wrote")
    parser.add_argument("--title", default="The same work")
    parser.add_argument("--set", default="counted", choices=sorted(works.SETS))
    parser.add_argument("--csv", help="write the table to this file")
    parser.add_argument("--svg", help="draw a chart into this one")
    args = parser.parse_args()
    rows = read(args.results, works.SETS[args.set])
    if not rows:
        print(f"report: no results in {args.results}; make bench measures", file=sys.stderr)
        return 2
    table(args.title, rows, sys.stdout)
    if args.csv:
        write_csv(rows, args.csv)
    if args.svg:
        plot(args.title, rows, args.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())

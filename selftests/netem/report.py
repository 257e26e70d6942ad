#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the matrix measured, as a table, a CSV file and a plot (SVG)."""

import argparse
import csv
import json
import math
import statistics
import sys

import pairs
from drawing import BAD, GOOD, INK, PALE, Drawing

MEAN_TARGET = 1.10      # geometric mean of all ratios
COLUMNS = ("cong", "cell", "group", "rtt", "buffer", "run", "side", "transport", "octets",
           "seconds", "goodput", "retrans", "octets_retrans", "timeouts", "gap", "min_rtt")
SIDES = ("xtcp", "tcp")

# The plot, in its own units
ROW, LEFT, WIDTH, TOP, BOTTOM = 16, 210, 560, 64, 46
LOW, HIGH = 0.5, 4.0


class Ratio:
    """One cell: the goodput of each side, and XTCP's as a part of TCP's."""

    def __init__(self, name, results):
        self.name = name
        self.group = results[0]["group"]
        self.shows = results[0]["shows"]
        self.sides = {side: [r for r in results if r["side"] == side] for side in SIDES}
        self.runs = len(pairs.ratios(results))
        self.log = pairs.ratio(results)
        self.error = pairs.spread(results)
        self.ratio = math.exp(self.log)
        self.below = self.ratio < pairs.LEAST
        self.settled = pairs.settled(results)

    def mbits(self, side):
        return statistics.geometric_mean([r["goodput"] for r in self.sides[side]]) * 8 / 1e6

    def resent(self, side):
        """Per cent of the segments with data that were retransmissions."""
        return 100 * sum(r["retrans"] for r in self.sides[side]) / \
            sum(r["data_segs"] for r in self.sides[side])

    def timeouts(self, side):
        return statistics.mean(timeouts(r) for r in self.sides[side])


def timeouts(result):
    found = result["snd_counters"]
    return found.get("TCPTimeouts", 0) + found.get("Timeouts", 0)


def read(file):
    """The results by congestion control and cell, in the order in which they came."""
    results = [json.loads(line) for line in file]
    found = {}
    for result in results:
        found.setdefault(result["cong"], {}).setdefault(result["cell"], []).append(result)
    complete = {cong: [Ratio(name, rows) for name, rows in cells.items()
                       if all(any(r["side"] == side for r in rows) for side in SIDES)]
                for cong, cells in found.items()}
    return results, complete


def geomean(ratios):
    return math.exp(statistics.mean(ratio.log for ratio in ratios))


def table(cong, ratios, out):
    noise = all(r["transport"].startswith("tcp") for r in ratios[0].sides["xtcp"])
    left = "TCP again" if noise else "XTCP"
    print(f"Goodput, congestion control {cong}: Mbit/s, geometric mean of the runs of each; "
          f"ratio {left} / TCP\nwith its standard error; retransmitted segments in percent; "
          "time-outs in each run.\n", file=out)
    print(f"{'cell':23} {left:>9} {'TCP':>9}  {'ratio':>5} {'+-':>5} {'runs':>4} "
          f"{'resent x':>8} {'t':>5} {'RTO x':>6} {'t':>5}  shows", file=out)
    group = None
    for r in ratios:
        if r.group != group:
            group = r.group
            mean = geomean([other for other in ratios if other.group == group])
            print(f"-- {group}: {mean:.3f}", file=out)
        mark = ("<" if r.below else " ") if r.settled else "?"
        print(f"{r.name:23} {r.mbits('xtcp'):9.3f} {r.mbits('tcp'):9.3f} {mark}{r.ratio:6.3f} "
              f"{r.ratio * r.error:5.3f} {r.runs:4} {r.resent('xtcp'):8.2f} {r.resent('tcp'):5.2f} "
              f"{r.timeouts('xtcp'):6.1f} {r.timeouts('tcp'):5.1f}  {r.shows}", file=out)
    mean = geomean(ratios)
    below = [r for r in ratios if r.below and r.settled]
    vague = [r for r in ratios if not r.settled]
    print(f"\ngeometric mean of {len(ratios)} cells: {mean:.3f}; "
          f"below {pairs.LEAST} (<): {len(below)}; "
          f"within {pairs.SURE:g} standard errors of it (?): {len(vague)}", file=out)
    for r in sorted(below + vague, key=lambda r: r.log):
        print(f"  {r.name}: {r.ratio:.3f} +- {r.ratio * r.error:.3f}", file=out)
    errors = [r.error for r in ratios]
    print(f"noise: the ratios' standard error is {100 * statistics.median(errors):.1f} % "
          f"(median), at most {100 * max(errors):.1f} %", file=out)
    return not below


def write_csv(results, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        for result in results:
            out.writerow({**result, "timeouts": timeouts(result)})


def place(ratio):
    """Where on the logarithmic axis."""
    part = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + part * WIDTH


def plot(cong, ratios, path):
    """A dot for each cell on a logarithmic axis, two standard errors to each side."""
    drawing = Drawing()
    groups = list(dict.fromkeys(r.group for r in ratios))
    bottom = TOP + ROW * (len(ratios) + 1.5 * len(groups))
    drawing.text(LEFT, 22, f"Goodput over TCP's, congestion control {cong}", size=15, weight="bold")
    drawing.text(LEFT, 40, f"geometric mean {geomean(ratios):.3f}; bars: two standard errors each way")
    for value in (0.5, 0.7, 1, 1.5, 2, 3, 4):
        drawing.line(place(value), TOP, place(value), bottom, PALE)
        drawing.text(place(value), bottom + 16, f"{value:g}", "middle")
    drawing.line(place(1), TOP, place(1), bottom, INK)
    drawing.line(place(pairs.LEAST), TOP, place(pairs.LEAST), bottom, BAD, 1, "3 3")
    drawing.text(LEFT + WIDTH / 2, bottom + 34, "XTCP / TCP (red: below 0.95)",
                 "middle")
    y = TOP
    for group in groups:
        y += 1.5 * ROW
        drawing.text(LEFT - 12, y - 2, group, "end", weight="bold")
        for r in (r for r in ratios if r.group == group):
            y += ROW
            colour = BAD if r.below and r.settled else GOOD
            low, high = (math.exp(r.log + sign * 2 * r.error) for sign in (-1, 1))
            drawing.text(LEFT - 12, y, r.name, "end")
            drawing.line(place(low), y - 4, place(high), y - 4, colour, 2)
            drawing.dot(place(r.ratio), y - 4, colour)
            drawing.text(LEFT + WIDTH + 10, y, f"{r.ratio:.2f}", colour=colour)
    drawing.save(path, LEFT + WIDTH + 60, int(bottom + BOTTOM))


def main():
    parser = argparse.ArgumentParser(description="Table, CSV and SVG of the matrix's results.")
    parser.add_argument("results", help="file of JSON lines that matrix.py wrote")
    parser.add_argument("--csv", help="every run, to this file")
    parser.add_argument("--svg", metavar="PREFIX", help="a plot for each congestion control, "
                        "to PREFIX-NAME.svg")
    args = parser.parse_args()
    with open(args.results, encoding="utf-8") as file:
        results, complete = read(file)
    if not complete:
        print(f"report: no results in {args.results}", file=sys.stderr)
        return 2
    cells = [ratio for ratios in complete.values() for ratio in ratios]
    good = geomean(cells) >= MEAN_TARGET
    for cong, ratios in complete.items():
        good &= table(cong, ratios, sys.stdout)
        if args.svg:
            plot(cong, ratios, f"{args.svg}-{cong}.svg")
    print(f"\nthe whole matrix, {len(cells)} cells: geometric mean {geomean(cells):.3f} "
          f"(target {MEAN_TARGET:.2f})")
    if args.csv:
        write_csv(results, args.csv)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

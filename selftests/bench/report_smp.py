#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What was measured in wall-clock time: medians and quartiles of pairs of runs, and how the time
for a request grows with the number of connections.

A pair is one run of XTCP and one of TCP, one right after the other: what the machine does besides
is much the same for both, so the median of the pairs' ratios says more than the ratio of the medians.
"""

import argparse
import csv
import os
import sys

import chart
import results
import works
from results import Spread

PAIR = ("xtcp", "tcp")


class Paired:
    """A row, with the spread of each transport's values and of the pairs' ratios."""

    def __init__(self, row, cell):
        self.row = row
        self.spreads = {name: Spread(results.of(cell, name)) for name in PAIR}
        turns = {}
        for result in cell:
            if result["value"]:
                turns.setdefault(result["turn"], {})[result["transport"]] = result["value"]
        ratios = [turn["xtcp"] / turn["tcp"] for turn in turns.values() if len(turn) == len(PAIR)]
        self.pairs = len(ratios)
        self.ratio = Spread(ratios) if ratios else None


def read(path):
    """The rows of one machine that have pairs."""
    cells = results.read(path)
    found = []
    for row in results.rows_of(cells, works.SMP):
        cell = cells.get((row.work.name, row.place))
        if cell and all(results.of(cell, name) for name in PAIR):
            found.append(Paired(row, cell))
    return [paired for paired in found if paired.ratio]


def show(spread, digits):
    return (f"{spread.median:9.{digits}f} {spread.low:9.{digits}f} ..{spread.high:9.{digits}f}")


def table(title, rows, out):
    print(f"\n{title}\n", file=out)
    head = "".join(f"  {name + ': median, quartiles':>31}" for name in (*PAIR, "xtcp/tcp"))
    print(f"{'work':19} {'over':5}{head}  unit pairs", file=out)
    for one in rows:
        cells = [show(one.spreads[name], 1) for name in PAIR] + [show(one.ratio, 2)]
        print(f"{one.row.work.name:19} {one.row.place:5}" +
              "".join(f"  {cell:>31}" for cell in cells) +
              f"  {one.row.work.unit:4} {one.pairs:5}", file=out)


def curves(rows):
    """{transport: {connections: Spread of the time for a request}}"""
    many = [one for one in rows if one.row.work.kind == "many"]
    return {name: {one.row.work.conns: one.spreads[name] for one in many} for name in PAIR}


def growth(title, rows, out):
    """The time for a request, and how many times as much it is as with 10 connections."""
    found = curves(rows)
    if not found["xtcp"]:
        return
    print(f"\n{title}: us for a request, and against 10 connections\n", file=out)
    print(f"{'connections':>11}" + "".join(f"{name:>10}{'/10':>7}" for name in PAIR) +
          f"{'xtcp/tcp':>10}", file=out)
    for one in rows:
        if one.row.work.kind != "many":
            continue
        line = f"{one.row.work.conns:11}"
        for name in PAIR:
            base = found[name].get(10)
            median = one.spreads[name].median
            line += f"{median:10.1f}" + (f"{median / base.median:7.2f}" if base else f"{'-':>7}")
        print(line + f"{one.ratio.median:10.2f}", file=out)


def write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        parts = ("median", "low quartile", "high quartile")
        out.writerow(("work", "over", "unit", *(f"{name} {part}" for name in PAIR for part in parts),
                      *(f"xtcp/tcp {part}" for part in parts), "pairs"))
        for one in rows:
            spreads = [one.spreads[name] for name in PAIR] + [one.ratio]
            out.writerow((one.row.work.name, one.row.place, one.row.work.unit,
                          *(f"{value:.4g}" for spread in spreads
                            for value in (spread.median, spread.low, spread.high)), one.pairs))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="CPUS=FILE",
                        help="processors, and the file of JSON lines that run wrote there; beside it "
                        "a table, .csv, and a chart, .svg, are written")
    parser.add_argument("--connections", help="draw time against connections into this file")
    args = parser.parse_args()
    panels = []
    for word in args.results:
        cpus, path = word.split("=", 1)
        rows = read(path)
        if not rows:
            print(f"report_smp: no pairs in {path}; make bench-smp measures", file=sys.stderr)
            return 2
        title = f"Wall-clock time, {cpus} processors"
        table(title, rows, sys.stdout)
        growth(title, rows, sys.stdout)
        base = os.path.splitext(path)[0]
        write_csv(rows, base + ".csv")
        chart.ratios(title, [one.row for one in rows], base + ".svg",
                     {one.row: one.ratio for one in rows})
        if curves(rows)["xtcp"]:
            panels.append((f"{cpus} processors", curves(rows)))
    if args.connections and panels:
        chart.connections("Time for a request, by the number of connections", panels,
                          args.connections)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What the benchmark measured: a table with ratios to TCP and to AF_UNIX, a CSV file, a chart."""

import argparse
import csv
import sys

import chart
import results
import works
from results import TRANSPORTS

# Octets of a cache for each connection that are worth a line.
CACHE_SHOWN = 4


def show(value, unit):
    if value is None:
        return f"{'-':>10}"
    return f"{value:10.2f}" if unit == "times" else f"{value:10.1f}"


def table(title, rows, out):
    print(f"\n{title}\n", file=out)
    print(f"{'work':19} {'over':5}" + "".join(f"{name:>10}" for name in TRANSPORTS) +
          f"  unit    {'/TCP':>6} {'/floor':>7}  target", file=out)
    for row in rows:
        ratios = [f"{ratio:.2f}" if ratio else "-" for ratio in (row.ratio(), row.ratio("unix"))]
        print((f"{row.work.name:19} {row.place:5}" +
               "".join(show(row.values[name], row.work.unit) for name in TRANSPORTS) +
               f"  {row.work.unit:7} {ratios[0]:>6} {ratios[1]:>7}  {row.verdict()}").rstrip(),
              file=out)


def caches(cells, out):
    """What the octets of a row of memory consist of."""
    for (name, _place), cell in cells.items():
        found = {result["transport"]: result["caches"] for result in cell if result.get("caches")}
        if not found:
            continue
        print(f"\n{name}: octets in each cache of the kernel's\n", file=out)
        print(f"{'cache':25}" + "".join(f"{one:>10}" for one in TRANSPORTS), file=out)
        most = {cache: max(part.get(cache, 0) for part in found.values())
                for part in found.values() for cache in part}
        for cache in sorted(most, key=lambda one, most=most: (-most[one], one)):
            if most[cache] < CACHE_SHOWN:
                continue
            print(f"{cache:25}" + "".join(
                show(found[one].get(cache, 0) if one in found else None, "octets")
                for one in TRANSPORTS), file=out)


def write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("work", "over", "unit", *TRANSPORTS, "xtcp/tcp", "target"))
        for row in rows:
            values = [f"{row.values[name]:.2f}" if row.values[name] else "" for name in TRANSPORTS]
            ratio = row.ratio()
            out.writerow((row.work.name, row.place, row.work.unit, *values,
                          f"{ratio:.3f}" if ratio else "", row.work.target or ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", help="file of JSON lines that run wrote")
    parser.add_argument("--title", default="The same work")
    parser.add_argument("--csv", help="write the table to this file")
    parser.add_argument("--svg", help="draw a chart into this one")
    args = parser.parse_args()
    cells = results.read(args.results)
    rows = results.rows_of(cells, works.COUNTED)
    if not rows:
        print(f"report: no results in {args.results}; make bench measures", file=sys.stderr)
        return 2
    table(args.title, rows, sys.stdout)
    caches(cells, sys.stdout)
    if args.csv:
        write_csv(rows, args.csv)
    if args.svg:
        chart.ratios(args.title, rows, args.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The matrix, in the guest: each cell's transfers over TCP and XTCP in turn, a JSON line each."""

import argparse
import json
import math
import os
import re
import subprocess
import sys

import cells
import pairs
import path

LIMIT = 7200        # of the guest's seconds: nothing here takes a tenth of it
# By loss alone BBR does not slow down: across a lossy path goes as much as elsewhere, and more
# than its start, which the first third is to hold.
BBR_OCTETS = 60 * cells.MB


def load(cong):
    """Where an algorithm is a module on either side, have both; the transfers tell if not."""
    ours = os.path.join(os.path.dirname(os.environ.get("XTCP_KO", "")), f"xtcp_{cong}.ko")
    commands = [["modprobe", "-q", f"tcp_{cong}"]]
    if os.path.exists(ours):
        commands.append(["insmod", ours])
    for command in commands:
        subprocess.run(command, check=False)


def one(nodes, cell, side, transport, number, args):
    ip = 6 if number % 2 else 4
    result = nodes.transfer(f"{transport}{ip}", cong=args.cong, octets=cell.octets, skip=cell.skip,
                            limit=LIMIT, buffer=args.buffer)
    if not cell.skip:
        # A SYN that the path loses costs both sides the same second, now one, now the other.
        result["goodput"] = round(cell.octets / (result["seconds"] - result["open"]), 1)
    result.update(cell=cell.name, group=cell.group, rtt=cell.rtt, shows=cell.shows, side=side,
                  run=number, ip=ip, buffer=args.buffer or 0)
    return result


def run_cell(nodes, cell, args, out):
    """At least --runs pairs in turn, more while the ratio is vague and near pairs.LEAST."""
    sides = [("tcp", "tcp"), ("xtcp", "tcp" if args.noise else "xtcp")]
    results = []
    for number in range(args.most):
        if number >= args.runs and (pairs.spread(results) <= args.vague / 100 or
                                    pairs.settled(results)):
            break
        for side, transport in sides if number % 2 else reversed(sides):
            nodes.shape(**cell.shape())
            result = one(nodes, cell, side, transport, number, args)
            results.append(result)
            print(json.dumps(result), file=out, flush=True)
    print(f"{cell.name:24} {math.exp(pairs.ratio(results)):6.3f} +- {pairs.spread(results):.3f}  "
          f"{len(results) // 2} runs", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Run the matrix in the guest; see `make netem`.")
    parser.add_argument("--cells", default="", metavar="PATTERN", help="only these cells")
    parser.add_argument("--cong", default="cubic", help="congestion control of both")
    parser.add_argument("--runs", type=int, default=3, choices=range(2, 1000), metavar="N", help="pairs of each cell, at least")
    parser.add_argument("--most", type=int, default=12, help="and at most")
    parser.add_argument("--vague", type=float, default=2.5, metavar="PERCENT",
                        help="standard error of the ratio that needs no more pairs")
    parser.add_argument("--noise", action="store_true", help="TCP against TCP")
    parser.add_argument("--buffer", type=int, help="SO_SNDBUF and SO_RCVBUF of both")
    parser.add_argument("--list", action="store_true", help="only name the cells")
    parser.add_argument("--out", default="/dev/stdout", help="where the JSON lines go")
    args = parser.parse_args()
    least = BBR_OCTETS if args.cong == "bbr" else 0
    chosen = [cell.grown(least) for cell in cells.make() if re.search(args.cells, cell.name)]
    if args.list:
        for cell in chosen:
            print(f"{cell.name:24} {cell.group:12} {cell.octets / 1e6:5.0f} MB  {cell.shape()}")
        return 0
    if not chosen:
        print(f"matrix: no cell matches {args.cells}; --list shows all", file=sys.stderr)
        return 2
    load(args.cong)
    with path.Path() as nodes, open(args.out, "a", encoding="utf-8") as out:
        nodes.shape()
        for transport in ("tcp4", "xtcp4", "tcp6", "xtcp6") * 2:
            nodes.transfer(transport, cong=args.cong, octets=8 * cells.MB, limit=LIMIT)
        for cell in chosen:
            run_cell(nodes, cell, args, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Instructions per operation and function, of what insns.so has counted, side by side."""

import argparse
import bisect
import os
import sys

FIRST_ADDRESS = 0xffff800000000000


class Symbols:
    """The guest's /proc/kallsyms: which function an address lies in."""

    def __init__(self, path):
        found = []
        with open(path, encoding="ascii") as file:
            for line in file:
                address, kind, name = line.split()[:3]
                if kind in "tTwW" and int(address, 16) >= FIRST_ADDRESS:
                    module = line.split()[3].strip("[]") if len(line.split()) > 3 else ""
                    found.append((int(address, 16), name.split(".")[0], module))
        found.sort(key=lambda one: one[0])
        self.addresses = [one[0] for one in found]
        self.names = [one[1:] for one in found]

    def name(self, address):
        return self.names[bisect.bisect_right(self.addresses, address) - 1]


def read(path, symbols, operations):
    """{function: instructions per operation} of one run."""
    counts = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            where, count = line.split()
            name, module = ("user space", "") if where == "user" else symbols.name(int(where, 16))
            name += f" [{module}]" if module else ""
            counts[name] = counts.get(name, 0) + int(count) / operations
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="where the counts NAME.insns and kallsyms are")
    parser.add_argument("transports", nargs="+")
    parser.add_argument("--operations", type=float, required=True, help="that were measured")
    parser.add_argument("--top", type=int, default=60, help="functions to show (default 60)")
    args = parser.parse_args()
    symbols = Symbols(os.path.join(args.directory, "kallsyms"))
    runs = {name: read(os.path.join(args.directory, f"{name}.insns"), symbols, args.operations)
            for name in args.transports}
    names = sorted({name for run in runs.values() for name in run},
                   key=lambda name: -max(run.get(name, 0) for run in runs.values()))
    print("".join(f"{name:>10}" for name in runs) + "  instructions per operation")
    print("".join(f"{sum(run.values()):10.0f}" for run in runs.values()) + "  all")
    for name in names[:args.top]:
        print("".join(f"{run[name]:10.1f}" if name in run else f"{'.':>10}"
                      for run in runs.values()) + f"  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

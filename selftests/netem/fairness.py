#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One XTCP flow beside one TCP flow at a bottleneck, the same congestion control in both.

Each must get between 40 and 60 % of what both carry, from when both are established on.
A queue of one bandwidth-delay product, 20 Mbit/s, 40 ms. It needs a guest that counts
instructions (`make netem`): in another the machine's own load is part of the path.

Acknowledgments come back by up to one segment's time at the bottleneck apart. Without that
two flows on a path that repeats itself exactly fall into step, and which one meets the full
queue is decided by their phase (Floyd and Jacobson, "On traffic phase effects", 1992).
"""

import argparse
import json
import subprocess
import sys

import ktap
import path

RATE, RTT = 20, 40          # Mbit/s, ms
QUEUE = int(RATE * 1e6 / 8 * RTT / 1e3)
JITTER = 1514 * 8 / (RATE * 1e3)    # ms: a full frame at the bottleneck
SHARE = (0.40, 0.60)
SLICE_MS = 1000
# IP version, who begins, and by how many seconds XTCP comes later
CASES = ((4, "together", 0), (6, "together", 0), (4, "TCP first", 5), (6, "XTCP first", -5))


def share(nodes, ip, lead, args):
    """XTCP's part of the octets that arrived after both had time to settle."""
    seconds = args.seconds
    settle = seconds / 3
    flows = {}
    for number, transport in enumerate(("tcp", "xtcp")):
        late = max(lead, 0) if transport == "xtcp" else max(-lead, 0)
        name = f"tcp{ip}" if args.control else f"{transport}{ip}"
        command = nodes.command(name, seconds=seconds + abs(lead) - late,
                                port=5001 + number, slices=SLICE_MS, cong=args.cong,
                                limit=10 * seconds + 60)
        flows[transport] = subprocess.Popen(
            ["sh", "-c", f'sleep {late}; exec "$@"', "sh"] + command,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    results = {}
    for transport, flow in flows.items():
        output, errors = flow.communicate()
        assert not flow.returncode, f"{transport}: {errors}"
        results[transport] = json.loads(output)
    begin = max(result["first"] for result in results.values()) + settle
    end = max(result["first"] for result in results.values()) + seconds - 1
    octets, lines = {}, []
    for transport, result in results.items():
        skip = round((begin - result["first"]) * 1000 / SLICE_MS)
        count = round((end - begin) * 1000 / SLICE_MS)
        part = result["slices"][skip:skip + count]
        octets[transport] = sum(part)
        lines.append(f"{transport:4}: {octets[transport] * 8 / 1e6 / (end - begin):6.2f} Mbit/s, "
                     f"resent {result['retrans']:4}; Mbit/s each second: " +
                     " ".join(f"{8e-6 * n:.0f}" for n in result["slices"]))
    total = sum(octets.values())
    found = octets["xtcp"] / total
    used = total * 8 / 1e6 / (end - begin) / RATE
    word = "the second TCP" if args.control else "XTCP"
    lines.append(f"{word} has {100 * found:.1f} % of what both have, the link is used to {100 * used:.0f} %")
    assert SHARE[0] <= found <= SHARE[1], "\n".join(lines)
    assert used > 0.8, "\n".join(lines)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=240, help="of each case")
    parser.add_argument("--cong", default="cubic", help="congestion control of both")
    parser.add_argument("--control", action="store_true",
                        help="TCP in XTCP's place: what the path itself makes of two equals")
    parser.add_argument("--jitter", type=float, default=JITTER, metavar="MS",
                        help="how far apart acknowledgments are delayed (default: %(default).2f)")
    args = parser.parse_args()
    plan = ktap.Plan(len(CASES))
    with path.Path("fair") as nodes:
        half = f"delay {RTT / 2:g}ms"
        for ip, word, lead in CASES:
            nodes.shape(forward=half, back=f"{half} {args.jitter / 2:g}ms", rate=RATE, queue=QUEUE)
            plan.case(f"IPv{ip}, {word}", share, nodes, ip, lead, args)
    return plan.end()


if __name__ == "__main__":
    sys.exit(main())

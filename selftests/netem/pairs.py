# SPDX-License-Identifier: GPL-2.0
"""What pairs of transfers say: the ratio of two transports' goodputs, and how exactly.

The runs of a pair have the path and the IP version in common, so it is the pairs' ratios that
are compared with each other. Ratios are handled as logarithms.
"""

import math
import statistics

LEAST = 0.95        # no cell's ratio is to be below it
SURE = 2.5          # standard errors between a ratio and LEAST that settle on which side it is


def logs(results, side):
    """The logarithms of one side's goodputs."""
    return [math.log(r["goodput"]) for r in results if r["side"] == side]


def ratios(results):
    """Logarithms of XTCP / TCP, pair by pair."""
    return [x - t for x, t in zip(logs(results, "xtcp"), logs(results, "tcp"))]


def ratio(results):
    """The logarithm of the geometric mean of them."""
    return statistics.mean(ratios(results))


def spread(results):
    """Its standard error, from what the pairs differ by; without end for a single pair."""
    found = ratios(results)
    return statistics.stdev(found) / math.sqrt(len(found)) if len(found) > 1 else math.inf


def settled(results):
    """True if it is known on which side of LEAST the ratio lies."""
    return abs(ratio(results) - math.log(LEAST)) > SURE * spread(results)

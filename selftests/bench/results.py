# SPDX-License-Identifier: GPL-2.0
"""What selftests/bench/run has written, as the rows of a table."""

import json
import statistics

import works

TRANSPORTS = ("xtcp", "tcp", "mptcp", "sctp", "unix")


class Spread:
    """The median of some measurements, and the quartiles on both sides of it."""

    def __init__(self, values):
        self.median = statistics.median(values)
        self.low, _, self.high = (statistics.quantiles(values, n=4, method="inclusive")
                                  if len(values) > 1 else values * 3)


class Row:
    """One work at one place: the median value of each transport, None where it has none."""

    def __init__(self, work, place, values):
        self.work, self.place, self.values = work, place, values
        # AF_UNIX knows no places.
        self.floor = None

    def ratio(self, other="tcp"):
        """XTCP's value as a part of the other's."""
        value = self.floor if other == "unix" else self.values[other]
        return self.values["xtcp"] / value if value and self.values["xtcp"] else None

    def gain(self, ratio):
        """The same, so that more is better."""
        return ratio if self.work.more_is_better else 1 / ratio

    def goal(self):
        return self.work.goal(self.values["tcp"])

    def reached(self):
        """None where there is no target, or nothing to compare."""
        goal = self.goal()
        if goal is None or self.ratio() is None:
            return None
        return self.gain(self.ratio()) >= self.gain(goal)

    def verdict(self):
        if self.reached() is None:
            return ""
        sign = ">=" if self.work.more_is_better else "<="
        return f"{sign} {self.work.target:.2f} {'reached' if self.reached() else 'missed'}"


def read(path):
    """{(name of the work, place): its results, as they were measured}"""
    cells = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            result = json.loads(line)
            cells.setdefault((result["name"], result["place"]), []).append(result)
    return cells


def of(cell, transport):
    """Its values in the results of one work."""
    return [r["value"] for r in cell if r["transport"] == transport and r["value"]]


def growths(rows):
    """The rows that follow from two others."""
    found = {(row.work.name, row.place): row for row in rows}
    for growth in works.GROWTHS:
        for place in works.PLACES:
            more, less = found.get((growth.more, place)), found.get((growth.less, place))
            if more and less:
                yield Row(growth, place,
                          {name: more.values[name] / less.values[name]
                           if more.values[name] and less.values[name] else None
                           for name in TRANSPORTS})


def rows_of(cells, table_of_works):
    """The rows, in the order in which they were measured; those that follow from them last."""
    known = {work.name: work for work in table_of_works}
    rows = []
    for (name, place), cell in cells.items():
        values = {transport: of(cell, transport) for transport in TRANSPORTS}
        rows.append(Row(known[name], place, {transport: statistics.median(found) if found else None
                                             for transport, found in values.items()}))
    rows += growths(rows)
    floors = {row.work: row.values["unix"] for row in rows if row.place == "lo"}
    for row in rows:
        row.floor = floors.get(row.work)
    return rows

# SPDX-License-Identifier: GPL-2.0
"""The picture of a transfer: sequence numbers, windows and round trips over time."""

from picture import Panel, Picture
from tcpinfo import LOSS, RECOVERY

MB = 1e6
KB = 1e3
# Colours that differ in brightness, too, and for readers who see red and green alike.
STYLE = """
.sent,.sentbar{stroke:#1f4e79;stroke-width:1.6;fill:none}.sentbar{stroke-width:2}
.again{stroke:#d62a1a;stroke-width:5;stroke-linecap:round;fill:none}
.againbar{stroke:#d62a1a;stroke-width:3.2;fill:none}
.lost{stroke:#d62a1a;stroke-width:1.2;fill:none}
.ack{stroke:#2a9d4a;stroke-width:1.4;fill:none}
.sack{stroke:#a050c0;stroke-width:1.6;fill:none}.sackbar{stroke:#a050c0;stroke-width:2.2;fill:none}
.dsack{stroke:#e08a00;stroke-width:3;fill:none}
.edge{stroke:#8a9096;stroke-width:1.2;stroke-dasharray:5 3;fill:none}
.cwnd{stroke:#c46a00;stroke-width:1.8;stroke-linejoin:round;fill:none}
.ssthresh{stroke:#555;stroke-width:1.3;stroke-dasharray:2 3;fill:none}
.flight{fill:#bcd4ec;stroke:none}.recovery{fill:#fcf0d4;stroke:none}.timeout{fill:#f6c9c2;stroke:none}
.bdp{stroke:#2a9d4a;stroke-width:1;stroke-dasharray:8 3 2 3;fill:none}
.rtt{stroke:#5b93c6;stroke-width:2.6;stroke-linecap:round;fill:none}
.srtt{stroke:#14365a;stroke-width:1.5;stroke-linejoin:round;fill:none}
.zoom{fill:#f0f1f4;stroke:none}
"""
LEFT, RIGHT, GAP = 66, 18, 78
HEIGHTS = {"sequence": 300, "window": 170, "rtt": 100, "zoom": 330}
HEAD = 64           # a panel's heading with one row of legend
FOOT = 46           # the ticks and the words below the axis


class Column:
    """One transfer: its flow, its trace (or None) and the stretch to enlarge (or None)."""

    def __init__(self, flow, trace, zoom):
        self.flow, self.trace, self.zoom = flow, trace, zoom

    def flight(self):
        return self.trace.flight if self.trace else self.flow.flight

    def stats(self):
        """What one would count in the picture, in a line."""
        flow = self.flow
        end = max(flow.end(), 1e-6)
        text = (f"{flow.transport}: {flow.octets() / MB:.2f} MB in {end:.2f} s, "
                f"{flow.octets() * 8 / end / MB:.1f} Mbit/s · {len(flow.sent)} segments, "
                f"{flow.count_again()} sent again")
        if self.trace:
            count = sum(kind == LOSS for kind, _, _ in self.trace.bands)
            text += f" · {count} time-out" + ("" if count == 1 else "s")
        return text


def choose_zoom(flow):
    """A stretch that shows one recovery from the first loss to the ACK of all; None: no loss.

    The first one with several retransmissions, but not a storm of them, tells most.
    """
    again = [one for one in flow.sent if one.again and one.low >= 0]
    if not again:
        return None
    rtt = flow.median_rtt() or 0.05
    episodes = [[again[0]]]
    for one in again[1:]:
        if one.time - episodes[-1][-1].time < 1.5 * rtt:
            episodes[-1].append(one)
        else:
            episodes.append([one])
    episode = next((e for e in episodes if 2 <= len(e) <= 8), episodes[0])
    first, last = episode[0], episode[-1]
    begin = min((one.time for one in flow.sent
                 if not one.again and one.low < first.high and one.high > first.low),
                default=first.time)
    high = max(one.high for one in episode)
    end = next((time for time, ack in flow.acks if ack >= high and time > last.time), last.time)
    end = min(max(end + rtt, begin + 3 * rtt), begin + 14 * rtt)
    return max(begin - 0.4 * rtt, 0.0), end


def sequence_panel(picture, column, box, ranges, first):
    flow, panel = column.flow, Panel(picture, box, *ranges)
    if column.zoom:
        panel.band("zoom", *column.zoom)
    panel.line("edge", scaled(flow.edges, MB))
    panel.line("ack", scaled(flow.acks, MB))
    panel.bars("sack", scaled(flow.sacks, MB), 1)
    panel.bars("sent", [(one.time, one.low / MB, one.high / MB) for one in flow.sent], 1)
    panel.dots("again", [(one.time, (one.low + one.high) / 2 / MB)
                         for one in flow.sent if one.again], thin=False)
    panel.axes(y_text="octets of data, MB" if first else "", x_labels=False)
    legend = [("sent", "bar", "sent"), ("again", "dot", "sent again"),
              ("ack", "line", "acknowledged up to here")]
    if flow.sacks:
        legend.append(("sack", "bar", "reported by SACK"))
    if flow.edges:
        legend.append(("edge", "line", "receiver's window ends"))
    panel.heading("Time and sequence", legend)


def window_panel(picture, column, box, ranges, first, bdp):
    panel, trace = Panel(picture, box, *ranges), column.trace
    legend = [("flight", "area", "in flight" if trace else "sent, neither acknowledged nor SACKed")]
    if trace:
        bands(panel, trace)
    panel.area("flight", scaled(column.flight(), KB))
    if trace:
        panel.line("ssthresh", scaled(trace.ssthresh, KB))
        panel.line("cwnd", scaled(trace.cwnd, KB))
        legend = [("cwnd", "line", "cwnd")] + legend
        if trace.ssthresh:
            legend.insert(1, ("ssthresh", "line", "ssthresh"))
        legend += [(name, "area", words) for kind, name, words in
                   ((RECOVERY, "recovery", "in recovery"), (LOSS, "timeout", "after a time-out"))
                   if any(band[0] == kind for band in trace.bands)]
    if bdp and bdp / KB < ranges[1][1]:
        panel.level("bdp", bdp / KB, "rate × RTT")
    panel.axes(y_text="kB" if first else "", x_labels=False)
    panel.heading("Congestion window" if trace else "In flight", legend)


def bands(panel, trace):
    for kind, since, until in trace.bands:
        panel.band("timeout" if kind == LOSS else "recovery", since, until)


def rtt_panel(picture, column, box, ranges, first):
    panel = Panel(picture, box, *ranges)
    panel.dots("rtt", scaled(column.flow.rtts, 1e-3))
    legend = [("rtt", "dot", "from a segment to its ACK")]
    if column.trace:
        panel.line("srtt", scaled(column.trace.srtt, 1e-3))
        legend.append(("srtt", "line", "srtt, the sender's mean"))
    panel.axes("time, s", "ms" if first else "")
    panel.heading("Round trip", legend)


def zoom_panel(picture, column, box, first):
    flow, (begin, end) = column.flow, column.zoom
    seen = [one for one in flow.sent if begin <= one.time <= end]
    acked = [ack for time, ack in flow.acks if begin <= time <= end]
    low = min([one.low for one in seen] + acked)
    high = max([one.high for one in seen] + acked)
    margin = (high - low) * 0.04 + 1
    panel = Panel(picture, box, (begin, end), ((low - margin) / KB, (high + margin) / KB))
    panel.line("edge", scaled(flow.edges, KB))
    panel.line("ack", scaled(flow.acks, KB))
    panel.bars("sackbar", scaled(flow.sacks, KB), 2, join=False)
    panel.bars("dsack", scaled(flow.dsacks, KB), 3, join=False)
    panel.bars("sentbar", bars_of(flow, False), 2, join=False)
    panel.bars("againbar", bars_of(flow, True), 4, join=False)
    lost = [(one.time, (one.low + one.high) / 2 / KB) for one in flow.lost()]
    panel.crosses("lost", lost)
    panel.axes("time, s", "octets of data, kB" if first else "")
    legend = [("sentbar", "bar", "sent"), ("lost", "cross", "and lost"),
              ("againbar", "bar", "sent again"), ("ack", "line", "acknowledged up to here")]
    if any(begin <= sack[0] <= end for sack in flow.sacks):
        legend.append(("sackbar", "bar", "reported by SACK"))
    if any(begin <= dsack[0] <= end for dsack in flow.dsacks):
        legend.append(("dsack", "bar", "arrived twice (DSACK)"))
    if any(begin <= time <= end and edge <= high + margin for time, edge in flow.edges):
        legend.append(("edge", "line", "receiver's window ends"))
    what = "One recovery" if column.zoom == choose_zoom(flow) else "Enlarged"
    panel.heading(what + " (the grey stripe above)", legend)


def bars_of(flow, again):
    return [(one.time, one.low / KB, one.high / KB) for one in flow.sent if one.again == again]


def scaled(points, unit):
    """Points (time, value...) with the values in a unit."""
    return [(point[0], *(value / unit for value in point[1:])) for point in points]


def draw(columns, title, bdp=None):
    """The SVG text. Columns stand side by side with the same scales; bdp in octets or None."""
    width = 880 if len(columns) == 1 else 560
    total = LEFT + len(columns) * width + (len(columns) - 1) * GAP + RIGHT
    rows = 1 if len(columns) == 1 else 2
    picture = Picture(title, "; ".join(column.stats() for column in columns))
    picture.text(LEFT, 32, title, "h1")
    head = HEAD + 18 * (rows - 1)
    last = max(max(column.flow.end(), column.flow.sent[-1].time) for column in columns)
    times = (0.0, last * 1.01)
    data = max(one.high for column in columns for one in column.flow.sent)
    edge = max((value for column in columns for _, value in column.flow.edges), default=0)
    windows = [value for column in columns
               for series in (column.flight(), column.trace.cwnd if column.trace else [])
               for _, value in series]
    # A late ACK or two must not flatten all the others.
    trips = sorted(value for column in columns for _, value in column.flow.rtts) or [0.0]
    slow = max([trips[int(len(trips) * 0.995)]] +
               [value for column in columns if column.trace for _, value in column.trace.srtt])
    scales = {"sequence": (times, (0.0, max(min(edge, data * 1.3), data * 1.04, 1) / MB)),
              "window": (times, (0.0, max([bdp or 0, 1, *windows]) * 1.08 / KB)),
              "rtt": (times, (0.0, max(slow * 1.15 * 1e3, 1.0)))}
    bottom = 0
    for number, column in enumerate(columns):
        left, top = LEFT + number * (width + GAP), 54
        picture.text(left, top, column.stats(), "sub")
        for name in ("sequence", "window", "rtt"):
            top += head if name != "sequence" else head - 4
            box = (left, top, width, HEIGHTS[name])
            if name == "sequence":
                sequence_panel(picture, column, box, scales[name], not number)
            elif name == "window":
                window_panel(picture, column, box, scales[name], not number, bdp)
            else:
                rtt_panel(picture, column, box, scales[name], not number)
            top += HEIGHTS[name]
        if column.zoom:
            top += FOOT + head - 14
            zoom_panel(picture, column, (left, top, width, HEIGHTS["zoom"]), not number)
            top += HEIGHTS["zoom"]
        bottom = max(bottom, top + FOOT)
    return picture.svg(total, bottom, STYLE)

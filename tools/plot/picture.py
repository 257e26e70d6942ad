# SPDX-License-Identifier: GPL-2.0
"""Panels with axes, lines, bars, dots and legends as compact SVG, with nothing but Python.

What is closer together than a reader can see is joined, so a picture stays small whatever
the transfer was.
"""

import math
from xml.sax.saxutils import escape

STYLE = """
text{font-family:"Helvetica Neue",Helvetica,Arial,"DejaVu Sans",sans-serif;fill:#333;font-size:12px}
.h1{font-size:19px;font-weight:600;fill:#111}.h2{font-size:14px;font-weight:600;fill:#111}
.sub{font-size:12.5px;fill:#555}.tick{font-size:11.5px;fill:#666}
.end{text-anchor:end}.mid{text-anchor:middle}
.grid{stroke:#e6e8eb;fill:none}.axis{stroke:#9aa0a6;fill:none}
"""
NARROW = frozenset("fijlrt.,:;'()|! ")


def text_width(text):
    """About how wide a text of 12 px is: the reader's font is not known."""
    return sum(4.2 if char in NARROW else 8.4 if char.isupper() else 7.3 for char in text)


def number(tenths):
    """A coordinate, given in tenths of a pixel."""
    whole, part = divmod(abs(tenths), 10)
    text = f"{whole}.{part}" if part else str(whole)
    return "-" + text if tenths < 0 else text


class Path:
    """SVG path data in tenths of a pixel, each step relative to the last: short, no drift."""

    def __init__(self):
        self.parts, self.at = [], (0, 0)

    def move(self, x, y):
        dx, dy = x - self.at[0], y - self.at[1]
        self.parts.append(f"m{number(dx)}" + ("" if dy < 0 else " ") + number(dy))
        self.at = (x, y)

    def line(self, x, y):
        dx, dy = x - self.at[0], y - self.at[1]
        if dx and dy:
            self.parts.append(f"l{number(dx)}" + ("" if dy < 0 else " ") + number(dy))
        elif dx:
            self.parts.append("h" + number(dx))
        elif dy:
            self.parts.append("v" + number(dy))
        self.at = (x, y)

    def dot(self):
        self.parts.append("h0")

    def __str__(self):
        return "".join(self.parts)


def ticks(low, high, most):
    """Round numbers in a range, at most that many steps, and the step."""
    raw = max(high - low, 1e-12) / most
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)], step


def label(value, step):
    """A tick's value with as many decimals as its step needs."""
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


class Panel:
    """A rectangle with its own scales; what is drawn is clipped to it."""

    def __init__(self, picture, box, x_range, y_range):
        self.picture = picture
        self.left, self.top, self.width, self.height = box
        self.x_range, self.y_range = x_range, y_range
        self.marks = []
        self.clip = f"c{len(picture.panels)}"
        picture.panels.append(self)

    def x(self, value):
        low, high = self.x_range
        return round((self.left + (value - low) / (high - low) * self.width) * 10)

    def y(self, value):
        low, high = self.y_range
        return round((self.top + self.height - (value - low) / (high - low) * self.height) * 10)

    def visible(self, low, high):
        return high >= self.x_range[0] and low <= self.x_range[1]

    def path(self, name, path):
        if path.parts:
            self.marks.append(f'<path class="{name}" d="{path}"/>')

    # ---- marks ----

    def line(self, name, points, step=True):
        """A line through points (x, y); a step line keeps its height until the next point."""
        path, last = Path(), None
        for x, y in self._inside(points):
            # Half a pixel is as fine as it gets.
            at = (round(self.x(x) / 5) * 5, self.y(y))
            if last is None:
                path.move(*at)
            elif at[1] == last[1]:
                continue
            elif at[0] == last[0]:
                path.line(*at)
            else:
                if step:
                    path.line(at[0], last[1])
                path.line(*at)
            last = at
        if last:
            path.line(min(self.x(points[-1][0]), self.x(self.x_range[1])), last[1])
        self.path(name, path)

    def _inside(self, points):
        """Those in the panel, one on either side, and of many in one place the outermost."""
        low, high = self.x_range
        inside = [point for point in points if low <= point[0] <= high]
        before = [point for point in points if point[0] < low][-1:]
        after = [point for point in points if point[0] > high][:1]
        return before + inside + after

    def area(self, name, points):
        """A step line, filled down to the bottom."""
        path, last = Path(), None
        bottom = self.y(self.y_range[0])
        for x, y in self._inside(points):
            at = (round(self.x(x) / 5) * 5, self.y(y))
            if last is None:
                path.move(at[0], bottom)
                path.line(*at)
            elif at[1] != last[1]:
                path.line(at[0], last[1])
                path.line(*at)
            last = at
        if last:
            end = min(self.x(points[-1][0]), self.x(self.x_range[1]))
            path.line(end, last[1])
            path.line(end, bottom)
        self.path(name, path)

    def bars(self, name, bars, least=0.0, join=True):
        """Vertical bars (x, low, high); those that touch in one place become one if asked."""
        path, least = Path(), round(least * 10)
        pending = None
        for x, low, high in bars:
            if not self.visible(x, x):
                continue
            place = (round(self.x(x) / 2.5) * 2.5 if join else self.x(x), low, high)
            if join and pending and place[0] == pending[0] and low <= pending[2] and \
                    high >= pending[1]:
                pending = (place[0], min(low, pending[1]), max(high, pending[2]))
                continue
            self._bar(path, pending, least)
            pending = place
        self._bar(path, pending, least)
        self.path(name, path)

    def _bar(self, path, bar, least):
        if not bar:
            return
        x, low, high = round(bar[0]), self.y(bar[1]), self.y(bar[2])
        if low - high < least:
            middle = (low + high) // 2
            low, high = middle + least // 2, middle - (least - least // 2)
        path.move(x, low)
        if low == high:
            path.dot()
        else:
            path.line(x, high)

    def dots(self, name, points, thin=True):
        """Points (x, y), each a dot as wide as the class's line; equal ones once if asked."""
        path, seen = Path(), set()
        for x, y in points:
            at = (self.x(x), self.y(y))
            if thin:
                at = (round(at[0] / 5) * 5, round(at[1] / 5) * 5)
            if not self.visible(x, x) or thin and at in seen:
                continue
            seen.add(at)
            path.move(*at)
            path.dot()
        self.path(name, path)

    def crosses(self, name, points, size=3.2):
        """A small x at each point (x, y)."""
        path, half = Path(), round(size * 10)
        for x, y in points:
            if self.visible(x, x):
                at = (self.x(x), self.y(y))
                path.move(at[0] - half, at[1] - half)
                path.line(at[0] + half, at[1] + half)
                path.move(at[0] - half, at[1] + half)
                path.line(at[0] + half, at[1] - half)
        self.path(name, path)

    def band(self, name, low, high, least=1.0):
        """A vertical stripe over the whole height."""
        if not self.visible(low, high):
            return
        left = max(self.x(low) / 10, self.left)
        width = max(min(self.x(high) / 10, self.left + self.width) - left, least)
        self.marks.append(f'<rect class="{name}" x="{left:.1f}" y="{self.top}" '
                          f'width="{width:.1f}" height="{self.height}"/>')

    def level(self, name, value, text):
        """A horizontal line with a few words at its right end."""
        y = self.y(value) / 10
        self.marks.append(f'<path class="{name}" d="M{self.left} {y:.1f}h{self.width}"/>')
        self.marks.append(f'<text class="tick end" x="{self.left + self.width - 4}" '
                          f'y="{y - 4:.1f}">{escape(text)}</text>')

    # ---- around them ----

    def axes(self, x_text="", y_text="", x_labels=True, y_labels=True):
        """Grid, frame, ticks and what they mean."""
        picture, bottom = self.picture, self.top + self.height
        values, step = ticks(*self.y_range, max(2, self.height // 40))
        for value in values:
            y = self.y(value) / 10
            picture.under.append(f'<path class="grid" d="M{self.left} {y:.1f}h{self.width}"/>')
            if y_labels:
                picture.text(self.left - 7, y + 4, label(value, step), "tick end")
        values, step = ticks(*self.x_range, max(2, self.width // 75))
        for value in values:
            x = self.x(value) / 10
            picture.under.append(f'<path class="grid" d="M{x:.1f} {self.top}v{self.height}"/>')
            if x_labels:
                picture.text(x, bottom + 16, label(value, step), "tick mid")
        picture.over.append(f'<path class="axis" d="M{self.left} {self.top}v{self.height}'
                            f'h{self.width}"/>')
        if x_text:
            picture.text(self.left + self.width / 2, bottom + 34, x_text, "mid")
        if y_text:
            middle = self.top + self.height / 2
            picture.over.append(f'<text class="mid" transform="translate({self.left - 50} '
                                f'{middle:.0f}) rotate(-90)">{escape(y_text)}</text>')

    def heading(self, text, legend=()):
        """What the panel shows, and below it its legend: (class, kind, text)."""
        rows = self._legend_rows(legend)
        y = self.top - 12 - 18 * len(rows)
        if text:
            self.picture.text(self.left, y, text, "h2")
        for row in rows:
            y += 18
            x = self.left
            for name, kind, words in row:
                self._swatch(name, kind, x, y - 4)
                self.picture.text(x + 24, y, words, "")
                x += 24 + text_width(words) + 16

    def _legend_rows(self, legend):
        rows, used = [], self.width
        for item in legend:
            need = 24 + text_width(item[2]) + 16
            if used + need > self.width + 16:
                rows.append([])
                used = 0
            rows[-1].append(item)
            used += need
        return rows

    def _swatch(self, name, kind, x, y):
        shape = {"line": f"M{x:.0f} {y:.0f}h18", "dot": f"M{x + 9:.0f} {y:.0f}h0",
                 "bar": f"M{x + 9:.0f} {y + 5:.0f}v-10",
                 "cross": f"M{x + 6:.0f} {y - 3:.0f}l6 6m0 -6l-6 6"}.get(kind)
        if shape:
            self.picture.over.append(f'<path class="{name}" d="{shape}"/>')
        else:
            self.picture.over.append(f'<rect class="{name}" x="{x:.0f}" y="{y - 5:.0f}" '
                                     'width="18" height="10"/>')


class Picture:
    """A whole SVG file."""

    def __init__(self, title, description):
        self.title, self.description = title, description
        self.panels, self.under, self.over = [], [], []

    def text(self, x, y, text, name):
        named = f' class="{name}"' if name else ""
        self.over.append(f'<text{named} x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def svg(self, width, height, style):
        """The file; style: CSS of the classes that the marks have."""
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
               f'width="{width}" height="{height}" role="img">',
               f"<title>{escape(self.title)}</title>",
               f"<desc>{escape(self.description)}</desc>",
               f"<style>{STYLE}{style}</style>",
               f'<rect width="{width}" height="{height}" fill="#fff"/>', "<defs>"]
        out += [f'<clipPath id="{panel.clip}"><rect x="{panel.left}" y="{panel.top}" '
                f'width="{panel.width}" height="{panel.height}"/></clipPath>'
                for panel in self.panels]
        out.append("</defs>")
        out += self.under
        for panel in self.panels:
            out += [f'<g clip-path="url(#{panel.clip})">', *panel.marks, "</g>"]
        return "\n".join(out + self.over + ["</svg>", ""])

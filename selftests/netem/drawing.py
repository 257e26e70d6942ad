# SPDX-License-Identifier: GPL-2.0
"""Lines, words and marks of a chart in SVG."""

from xml.sax.saxutils import escape

INK, PALE, GOOD, BAD = "#222", "#ccc", "#1a6faf", "#c0392b"


class Drawing:
    """Lines of SVG."""

    def __init__(self):
        self.lines = []

    def line(self, x1, y1, x2, y2, colour, width=1, dash=""):
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.lines.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"{dash}/>')

    def text(self, x, y, words, anchor="start", colour=INK, size=11, weight="normal"):
        self.lines.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
                          f'font-size="{size}" font-weight="{weight}">{escape(words)}</text>')

    def dot(self, x, y, colour):
        self.lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')

    def save(self, path, width, height):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                       f'viewBox="0 0 {width} {height}" font-family="sans-serif">\n'
                       f'<rect width="{width}" height="{height}" fill="white"/>\n')
            file.write("\n".join(self.lines) + "\n</svg>\n")

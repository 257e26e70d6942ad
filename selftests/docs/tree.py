# SPDX-License-Identifier: GPL-2.0
"""What the tables of docs/ name in this tree: functions, cases of tests, knobs."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = ("module", "module/tests", "selftests/api", "selftests/module", "selftests/segment",
          "selftests/segment/lib")
TOKEN = re.compile(r"`([^`]+)`")
FILE = re.compile(r"^[\w-]+\.(c|h|py)$")
WORD = re.compile(r"^\w+$")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def sources():
    """{file name: its text} of everything a row may name."""
    out = {}
    for place in PLACES:
        folder = os.path.join(ROOT, place)
        for name in os.listdir(folder):
            if FILE.match(name):
                out[name] = read(place, name)
    return out


def defines(name, text):
    """True if @text defines @name, or declares the case of that name; a mention is not enough."""
    if re.search(r"^\s*(def|class) %s\b" % name, text, re.M):
        return True
    if re.search(r"^#define %s\b|^struct %s \{|^(static )?const (struct )?\w+ %s\[|^\} %s\[" %
                 (name, name, name, name), text, re.M):
        return True
    # A C function: its name at the start of a line or behind its type, and a body.
    return re.search(r"^(?![\s*/#])[\w \t*]*\b%s\([^;{]*\)\s*(__\w+\([^)]*\)\s*)*\{" % name,
                     text, re.M) is not None


def names(cell):
    """(file, name) for each name in a cell; file None if no file stands in front of it."""
    file, out = None, []
    for token in TOKEN.findall(cell):
        if FILE.match(token):
            file = token
            out.append((file, None))
        elif WORD.match(token) and "_" in token or file:
            out.append((file, token))
    return out


def unknown(cell, files):
    """What a cell names and the tree does not have."""
    bad = []
    for file, name in names(cell):
        if file is None:
            bad.append("%s: in which file?" % name)
        elif file not in files:
            bad.append("there is no file %s" % file)
        elif name and not defines(name, files[file]) and not knob(name, files):
            bad.append("%s does not define %s" % (file, name))
    return bad


def knob(name, files):
    """True if @name is a setting of net.xtcp."""
    return re.search(r"XTCP_KNOB\(%s,|\.procname\s*= \"%s\"" % (name, name),
                     files["sysctl.c"]) is not None

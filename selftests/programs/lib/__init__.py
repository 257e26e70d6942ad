# SPDX-License-Identifier: GPL-2.0
"""Unmodified programs over XTCP: see cases.py for writing a case, hosts.py for its two hosts."""

from .cases import LOOPBACK, VETH, Case, case, main
from .data import amount, compare, make_file, make_tree, tree
from .hosts import SLOW, Fail, call, check, equal

__all__ = ["LOOPBACK", "SLOW", "VETH", "Case", "Fail", "amount", "call", "case", "check", "compare",
           "equal", "main", "make_file", "make_tree", "tree"]

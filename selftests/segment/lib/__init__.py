# SPDX-License-Identifier: GPL-2.0
"""A peer played by the test: see case.py for writing a case, run.py for running them."""

from .case import ANY, Case
from .run import case, main
from .stage import Fail, Skip, pattern

__all__ = ["ANY", "Case", "Fail", "Skip", "case", "main", "pattern"]

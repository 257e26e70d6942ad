# SPDX-License-Identifier: GPL-2.0
"""Results as KTAP lines, for the tests of this directory."""

import traceback


class Plan:
    """Counts results; end() is the exit status."""

    def __init__(self, count):
        self.count = count
        self.done = self.failed = 0
        print(f"KTAP version 1\n1..{count}", flush=True)

    def result(self, good, name):
        self.done += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.done} - {name}", flush=True)

    def note(self, words):
        for line in str(words).splitlines():
            print(f"# {line}", flush=True)

    def case(self, name, call, *args):
        """call() raises what is wrong; whatever it returns is a note."""
        try:
            words = call(*args)
            if words:
                self.note(words)
            self.result(True, name)
        except Exception as error:      # a broken case must not end those behind it
            broken = isinstance(error, AssertionError)
            self.note(error if broken else traceback.format_exc().rstrip())
            self.result(False, name)

    def end(self):
        return 1 if self.failed or self.done != self.count else 0

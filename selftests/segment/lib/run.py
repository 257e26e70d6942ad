# SPDX-License-Identifier: GPL-2.0
"""Runs the cases of one file, several at a time, each in a forked child, and prints KTAP."""

import argparse
import errno
import json
import os
import select
import signal
import socket
import sys
import time
import traceback

from .case import Case
from .stage import AF_XTCP, Fail, Skip

CASES = []
ATTEMPTS = 6    # for a case that the machine disturbs
STALL = 0.06    # seconds that count as a disturbance
SKIPPED = 4     # the exit status that kselftest takes for "skipped"


class Entry:
    """One case in one IP version."""

    def __init__(self, call, version, options):
        self.call, self.version, self.options = call, version, options
        self.name = "%s_ipv%d" % (call.__name__, version)


def case(versions=(4, 6), tcp=True, xtcp=True, mtu=1500, timeout=40):
    """Declare a case, run once per IP version.

    @tcp=False, @xtcp=False: that one does something else, which the case's comment says.
    """
    def register(call):
        for version in versions:
            CASES.append(Entry(call, version, {"tcp": tcp, "xtcp": xtcp, "mtu": mtu,
                                               "timeout": timeout}))
        return call
    return register


def _attempt(entry, tcp):
    """(status, text, trace, seconds the test itself was kept from running)"""
    world, status, text = None, "ok", ""
    try:
        if not entry.options["tcp" if tcp else "xtcp"]:
            raise Skip("not what %s does" % ("kernel TCP" if tcp else "XTCP"))
        world = Case(tcp, entry.version, entry.options["mtu"])
        entry.call(world)
    except Skip as why:
        status, text = "skip", str(why)
    except Fail as why:
        status, text = "fail", "%s\n%s" % (why, _where(sys.exc_info()[2]))
    except BaseException:
        status, text = "fail", traceback.format_exc()
    if world:
        _hasten_orphans()
    return status, text, world.trace[-120:] if world else [], world.stalled if world else 0


def _hasten_orphans():
    """What the case leaves open has lost its peer: one more retransmission, not eight.

    Otherwise it would hold the case's namespace and the module for minutes.
    """
    for name in ("net/xtcp/orphan_retries", "net/ipv4/tcp_orphan_retries"):
        try:
            with open("/proc/sys/" + name, "w", encoding="ascii") as knob:
                knob.write("1")
        except OSError:
            pass


def _child(entry, tcp, pipe):
    """Run one case and write what came of it; never returns.

    A failure while the machine kept the test from running for longer than the timers it
    watches proves nothing: such a case is run again, and only such a case.
    """
    for count in range(ATTEMPTS):
        status, text, trace, stalled = _attempt(entry, tcp)
        if status != "fail" or stalled < STALL:
            break
    if count:
        text += "\nattempt %d; the machine had stalled the test" % (count + 1)
    os.write(pipe, json.dumps([status, text, trace]).encode())
    os._exit(0)


def _where(trace):
    """The lines of the test file that led to a failure."""
    frames = [f for f in traceback.extract_tb(trace) if "/lib/" not in f.filename]
    return "\n".join("at line %d: %s" % (f.lineno, f.line) for f in frames)


class Child:
    """A running case."""

    def __init__(self, entry, tcp):
        sys.stdout.flush()
        self.entry, self.data, self.start = entry, b"", time.monotonic()
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.pipe)
            _child(entry, tcp, end)
        os.close(end)

    def read(self):
        """Take what is there; True at the end."""
        part = os.read(self.pipe, 1 << 20)
        self.data += part
        return not part

    def finish(self):
        """(status, text, trace, seconds)"""
        os.close(self.pipe)
        _, how = os.waitpid(self.pid, 0)
        seconds = time.monotonic() - self.start
        try:
            return (*json.loads(self.data), seconds)
        except ValueError:
            if os.WIFSIGNALED(how) and os.WTERMSIG(how) == signal.SIGKILL:
                return "fail", "timed out after %.0f s" % seconds, [], seconds
            return "fail", "the case died with wait status %#x" % how, [], seconds


def _report(number, entry, outcome, args):
    status, text, trace, seconds = outcome
    if status == "skip":
        print("ok %d - %s # SKIP %s" % (number, entry.name, text.splitlines()[0]))
        return
    if status == "fail":
        for line in text.splitlines() + trace:
            print("# " + line)
    elif text:
        print("# " + text.strip())
    if status == "ok" and args.verbose:
        print("# %.2f s" % seconds)
        for line in trace:
            print("# " + line)
    print("%s %d - %s" % ("ok" if status == "ok" else "not ok", number, entry.name))
    sys.stdout.flush()


def _run_all(entries, args):
    """Outcomes by index; prints each in its turn, as early as its turn allows."""
    waiting, running, done, printed = list(enumerate(entries)), {}, {}, 0
    poll = select.poll()
    while printed < len(entries):
        while waiting and len(running) < args.jobs:
            index, entry = waiting.pop(0)
            child = Child(entry, args.tcp)
            running[child.pipe] = (index, child)
            poll.register(child.pipe, select.POLLIN)
        for fd, _ in poll.poll(500):
            index, child = running[fd]
            if child.read():
                poll.unregister(fd)
                del running[fd]
                done[index] = child.finish()
        for index, child in running.values():
            if time.monotonic() - child.start > child.entry.options["timeout"] * args.patience:
                os.kill(child.pid, signal.SIGKILL)
        while printed in done:
            _report(printed + 1, entries[printed], done[printed], args)
            printed += 1
    return done


def _transport_missing(tcp):
    """Why the transport under test cannot be used here, or None."""
    if os.geteuid():
        return "needs root for namespaces and tun"
    if tcp:
        return None
    try:
        socket.socket(AF_XTCP, socket.SOCK_STREAM, 0).close()
    except OSError as err:
        if err.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
            return "xtcp is not loaded: insmod xtcp.ko first"
        raise
    return None


def main(about):
    """The command line of a test file; @about is its docstring."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Prints KTAP. Exit status: 0 all passed, 1 some failed, 4 cannot run here.")
    parser.add_argument("--tcp", action="store_true",
                        help="test kernel TCP, the oracle, instead of XTCP")
    parser.add_argument("--only", metavar="TEXT", action="append",
                        help="only cases whose name contains TEXT (may be repeated)")
    parser.add_argument("--jobs", type=int, default=8, help="cases at a time (default 8)")
    parser.add_argument("--patience", type=float, default=3, metavar="FACTOR",
                        help="multiplies the time a case may take (default 3)")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("-v", "--verbose", action="store_true",
                        help="print the segments of passing cases too")
    args = parser.parse_args()
    entries = [e for e in CASES if not args.only or any(t in e.name for t in args.only)]
    if args.list:
        print("\n".join(e.name for e in entries))
        sys.exit(0)
    if not entries:
        parser.error("no case has that in its name; see --list")
    print("KTAP version 1")
    why = _transport_missing(args.tcp)
    if why:
        print("1..0 # SKIP " + why)
        sys.exit(SKIPPED)
    print("1..%d" % len(entries))
    done = _run_all(entries, args)
    count = {s: sum(o[0] == s for o in done.values()) for s in ("ok", "fail", "skip")}
    print("# totals: pass:%(ok)d fail:%(fail)d skip:%(skip)d" % count)
    if count["fail"]:
        sys.exit(1)
    sys.exit(0 if count["ok"] else SKIPPED)

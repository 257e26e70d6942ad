# SPDX-License-Identifier: GPL-2.0
"""A case: what programs do over IPv4 and IPv6, and the proof that XTCP has carried it.

    @case(VETH)
    def download(c):
        c.server.serve(8080, "nginx", ...)
        c.client.run("curl", f"http://{c.host}:8080/file", ...)
        c.moved(octets)

Behind each case stands what is true of all: the client has opened XTCP connections and the server
accepted some, both have sent enough segments for the octets that the case says were moved, and
kernel TCP has seen not one segment.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from .hosts import SLOW, Fail, Network, check, equal

VETH, LOOPBACK = "veth", "loopback"
LO = {4: "127.0.0.1", 6: "::1"}
# No segment carries more: jumbograms apart, by IP's length; a veth by its MTU.
LARGEST = {LOOPBACK: 65535, VETH: 1500}
SKIP = 4

CASES = []


class Case:
    """One run of one case: place and IP version, hosts, directory, and what it has moved."""

    def __init__(self, network, place, version, work):
        self.place, self.version, self.work = place, version, work
        self.network = network
        self.server = network.server
        self.client = network.client if place == VETH else network.server
        self.address = LO[version] if place == LOOPBACK else self.server.address[version]
        # As it stands in a URL.
        self.host = self.address if version == 4 else f"[{self.address}]"
        self.octets = 0
        for host in network.hosts:
            host.work = work
        self.before = self._counters()

    def path(self, *names):
        """A file in the case's own directory."""
        return os.path.join(self.work, *names)

    def write(self, name, text):
        """A file there with @text; returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def moved(self, octets):
        """The programs have sent these between them: the counters have to show it."""
        self.octets += octets

    def client_counted(self, name):
        """How often the transport's counter @name has moved at the client since the case began."""
        transport = "tcp" if self.client.tcp else "xtcp"
        return (self.client.counters()[transport][name] -
                self.before[self.client][transport][name])

    def opened(self):
        """Connections that the client has opened."""
        return self.client_counted("ActiveOpens")

    def _counters(self):
        return {host: host.counters() for host in {self.server, self.client}}

    def _since(self, after, name):
        return {host: {key: value - self.before[host][name].get(key, 0)
                       for key, value in after[host][name].items()} for host in after}

    def prove(self):
        """XTCP, not TCP."""
        after = self._counters()
        if self.server.tcp:
            return
        xtcp, tcp = self._since(after, "xtcp"), self._since(after, "tcp")
        check(xtcp[self.client]["ActiveOpens"] > 0, "the client has opened no XTCP connection")
        check(xtcp[self.server]["PassiveOpens"] > 0, "the server has accepted no XTCP connection")
        sent = sum(counts["OutSegs"] for counts in xtcp.values())
        check(sent * LARGEST[self.place] >= self.octets,
              f"{self.octets} octets were moved, but only {sent} XTCP segments")
        for host, counts in tcp.items():
            for name in ("ActiveOpens", "PassiveOpens", "InSegs", "OutSegs"):
                equal(f"{host.name}: TCP's {name}", counts[name], 0)

    def stop(self):
        for host in self.network.hosts:
            host.stop()


def case(*places, versions=(4, 6)):
    """Decorates a case; its docstring is the name of the results. Default: loopback."""
    def add(call):
        for place in places or (LOOPBACK,):
            for version in versions:
                CASES.append((call, place, version))
        return call
    return add


def run_case(network, call, place, version):
    """One case; raises what is wrong."""
    work = tempfile.mkdtemp(prefix="programs-")
    try:
        c = Case(network, place, version, work)
        try:
            call(c)
            c.prove()
        finally:
            c.stop()
    finally:
        shutil.rmtree(work)


def chosen(only):
    """The cases to run. In a slow kernel each has but one of its IP versions, in turn."""
    cases = [one for one in CASES if only in one[0].__name__]
    if SLOW == 1 or os.environ.get("XTCP_STRESS"):
        return cases
    kinds = {}
    for one in cases:
        kinds.setdefault(one[:2], []).append(one)
    return [same[number % len(same)] for number, same in enumerate(kinds.values())]


def run_all(cases, tcp):
    """All cases in one network; returns how many failed."""
    failed = 0
    with Network(tcp) as network:
        for number, (call, place, version) in enumerate(cases, 2):
            name = f"{call.__doc__.splitlines()[0].rstrip('.')}: IPv{version}, {place}"
            start = time.monotonic()
            try:
                run_case(network, call, place, version)
                words, word = "", "ok"
            except (Fail, OSError, ValueError, subprocess.SubprocessError) as why:
                words, word = str(why), "not ok"
            except Exception:           # a broken case must not end those behind it
                words, word = traceback.format_exc(), "not ok"
            failed += word != "ok"
            for line in words.splitlines():
                print("# " + line)
            print(f"{word} {number} - {name} # {time.monotonic() - start:.1f} s", flush=True)
    return failed


def main(*programs):
    """Runs the cases of the calling file, which need @programs."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tcp", action="store_true", help="over kernel TCP, without xtcpize")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="cases whose function's name has TEXT in it")
    args = parser.parse_args()
    print("KTAP version 1")
    if os.geteuid():
        print("1..0 # SKIP this needs root")
        return SKIP
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    cases = chosen(args.only)
    print(f"1..{len(cases) + 1}")
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        print(f"# missing: {', '.join(missing)}; tools/setup test installs them")
    print(f"{'not ok' if missing else 'ok'} 1 - {', '.join(programs)}: installed", flush=True)
    failed = run_all(cases, args.tcp)
    return 1 if failed or missing else 0

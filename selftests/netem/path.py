# SPDX-License-Identifier: GPL-2.0
"""A path of four network namespaces with netem in its middle, and transfers across it.

    snd ---- ra ==== rb ---- rcv        snd writes, rcv reads; ra and rb forward

Towards the receiver a segment meets ra's queue (where a rate limits it, and how long the
queue may grow) and then rb's netem (delay, loss, order, copies); what comes back meets ra's
netem on its way to snd. All offloads are off, so that netem acts on segments as they are
on the wire, and a queue counts them as a router would.
"""

import contextlib
import ctypes
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
XFER = os.path.join(HERE, "..", "build", "netem", "xfer")
HEADER = 66         # Ethernet, IPv4 and a header with timestamps, on top of each segment
QUEUE = 400000      # packets that netem may hold: more than any window here

# (namespace, device, its peer's namespace and device, IPv4, IPv6); both ends of each wire
WIRES = (
    (("snd", "out"), ("ra", "in"), 1),
    (("ra", "out"), ("rb", "in"), 2),
    (("rb", "out"), ("rcv", "in"), 3),
)
RECEIVER = {4: "10.77.3.2", 6: "fd77:3::2"}


class TransferError(Exception):
    """A transfer did not finish, or not with the octets that were sent."""


def run(*command, text=None):
    """Run a command; its output, or an exception that shows what it said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        says = done.stderr.strip() or f"status {done.returncode}"
        raise RuntimeError(f"{' '.join(command)}: {says.splitlines()[0]}")
    return done.stdout


def counters(text):
    """The numbers of /proc/net/netstat, snmp or xtcp_stat by name."""
    found = {}
    lines = text.splitlines()
    if not any(":" in line for line in lines):
        for line in lines:
            fields = line.split()
            if len(fields) == 2 and fields[1].lstrip("-").isdigit():
                found[fields[0]] = int(fields[1])
        return found
    for names, values in zip(lines[::2], lines[1::2]):
        group, names = names.split(":", 1)
        for name, value in zip(names.split(), values.split(":", 1)[1].split()):
            if group in ("Tcp", "TcpExt"):
                found[name] = int(value)
    return found


class Path:
    """The four namespaces; `with Path() as path:` removes them at the end.

    prefix sets their names apart from those of another path at the same time.
    """

    def __init__(self, prefix="nem"):
        self.prefix = prefix
        self.names = ("snd", "ra", "rb", "rcv")
        self.holders = {}

    def ns(self, name):
        return f"{self.prefix}-{name}"

    def __enter__(self):
        for name in self.names:
            run("ip", "netns", "add", self.ns(name))
        for (a, adev), (b, bdev), number in WIRES:
            run("ip", "link", "add", adev, "netns", self.ns(a), "type", "veth",
                "peer", "name", bdev, "netns", self.ns(b))
            for name, dev, host in ((a, adev, 1), (b, bdev, 2)):
                run("ip", "-n", self.ns(name), "-batch", "-", text=f"""
                    link set lo up
                    addr add 10.77.{number}.{host}/24 dev {dev}
                    addr add fd77:{number}::{host}/64 dev {dev} nodad
                    link set {dev} up
                    """)
                run("ip", "netns", "exec", self.ns(name), "ethtool", "-K", dev,
                    "tso", "off", "gso", "off", "gro", "off")
        for name, routes in (
                ("snd", ("default via {0}1.2",)), ("rcv", ("default via {0}3.1",)),
                ("ra", ("default via {0}2.2",)), ("rb", ("{0}1.0/{1} via {0}2.1",))):
            for route in routes:
                run("ip", "-n", self.ns(name), "route", "add",
                    *route.format("10.77.", "24").split())
                route = route.replace("{0}1.", "fd77:1::").replace("{0}2.", "fd77:2::")
                route = route.replace("{0}3.", "fd77:3::").replace("::0/{1}", "::/64")
                run("ip", "-6", "-n", self.ns(name), "route", "add", *route.split())
        for name in ("ra", "rb"):
            self.sysctl(name, "net/ipv4/ip_forward", 1)
            self.sysctl(name, "net/ipv6/conf/all/forwarding", 1)
        # What one connection has learned must not help the next: XTCP keeps nothing either.
        self.sysctl("snd", "net/ipv4/tcp_no_metrics_save", 1)
        for name in ("snd", "rcv"):
            # pylint: disable=consider-using-with
            self.holders[name] = subprocess.Popen(
                ["ip", "netns", "exec", self.ns(name), "sleep", "infinity"])
        return self

    def __exit__(self, *exc):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
        for name in self.names:
            run("ip", "netns", "delete", self.ns(name))

    @contextlib.contextmanager
    def inside(self, name):
        """This process in the namespace for a while."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as home, \
                open(f"/run/netns/{self.ns(name)}", "rb") as there:
            if libc.setns(there.fileno(), 0):
                raise OSError(ctypes.get_errno(), f"setns {self.ns(name)}")
            try:
                yield
            finally:
                libc.setns(home.fileno(), 0)

    def sysctl(self, name, key, value):
        with self.inside(name):
            with open(f"/proc/sys/{key}", "w", encoding="ascii") as file:
                file.write(str(value))

    def shape(self, forward="", back="", first="", rate=None, queue=None):
        """Set the path up anew.

        forward, back: netem's words at rb's and ra's egress ("delay 10ms loss 1%");
        first: netem's words at ra's egress, instead of a rate;
        rate: Mbit/s at ra's egress; queue: octets that may wait there.
        """
        self.qdisc("rb", "out", "root netem limit %d %s" % (QUEUE, forward))
        self.qdisc("ra", "in", "root netem limit %d %s" % (QUEUE, back))
        if rate is None:
            self.qdisc("ra", "out", "root netem limit %d %s" % (QUEUE, first) if first else None)
            return
        self.qdisc("ra", "out", "root handle 1: htb default 1 r2q 100")
        # A burst of one segment: the queue fills only by what the sender does.
        self.tc("class add dev out parent 1: classid 1:1 htb rate %dkbit burst 3200 cburst 3200"
                " quantum 3200" % int(rate * 1000))
        self.tc("qdisc add dev out parent 1:1 handle 2: bfifo limit %d" % max(queue, 4000))

    def tc(self, words):
        run("tc", "-n", self.ns("ra"), *words.split())

    def qdisc(self, name, dev, words):
        subprocess.run(["tc", "-n", self.ns(name), "qdisc", "del", "dev", dev, "root"],
                       stderr=subprocess.DEVNULL, check=False)
        if words:
            run("tc", "-n", self.ns(name), "qdisc", "add", "dev", dev, *words.split())

    def dropped(self):
        """Packets that netem and the bottleneck's queue dropped since shape()."""
        total = 0
        for name in ("ra", "rb"):
            for qdisc in json.loads(run("tc", "-s", "-j", "-n", self.ns(name), "qdisc", "show")):
                if qdisc["kind"] in ("netem", "bfifo"):
                    total += qdisc["drops"]
        return total

    def counters(self, name):
        """TCP's and XTCP's counters of the sender or the receiver, as two dictionaries."""
        base = f"/proc/{self.holders[name].pid}/net/"
        texts = []
        for file in ("snmp", "netstat", "xtcp_stat"):
            try:
                with open(base + file, encoding="ascii") as text:
                    texts.append(counters(text.read()))
            except FileNotFoundError:
                texts.append({})
        return {**texts[0], **texts[1]}, texts[2]

    def command(self, transport, **options):
        """The command line of one transfer; options are those of xfer, with _ for -."""
        words = [XFER, "--transport", transport, "--to", RECEIVER[int(transport[-1])],
                 "--from-ns", self.ns("snd"), "--to-ns", self.ns("rcv")]
        for name, value in options.items():
            if value is True:
                words.append("--" + name.replace("_", "-"))
            elif value not in (None, False):
                words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def transfer(self, transport, **options):
        """One transfer; what xfer reports, and the counters that moved, as a dictionary."""
        xtcp = transport.startswith("xtcp")
        before = {name: self.counters(name)[xtcp] for name in ("snd", "rcv")}
        done = subprocess.run(self.command(transport, **options), capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise TransferError(done.stderr.strip() or f"xfer ended with {done.returncode}")
        result = json.loads(done.stdout)
        for name in ("snd", "rcv"):
            after = self.counters(name)[xtcp]
            result[f"{name}_counters"] = {key: value - before[name].get(key, 0)
                                          for key, value in after.items()
                                          if value != before[name].get(key, 0)}
        return result

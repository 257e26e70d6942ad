# SPDX-License-Identifier: GPL-2.0
"""Two hosts in network namespaces, the programs that run on them, and their counters.

    server ---- veth ---- client

Every program is started under tools/xtcpize, or with --tcp as it is.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
XTCPIZE = os.path.join(ROOT, "tools", "xtcpize")
STOCK = os.environ.get("XTCP_KERNEL", "stock") == "stock"
SLOW = 1 if STOCK else 6
PATIENCE = 120 * SLOW   # seconds that one program may take, on a busy machine
ADDRESS = {4: "10.79.1.%d", 6: "fd79:1::%d"}
CLONE_NEWNET = 0x40000000
LISTEN = "0A"

LIBC = ctypes.CDLL(None, use_errno=True)


class Fail(Exception):
    """What is wrong, for the diagnostics."""


def check(right, words):
    if not right:
        raise Fail(words)


def equal(name, got, due):
    check(got == due, f"{name}: {got!r}, not {due!r}")


class Process:
    """A program that was started; what it printed is in files."""

    def __init__(self, name, command, work, stdin, stdout, stderr):
        self.name = name
        # pylint: disable=consider-using-with
        self.out = tempfile.TemporaryFile(dir=work)
        self.err = tempfile.TemporaryFile(dir=work)
        self.popen = subprocess.Popen(command, stdin=stdin, stdout=stdout or self.out,
                                      stderr=stderr or self.err, cwd=work, start_new_session=True)

    def output(self):
        self.out.seek(0)
        return self.out.read()

    def errors(self):
        self.err.seek(0)
        return self.err.read().decode(errors="replace")

    def wait(self, status=0, timeout=PATIENCE):
        """The program's end by itself; what it printed on stdout."""
        try:
            got = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Fail(f"{self.name}: not done after {timeout} s\n{self.tail()}") from None
        check(got == status, f"{self.name}: status {got}, not {status}\n{self.tail()}")
        return self.output()

    def tail(self):
        """The last of what it said, for a diagnosis."""
        said = self.output().decode(errors="replace") + self.errors()
        return "\n".join(said.splitlines()[-15:])

    def listens(self, port):
        """Does a socket of its namespace wait for connections there: XTCP's, or TCP's?"""
        for table in TABLES:
            with open(f"/proc/{self.popen.pid}/net/{table}", encoding="ascii") as file:
                for line in file.readlines()[1:]:
                    fields = line.split()
                    if fields[1].endswith(f":{port:04X}") and fields[3] == LISTEN:
                        return True
        return False

    def stop(self):
        """Ends it and all that it started, and closes its files."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(5 * SLOW)
                break
        # What the program left running in its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.out.close()
        self.err.close()


TABLES = ["xtcp", "xtcp6"]      # in /proc/net; with --tcp those of TCP


class Host:
    """One network namespace. Its programs work in the directory @work, set for each case."""

    def __init__(self, name, number, tcp):
        self.name, self.tcp, self.work = name, tcp, None
        self.address = {version: ADDRESS[version] % number for version in (4, 6)}
        self.processes = []

    def spawn(self, *command, stdin=subprocess.DEVNULL, stdout=None, stderr=None):
        """Start a program; @stdout and @stderr are files of the caller's."""
        turned = command if self.tcp else (XTCPIZE,) + command
        with self.inside():
            process = Process(os.path.basename(command[0]), turned, self.work, stdin, stdout,
                              stderr)
        self.processes.append(process)
        return process

    def run(self, *command, status=0, stdin=subprocess.DEVNULL):
        """A program from begin to end; what it printed on stdout."""
        return self.spawn(*command, stdin=stdin).wait(status)

    def serve(self, port, *command, **how):
        """Start a server, and wait until it listens."""
        process = self.spawn(*command, **how)
        deadline = time.monotonic() + PATIENCE
        while not process.listens(port):
            check(process.popen.poll() is None, f"{process.name} ended:\n{process.tail()}")
            check(time.monotonic() < deadline,
                  f"{process.name} does not listen on port {port}:\n{process.tail()}")
            time.sleep(0.05)
        return process

    def stop(self):
        """Ends what the case started and did not see end."""
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()

    @contextlib.contextmanager
    def inside(self):
        """This thread, and what it starts, is in the host's namespace meanwhile."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + self.name, os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            LIBC.setns(home, CLONE_NEWNET)
            os.close(there)
            os.close(home)

    def counters(self):
        """{"xtcp": counters by name, "tcp": the same of kernel TCP}"""
        with self.inside():
            with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
                names, values = (line.split()[1:] for line in file if line.startswith("Tcp:"))
            tcp = dict(zip(names, map(int, values)))
            xtcp = {}
            if not self.tcp:
                with open("/proc/thread-self/net/xtcp_stat", encoding="ascii") as file:
                    xtcp = {name: int(value) for name, value in map(str.split, file)}
        return {"xtcp": xtcp, "tcp": tcp}


class Network:
    """The two hosts, joined by a veth; they are gone at the end of the `with`."""

    def __init__(self, tcp):
        if tcp:
            TABLES[:] = ("tcp", "tcp6")
        self.server = Host(f"programs{os.getpid()}s", 1, tcp)
        self.client = Host(f"programs{os.getpid()}c", 2, tcp)
        self.hosts = (self.server, self.client)

    def __enter__(self):
        for host in self.hosts:
            ip("netns", "add", host.name)
        try:
            # From inside: outside the name may be taken.
            ip("-n", self.server.name, "link", "add", "eth0", "type", "veth",
               "peer", "name", "eth0", "netns", self.client.name)
            for host in self.hosts:
                ip("-n", host.name, "-batch", "-", text=f"""
                    link set lo up
                    addr add {host.address[4]}/24 dev eth0
                    addr add {host.address[6]}/64 dev eth0 nodad
                    link set eth0 up
                    """)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for host in self.hosts:
            host.stop()
            ip("netns", "del", host.name)


def call(*command):
    """A tool that has nothing to do with the network."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    check(not done.returncode, f"{command[0]}: {done.stderr}")


def ip(*command, text=None):
    subprocess.run(("ip",) + command, input=text, text=True, check=True)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""OpenSSH over XTCP: a command, its input and output, copies of files, a forwarded port.

Keys and settings are made here; those of the machine and of the user are not read.

Time limit: 600 s
"""

import os
import sys

from lib import VETH, amount, call, case, check, compare, equal, main, make_file

PORT, FORWARDED = 2022, 2080

SSHD = """
ListenAddress {address}
Port {port}
HostKey {work}/host_key
AuthorizedKeysFile {work}/user_key.pub
PidFile none
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
PrintMotd no
Subsystem sftp internal-sftp
# What the account's own shell does when a session begins is no part of this.
SetEnv SHLVL=2
"""

SSH = """
Host *
Port {port}
User root
IdentityFile {work}/user_key
IdentitiesOnly yes
IdentityAgent none
UserKnownHostsFile {work}/known_hosts
GlobalKnownHostsFile none
StrictHostKeyChecking yes
BatchMode yes
LogLevel ERROR
"""


def sshd(c):
    """A server that lets the case's user in."""
    for name in ("host_key", "user_key"):
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", c.path(name))
    words = {"address": c.address, "port": PORT, "work": c.work}
    config = c.write("sshd_config", SSHD.format(**words))
    c.write("ssh_config", SSH.format(**words))
    with open(c.path("host_key.pub"), encoding="ascii") as key:
        c.write("known_hosts", f"[{c.address}]:{PORT} {key.read()}")
    os.makedirs("/run/sshd", exist_ok=True)     # where it changes its root to
    c.server.serve(PORT, "/usr/sbin/sshd", "-D", "-e", "-f", config)


def ssh(c, *words, **how):
    return c.client.run("ssh", "-F", c.path("ssh_config"), c.address, *words, **how)


@case()
def command(c):
    """A command: its output, its status, and what it says of the connection."""
    sshd(c)
    out = ssh(c, 'echo "$SSH_CONNECTION"; exit 42', status=42).decode().split()
    equal("the server's address and port", out[2:], [c.address, str(PORT)])
    equal("the client's address", out[0], c.address)
    equal("connections", c.opened(), 1)


@case()
def through(c):
    """Octets through a remote cat, in both directions at once."""
    size = amount(2000000, 300000)
    make_file(c.path("file"), size)
    sshd(c)
    with open(c.path("file"), "rb") as file:
        out = ssh(c, "cat", stdin=file)
    with open(c.path("got"), "wb") as file:
        file.write(out)
    compare(c.path("got"), c.path("file"))
    c.moved(2 * size)


@case(VETH)
def copies(c):
    """scp of a large file, there and back."""
    size = amount(8, 1) * 1000000
    make_file(c.path("file"), size)
    sshd(c)
    scp = ["scp", "-q", "-p", "-F", c.path("ssh_config")]
    c.client.run(*scp, c.path("file"), f"{c.host}:{c.path('there')}")
    compare(c.path("there"), c.path("file"))
    c.client.run(*scp, f"{c.host}:{c.path('there')}", c.path("back"))
    compare(c.path("back"), c.path("file"))
    equal("connections", c.opened(), 2)
    c.moved(2 * size)


@case()
def forwarded(c):
    """A port that the client forwards: XTCP to it, inside, and from the server on."""
    sshd(c)
    size = 300000
    make_file(c.path("file"), size)
    c.client.serve(FORWARDED, "ssh", "-F", c.path("ssh_config"), "-N", "-o",
                   "ExitOnForwardFailure=yes", "-L",
                   f"{c.host}:{FORWARDED}:{c.host}:{PORT}", c.address)
    c.write("known_hosts_2", "")
    out = c.client.run("ssh", "-F", c.path("ssh_config"), "-o", "StrictHostKeyChecking=no", "-o",
                       f"UserKnownHostsFile={c.path('known_hosts_2')}", "-p", str(FORWARDED),
                       c.address, "cat", c.path("file"))
    check(len(out) == size, f"{len(out)} octets, not {size}")
    with open(c.path("got"), "wb") as file:
        file.write(out)
    compare(c.path("got"), c.path("file"))
    # The session, the one through it, and the server's connection to itself.
    equal("connections", c.opened(), 3)
    c.moved(3 * size)


if __name__ == "__main__":
    sys.exit(main("sshd", "ssh", "scp", "ssh-keygen"))

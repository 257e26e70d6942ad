#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""redis over XTCP: redis-cli's data come back as they were, redis-benchmark, a replica.

Time limit: 600 s
"""

import re
import sys
import time

from lib import SLOW, VETH, amount, case, check, compare, equal, main, make_file

PORT, REPLICA = 6380, 6381


def redis(c, *options, port=PORT):
    """A server that keeps nothing on disk."""
    return c.server.serve(port, "redis-server", "--port", str(port), "--bind", c.address,
                          "--dir", c.work, "--save", "", "--appendonly", "no",
                          "--protected-mode", "no", "--dbfilename", f"{port}.rdb",
                          "--enable-debug-command", "yes", *options)


def cli(c, *command, port=PORT, stdin=None):
    how = {"stdin": stdin} if stdin else {}
    return c.client.run("redis-cli", "-h", c.address, "-p", str(port), *command, **how)


def load(c, count):
    """@count keys by redis-cli --pipe; returns how many octets that were."""
    with open(c.path("commands"), "wb") as file:
        for n in range(count):
            words = [b"SET", b"key:%d" % n, b"value %d " % n * (n % 50 + 1)]
            file.write(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        size = file.tell()
    with open(c.path("commands"), "rb") as file:
        said = cli(c, "--pipe", stdin=file).decode()
    check(f"errors: 0, replies: {count}" in said, said)
    return size


@case()
def values(c):
    """A large value, and many small ones, come back as they were."""
    size, count = amount(5000000, 500000), amount(5000, 2000)
    make_file(c.path("file"), size)
    redis(c)
    with open(c.path("file"), "rb") as file:
        equal("answer to SET", cli(c, "-x", "SET", "large", stdin=file), b"OK\n")
    got = cli(c, "--raw", "GET", "large")
    check(got.endswith(b"\n"), "no end of line behind the value")
    with open(c.path("got"), "wb") as file:
        file.write(got[:-1])
    compare(c.path("got"), c.path("file"))
    moved = load(c, count)
    equal("keys", cli(c, "--raw", "DBSIZE"), b"%d\n" % (count + 1))
    got = cli(c, "--raw", "MGET", *(f"key:{n}" for n in range(1000))).decode().splitlines()
    check(got == [f"value {n} " * (n % 50 + 1) for n in range(1000)], "other values")
    c.moved(2 * size + moved)


@case(VETH)
def benchmark(c):
    """redis-benchmark: 50 clients, one command at a time and 16 in a pipeline."""
    redis(c)
    # Whole pipelines: redis-benchmark rounds up.
    for pipeline, count in ((1, amount(1500, 500)), (16, amount(4800, 960))):
        said = c.client.run("redis-benchmark", "-h", c.address, "-p", str(PORT), "--csv",
                            "-c", "50", "-d", "100", "-n", str(count), "-P", str(pipeline),
                            "-t", "set,get,incr,lpush").decode()
        rates = dict(re.findall(r'^"(\w+)[^"]*","([\d.]+)"', said, re.MULTILINE))
        for name in ("SET", "GET", "INCR", "LPUSH"):
            check(float(rates.get(name, 0)) > 0, f"no result for {name}:\n{said}")
        print(f"# pipeline {pipeline}: SET {rates['SET']}, GET {rates['GET']} each second")
        calls = cli(c, "--raw", "INFO", "commandstats").decode()
        done = int(re.search(r"cmdstat_incr:calls=(\d+)", calls).group(1))
        equal("commands that the server has counted", done, count)
        cli(c, "CONFIG", "RESETSTAT")
    check(c.opened() >= 2 * 4 * 50, f"only {c.opened()} connections")


@case()
def replica(c):
    """A second server follows the first, which ends with the same data."""
    count = amount(5000, 1000)
    redis(c)
    load(c, count)
    redis(c, "--replicaof", c.address, str(PORT), "--repl-diskless-sync-delay", "0", port=REPLICA)
    equal("answer to SET", cli(c, "SET", "later", "word"), b"OK\n")
    # The digest of all keys and values; the replica gets there in its own time.
    due = cli(c, "--raw", "DEBUG", "DIGEST")
    deadline = time.monotonic() + 20 * SLOW
    while (got := cli(c, "--raw", "DEBUG", "DIGEST", port=REPLICA)) != due:
        check(time.monotonic() < deadline, f"digest of the replica: {got}, not {due}")
        time.sleep(0.2)
    equal("keys", cli(c, "--raw", "DBSIZE", port=REPLICA), b"%d\n" % (count + 1))


if __name__ == "__main__":
    sys.exit(main("redis-server", "redis-cli", "redis-benchmark"))

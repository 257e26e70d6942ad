#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Python's own servers and clients over XTCP: http.server and urllib, asyncio's streams.

Time limit: 600 s
"""

import os
import sys

from lib import VETH, amount, case, compare, equal, main, make_file

PORT = 8090
PYTHON = "/usr/bin/python3"
HERE = os.path.dirname(os.path.abspath(__file__))

URLLIB = """
import shutil, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for number, url in enumerate(sys.argv[1:]):
    with opener.open(url, timeout=300) as answer, open(f"got{number}", "wb") as file:
        shutil.copyfileobj(answer, file)
"""


@case()
def web(c):
    """http.server and urllib."""
    sizes = [0, 1, 65536, amount(10000000, 1000000)]
    os.mkdir(c.path("www"))
    for n, size in enumerate(sizes):
        make_file(c.path("www", f"file{n}"), size)
    c.server.serve(PORT, PYTHON, "-m", "http.server", "--bind", c.address, "--directory",
                   c.path("www"), str(PORT))
    c.client.run(PYTHON, "-c", URLLIB,
                 *(f"http://{c.host}:{PORT}/file{n}" for n in range(len(sizes))))
    for n in range(len(sizes)):
        compare(c.path(f"got{n}"), c.path("www", f"file{n}"))
    c.moved(sum(sizes))
    equal("connections", c.opened(), len(sizes))


@case(VETH)
def streams(c):
    """asyncio: an echo in both directions at once, on several connections."""
    size, count = amount(3000000, 300000), 4
    make_file(c.path("file"), size)
    echo = os.path.join(HERE, "asyncio_echo.py")
    c.server.serve(PORT, PYTHON, echo, "server", c.address, str(PORT))
    c.client.run(PYTHON, echo, "client", c.address, str(PORT), c.path("file"),
                 *(c.path(f"got{n}") for n in range(count)))
    for n in range(count):
        compare(c.path(f"got{n}"), c.path("file"))
    c.moved(2 * count * size)
    equal("connections", c.opened(), count)


if __name__ == "__main__":
    sys.exit(main(PYTHON))

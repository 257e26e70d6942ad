#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A socket used again: connect() to AF_UNSPEC, then another connect() or listen().

And one that did nothing for a while: what it sends then is timed from then.
"""

import ctypes
import errno
import os
import socket

from lib import case, main
from lib.packet import address


def disconnect(sock):
    """connect() to AF_UNSPEC, which Python cannot say."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(sock.fileno(), bytes(16), 16):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def refused(c, sock, port):
    """A connect() that the peer refuses; the socket is as new behind it."""
    flow = c.flow(None, port)
    c.equal(sock.connect_ex((c.peer, flow.port)), errno.EINPROGRESS, "connect")
    flow.sut_port = sock.getsockname()[1]
    flow.inject("RA", seq=0, ack=1, dst=flow.expect("S").src)
    c.so_error(sock, "ECONNREFUSED")
    disconnect(sock)


def answers(c, texts, port=8000):
    """A SYN to each of our addresses is answered with SYN,ACK."""
    for text in texts:
        flow = c.flow(port)
        flow.inject("S", mss=1000, dst=address(text))
        c.equal(flow.expect("SA").src, address(text), "source of the SYN,ACK")


@case()
def reconnect_past_time_wait(c):
    """An unbound socket takes a new port: the old one is in TIME-WAIT with the same peer."""
    sock, flow = c.connect(rtt=0.5)
    sock.shutdown(socket.SHUT_WR)
    flow.expect("FA")
    flow.inject("FA")
    flow.expect("A")
    c.expect_state(flow, "TIME_WAIT")
    disconnect(sock)
    c.equal(sock.connect_ex((c.peer, flow.port)), errno.EINPROGRESS, "second connect")
    c.check(sock.getsockname()[1] != flow.sut_port, "the port is the one in TIME-WAIT")
    c.expect_state(flow, "TIME_WAIT")


@case()
def port_given_back(c):
    """The port of an unbound socket is free behind its connection, also for a listener."""
    sock = c.socket()
    refused(c, sock, 5500)
    port = sock.getsockname()[1]
    other = c.socket()
    other.bind((c.local, port))
    other.listen()
    again = c.flow(None, 5501)
    c.equal(sock.connect_ex((c.peer, again.port)), errno.EINPROGRESS, "second connect")
    c.check(sock.getsockname()[1] != port, "it took the listener's port")
    answers(c, (c.local,), port)


@case()
def listen_behind_a_connect(c):
    """bind() to any address, connect(), disconnect, listen(): all addresses are served."""
    other = "10.9.0.7" if c.version == 4 else "fd09::7"
    c.add_address(other)
    sock = c.socket()
    sock.bind(("", 8000))
    refused(c, sock, 5500)
    sock.listen()
    answers(c, (c.local, other))


@case()
def late_release_is_no_long_round_trip(c):
    """What a cork held back is timed from when it was sent, not from when it was queued."""
    sock, flow = c.connect(rtt=0.5)
    c.option(sock, "CORK", 1)
    c.send(sock, 10)
    c.sleep(0.4)            # the cork would hold for 1.5 s; no timer is due so soon
    c.option(sock, "CORK", 0)
    flow.expect("PA", len=10)
    flow.inject("A")
    c.eventually(lambda: c.info(sock)["unacked"] == 0, "all acknowledged")
    rtt = c.info(sock)["rtt"] / 1e6
    c.check(rtt < 0.465, "the smoothed round trip went up to %.3f s" % rtt)


if __name__ == "__main__":
    main(__doc__)

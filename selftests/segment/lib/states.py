# SPDX-License-Identifier: GPL-2.0
"""Brings a connection into any state of RFC 9293 figure 5.

The socket stays open, so that the case sees what the state's end does to it, and the
time-out is long, so that nothing is retransmitted while the case looks.
"""

import functools
import socket

from .run import case

SYNCHRONIZED = ("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "CLOSING", "LAST_ACK")
ALL = ("LISTEN", "SYN_SENT", "SYN_RECV") + SYNCHRONIZED + ("TIME_WAIT",)


def bring(c, state):
    """(socket, flow) in @state; for LISTEN and SYN_RECV the socket is the listener."""
    if state in ("LISTEN", "SYN_RECV"):
        sock, flow = c.listen(), c.flow()
        if state == "SYN_RECV":
            flow.inject("S", mss=1000)
            flow.expect("SA")
    elif state == "SYN_SENT":
        sock, flow = c.start_connect()
        flow.expect("S")
    else:
        sock, flow = c.connect(rtt=0.5)
        _close(sock, flow, state)
    if state != "LISTEN":
        c.expect_state(flow, state)
    return sock, flow


def _close(sock, flow, state):
    """From ESTABLISHED on; flow.nxt stands behind the peer's FIN where it sent one."""
    if state in ("CLOSE_WAIT", "LAST_ACK"):
        flow.inject("FA")
        flow.expect("A")
    if state not in ("ESTABLISHED", "CLOSE_WAIT"):
        sock.shutdown(socket.SHUT_WR)
        flow.expect("FA")
    if state in ("FIN_WAIT2", "TIME_WAIT"):
        flow.inject("A")
    if state in ("CLOSING", "TIME_WAIT"):
        flow.inject("FA", ack=flow.rcv - (state == "CLOSING"))
        flow.expect("A")


def in_states(states, **options):
    """Declare the case once for each of @states; it gets (c, state, sock, flow)."""
    def register(call):
        for state in states:
            def run(c, state=state):
                call(c, state, *bring(c, state))
            functools.update_wrapper(run, call)
            run.__name__ = "%s_in_%s" % (call.__name__, state.lower())
            case(**options)(run)
        return call
    return register

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Every state against the segments that must end it, or must not (RFC 9293 3.10.7.4).

The regular way through the states is in test_handshake.py and test_close.py.
"""

from lib import case, main
from lib.states import ALL, SYNCHRONIZED, in_states

QUIET = 0.25        # how long "no answer" is watched


def unharmed(c, state, sock, flow):
    """Still in the same state, and no error waits at the socket."""
    if state != "LISTEN":
        c.equal(c.state(flow), state, "state")
    c.so_error(sock, "0")


@in_states(("SYN_SENT",) + SYNCHRONIZED)
def rst_ends(c, state, sock, flow):
    """A RST exactly at the window's edge ends the connection and reports why."""
    flow.inject("RA" if state == "SYN_SENT" else "R")
    c.expect_state(flow, None)
    c.so_error(sock, {"SYN_SENT": "ECONNREFUSED", "CLOSE_WAIT": "EPIPE"}.get(state, "ECONNRESET"))
    flow.expect_nothing(QUIET)
    flow.inject("A", ack=flow.rcv)
    flow.expect("R", seq=flow.rcv)


@in_states(("SYN_RECV",))
def rst_ends_request(c, state, sock, flow):
    """A request is forgotten; its listener lives on."""
    flow.inject("R")
    c.expect_state(flow, None)
    unharmed(c, "LISTEN", sock, flow)
    flow.inject("S", seq=0, mss=1000)
    flow.sut_isn, flow.rcv = None, 0
    flow.expect("SA", ack=1)


@in_states(("SYN_RECV",) + SYNCHRONIZED + ("TIME_WAIT",))
def rst_outside_window(c, state, sock, flow):
    """A RST outside the window does nothing and gets no answer.

    Not one octet below it: Linux takes that in front of a peer's FIN, as some send it so.
    """
    for seq in (flow.nxt - 2, flow.nxt - 70000, flow.nxt + 10000000, flow.nxt + (1 << 31)):
        flow.inject("R", seq=seq)
        flow.inject("RA", seq=seq)
    flow.expect_nothing(QUIET)
    unharmed(c, state, sock, flow)


@in_states(SYNCHRONIZED)
def rst_inside_window(c, state, sock, flow):
    """A RST in the window, but not at its edge: a challenge ACK (RFC 5961 3.2)."""
    flow.inject("R", seq=flow.nxt + 1)
    flow.expect("A", seq=flow.rcv)
    flow.inject("RA", seq=flow.nxt + 5000)
    flow.expect("A", seq=flow.rcv)
    unharmed(c, state, sock, flow)


@in_states(("TIME_WAIT",))
def rst_ignored(c, state, sock, flow):
    """TIME-WAIT does not die from a RST (RFC 1337)."""
    if c.tcp:
        c.sysctl("rfc1337", 1)
    for seq in (0, 1):
        flow.inject("R", seq=flow.nxt + seq)
        flow.inject("RA", seq=flow.nxt + seq)
    flow.expect_nothing(QUIET)
    unharmed(c, state, sock, flow)


@in_states(SYNCHRONIZED + ("TIME_WAIT",))
def syn_challenged(c, state, sock, flow):
    """A SYN anywhere: a challenge ACK and nothing else (RFC 5961 4.2)."""
    for seq in (0, flow.nxt, flow.nxt + 1000, flow.nxt - 100000):
        flow.inject("S", seq=seq, mss=1000)
        flow.expect("A", seq=flow.rcv)
    unharmed(c, state, sock, flow)


@in_states(SYNCHRONIZED)
def syn_ack_challenged(c, state, sock, flow):
    """A SYN,ACK the same."""
    for seq in (0, flow.nxt, flow.nxt + 1000):
        flow.inject("SA", seq=seq, mss=1000)
        flow.expect("A", seq=flow.rcv)
    unharmed(c, state, sock, flow)


@in_states(("SYN_RECV",) + SYNCHRONIZED + ("TIME_WAIT",))
def old_data_acknowledged(c, state, sock, flow):
    """Data before the window: an ACK that says where we are."""
    ack = {"FIN_WAIT1": flow.rcv - 1, "CLOSING": flow.rcv - 1, "LAST_ACK": flow.rcv - 1}
    for seq in (flow.nxt - 100, flow.nxt - 70000):
        flow.inject("PA", seq=seq, len=50, ack=ack.get(state))
        flow.expect("A", seq=flow.rcv)
    unharmed(c, state, sock, flow)


@in_states(("SYN_RECV",) + SYNCHRONIZED)
def without_ack_dropped(c, state, sock, flow):
    """A segment without ACK, SYN or RST is dropped (step 5)."""
    flow.inject("P", seq=flow.nxt, len=10)
    flow.inject("F", seq=flow.nxt)
    flow.inject("", seq=flow.nxt)
    flow.inject("U", seq=flow.nxt, len=10, urg=5)
    flow.expect_nothing(QUIET)
    unharmed(c, state, sock, flow)


@in_states(("ESTABLISHED", "FIN_WAIT1", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "FIN_WAIT2"))
def ack_of_unsent(c, state, sock, flow):
    """An ACK of what was never sent: an ACK, and the segment is dropped."""
    flow.inject("A", seq=flow.nxt, ack=flow.rcv + 1)
    flow.inject("FA", seq=flow.nxt, ack=flow.rcv + 70000)
    answers = flow.gather(QUIET)
    for seg in answers:
        c.equal((seg.flags, seg.seq, seg.ack, seg.len), (16, flow.rcv, flow.nxt, 0), "answer")
    # older Linux is silent in ESTABLISHED
    c.equal(len(answers), 2 if not c.tcp or state != "ESTABLISHED" else len(answers), "answers")
    unharmed(c, state, sock, flow)


@in_states(ALL)
def bad_checksum_ignored(c, state, sock, flow):
    """What would change the state does not with a wrong checksum (MUST-3)."""
    for flags in ("R", "RA", "FA", "S", "SA", "A", "PA"):
        flow.inject(flags, seq=flow.nxt, bad_csum=True, len=10 if "P" in flags else 0)
    flow.expect_nothing(QUIET)
    unharmed(c, state, sock, flow)


@in_states(("CLOSE_WAIT", "CLOSING", "LAST_ACK"))
def data_behind_fin_ignored(c, state, sock, flow):
    """The peer has sent its FIN: nothing behind it is data (step 7)."""
    flow.inject("PA", seq=flow.nxt, len=10,
                ack=flow.rcv - (state in ("CLOSING", "LAST_ACK")))
    flow.gather(QUIET)
    c.equal(flow.last.ack, flow.nxt, "acknowledged")
    c.eof(sock)


@in_states(("FIN_WAIT1", "FIN_WAIT2"))
def data_after_our_fin(c, state, sock, flow):
    """Our FIN ends our direction only: the peer's data is still received."""
    flow.inject("PA", len=700, ack=flow.rcv - (state == "FIN_WAIT1"))
    flow.expect("A")
    c.recv(sock, 700)
    unharmed(c, state, sock, flow)


@case()
def listen_survives(c):
    """Whatever a listener is sent, it goes on listening."""
    listener = c.listen()
    flow = c.flow()
    flow.sut_isn = 0
    for flags in ("R", "RA", "A", "F", "FA", "P", "", "SR", "SF", "SFRPAU", "SA"):
        flow.inject(flags, seq=5, ack=500 if "A" in flags else None,
                    len=10 if "P" in flags else 0)
        flow.gather(0.02)
    flow.inject("RA", seq=6, ack=1)
    new = c.flow()
    new.inject("S", mss=1000)
    new.expect("SA")
    new.inject("A")
    c.wait(listener, "r")


if __name__ == "__main__":
    main(__doc__)

# SPDX-License-Identifier: GPL-2.0
"""Reads what TCP_INFO said every few milliseconds: the CSV file of xsend --trace."""

import csv

from capture import CaptureError

INFINITE = 0x7FFFFFFF
RECOVERY, LOSS = 3, 4           # tcpi_ca_state
NEEDED = ("time_s", "ca_state", "mss_octets", "cwnd", "ssthresh", "unacked", "sacked", "lost",
          "retrans", "total_retrans", "srtt_us")


class Trace:
    """Series of (seconds since start, value): cwnd, ssthresh, flight in octets, srtt in s."""

    def __init__(self, name, start, end):
        self.cwnd, self.ssthresh, self.flight, self.srtt = [], [], [], []
        self.bands = []             # (RECOVERY or LOSS, from, to)
        self.total_retrans = 0
        rows = self._read(name)
        if not rows or rows[-1][0] < start or rows[0][0] > end:
            raise CaptureError(f"{name} is of another time than the capture: give the file that "
                               "xsend --trace wrote during this transfer")
        before = 0
        for time, row in rows:
            time -= start
            # A closed socket has no cwnd any more that would mean something.
            if row["cwnd"] and row["mss_octets"] and time <= end - start:
                self._add(time, row, before)
                before = row["ca_state"]
            self.total_retrans = max(self.total_retrans, row["total_retrans"])

    @staticmethod
    def _read(name):
        try:
            with open(name, newline="", encoding="ascii") as file:
                rows = list(csv.DictReader(file))
            return [(float(row["time_s"]), {key: int(row[key]) for key in NEEDED[1:]})
                    for row in rows]
        except OSError as error:
            raise CaptureError(f"cannot read {name}: {error.strerror}") from error
        except (KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
            raise CaptureError(f"{name} is not a file of xsend --trace (it needs the columns "
                               f"{', '.join(NEEDED)})") from error

    def _add(self, time, row, before):
        mss = row["mss_octets"]
        self.cwnd.append((time, row["cwnd"] * mss))
        if row["ssthresh"] < INFINITE:
            self.ssthresh.append((time, row["ssthresh"] * mss))
        self.flight.append((time, mss * max(0, row["unacked"] - row["sacked"] - row["lost"] +
                                            row["retrans"])))
        if row["srtt_us"]:
            self.srtt.append((time, row["srtt_us"] * 1e-6))
        state = row["ca_state"]
        if before in (RECOVERY, LOSS):
            kind, since, _ = self.bands[-1]
            self.bands[-1] = (kind, since, time)
        if state in (RECOVERY, LOSS) and state != before:
            self.bands.append((state, time, time))

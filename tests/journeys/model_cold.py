"""The independent model's own reading of rules section 11: the class of a frozen bag's life, from plain lists of readings.

It shares no code with custody. Times are datetimes, temperatures are Decimals in °C, and everything is in plain tuples and dicts.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

CLASS_0_TO, CLASS_1_TO, CLASS_2_TO = -150, -135, -120
CLASS_1_MINUTES_MAX = 60
GAP_MINUTES_MAX, GAP_INTERVALS = 30, 2
TRACE_AGE = timedelta(hours=24)
"""A store's record may be this old where the bag still lies; what it does not yet show is judged once it is read."""


def minutes(span):
    return Fraction(span // timedelta(microseconds=1), 60_000_000)


def crossings(readings, start, end):
    """The straight lines between readings, cut to the stay: (from, to, °C at from, °C at to, minutes between the two readings)."""
    for (before, cold), (after, warm) in pairwise(readings):
        left, right = max(before, start), min(after, end)
        if left >= right:
            continue
        slope = (Fraction(warm) - Fraction(cold)) / minutes(after - before)
        yield left, right, Fraction(cold) + slope * minutes(left - before), Fraction(cold) + slope * minutes(right - before), after - before


def above(limit, line):
    """The part of one straight line that lies above `limit`, or None: (from, to)."""
    left, right, first, last, _ = line
    if max(first, last) <= limit:
        return None
    if min(first, last) > limit or left == right:
        return left, right
    share = (Fraction(limit) - first) / (last - first)
    at = left + timedelta(microseconds=float(share * minutes(right - left) * 60_000_000))
    return (at, right) if last > first else (left, at)


def joined(spans):
    """Spans as few as possible: what touches or overlaps becomes one."""
    found = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def seen_by(file, stay):
    """What one file says about one stay: (spans measured without a gap, spans above class 0, the warmest), worked out once."""
    key = (stay["start"], stay["end"])
    if key not in file["seen"]:
        lines = list(crossings(file["readings"], *key))
        allowed = timedelta(minutes=GAP_INTERVALS * int(file["interval"]))
        measured = joined((line[0], line[1]) for line in lines if line[4] <= allowed)
        spans = joined(span for span in (above(CLASS_0_TO, line) for line in lines) if span is not None)
        file["seen"][key] = measured, spans, max((max(line[2], line[3]) for line in lines), default=None)
    return file["seen"][key]


class ColdLife:
    """One bag's life in the cold as known at `now`. A stay has start, end and files; a file: at (when read), interval, readings."""

    def __init__(self, stays, taken_out_at, over, now):
        self.stays = [dict(stay) for stay in stays]
        self.missing = False
        self.last_stay_cut_short = False
        self._cut_what_nobody_has_read_yet(now)
        self._add_handling(taken_out_at, over)

    def _cut_what_nobody_has_read_yet(self, now):
        if not self.stays or self.stays[-1]["in_transit"]:
            return
        last = self.stays[-1]
        reach = [min(f["readings"][-1][0], last["end"]) for f in last["files"] if self._overlaps(f, last)]
        read_to = max(reach, default=last["start"])
        if read_to < last["end"] and now - read_to <= TRACE_AGE:
            last["end"] = read_to
            self.last_stay_cut_short = True
        if last["end"] == last["start"]:
            self.stays.pop()

    def _add_handling(self, taken_out_at, over):
        """Out of the store and not yet prepared: time without data, as far as the store's own record is known to reach."""
        self.end = max((s["end"] for s in self.stays), default=None)
        if taken_out_at is None or over <= taken_out_at:
            return
        if not self.last_stay_cut_short or minutes(over - taken_out_at) > GAP_MINUTES_MAX:
            self.end = over

    @staticmethod
    def _overlaps(file, stay):
        return file["readings"][0][0] <= stay["end"] and stay["start"] <= file["readings"][-1][0]

    def seen(self):
        for stay in self.stays:
            for file in stay["files"]:
                yield file, *seen_by(file, stay)

    def gaps(self):
        if not self.stays:
            return []
        measured = joined(span for _, spans, _, _ in self.seen() for span in spans)
        edges = [min(s["start"] for s in self.stays), *(t for span in measured for t in span), self.end]
        silent = zip(edges[::2], edges[1::2], strict=True)
        return [(start, end) for start, end in silent if minutes(end - start) > self._allowed(start, end)]

    def _allowed(self, start, end):
        around = [s for s in self.stays if s["start"] <= end and start <= s["end"]]
        return min((GAP_INTERVALS * f["interval"] for s in around for f in s["files"]), default=GAP_MINUTES_MAX)

    def excursions(self):
        """(from, to, when the file that shows it was read) for every uninterrupted time above class 0."""
        for file, _, spans, _ in self.seen():
            for start, end in spans:
                yield start, end, file["at"]

    def warmest(self):
        return max((warmest for _, _, _, warmest in self.seen() if warmest is not None), default=None)

    def klass(self):
        warmest = self.warmest()
        silent = [s for s in self.stays if not any(self._overlaps(f, s) for f in s["files"])]
        self.missing = bool(silent) or warmest is None
        if warmest is not None and warmest > CLASS_2_TO:
            return 3
        in_class_1 = sum(minutes(end - start) for start, end in joined((a, b) for a, b, _ in self.excursions()))
        if self.missing or self.gaps() or (warmest is not None and warmest > CLASS_1_TO) or in_class_1 > CLASS_1_MINUTES_MAX:
            return 2
        return 1 if warmest > CLASS_0_TO else 0

    def is_released_by(self, decisions):
        """Whether one of QA's decisions covers everything that is not class 0 and was made when all of it was known."""
        known = {}
        for start, end, read_at in self.excursions():
            known[start, end] = min(read_at, known.get((start, end), read_at))
        for decided in decisions:
            reach = min(decided["covers_until"], decided["_at"])
            seen = all(end <= reach and read_at <= decided["_at"] for (_, end), read_at in known.items())
            if seen and all(end <= reach for _, end in self.gaps()):
                return True
        return False

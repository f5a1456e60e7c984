"""The independent model's own reading of rules section 11: the class of a bag's life in the cold, from plain lists of readings.

It shares no code with custody. Times are datetimes, temperatures are Decimals in °C, and everything is in plain tuples and dicts.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

TRACE_AGE = timedelta(hours=24)
"""A store's record may be this old where the bag still lies; what it does not yet show is judged once it is read."""
GAP_INTERVALS = 2
ABSOLUTE_ZERO, NO_LIMIT = Fraction(-274), Fraction(10_000)


class Cryo:
    """Rules section 11, column Cryo."""

    class_0, class_1, class_2 = (ABSOLUTE_ZERO, -150), (ABSOLUTE_ZERO, -135), (ABSOLUTE_ZERO, -120)
    class_1_minutes, gap_minutes = 60, 30
    warm_above, warm_minutes, outside_minutes = NO_LIMIT, NO_LIMIT, NO_LIMIT


class Refrigerated:
    """Rules section 11, column 2–8 °C; from 15 to 25 °C a quarter of an hour is still class 2."""

    class_0, class_1, class_2 = (2, 8), (Fraction(1, 2), 10), (0, 25)
    class_1_minutes, gap_minutes = 30, 15
    warm_above, warm_minutes, outside_minutes = 15, 15, 60


LIMITS = {"frozen": Cryo, "fresh": Refrigerated}


def minutes(span):
    return Fraction(span // timedelta(microseconds=1), 60_000_000)


def line_between(start, end, before, cold, after, warm):
    """The straight line between two readings, cut to a time: (from, to, °C at from, °C at to); None where it lies outside."""
    left, right = max(before, start), min(after, end)
    if left >= right:
        return None
    slope = (Fraction(warm) - Fraction(cold)) / minutes(after - before)
    return left, right, Fraction(cold) + slope * minutes(left - before), Fraction(cold) + slope * minutes(right - before)


def above(limit, line):
    """The part of one straight line that lies above `limit`, or None: (from, to)."""
    left, right, first, last = line
    if max(first, last) <= limit:
        return None
    if min(first, last) > limit or left == right:
        return left, right
    share = (Fraction(limit) - first) / (last - first)
    at = left + timedelta(microseconds=float(share * minutes(right - left) * 60_000_000))
    return (at, right) if last > first else (left, at)


def outside(band, line):
    """The parts of one straight line below and above a band whose ends belong to it."""
    left, right, first, last = line
    return [span for span in (above(band[1], line), above(-band[0], (left, right, -first, -last))) if span is not None]


def joined(spans):
    """Spans as few as possible: what touches or overlaps becomes one."""
    found = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def total(spans):
    return sum((minutes(end - start) for start, end in joined(spans)), Fraction(0))


def read_once(file, limits):
    """(spans measured without a gap, pairs of readings not both in class 0, any temperature in class 0) of a whole file."""
    if "whole" not in file["seen"]:
        allowed = timedelta(minutes=GAP_INTERVALS * int(file["interval"]))
        low, high = limits.class_0
        pairs = [(before, cold, after, warm) for (before, cold), (after, warm) in pairwise(file["readings"])]
        measured = joined((before, after) for before, _, after, _ in pairs if after - before <= allowed)
        odd = [pair for pair in pairs if not (low <= pair[1] <= high and low <= pair[3] <= high)]
        file["seen"]["whole"] = measured, odd
    return file["seen"]["whole"]


def seen_by(file, stay, limits):
    """What one file says about one stay: (spans measured without a gap, the lines that leave class 0), worked out once."""
    key = (stay["start"], stay["end"])
    if key not in file["seen"]:
        measured, odd = read_once(file, limits)
        spans = [(max(a, key[0]), min(b, key[1])) for a, b in measured if max(a, key[0]) < min(b, key[1])]
        lines = [line for line in (line_between(*key, *pair) for pair in odd) if line is not None]
        file["seen"][key] = spans, lines
    return file["seen"][key]


class ColdLife:
    """One bag's life in the cold as known at `now`. A stay has start, end and files; a file: at (when read), interval, readings."""

    def __init__(self, stays, taken_out_at, over, now, limits=Cryo):
        self.limits = limits
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
        if not self.last_stay_cut_short or minutes(over - taken_out_at) > self.limits.gap_minutes:
            self.end = over

    @staticmethod
    def _overlaps(file, stay):
        return file["readings"][0][0] <= stay["end"] and stay["start"] <= file["readings"][-1][0]

    def seen(self):
        for stay in self.stays:
            for file in stay["files"]:
                yield file, *seen_by(file, stay, self.limits)

    def gaps(self):
        if not self.stays:
            return []
        measured = joined(span for _, spans, _ in self.seen() for span in spans)
        edges = [min(s["start"] for s in self.stays), *(t for span in measured for t in span), self.end]
        silent = zip(edges[::2], edges[1::2], strict=True)
        return [(start, end) for start, end in silent if minutes(end - start) > self._allowed(start, end)]

    def _allowed(self, start, end):
        around = [s for s in self.stays if s["start"] <= end and start <= s["end"]]
        return min((GAP_INTERVALS * f["interval"] for s in around for f in s["files"]), default=self.limits.gap_minutes)

    def excursions(self):
        """(from, to, when the file that shows it was read) for every uninterrupted time outside class 0."""
        for file, _, lines in self.seen():
            for start, end in joined(span for line in lines for span in outside(self.limits.class_0, line)):
                yield start, end, file["at"]

    def klass(self):
        # A place whose logger nobody ever read has no trace at all; of one that was read the silent time is a gap like any other.
        self.missing = any(not stay["files"] for stay in self.stays) or not any(spans or lines for _, spans, lines in self.seen())
        lines = [line for _, _, found in self.seen() for line in found]
        beyond = {band: [s for line in lines for s in outside(band, line)] for band in (self.limits.class_1, self.limits.class_2)}
        out = [s for line in lines for s in outside(self.limits.class_0, line)]
        warm = [span for span in (above(self.limits.warm_above, line) for line in lines) if span is not None]
        if beyond[self.limits.class_2] or total(warm) > self.limits.warm_minutes or total(out) > self.limits.outside_minutes:
            return 3
        in_class_1 = total(out) - total(beyond[self.limits.class_1])
        if self.missing or self.gaps() or beyond[self.limits.class_1] or in_class_1 > self.limits.class_1_minutes:
            return 2
        return 1 if out else 0

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

"""Traces and recalls as files: the whole list, sent while it is found, and one that was cut off is seen to be."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.web.lists import csv_file

QA = "demo-qa-one"


def lines(answer) -> list[list[str]]:
    """Of a file that was answered."""
    assert answer.code == 200
    text = answer.html
    assert text.startswith("\ufeff")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines()))


def names_on(page, kind: str) -> set[str]:
    return set(re.findall(rf'href="/things/{kind}/([^"/?]+)"', page.html))


@pytest.mark.parametrize(
    ("thing", "direction"), [("donor/DN-0001", "forward"), ("bag/DEMO0001B0014", "backward"), ("material/MED-0001", "forward")]
)
def test_trace_file_has_what_the_page_has_and_counts_it(web, thing, direction):
    browser = web.browser(QA)
    page = browser.get(f"/things/{thing}/trace?direction={direction}")
    assert f"/things/{thing}/trace?direction={direction}&amp;file=csv" in page.html
    head, *rows, end = lines(browser.get(f"/things/{thing}/trace?direction={direction}&file=csv"))
    assert head == ["Kind", "Number", "Steps", "By way of", "Last act", "Site", "Recorded at (UTC)"]
    assert end == [f"End of the list: {len(rows)} rows"]
    for kind in {row[0] for row in rows}:
        own = thing.partition("/")[2] if thing.startswith(f"{kind}/") else None
        assert {row[1] for row in rows if row[0] == kind} == names_on(page, kind) - {own}
    assert [int(row[2]) for row in rows] == sorted(int(row[2]) for row in rows)


def test_page_shows_the_nearest_and_says_that_there_is_more(web, monkeypatch):
    monkeypatch.setattr("custody.web.pages.things.TRACED_SHOWN", 3)
    page = web.browser(QA).get("/things/donor/DN-0001/trace")
    assert "More than 3 things; these are the nearest. The file has them all." in page.text
    assert len(re.findall(r'<th role="rowheader"', page.html)) == 3


def test_recall_file_names_lot_dose_and_participant_of_every_bag(web):
    browser = web.browser(QA)
    page = browser.get("/desks/quality/lot/LOT-0001/recall")
    assert "/desks/quality/lot/LOT-0001/recall?file=csv" in page.html
    head, *rows, end = lines(browser.get("/desks/quality/lot/LOT-0001/recall?file=csv"))
    assert head[:4] == ["Bag", "Lot", "Dose", "Participant"]
    assert end == [f"End of the list: {len(rows)} rows"]
    assert {row[1] for row in rows} == {"LOT-0001"}
    assert {row[0] for row in rows} <= names_on(page, "bag")
    given = next(row for row in rows if row[2])
    assert (given[2], given[3]) == ("DOSE-0001", "P-0001")


def test_recall_file_behind_a_donor_names_no_participant(web):
    head, *rows, _ = lines(web.browser(QA).get("/desks/quality/donor/DN-0001/recall?file=csv"))
    assert head == ["Bag", "Lot", "Dose", "Last act", "Recorded by people of site", "Recorded at (UTC)"]
    assert rows
    assert not any("P-0" in cell for row in rows for cell in row)


def test_recall_file_of_one_bag_has_that_bag(web):
    _, *rows, _ = lines(web.browser(QA).get("/desks/quality/bag/DEMO0001B0014/recall?file=csv"))
    assert [row[:2] for row in rows] == [["DEMO0001B0014", "LOT-0001"]]


def test_lot_of_medium_has_a_list_of_the_bags_it_touched(web):
    browser = web.browser(QA)
    page = browser.get("/things/material/MED-0001/trace")
    assert "/desks/quality/material/MED-0001/recall" in page.html
    listed = browser.get("/desks/quality/material/MED-0001/recall")
    assert "DEMO0001B0014" in listed.text
    _, *rows, _ = lines(browser.get("/desks/quality/material/MED-0001/recall?file=csv"))
    assert {"DEMO0001B0014", "DEMO0005B0018"} <= {row[0] for row in rows}


def test_recall_page_of_more_than_it_shows_says_so_and_leads_to_the_file(web, monkeypatch):
    monkeypatch.setattr("custody.workflows.desks.recalls.SHOWN_AT_MOST", 2)
    page = web.browser(QA).get("/desks/quality/material/MED-0001/recall")
    assert "There is more than this page shows" in page.text
    assert "The participants of all bags stand in the file." in page.text
    assert len(set(re.findall(r"DEMO\d{4}B\d{3}[0-9A-Z]", page.text))) == 2


@pytest.mark.parametrize("path", ["/things/lot/NO-LOT/trace?file=csv", "/desks/quality/lot/NO-LOT/recall?file=csv"])
def test_nothing_is_sent_of_a_thing_that_does_not_exist(web, path):
    assert web.browser(QA).get(path).code == 404


def test_nobody_without_the_desk_gets_its_file(web):
    assert web.browser("demo-nurse-one").get("/desks/quality/lot/LOT-0001/recall?file=csv").code == 403


@contextmanager
def nowhere():
    yield None


def test_list_is_sent_while_it_is_found():
    asked = []

    def rows(_connection):
        for number in range(3):
            asked.append(number)
            yield [(str(number),) * 40_000]

    answer = csv_file("list", ("a",), nowhere, rows, lambda count: f"{count} in all")
    parts = answer.iter_encoded()
    next(parts)
    assert asked == [0]
    assert b"".join(parts).decode().splitlines()[-1] == "3 in all"


def test_list_that_breaks_off_has_no_last_line():
    def rows(_connection):
        yield [("1",)]
        raise OSError("the disk went away")

    sent = []
    with pytest.raises(OSError, match="went away"):
        sent.extend(csv_file("list", ("a",), nowhere, rows, lambda count: f"{count} in all").iter_encoded())
    assert sent
    assert b"in all" not in b"".join(sent)


def written(rows) -> str:
    def found(_connection):
        yield rows

    answer = csv_file("x", ("a", "b"), nowhere, found, str)
    return b"".join(answer.response).decode()


@given(st.lists(st.tuples(*[st.text(alphabet=st.sampled_from("ab ,;\"'\r\n\t\ufeff中\0"), max_size=3)] * 2), max_size=4))
def test_rows_are_written_as_the_standard_writes_them_whatever_stands_in_them(rows):
    expected = StringIO(newline="")
    csv.writer(expected, lineterminator="\r\n").writerows([("a", "b"), *rows, [str(len(rows))]])
    assert written(rows) == "\ufeff" + expected.getvalue()


@pytest.mark.parametrize("rows", [[(1, "x"), ("y", None)], [("only",), ("one",)], [("",)], [("a", "b"), ("a,b",)], []])
def test_rows_of_other_values_and_lengths_are_written_as_the_standard_writes_them(rows):
    expected = StringIO(newline="")
    csv.writer(expected, lineterminator="\r\n").writerows([("a", "b"), *rows, [str(len(rows))]])
    assert written(rows) == "\ufeff" + expected.getvalue()

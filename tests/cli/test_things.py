"""`custody bag show` and `custody trace`: where a bag is and was, and recall in both directions."""

import json

import pytest

from custody.codes.check_characters import mod37_36

BAG = "DEMO0001B0014"
KEYS_OF_EVENTS = {
    "kind", "act", "stream", "position", "happened_at", "ends_at", "recorded_at", "by", "role", "bad", "late", "verdict", "codes",
}  # fmt: skip


def test_passport_says_where_the_bag_is_and_what_happened(looked_at):
    said = looked_at.done("bag", "show", BAG)
    assert said.startswith(f"bag {BAG}: With the hospital, held by Demo University Hospital, expires 20")
    for part in ("Bag filled", "Shipper sealed", "GO at G9", "Bag reserved for a dose"):
        assert part in said


def test_passport_in_json(looked_at):
    told = looked_at.told("bag", "show", BAG)
    assert set(told) == {"bag", "state", "holder", "expires_at", "blocked", "came_from", "events"}
    assert (told["bag"], told["state"], told["holder"], told["blocked"]) == (BAG, "received", "Demo University Hospital", [])
    assert {"lot:LOT-0001", "shipment:SH-0001"} <= set(told["came_from"])
    assert all(set(event) == KEYS_OF_EVENTS for event in told["events"])
    assert told["events"][0]["act"] == "bag_filled"
    assert [(event["verdict"], event["codes"]) for event in told["events"] if event["kind"] == "verdict"] == [("GO", [])]


def test_recalled_bag_says_so(looked_at):
    assert "! Recalled (RC-0001): lot LOT-0005" in looked_at.done("bag", "show", "DEMO0005B0018")
    assert looked_at.told("bag", "show", "DEMO0005B0018")["blocked"] == ["Recalled (RC-0001): lot LOT-0005"]


def test_time_without_a_custodian_is_shown(looked_at):
    assert "no custodian until" in looked_at.done("bag", "show", "DEMO0003B001E")
    gaps = [event for event in looked_at.told("bag", "show", "DEMO0003B001E")["events"] if event["kind"] == "gap"]
    assert gaps
    assert all(event["bad"] and event["ends_at"] > event["happened_at"] for event in gaps)


def test_bag_is_known_by_its_full_name_too(looked_at):
    assert looked_at.told("bag", "show", f"bag:{BAG}")["bag"] == BAG


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("XXXX", "expected 13 capital letters and digits"),
        ("DEMO0001B0015", "its last character does not match"),
        ("lot:LOT-0001", "is not a bag identifier"),
        (f"DEMO0009B001{mod37_36('DEMO0009B001')}", "there is no bag DEMO0009B001"),
        ("\x1b[31m", "is not a bag identifier"),
    ],
)
def test_what_is_no_bag_is_refused(looked_at, text, sentence):
    refusal = looked_at.refused("bag", "show", text)
    assert sentence in refusal
    assert refusal.isprintable()


def traced(looked_at, identifier, direction):
    return {each["id"]: each for each in looked_at.told("trace", identifier, direction)}


@pytest.mark.parametrize("identifier", ["donor:DN-0001", "DN-0001"])
def test_donor_is_traced_to_every_bag_dose_and_participant(looked_at, identifier):
    found = traced(looked_at, identifier, "--forward")
    assert {f"lot:LOT-000{n}" for n in range(1, 6)} <= set(found)
    assert {f"bag:{BAG}", "dose:DOSE-0001", "participant:P-0001"} <= set(found)
    assert all(set(each) == {"id", "kind", "steps", "newest_act"} for each in found.values())
    assert [each["steps"] for each in found.values()] == sorted(each["steps"] for each in found.values())


def test_material_is_traced_to_what_was_made_with_it(looked_at):
    assert {"lot:LOT-0001", f"bag:{BAG}"} <= set(traced(looked_at, "MED-0001", "--forward"))


def test_logger_is_traced_to_the_bags_that_travelled_with_it(looked_at):
    found = traced(looked_at, "LOGGER-T-0001", "--forward")
    assert {"shipment:SH-0001", f"bag:{BAG}"} <= set(found)
    assert "bag:DEMO0002B0019" not in found


def test_participant_is_traced_back_to_the_donor(looked_at):
    found = traced(looked_at, "P-0001", "--backward")
    assert {"dose:DOSE-0001", f"bag:{BAG}", "lot:LOT-0001", "material:MED-0001", "donor:DN-0001"} <= set(found)
    assert "lot:LOT-0002" not in found


def test_lot_is_traced_both_ways(looked_at):
    assert f"bag:{BAG}" in traced(looked_at, "lot:LOT-0001", "--forward")
    assert "donor:DN-0001" in traced(looked_at, "lot:LOT-0001", "--backward")


def test_thing_with_nothing_before_it_has_an_empty_trace(looked_at):
    assert looked_at.told("trace", "DN-0001", "--backward") == []
    assert looked_at.done("trace", "DN-0001", "--backward").startswith("donor:DN-0001 backward: 0 things")


def test_trace_for_people(looked_at):
    lines = looked_at.done("trace", "LOT-0001", "--forward").splitlines()
    assert lines[0].startswith("lot:LOT-0001 forward: ")
    assert lines[1].split() == ["kind", "identifier", "steps", "newest", "act"]
    assert any(BAG in line and "Bag reserved for a dose" in line for line in lines)


@pytest.mark.parametrize("choice", [(), ("--forward", "--backward")])
def test_direction_is_chosen_exactly_once(looked_at, choice):
    answer = looked_at("trace", "LOT-0001", *choice)
    assert answer.exit_code == 2
    assert "one of them" in answer.stderr


@pytest.mark.parametrize(
    ("identifier", "sentence"),
    [
        ("NOPE", "nothing carries it"),
        ("", "nothing carries it"),
        ("foo:bar", "names no kind of thing"),
        (":", "names no kind of thing"),
        ("lot:LOT-9999", "there is no lot LOT-9999"),
        ("lot:", "is not a lot identifier"),
    ],
)
def test_what_is_nothing_is_refused(looked_at, identifier, sentence):
    assert sentence in looked_at.refused("trace", identifier, "--forward")


def test_json_carries_no_control_characters(looked_at):
    text = looked_at.done("bag", "show", BAG, "--json")
    assert json.loads(text)
    assert all(character.isprintable() or character == "\n" for character in text)

"""Two people at one thing at the receiving desk and at the bed: the second is shown what the first recorded, and loses nothing."""

import pytest

from custody.domain.acts.bedside import InfusionPaused, InfusionRateChanged, VitalsRecorded
from custody.domain.acts.record import Countersigned, Proposed
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt, HandoffAccepted, ShipmentArrived
from custody.workflows import demonstration
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, PHYSICIAN, RECEIVER_ONE, RECEIVER_TWO, acts_of
from tests.web.test_bedside import both_scan, moment, start
from tests.web.test_receiving import bag_answers, coming, warm  # noqa: F401 - fixtures

SECRET = demonstration.SECRET
DECIDED = "Somebody else has decided this meanwhile, and nothing of yours was recorded."
OTHERS = "Recorded by others since you opened this form"
VITALS = {
    "heart_rate": "81",
    "mean_arterial_pressure_mmhg": "77",
    "oxygen_saturation_percent": "98",
    "temperature_celsius": "36.7",
}


@pytest.fixture
def bed(at_the_bed):
    return at_the_bed


def kinds(web, node, *wanted):
    return [act for act in acts_of(web, node.key) if isinstance(act, wanted)]


def proposed(web, node):
    """The acts at this desk that one person signed and another must, oldest first."""
    here = {"bag_accepted", "bag_refused_at_receipt", "infusion_started"}
    return [act.act for act in kinds(web, node, Proposed) if act.act in here]


def by_both(web, path, first, second, *, names=(RECEIVER_ONE, RECEIVER_TWO)):
    """Both open the same form; the first sends, then the second. The second's browser and page."""
    one, two = (web.browser(name) for name in names)
    mine, theirs = one.get(path), two.get(path)
    sent = one.send(mine, path, first)
    assert sent.code == 303, sent.text
    web.clock.advance(seconds=30)
    return two, two.send(theirs, path, second)


def test_second_of_two_who_take_one_shipper_over_is_told_who_did(coming):  # noqa: F811 - the fixture
    values = {"seals": str(coming.cast.seals[0]), "code": "B-118204", "secret": SECRET}
    path = f"{coming.url}/hand-over"
    two, page = by_both(coming, path, values, values)
    assert page.code == 409
    assert DECIDED in page.text
    assert "Demo Receiver One" in page.text.partition(OTHERS)[2]
    assert page.form(path)["code"] == ["B-118204"]
    again = two.send(page, path, {"secret": SECRET})
    assert again.code in {200, 409}, "the record itself refuses what is done already"
    assert len(kinds(coming, coming.cast.shipment, HandoffAccepted)) == 2, "the courier's, and the first receiver's"


def test_second_arrival_of_one_shipment_is_signed_only_by_who_has_read_the_first(coming):  # noqa: F811 - the fixture
    receiver = coming.browser(RECEIVER_ONE)
    taken = {"seals": str(coming.cast.seals[0]), "code": "B-118204", "secret": SECRET}
    receiver.send(receiver.get(f"{coming.url}/hand-over"), f"{coming.url}/hand-over", taken)
    coming.clock.advance(minutes=2)
    values = {
        "shipper": f"CU1:shipper:{coming.cast.shipper}",
        "seals": str(coming.cast.seals[0]),
        "outside_undamaged": "yes",
        "shock_and_tilt_marks_clear": "yes",
        "logger_present_and_running": "yes",
        "bags_counted": "2",
        "secret": SECRET,
    }
    path = f"{coming.url}/arrival"
    two, page = by_both(coming, path, values, values | {"outside_undamaged": "no", "liquid_nitrogen_kg": "3.9"})
    assert page.code == 409
    assert "Demo Receiver One" in page.text.partition(OTHERS)[2]
    assert page.form(path)["outside_undamaged"] == ["no"]
    assert page.form(path)["liquid_nitrogen_kg"] == ["3.9"]
    assert len(kinds(coming, coming.cast.shipment, ShipmentArrived)) == 1
    assert two.send(page, path, {"secret": SECRET}).code == 303, "now it was read, and this person saw it otherwise"
    assert [act.outside_undamaged.value for act in kinds(coming, coming.cast.shipment, ShipmentArrived)] == ["yes", "no"]


def test_who_received_a_bag_alone_while_another_signed_first_is_the_second_person(warm):  # noqa: F811 - the fixture
    bag = warm.cast.bags[0]
    path = f"{warm.url}/bags/{bag}"
    two, page = by_both(
        warm, path, bag_answers(bag, warm.cast, position="H9-FIRST"), bag_answers(bag, warm.cast, out_of_shipper_minutes="7")
    )
    assert page.code == 409
    assert "You are now the second person" in page.text
    assert "Demo Receiver One" in page.text.partition(OTHERS)[2]
    assert "H9-FIRST" not in page.html, "what the first answered stays unseen"
    form = page.form(f"{path}/second")
    assert (form["out_of_shipper_minutes"], form["position"], form["bag"]) == (["7"], ["H9-01"], [f"CU1:bag:{bag}"])
    assert proposed(warm, bag) == ["bag_accepted"]
    assert two.send(page, f"{path}/second", {"secret": SECRET}).code == 303
    assert proposed(warm, bag) == ["bag_accepted"]
    assert not two.get(path).html.count(f'action="{path}"'), "both have signed, and it was judged"


def test_bag_is_refused_beside_an_acceptance_only_by_who_has_read_of_it(warm):  # noqa: F811 - the fixture
    bag = warm.cast.bags[0]
    path = f"{warm.url}/bags/{bag}"
    one, two = warm.browser(RECEIVER_ONE), warm.browser(RECEIVER_TWO)
    refusing = two.get(f"{path}/refuse")
    assert one.send(one.get(path), path, bag_answers(bag, warm.cast, position="H9-FIRST")).code == 303
    warm.clock.advance(seconds=30)
    values = {"bag": f"CU1:bag:{bag}", "reject": "no", "reason": "a drop on the port", "secret": SECRET}
    page = two.send(refusing, f"{path}/refuse", values)
    assert page.code == 409
    assert DECIDED in page.text
    assert "H9-FIRST" not in page.html
    assert page.form(f"{path}/refuse")["reason"] == ["a drop on the port"]
    assert proposed(warm, bag) == [BagAccepted.rule.name]
    assert two.send(page, f"{path}/refuse", {"secret": SECRET}).code == 303
    assert proposed(warm, bag) == [BagAccepted.rule.name, BagRefusedAtReceipt.rule.name]


def test_pause_recorded_by_two_is_told_to_the_second_before_it_counts_twice(bed):
    start(bed)
    path = f"{bed.url}/acts/infusion_paused"
    two, page = by_both(bed, path, {"reason": "cough"}, {"reason": "he coughs"}, names=(NURSE_ONE, NURSE_TWO))
    assert page.code == 409
    assert "Demo Nurse One" in page.text.partition(OTHERS)[2]
    assert "cough" in page.text.partition(OTHERS)[2]
    assert page.form(path)["reason"] == ["he coughs"]
    assert [act.reason for act in kinds(bed, bed.cast.dose, InfusionPaused)] == ["cough"]
    assert two.send(page, path).code == 303
    assert [act.reason for act in kinds(bed, bed.cast.dose, InfusionPaused)] == ["cough", "he coughs"]


def test_rate_is_changed_only_by_who_has_read_of_a_pause_meanwhile(bed):
    start(bed)
    nurse, doctor = bed.browser(NURSE_ONE), bed.browser(PHYSICIAN)
    path = f"{bed.url}/acts/infusion_rate_changed"
    slow = doctor.get(path)
    assert nurse.send(nurse.get(f"{bed.url}/acts/infusion_paused"), f"{bed.url}/acts/infusion_paused", {"reason": "cough"}).code == 303
    bed.clock.advance(seconds=20)
    page = doctor.send(slow, path, {"rate_ml_per_min": "0.5", "reason": "slower"})
    assert page.code == 409
    assert "Infusion paused" in page.text.partition(OTHERS)[2]
    assert page.form(path)["rate_ml_per_min"] == ["0.5"]
    assert kinds(bed, bed.cast.dose, InfusionRateChanged) == []


def test_another_matter_at_the_bed_is_no_reason_to_wait(bed):
    start(bed)
    bed.clock.advance(minutes=2)
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    path = f"{bed.url}/acts/vitals_recorded"
    slow = one.get(path)
    assert two.send(two.get(f"{bed.url}/acts/infusion_paused"), f"{bed.url}/acts/infusion_paused", {"reason": "cough"}).code == 303
    measured = VITALS | moment("measured_at", bed)
    before = len(kinds(bed, bed.cast.dose, VitalsRecorded))
    wrong = one.send(slow, path, measured | {"heart_rate": "fast"})
    assert wrong.code == 422
    assert "Infusion paused" in wrong.text.partition(OTHERS)[2], "the form that comes back for another reason tells it too"
    assert one.send(slow, path, measured).code == 303
    assert len(kinds(bed, bed.cast.dose, VitalsRecorded)) == before + 1


def test_form_at_the_bed_opened_after_the_other_tells_nothing_anew(bed):
    start(bed)
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    path = f"{bed.url}/acts/infusion_paused"
    one.send(one.get(path), path, {"reason": "cough"})
    page = two.get(path)
    assert OTHERS not in page.text
    assert two.send(page, path, {"reason": "coughs again"}).code == 303


def test_go_signed_by_the_other_meanwhile_comes_back_with_the_signature_still_to_give(bed):
    one, two = both_scan(bed)
    mine, theirs = one.get(bed.url), two.get(bed.url)
    assert one.send(mine, f"{bed.url}/start", {"secret": SECRET}).code == 303
    page = two.send(theirs, f"{bed.url}/start", {"secret": SECRET})
    assert page.code == 409
    assert "This changed while you were looking" in page.text
    assert proposed(bed, bed.cast.dose) == ["infusion_started"]
    assert two.send(page, f"{bed.url}/start", {"secret": SECRET}).code == 303, "the page that came back is the one to sign"
    assert len(kinds(bed, bed.cast.dose, Countersigned)) >= 1
    assert "The infusion has started" in two.get(bed.url).text

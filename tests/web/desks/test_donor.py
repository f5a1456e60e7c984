"""The donor desk: consent with its ticks, samples with their worksheet, one list of everything that blocks eligibility, withdrawal."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import donation as acts
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from
from custody.domain.ids import Din, DonorId, SampleId
from custody.domain.terms import Answer, DonorTestOutcome, SamplePurpose
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import STUDY, Script
from tests.web.desks.test_quality_control import inline

DESK = "/desks/donor"
COORDINATOR, NURSE, QP, OPERATOR = "demo-coordinator-one", "demo-procurement-one", "demo-qp-one", "demo-operator-one"
DONOR, DIN = DonorId("DN-0077"), Din.parse("A999926000077")
DONATION = f"{DESK}/donation/{DIN.value}"
TICKS = ("cord_donation", "blood_tests", "medical_history", "research_use", "data_storage")
TESTS = (
    "HIV_AB", "HIV_NAT", "HBSAG", "HBC_AB", "HBV_NAT", "HCV_AB", "HCV_NAT", "SYPHILIS", "HTLV_AB", "CMV_IGG", "CMV_IGM", "CMV_NAT", "EBV",
)  # fmt: skip
RISKS = ("vaccination", "travel", "transfusion", "infection_risk", "inherited", "blood_or_immune", "cancer")


class Mother:
    """A second mother on her way to eligibility; the clock stands a minute after the last thing that happened."""

    def __init__(self, web):
        self.web = web
        self.script = Script(web.clock.now + timedelta(minutes=620))

    def play(self):
        player = Player(self.web.store)
        for step in self.script.in_order():
            player.play(step)
            self.web.clock.now = step.at + timedelta(minutes=1)
        self.script.steps.clear()

    def consents(self, ticks=TICKS):
        self.script.do(acts.DonorRegistered(donor=DONOR), COORDINATOR, minutes=-600)
        signed = self.script.when(minutes=-590)
        form = acts.ConsentSigned(
            donor=DONOR,
            form_version="D-2.0",
            signed_at=signed,
            by_birth_mother=True,
            identity_checked=True,
            ticks=ticks,
            scopes=("research",),
        )
        self.script.do(form, COORDINATOR, minutes=-580)
        return self

    def gives(self):
        cord = acts.CordCollected(
            donation=DIN,
            donor=DONOR,
            delivered_at=self.script.when(minutes=-300),
            collected_at=self.script.when(minutes=-290),
            mother_age_years=29,
            gestation_days=276,
            membranes_ruptured_minutes=360,
            highest_fever_celsius=Decimal("36.9"),
            chorioamnionitis=False,
            cord_length_cm=Decimal(32),
        )
        self.script.do(cord, NURSE, minutes=-280)
        return self

    def is_sampled(self, *, crystalloid="500", number="BLOOD-77"):
        sample = acts.DonorSampled(
            donation=DIN,
            sample=SampleId(number),
            purpose=SamplePurpose.AT_DONATION,
            taken_at=self.script.when(minutes=-250),
            mother_weight_kg=Decimal(68),
            blood_ml_48h=Decimal(0),
            colloid_ml_48h=Decimal(0),
            crystalloid_ml_1h=Decimal(crystalloid),
        )
        self.script.do(sample, NURSE, minutes=-240)
        return self

    def is_tested(self, tests=TESTS, **outcomes):
        for test in tests:
            result = acts.DonorTestResulted(
                donation=DIN,
                sample=SampleId("BLOOD-77"),
                test=test,
                outcome=outcomes.get(test, DonorTestOutcome.NON_REACTIVE),
                method="validated assay",
                laboratory="Demo Virology Laboratory",
                reported_at=self.script.when(minutes=-200),
            )
            self.script.do(result, COORDINATOR, minutes=-180 + TESTS.index(test))
        return self

    def tells(self, **answers):
        lines = dict.fromkeys(RISKS, Answer.NO) | answers
        self.script.do(acts.DonorHistoryTaken(donation=DIN, truth_confirmed=True, **lines), COORDINATOR, minutes=-120)
        return self


@pytest.fixture
def mother(web):
    return Mother(web)


def test_queue_says_what_each_mother_and_donation_waits_for_with_the_last_moment_of_the_sample(web, mother):
    mother.consents().play()
    page = web.browser(NURSE).get(DESK)
    assert "donor DN-0077 Consent signed, birth expected" in page.text
    mother.gives().play()
    page = web.browser(NURSE).get(DESK)
    assert "donation A999926000077 No blood sample that counts last moment for the blood sample" in page.text
    assert f"{DONATION}?act=donor_sampled" in page.html
    assert "DN-0077" not in page.text, "she has given: her donation waits now"


def test_queue_counts_tests_without_a_result_and_offers_the_determination_last(web, mother):
    mother.consents().gives().is_sampled().is_tested(TESTS[:10]).play()
    assert "3 of 13 tests without a result" in web.browser(COORDINATOR).get(DESK).text
    mother.is_tested(TESTS[10:]).tells().play()
    assert "Everything is there: eligibility can be determined" in web.browser(QP).get(DESK).text
    assert f"{DONATION}?act=eligibility_determined" in web.browser(QP).get(DESK).html
    assert "eligibility_determined" not in web.browser(COORDINATOR).get(DESK).html


def test_consent_shows_version_scope_and_ticks(looked_at):
    text = looked_at.signed_in(COORDINATOR).get(f"{DESK}/donor/DN-0001").text
    assert "Form D-2.0 Complete and standing" in text
    assert "Version in force that day" in text
    assert "Uses allowed Clinical trial" in text
    assert "Boxes ticked Donation of the cord" in text


def test_consent_with_a_tick_missing_names_it(web, mother):
    mother.consents(TICKS[:-1]).play()
    text = web.browser(COORDINATOR).get(f"{DESK}/donor/{DONOR.value}").text
    assert "Form D-2.0 Not complete" in text
    assert "NOT ticked, but required Keeping of data" in text


def test_everything_that_blocks_eligibility_stands_in_one_list_with_what_to_do(web, mother):
    mother.consents().gives().is_sampled(crystalloid="3000").is_tested(HBSAG=DonorTestOutcome.REACTIVE).tells(travel=Answer.YES)
    mother.play()
    page = web.browser(QP).get(DONATION)
    assert "3 rules block eligibility" in page.text
    first = page.text.index("Everything eligibility needs")
    listed = page.text[first : page.text.index("in order", first)]
    assert all(f"Blocks {code}" in listed for code in ("ELG-REACT", "ELG-DILUTE", "ELG-HIST"))
    assert "What to do now" in listed
    assert "Donor eligibility determined Blocked by 3 rules: see the list on this page." in page.text
    assert "HBSAG · Hepatitis B surface antigen REACTIVE" in page.text
    assert page.text.index("HBSAG · Hepatitis B") < page.text.index("HIV_AB · HIV"), "the reactive one comes first"


def put_eu_in_force(web, mother):
    """The second version of the study, which follows the rules of the EU."""
    with web.store.reading() as connection:
        now = dossier_of(connection, [STUDY]).last(STUDY, StudyProposed)
    content = json.loads(now.act.content)
    content["settings"]["jurisdiction"] = "eu"
    text = json.dumps(content, sort_keys=True)
    defaults = content_from(text, 2).settings.left_at_default
    mother.script.do(StudyProposed(study=STUDY, study_version=2, content=text), "demo-sponsor-one", minutes=-599)
    approved = StudyApproved(study=STUDY, study_version=2, content_digest=content_digest(text), confirmed_defaults=defaults)
    mother.script.do(approved, QP, minutes=-598)


def test_reactive_anti_hbc_in_the_eu_waits_for_a_risk_assessment_and_ends_with_it(web, mother):
    put_eu_in_force(web, mother)
    mother.consents().gives().is_sampled().is_tested(HBC_AB=DonorTestOutcome.REACTIVE).tells().play()
    page = web.browser(QP).get(DONATION)
    assert "is reactive and needs a risk assessment before a decision" in page.text
    assert "act=donor_risk_assessed" in web.browser(QP).get(DESK).html
    assert 'action="/acts/eligibility_determined/review"' not in web.browser(QP).get(f"{DONATION}?act=eligibility_determined").html
    values = {"test": "HBC_AB", "acceptable": "yes", "reason": "vaccinated, HBV NAT negative", "document": "RA-1"}
    done = inline(web.browser(QP), f"{DONATION}?act=donor_risk_assessed", values)
    assert 'class="confirmation"' in done.html, done.text
    assert "needs a risk assessment" not in web.browser(QP).get(DONATION).text
    assert 'class="confirmation"' in inline(web.browser(QP), f"{DONATION}?act=eligibility_determined", {}).html
    assert "No reactive test waits for a risk assessment." in web.browser(QP).get(f"{DONATION}?act=donor_risk_assessed").text


def test_reactive_anti_hbc_under_the_strict_rules_offers_no_assessment(web, mother):
    mother.consents().gives().is_sampled().is_tested(HBC_AB=DonorTestOutcome.REACTIVE).tells().play()
    page = web.browser(QP).get(f"{DONATION}?act=donor_risk_assessed")
    assert "No reactive test waits for a risk assessment." in page.text
    assert 'action="/acts/donor_risk_assessed/review"' not in page.html


def test_dilution_worksheet_shows_its_arithmetic(web, mother):
    mother.consents().gives().is_sampled(crystalloid="3000").play()
    text = web.browser(COORDINATOR).get(DONATION).text
    assert "Diluted: more than half" in text
    assert "0 + 3000 = 3000 ml, her plasma 2720 ml: MORE than she has" in text
    assert "3000 + 0 = 3000 ml, her blood 4533.56 ml: not more" in text
    assert "50 min after birth" in text


def test_result_is_entered_in_place_with_test_and_sample_filled_in(web, mother):
    mother.consents().gives().is_sampled().play()
    browser = web.browser(COORDINATOR)
    page = browser.get(DONATION)
    href = re.search(r'href="([^"]+test=HIV_AB[^"]+)"', page.html)[1].replace("&amp;", "&")
    form = browser.get(href).form("/acts/donor_test_resulted/review")
    assert (form["test"], form["sample"]) == (["HIV_AB"], ["BLOOD-77"])
    at = web.clock.now + timedelta(hours=8, minutes=-5)
    moment = {"reported_at.date": f"{at:%Y-%m-%d}", "reported_at.time": f"{at:%H:%M:%S}", "reported_at.offset": "+08:00"}
    page = inline(browser, href, {"outcome": "non_reactive", "method": "assay", "laboratory": "Demo", **moment})
    assert f'<a class="button" href="{DONATION}">Back to Donors</a>' in page.html
    assert "12 of 13 tests without a result" in browser.get(DESK).text


def test_eligible_donation_says_who_determined_it_and_when(looked_at):
    text = looked_at.signed_in(QP).get(f"{DESK}/donation/A999926000001").text
    assert "Eligibility Eligible ·" in text
    assert "Eligibility was determined already and stands." in text
    assert "block eligibility" not in text


def test_withdrawal_is_seen_at_once_with_everything_made_from_her(web):
    path = f"{DESK}/donor/DN-0001"
    at = web.clock.now + timedelta(hours=8)
    moment = {"withdrawn_at.date": f"{at:%Y-%m-%d}", "withdrawn_at.time": f"{at:%H:%M:%S}", "withdrawn_at.offset": "+08:00"}
    page = inline(web.browser(COORDINATOR), f"{path}?act=consent_withdrawn", {"reason": "changed her mind", **moment})
    assert 'class="confirmation"' in page.html, page.text
    web.clock.advance(minutes=1)
    text = web.browser(COORDINATOR).get(path).text
    assert "She withdrew." in text
    assert "Withdrawn at" in text
    assert "changed her mind" in text
    assert "She has withdrawn already." in text
    assert "lot LOT-0001" in web.browser(QP).get(path).text, "whoever may see it, sees what it reaches"
    assert "lot LOT-0001" not in text, "the maternity hospital learns nothing of the lots"
    assert "donor DN-0001 Consent withdrawn" in web.browser(COORDINATOR).get(DESK).text
    assert "Blocks CON-WDN" in web.browser(COORDINATOR).get(f"{DESK}/donation/A999926000001").text


def test_family_is_a_nested_list_with_this_one_marked(looked_at):
    page = looked_at.signed_in(QP).get(f"{DESK}/donation/A999926000001")
    family = page.html[page.html.index('class="lineage') :]
    names = ("DN-0001", "A999926000001", "TS-0001", "MCB-0001", "WCB-0001", "LOT-0001")
    places = [family.index(f" {name}") for name in names]
    assert places == sorted(places)
    assert '<strong aria-current="true">donation A999926000001</strong>' in family
    assert "passage 2 of at most 6" in page.text


def test_what_cannot_be_done_says_who_does_it(looked_at):
    text = looked_at.signed_in(COORDINATOR).get(f"{DESK}/donation/A999926000001").text
    assert "This is done by: QP" in text or "This is done by: QA reviewer" in text


def test_desk_is_closed_to_the_bench_and_a_hospital_finds_no_donor(looked_at):
    assert looked_at.signed_in(OPERATOR).get(DESK).code == 403
    assert looked_at.signed_in(COORDINATOR).get(f"{DESK}/donation/A999926999999").code == 404
    assert looked_at.signed_in(COORDINATOR).get(f"{DESK}/lot/LOT-0001").code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "path",
    [
        DESK,
        f"{DESK}/donor/DN-0001",
        f"{DESK}/donation/A999926000001",
        f"{DESK}/donation/A999926000001?act=donor_sampled",
        f"{DESK}/tissue/TS-0001",
    ],
)
def test_pages_are_worded_in_both_languages(looked_at, path, language):
    page = looked_at.signed_in(COORDINATOR, language).get(path)
    assert page.code == 200, page.text
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)

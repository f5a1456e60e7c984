"""Acts of two people: the first signs, the second signs what is shown or reads everything again unseen."""

import re

import pytest

from custody.domain.ids import node_of
from custody.workflows.demonstration import SECRET
from custody.workflows.dossiers import dossier_of

BAG = "DEMO0001B0014"
KEY = f"bag:{BAG}"


def acts_on(web, key):
    with web.store.reading() as connection:
        return [deed.act.rule.name for deed in dossier_of(connection, [node_of(key)]).deeds(node_of(key))]


def propose(web, act, about, values, account):
    """The outcome page of the first signature."""
    browser = web.browser(account)
    review = browser.send(browser.get(f"/acts/{act}?about={about}"), f"/acts/{act}/review", values)
    assert review.code == 200, review.text
    return browser.send(review, f"/acts/{act}", {"secret": SECRET})


def take_out(web):
    """A bag on its way out of the hospital's freezer: the second person scans again."""
    at = {"taken_at.date": "2026-06-01", "taken_at.time": "13:59"}
    page = propose(web, "bag_taken_out", KEY, {"bag": f"CU1:bag:{BAG}", **at}, "demo-preparer-one")
    assert "Signed; waiting for the second person" in page.text
    return page


def destroy_labels(web):
    """Labels destroyed before a witness, who signs what is shown."""
    page = propose(web, "labels_destroyed", "lot:LOT-0004", {"copies": "1", "reason": "torn in print"}, "demo-operator-one")
    assert "Signed; waiting for the second person" in page.text
    return page


def waiting_link(browser):
    return re.search(r'href="(/proposals/[^"]+)"', browser.get("/waiting").html)[1]


def countersign_path(link):
    return f"{link}/countersign"


def test_first_person_learns_who_is_waited_for_and_that_they_scan_unseen(web):
    page = take_out(web)
    assert "Waiting for" in page.text
    assert "Preparer" in page.text
    assert "without seeing what you entered" in page.text
    assert acts_on(web, KEY)[-1] != "bag_taken_out"


def test_proposal_stands_on_the_list_of_those_who_may_sign_and_not_of_the_signer(web):
    take_out(web)
    for account in ("demo-preparer-two", "demo-receiver-one"):
        browser = web.browser(account)
        assert "/proposals/bag/" in browser.get("/").html
        assert "You can sign these" in browser.get("/waiting").text
    first = web.browser("demo-preparer-one")
    assert "/proposals/bag/" not in first.get("/").html
    assert "Waiting for somebody else" in first.get("/waiting").text
    assert "/proposals/bag/" not in web.browser("demo-physician-one").get("/").html


def test_second_person_gets_an_empty_form_without_the_first_persons_scan(web):
    take_out(web)
    browser = web.browser("demo-preparer-two")
    link = waiting_link(browser)
    page = browser.get(link)
    assert page.form(countersign_path(link))["bag"] == [""]
    assert "You do not see what the first person entered" in page.text
    assert "13:59" in page.text, "the time stands, because it is not scanned"


def test_second_person_who_scans_the_same_bag_completes_the_act(web):
    take_out(web)
    browser = web.browser("demo-preparer-two")
    link = waiting_link(browser)
    page = browser.send(browser.get(link), countersign_path(link), {"bag": f"CU1:bag:{BAG}", "secret": SECRET})
    assert page.code == 200, page.text
    assert acts_on(web, KEY)[-1] == "bag_taken_out"
    assert "/proposals/bag/" not in browser.get("/waiting").html


def test_second_person_with_another_bag_is_refused_and_the_proposal_waits_on(web):
    take_out(web)
    browser = web.browser("demo-preparer-two")
    link = waiting_link(browser)
    page = browser.send(browser.get(link), countersign_path(link), {"bag": "CU1:bag:DEMO0001B0022", "secret": SECRET})
    assert page.code == 422
    assert "DEMO0001B0022" in page.text
    assert acts_on(web, KEY)[-1] != "bag_taken_out"
    assert waiting_link(browser) == link


def test_two_weights_that_differ_are_both_measured_again(web):
    page = propose(web, "weight_measured", "participant:P-0001", {"weight_kg": "70.4", "height_cm": "172", "sex": "male"}, "demo-nurse-one")
    assert page.code == 200
    browser = web.browser("demo-nurse-two")
    link = waiting_link(browser)
    empty = browser.get(link)
    assert "70.4" not in empty.text
    wrong = browser.send(empty, countersign_path(link), {"weight_kg": "71.4", "height_cm": "172", "sex": "male", "secret": SECRET})
    assert wrong.code == 422
    assert "The two readings differ in: Weight" in wrong.text
    assert "70.4" not in wrong.text
    assert wrong.form(countersign_path(link))["height_cm"] == ["172"]
    right = browser.send(wrong, countersign_path(link), {"weight_kg": "70.4", "sex": "male", "secret": SECRET})
    assert right.code == 200, right.text
    assert acts_on(web, "participant:P-0001")[-1] == "weight_measured"


def test_witness_sees_the_content_and_signs_its_digest(web):
    destroy_labels(web)
    browser = web.browser("demo-verifier-one")
    link = waiting_link(browser)
    page = browser.get(link)
    assert "torn in print" in page.text
    assert page.form(countersign_path(link))["digest"][0] in link
    done = browser.send(page, countersign_path(link), {"secret": SECRET})
    assert done.code == 200, done.text
    assert acts_on(web, "lot:LOT-0004")[-1] == "labels_destroyed"


def test_first_person_cannot_sign_a_second_time(web):
    destroy_labels(web)
    link = waiting_link(web.browser("demo-verifier-one"))
    browser = web.browser("demo-operator-one")
    page = browser.get(link)
    assert countersign_path(link) not in page.actions
    token = page.form("/sign-out")["csrf_token"]
    values = {"csrf_token": token, "idempotency_key": "k-1", "digest": link.rpartition("/")[2], "secret": SECRET}
    assert browser.post(countersign_path(link), values).code == 403
    assert acts_on(web, "lot:LOT-0004")[-1] != "labels_destroyed"


def test_wrong_secret_of_the_second_person_signs_nothing(web):
    destroy_labels(web)
    browser = web.browser("demo-verifier-one")
    link = waiting_link(browser)
    page = browser.send(browser.get(link), countersign_path(link), {"secret": "wrong"})
    assert page.code == 403
    assert "This password is not right" in page.text
    assert acts_on(web, "lot:LOT-0004")[-1] != "labels_destroyed"


def test_proposal_is_withdrawn_with_its_reason(web):
    destroy_labels(web)
    browser = web.browser("demo-operator-one")
    link = re.search(r'href="(/proposals/[^"]+)"', browser.get("/waiting").html)[1]
    page = browser.get(link)
    assert browser.send(page, f"{link}/withdraw", {"reason": "  "}).code == 422
    assert browser.send(page, f"{link}/withdraw", {"reason": "counted wrongly"}).code == 200
    assert "/proposals/" not in browser.get("/waiting").html
    assert "counted wrongly" in web.browser("demo-qp-one").get("/things/lot/LOT-0004").text
    assert web.browser("demo-verifier-one").get(link).code == 409


def test_stale_page_of_a_signed_proposal_says_so(web):
    destroy_labels(web)
    browser = web.browser("demo-verifier-one")
    link = waiting_link(browser)
    page = browser.get(link)
    browser.send(page, countersign_path(link), {"secret": SECRET})
    again = browser.send(page, countersign_path(link), {"secret": SECRET})
    assert again.code == 409
    assert "Demo Verifier One signed it on 2026-06-01" in again.text


@pytest.mark.parametrize("path", ["/proposals/bag/nonsense/zz", f"/proposals/nokind/X/{'0' * 64}", f"/proposals/bag/{BAG}/{'0' * 64}"])
def test_link_to_no_proposal_gets_a_clear_answer(web, path):
    assert web.browser("demo-preparer-one").get(path).code in {404, 409, 422}


def test_second_person_at_the_bench_reads_where_their_device_stands_and_what_lies_open_there(web):
    destroy_labels(web)
    browser = web.browser("demo-verifier-one")
    link = waiting_link(browser)
    assert "Your workstation This device does not say at which bench" in browser.get(link).text
    browser.send(browser.get("/desks/bench"), "/desks/bench/workstation", {"workstation": "BSC-01"})
    assert "Your workstation BSC-01 · No product is open at this workstation." in browser.get(link).text


def test_second_person_away_from_the_bench_is_told_of_no_workstation(web):
    take_out(web)
    browser = web.browser("demo-preparer-two")
    assert "Your workstation" not in browser.get(waiting_link(browser)).text

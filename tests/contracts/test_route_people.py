"""Every route, from the route table itself: as every role, as a person of another site, with a stale form and a stale session.

A new route with an argument must say here what the argument names (`VALUES`), or the contract does not hold.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlencode

import pytest
from werkzeug.routing import Rule

from custody.domain.acts.allocation import WeightMeasured
from custody.domain.acts.base import ACTS
from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted, SiteRegistered
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from
from custody.domain.ids import AccountId, BagId, PersonId, SiteId, node_of
from custody.domain.scope import AT_A_SITE
from custody.domain.terms import Role, Sex, SiteKind
from custody.intake.study_files import load_study
from custody.ledger.canonical import canonical
from custody.store import entries
from custody.workflows import demonstration
from custody.workflows import people as sessions
from custody.workflows.door import unit_of_work
from custody.workflows.outcome import proposal_digest
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import study_folder
from custody.workflows.rehearsal.steps import STUDY
from tests.web.conftest import over_a_copy

OTHER = SiteId("A9995")
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PAIRS = {
    "donor": ("DN-0001", "DN-9999"),
    "donation": ("A999926000001", "A999926999999"),
    "tissue": ("TS-0001", "TS-9999"),
    "bank": ("WCB-0001", "WCB-9999"),
    "lot": ("LOT-0001", "LOT-9999"),
    "bag": ("DEMO0001B0014", BagId.from_random("DEMO9999B001").value),
    "material": ("MED-0001", "MED-9999"),
    "equipment": ("LN2-91", "LN2-99"),
    "shipment": ("SH-0002", "SH-9999"),
    "participant": ("P-0001", "P-9999"),
    "dose": ("DOSE-0001", "DOSE-9999"),
    "account": ("demo-nurse-one", "demo-nobody-one"),
}
"""Of each kind a thing of somebody else's, and a number that nothing carries. Sites, the study and what travels are everybody's."""
WRISTBANDS = ("WB0001X7K2M9Q4", "WB9999X7K2M9Q4")


@dataclass(frozen=True)
class Asked:
    """One address twice: of a thing of another site, and of none."""

    there: str
    nowhere: str
    names: tuple[tuple[str, str], ...]


@dataclass
class Place:
    """The application over a store in which every role has somebody at another hospital of the same study."""

    web: object
    digests: dict[str, str]

    def browser(self, role):
        return self.web.signed_in(account(role))

    def rules(self):
        return [rule for rule in self.web.app.url_map.iter_rules() if not self.access(rule).public]

    def access(self, rule):
        return getattr(self.web.app.view_functions[rule.endpoint], "custody_access", PUBLIC_FILES)

    def size(self):
        with self.web.store.reading() as connection:
            return entries.size(connection)


@dataclass(frozen=True)
class _Files:
    public = True


PUBLIC_FILES = _Files()


def account(role):
    return f"other-{role.value.replace('_', '-')}"


@pytest.fixture(scope="module")
def place(demonstration_folder, tmp_path_factory):
    for web in over_a_copy(demonstration_folder, tmp_path_factory.mktemp("routes") / "store"):
        digests = open_other_hospital(web)
        yield Place(web, digests)


def do(web, by, act):
    with unit_of_work(web.store) as connection:
        signer = Player.signer(connection, by, act, 0, web.clock())
        return record(connection, act, signer, web.clock())


def open_other_hospital(web):
    """Everybody of `Role` once more, at a hospital that the study names; and a proposal that waits at the first hospital."""
    do(web, "demo-admin-one", SiteRegistered(site=OTHER, name="Demo Other Hospital", kind=SiteKind.HOSPITAL, zone="UTC", phone="+86"))
    for number, role in enumerate(Role):
        name = AccountId(account(role))
        person = AccountCreated(account=name, person=PersonId(f"P-9{number:03d}"), printed_name=name.value, identity_verified_by="nobody")
        granted = RoleGranted(account=name, role=role, site=OTHER, study=None, valid_from=web.clock().date())
        for act in (person, granted):
            do(web, "demo-admin-one", act)
        do(web, name.value, SignaturePolicyAccepted(account=name, policy_version="1"))
        with unit_of_work(web.store) as connection:
            sessions.choose_secret(connection, web.store, name, demonstration.SECRET, web.clock())
    join_study(web)
    weight = WeightMeasured(participant=node_of("participant:P-0001"), weight_kg=70, height_cm=172, sex=Sex.MALE)
    assert do(web, "demo-nurse-one", weight).kind == "waiting"
    with web.store.reading() as connection:
        logger = entries.load_streams(connection, ["logger:LOGGER-T-0002"])["logger:LOGGER-T-0002"]
    file = next(entry.act.file for entry in logger if entry.act.rule.name == "logger_file_read")
    return {"proposals": proposal_digest(weight).value, "receiving": file.value}


def join_study(web):
    content = json.loads(load_study(study_folder())[1])
    content["sites"].append({"id": OTHER.value, "name": "Demo Other Hospital", "kind": "hospital", "zone": "UTC", "phone": "+86"})
    text = canonical(content).decode()
    do(web, "demo-sponsor-one", StudyProposed(study=STUDY, study_version=2, content=text))
    left = content_from(text).settings.left_at_default
    approved = StudyApproved(study=STUDY, study_version=2, content_digest=content_digest(text), confirmed_defaults=left)
    do(web, "demo-qp-one", approved)


def first_digest(place, kind, name):
    with place.web.store.reading() as connection:
        return entries.load_streams(connection, [f"{kind}:{name}"])[f"{kind}:{name}"][0].digest.value


def asked(place, rule):
    """The rule's addresses for things of another site, each beside the same for a number of nothing."""
    values = VALUES[frozenset(rule.arguments)]
    return [made for pair in values(place, rule) for made in (_both(rule, *pair),)]


def _both(rule, there, nowhere):
    names = tuple((str(there[key]), str(nowhere[key])) for key in there if there[key] != nowhere[key])
    return Asked(_address(rule, there), _address(rule, nowhere), names)


def _address(rule: Rule, values):
    built = rule.build({key: quote(value, safe="") for key, value in values.items()})
    assert built is not None
    return str(built[1])


def _things(place, rule):
    del place, rule
    for kind, (there, nowhere) in PAIRS.items():
        yield {"kind": kind, "name": there}, {"kind": kind, "name": nowhere}


def _things_with_digest(place, rule):
    for there, nowhere in _things(place, rule):
        digest = place.digests.get(rule.endpoint.partition(".")[0])
        found = digest if digest is not None and there["kind"] == "participant" else first_digest(place, there["kind"], there["name"])
        yield {**there, "digest": found}, {**nowhere, "digest": found}


def _symbols(place, rule):
    del place, rule
    for kind in ("bag", "shipment", "lot", "dose", "equipment", "material", "participant", "donor", "tissue", "bank"):
        yield {"kind": kind, "value": PAIRS[kind][0]}, {"kind": kind, "value": PAIRS[kind][1]}
    yield {"kind": "badge", "value": "DEMO-NURSE-ONE"}, {"kind": "badge", "value": "DEMO-NOBODY-ONE"}
    yield {"kind": "wristband", "value": WRISTBANDS[0]}, {"kind": "wristband", "value": WRISTBANDS[1]}


def _one(kind, **more):
    def values(place, rule):
        del rule
        given = {name: place.digests.get(value, value) for name, value in more.items()}
        yield {kind: PAIRS[kind][0], **given}, {kind: PAIRS[kind][1], **given}

    return values


def _curves(place, rule):
    del place, rule
    yield tuple({"name": bag, "place": "0", "number": "0"} for bag in PAIRS["bag"])


VALUES = {
    frozenset({"name", "place", "number"}): _curves,
    frozenset({"kind", "name"}): _things,
    frozenset({"kind", "name", "digest"}): _things_with_digest,
    frozenset({"kind", "value"}): _symbols,
    frozenset({"account"}): _one("account"),
    frozenset({"dose"}): _one("dose"),
    frozenset({"dose", "name"}): _one("dose", name="vitals_recorded"),
    frozenset({"shipment"}): _one("shipment"),
    frozenset({"shipment", "bag"}): _one("shipment", bag="DEMO0002B0012"),
    frozenset({"shipment", "digest"}): _one("shipment", digest="receiving"),
}
"""What the arguments of a route name, by their names. `acts/<name>` names an act; the thing it is about comes with `about`."""
NAMES_NO_THING = (frozenset({"name"}), frozenset({"kind"}), frozenset({"digest"}))
"""`acts/<name>` names an act, `registers/of/<kind>` a list of what the person may find, `logger-files/<digest>` a file of a
logger, which goes round all sites of the study."""


def plain(page, names):
    """What came back, without the numbers that were asked for and without what differs each time."""
    text = f"{page.code} {page.location} {page.html}"
    for there, nowhere in names:
        for spelling in (str, str.lower, str.upper, quote):
            text = text.replace(spelling(there), "THING").replace(spelling(nowhere), "THING")
    text = re.sub(r'name="idempotency_key" value="[^"]*"', "", text)
    return re.sub(r"\b[0-9a-f]{16}\b", "", text)


def token_of(browser):
    return _token(browser.client)


@cache
def _token(client):
    """What the forms of this browser's session carry."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/secret").get_data(as_text=True))
    assert found is not None
    return found[1]


def send(browser, method, address, **values):
    if method == "GET":
        return browser.get(address)
    return browser.post(address, {"csrf_token": token_of(browser), **values})


def roles_for(place, rule):
    """People of a site who may open this route; all of them, where it is open to whoever signed in."""
    named = place.access(rule).roles
    return sorted((named or AT_A_SITE) & AT_A_SITE)


def rules_about_things(place):
    return [rule for rule in place.rules() if rule.arguments and frozenset(rule.arguments) not in NAMES_NO_THING]


def test_every_argument_of_a_route_is_known_to_this_contract(place):
    unknown = {rule.rule for rule in rules_about_things(place) if frozenset(rule.arguments) not in VALUES}
    assert unknown == set()
    assert len(rules_about_things(place)) > 20


def test_thing_of_another_site_is_answered_like_one_that_does_not_exist(place):
    """Whatever the route, the method and the role: the answers are the same page, and it says that there is no such thing."""
    tried = 0
    for rule in rules_about_things(place):
        roles = roles_for(place, rule)
        every = asked(place, rule)
        for method in sorted((rule.methods or set()) & {"GET", *CHANGES}):
            # All things as one role, and one thing as all of them.
            for role, one in [*((roles[0], one) for one in every), *((role, every[-1]) for role in roles[1:])] if roles else []:
                browser = place.browser(role)
                there, nowhere = (send(browser, method, address) for address in (one.there, one.nowhere))
                assert plain(there, one.names) == plain(nowhere, one.names), f"{role}: {method} {one.there}"
                refused = {403, 404, 409, 422} | ({302, 303} if method != "GET" else set())
                assert there.code in refused, f"{role}: {method} {one.there} answered {there.code}"
                tried += 1
    assert tried > 150


def test_the_same_thing_is_there_for_somebody_who_may_find_it(place):
    """So that all those pages are not the same because of something else."""
    qp = place.web.signed_in("demo-qp-one")
    for kind, (name, _) in PAIRS.items():
        assert qp.get(f"/things/{kind}/{name}").code == 200, kind
        assert qp.get(f"/things/{kind}/{name}/trace").code == 200, kind
    nurse = place.web.signed_in("demo-nurse-one")
    assert nurse.get(f"/symbols/wristband/{WRISTBANDS[0]}.svg").code == 200
    assert nurse.get(f"/proposals/participant/P-0001/{place.digests['proposals']}").code == 200
    assert place.web.signed_in("demo-receiver-one").get("/receiving/SH-0002").code == 200


def test_form_about_a_thing_of_another_site_is_that_of_an_unknown_thing(place):
    for rule in ACTS.values():
        roles = (rule.slots[0].roles if rule.slots else rule.by) & AT_A_SITE
        kinds = [cls.kind for cls in rule.about if cls.kind in PAIRS]
        if not roles or not kinds or rule.companion or rule.evidence or rule.opens != "no" or rule.stage == "record":
            continue
        browser = place.browser(min(roles))
        for kind in kinds:
            names = PAIRS[kind]
            for method, path in (("GET", f"/acts/{rule.name}"), ("POST", f"/acts/{rule.name}/review"), ("POST", f"/acts/{rule.name}")):
                pages = []
                for name in names:
                    about = f"{kind}:{name}"
                    address = f"{path}?{urlencode({'about': about})}" if method == "GET" else path
                    pages.append(plain(send(browser, method, address, about=about), (names,)))
                assert pages[0] == pages[1], f"{method} {path} about {kind}"


def test_nothing_of_another_site_stands_on_a_page_without_arguments(place):
    """Work list, desks, search, forms: no number of a thing of somebody else, whoever of the other hospital looks."""
    theirs = [*(there for there, _ in PAIRS.values()), WRISTBANDS[0], "demo-receiver-one", "DEMO0001B"]
    addresses = [rule.rule for rule in place.rules() if "GET" in (rule.methods or set()) and not rule.arguments]
    searches = [f"/search?q={quote(name)}" for name in theirs]
    for role in sorted(AT_A_SITE):
        browser = place.browser(role)
        for address in addresses:
            html = browser.get(address).html
            shown = [name for name in theirs if name in html]
            assert shown == [], f"{role} reads {shown} on {address}"
        for address in searches if role in {Role.INVESTIGATOR, Role.OPERATOR, Role.CARRIER} else ():
            page = browser.get(address)
            assert page.code == 200, f"{role} was led on by {address}"
            assert "/things/" not in page.html, f"{role} found something by {address}"


def test_attempt_at_a_thing_of_another_site_is_kept_and_at_none_is_not(place):
    browser = place.browser(Role.INVESTIGATOR)
    stream = f"account:{account(Role.INVESTIGATOR)}"

    def attempts():
        with place.web.store.reading() as connection:
            kept = [entry.act for entry in entries.load_evidence(connection, stream)]
        return [(act.what, act.refusal) for act in kept if act.rule.name == "access_refused"]

    before = len(attempts())
    browser.get("/things/dose/DOSE-9999")
    assert len(attempts()) == before
    browser.get("/things/dose/DOSE-0001")
    assert attempts()[before:] == [("dose:DOSE-0001", "out_of_scope")]


def test_route_of_some_roles_is_refused_to_all_others(place):
    for rule in place.rules():
        needed = place.access(rule).roles
        address = (
            asked(place, rule)[0].nowhere
            if frozenset(rule.arguments) in VALUES
            else rule.rule.replace("<name>", "hold_placed").replace("<kind>", "material")
        )
        methods, opened = sorted((rule.methods or set()) & {"GET", *CHANGES}), False
        for role in Role if needed else ():
            for method in methods:
                page = send(place.browser(role), method, address)
                opened |= method == "GET" and role in needed and page.code != 403
                assert page.code < 500, f"{role}: {method} {address} answered {page.code}"
                if role not in needed:
                    assert page.code == 403, f"{role}: {method} {address} answered {page.code}"
        assert opened or not needed or "GET" not in methods, f"nobody may open {address}"


def test_route_for_whoever_signed_in_never_fails_for_any_role(place):
    for rule in place.rules():
        if place.access(rule).roles or "GET" not in (rule.methods or set()):
            continue
        address = (
            asked(place, rule)[0].nowhere
            if frozenset(rule.arguments) in VALUES
            else rule.rule.replace("<name>", "hold_placed").replace("<kind>", "material")
        )
        for role in Role:
            page = place.browser(role).get(address)
            assert page.code in {200, 302, 303, 403, 404, 422}, f"{role}: {address} answered {page.code}"


TYPED = {"reason": "typed before", "scan": "nothing that anybody knows"}


def test_form_of_an_older_session_changes_nothing(place):
    """The token of another session: whatever was typed comes back to be sent again, and nothing is done."""
    for rule in place.rules():
        for method in (rule.methods or set()) & CHANGES:
            address = (
                asked(place, rule)[0].nowhere
                if frozenset(rule.arguments) in VALUES
                else rule.rule.replace("<name>", "hold_placed").replace("<kind>", "material")
            )
            role = min(place.access(rule).roles or {Role.INVESTIGATOR})
            browser, before = place.browser(role), place.size()
            page = browser.post(address, {"csrf_token": "of an older session", **TYPED})
            assert page.code == 409, f"{method} {address} answered {page.code}"
            assert place.size() == before, address
            assert browser.post(address, TYPED).code == 409, f"{address} without a token"


def test_session_that_is_over_opens_nothing(place):
    """The cookie of a session that its owner ended."""
    browser = place.web.browser(account(Role.VERIFIER))
    token = token_of(browser)
    cookie = browser.client.get_cookie("custody_session")
    assert browser.post("/sign-out", {"csrf_token": token}).code in {302, 303}
    assert cookie is not None
    for rule in place.rules():
        address = (
            asked(place, rule)[0].nowhere
            if frozenset(rule.arguments) in VALUES
            else rule.rule.replace("<name>", "hold_placed").replace("<kind>", "material")
        )
        for method in sorted((rule.methods or set()) & {"GET", *CHANGES}):
            browser.client.set_cookie("custody_session", cookie.value)
            before = place.size()
            page = browser.get(address) if method == "GET" else browser.post(address, {"csrf_token": token, **TYPED})
            if method == "GET":
                assert page.code == 302, address
                assert page.location.startswith("/sign-in"), address
            else:
                assert page.code in {302, 401, 403}, f"{address} answered {page.code}"
            assert place.size() == before, address

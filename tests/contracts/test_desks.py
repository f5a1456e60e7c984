"""Every act that people record is offered by a desk of everybody who may begin it, at most three clicks from the work list."""

import re

import pytest

from custody.domain.acts.base import ACTS
from custody.domain.duties import roles_at
from custody.domain.ids import NODE_KINDS
from custody.domain.terms import Role
from custody.web.deeds import ELSEWHERE
from custody.web.desks import DESKS, desks_of
from custody.words.catalogues import phrases
from custody.workflows.desks.corrections import has_form
from custody.workflows.rehearsal.steps import people
from tests.web.conftest import demonstration_folder, looked_at
from tests.web.test_people import accept_policy

__all__ = ["demonstration_folder", "looked_at"]
AT_NO_DESK = {name: where for name, where in ELSEWHERE.items() if where in {"secret", "policy", "command"}}
"""One's own password and policy stand under “My account”; a study is proposed at the command line."""
EVERYBODY = frozenset(Role)
BEGUN_BY = [
    pytest.param(act, role, id=f"{act}-{role.value}")
    for act, rule in ACTS.items()
    if has_form(rule) and act not in AT_NO_DESK
    # What everybody may do they do for themselves, under “My account”; for others the administrator does.
    for role in sorted(roles_at(rule, 0) if roles_at(rule, 0) != EVERYBODY else {Role.ADMINISTRATOR})
]


def somebody(role):
    return next((p.account.value for p in people().values() if role in p.roles), None)


@pytest.mark.parametrize(("act", "role"), BEGUN_BY)
def test_every_role_that_may_begin_an_act_has_a_desk_that_offers_it(act, role):
    assert any(act in desk.acts for desk in desks_of(frozenset({role}))), f"no desk of {role} offers {act}"


def test_table_of_desks_names_only_acts_kinds_and_words_that_exist():
    for desk in DESKS:
        assert set(desk.acts) <= set(ACTS), desk.name
        assert len(set(desk.acts)) == len(desk.acts), f"{desk.name} offers an act twice"
        assert set(desk.kinds) <= set(NODE_KINDS), desk.name
        assert desk.title_key in phrases(), desk.name
        for act in desk.acts:
            assert desk.roles & roles_at(ACTS[act], 0), f"nobody at the {desk.name} desk may begin {act}"


def test_every_role_works_at_some_desk():
    assert [role for role in Role if not desks_of(frozenset({role}))] == []


def menu(page):
    return re.findall(r'<li><a href="([^"]+)"', page.html[: page.html.index("</nav>")])


def links(page):
    return {href.replace("&amp;", "&") for href in re.findall(r'href="([^"]+)"', page.html)}


def leads_to(found, act):
    """Of these links those on which this act is begun."""
    own = ELSEWHERE.get(act)
    if own is not None:
        return {href for href in found if href == f"/{own}"}
    return {href for href in found if href.startswith(f"/acts/{act}?")}


@pytest.fixture(scope="module")
def on_the_desks(looked_at):
    """Every link on the desks of a person, each desk opened from the menu of the work list."""
    known = {}

    def of(account):
        if account not in known:
            browser = looked_at.signed_in(account)
            desks = [href for href in menu(browser.get("/")) if href.startswith(("/desks/", "/receiving", "/bedside"))]
            known[account] = {href for desk in desks for href in links(browser.get(desk))}
        return known[account]

    return of


@pytest.mark.parametrize(("act", "role"), BEGUN_BY)
def test_form_of_every_act_is_at_most_three_clicks_from_the_work_list(looked_at, on_the_desks, act, role):
    account = somebody(role)
    if account is None:
        return
    browser = looked_at.signed_in(account)
    found = leads_to(on_the_desks(account), act)  # first click: the desk; second: the act
    assert found, f"{account} finds no way to {act} from a desk"
    page = browser.get(min(found))
    if page.location.startswith("/policy?"):  # whoever never signed anything reads first what a signature means
        page = accept_policy(browser).get(min(found))
    assert page.code == 200, page.text
    if f'action="/acts/{act}/review"' in page.html or act in ELSEWHERE:
        return
    about = [href for href in links(page) if href.startswith(f"/acts/{act}?about=")]  # third: the thing
    assert about or 'name="about"' in page.html, f"{act} asks for nothing and shows no form"
    if about:
        assert f'action="/acts/{act}/review"' in browser.get(about[0]).html


@pytest.mark.parametrize("desk", [desk for desk in DESKS if desk.has_sheets], ids=lambda desk: desk.name)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_desk_opens_for_its_people_and_for_nobody_else(looked_at, desk, language):
    path = f"/desks/{desk.name.replace('_', '-')}"
    for person in people().values():
        if language == "zh" and not desk.roles & set(person.roles):
            continue  # a refusal reads alike at every desk
        page = looked_at.signed_in(person.account.value, language).get(path)
        may = bool(desk.roles & set(person.roles))
        assert page.code == (200 if may else 403), (person.account.value, page.text)
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)
        assert (path in menu(page)) is may

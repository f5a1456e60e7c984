"""`custody account`: the first account of an installation, further ones, grants, disabling."""

import pytest

from custody import clock
from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.ids import AccountId
from custody.workflows import secret_checks
from custody.workflows.door import open_store

ADD = ("account", "add", "nurse.li", "--person", "PERSON-900", "--printed-name", "Li Na", "--identity", "passport seen")
FIRST = ("account", "add", "admin", "--person", "PERSON-001", "--printed-name", "Ada Min", "--identity", "passport seen", "--bootstrap")
SITE = ("--site", "A9990", "--site-name", "Trial office", "--zone", "Asia/Shanghai", "--phone", "+86 25 5550 0194")
BY = ("--by", "demo-admin-one")
TYPED = {"typed": "demonstration\n"}


@pytest.fixture
def installed(nowhere):
    nowhere.done("db", "upgrade")
    return nowhere


def accounts(cli):
    return {row["account"]: row for row in cli.told("account", "list")}


def test_first_account_is_an_administrator_with_a_one_time_secret(installed):
    said = installed.done(*FIRST, *SITE)
    assert said.startswith("account admin added; one-time secret: ")
    assert len(said.rpartition(" ")[2].strip()) >= 16
    assert accounts(installed) == {
        "admin": {
            "account": "admin",
            "person": "PERSON-001",
            "printed_name": "Ada Min",
            "enabled": True,
            "grants": ["administrator at A9990"],
        }
    }
    assert installed.told("ledger", "verify")["ok"] is True


OWN = "a secret of my own"


def first_secret(installed):
    return installed.done(*FIRST, *SITE).rpartition(" ")[2].strip()


def test_one_time_secret_signs_nothing_until_its_owner_has_chosen(installed):
    secret = first_secret(installed)
    assert "custody account secret admin" in installed.refused(*ADD, "--by", "admin", typed=f"{secret}\n")
    assert "nurse.li" not in accounts(installed)
    said = installed.done("account", "secret", "admin", typed=f"{secret}\n{OWN}\n{OWN}\n")
    assert said == "admin has a secret of their own\n"
    assert "one-time secret" in installed.done(*ADD, "--by", "admin", typed=f"{OWN}\n")
    assert "wrong secret" in installed.refused(*ADD, "--by", "admin", typed=f"{secret}\n")
    assert installed.told("ledger", "verify")["ok"] is True


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("{secret}\nshort\nshort\n", "a secret has 10 to 200 characters"),
        ("{secret}\nlong enough one\nlong enough two\n", "the two new secrets differ"),
        ("{secret}\n{secret}\n{secret}\n", "choose another"),
        ("wrong\nlong enough one\nlong enough one\n", "wrong secret, or locked out"),
        ("{secret}\n", "the secret of admin (new) is missing"),
    ],
)
def test_secret_that_does_not_do_is_refused(installed, typed, sentence):
    secret = first_secret(installed)
    assert sentence in installed.refused("account", "secret", "admin", typed=typed.format(secret=secret))


def test_administrator_cannot_sign_with_the_one_time_secret_they_were_shown(cli):
    """Whoever adds an account sees its first secret: it must not open the account's signature (21 CFR 11.200)."""
    secret = cli.done(*ADD, *BY, **TYPED).rpartition(" ")[2].strip()
    cli.done("account", "grant", "nurse.li", "qp", "--site", "A9991", *BY, **TYPED)
    refusal = cli.refused("study", "approve", "NCT06505941", "--by", "nurse.li", *CONFIRMED(cli), typed=f"{secret}\n")
    assert "still has a one-time secret" in refusal


def test_role_is_revoked(cli):
    held = accounts(cli)["demo-qp-one"]["grants"]
    assert held
    role, _, site = held[0].partition(" for ")[0].partition(" at ")
    study = held[0].partition(" for ")[2]
    where = ("--site", site, *(("--study", study) if study else ()))
    said = cli.done("account", "revoke", "demo-qp-one", role, *where, "--reason", "moved", *BY, **TYPED)
    assert said == f"demo-qp-one is no longer {role} at {site}\n"
    assert held[0] not in accounts(cli)["demo-qp-one"]["grants"]


RESET = ("account", "reset", "demo-qp-one", "--identity", "card seen", "--reason", "forgotten")


def test_reset_needs_the_signature_policy_as_every_signature_does(cli):
    assert "accept the signature policy" in cli.refused(*RESET, *BY, **TYPED)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ((*RESET[:4], " ", *RESET[5:], *BY), "--identity is"),
        ((*RESET[:6], "", *BY), "--reason is"),
        (("account", "reset", "nobody-here", *RESET[3:], *BY), "nobody-here"),
        (("account", "reset", "demo-admin-one", *RESET[3:], *BY), "ask another administrator"),
        ((*RESET, "--by", "demo-qa-one"), "does not hold the role administrator"),
    ],
)
def test_reset_that_is_not_allowed_is_refused_in_one_sentence(cli, command, sentence):
    assert sentence in cli.refused(*command, **TYPED)


def test_reset_shows_a_code_once_and_says_who_signs_next(cli):
    accept_policy(cli, "demo-admin-one")
    said = cli.done(*RESET, *BY, **TYPED)
    assert said.startswith("code for demo-qp-one, shown this once: ")
    code = said.partition(": ")[2].partition(";")[0]
    assert len(code) == 11
    assert "once a witness has signed" in said
    assert code.encode() not in cli.database.read_bytes()


def accept_policy(cli, name):
    with open_store(f"sqlite:///{cli.database}").writing() as connection:
        by = secret_checks.as_themselves(connection, AccountId(name), clock.now())
        secret_checks.append(connection, (SignaturePolicyAccepted(account=AccountId(name), policy_version="1"),), by, clock.now())


def test_there_is_only_one_first_account(installed):
    installed.done(*FIRST, *SITE)
    assert "the first account exists already" in installed.refused(*FIRST, *SITE)


def test_account_is_added_by_an_administrator(cli):
    said = cli.done(*ADD, *BY, **TYPED)
    assert said.startswith("account nurse.li added; one-time secret: ")
    assert accounts(cli)["nurse.li"] == {
        "account": "nurse.li",
        "person": "PERSON-900",
        "printed_name": "Li Na",
        "enabled": True,
        "grants": [],
    }
    assert cli.told("ledger", "verify")["ok"] is True


def test_role_is_granted(cli):
    said = cli.done("account", "grant", "demo-qa-one", "sponsor", "--site", "A9994", "--study", "NCT06505941", *BY, **TYPED)
    assert said == "demo-qa-one is sponsor at A9994\n"
    assert "sponsor at A9994 for NCT06505941" in accounts(cli)["demo-qa-one"]["grants"]


def test_disabled_account_signs_nothing_more(cli):
    assert cli.done("account", "disable", "demo-qp-one", "--reason", "has left", *BY, **TYPED) == "demo-qp-one is disabled\n"
    assert accounts(cli)["demo-qp-one"]["enabled"] is False
    assert "wrong secret, or locked out" in cli.refused("study", "approve", "NCT06505941", "--by", "demo-qp-one", *CONFIRMED(cli), **TYPED)


def CONFIRMED(cli):
    """Every default of the study's version, as a program confirms them."""
    refusal = cli.refused("study", "approve", "NCT06505941", "--by", "demo-qp-one", "--confirm", "no such name", **TYPED)
    names = refusal.partition("they are: ")[2].split(", ")
    return tuple(part for name in names for part in ("--confirm", name))


def test_wrong_secret_is_refused_and_counted(cli):
    before = cli.told("ledger", "verify")["entries"]
    for _ in range(5):
        assert cli.refused(*ADD, *BY, typed="wrong\n") == "demo-admin-one: wrong secret, or locked out"
    assert cli.refused(*ADD, *BY, **TYPED) == "demo-admin-one: wrong secret, or locked out"
    assert cli.told("ledger", "verify")["entries"] == before + 5
    assert "nurse.li" not in accounts(cli)


def test_somebody_else_administers_nothing(cli):
    assert "does not hold the role administrator" in cli.refused(*ADD, "--by", "demo-nurse-one", **TYPED)
    assert "wrong secret, or locked out" in cli.refused(*ADD, "--by", "nobody-at-all", **TYPED)


def test_missing_secret_is_refused(cli):
    assert "the secret of demo-admin-one is missing" in cli.refused(*ADD, *BY, typed="")


@pytest.mark.parametrize(
    "command",
    [
        ADD,
        (*ADD, "--bootstrap", *BY),
        FIRST,
        ADD[:3],
        ("account", "grant", "demo-qa-one", "king", "--site", "A9994", *BY),
        ("account", "grant", "demo-qa-one", "sponsor", *BY),
        ("account", "disable", "demo-qa-one", *BY),
    ],
)
def test_incomplete_command_is_a_usage_error(cli, command):
    answer = cli(*command, **TYPED)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert "Usage:" in answer.stderr


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("account", "add", "Ada Min", *ADD[3:], *BY), "is not an account"),
        ((*ADD[:4], "nobody!", *ADD[5:], *BY), "is not a person"),
        ((*ADD[:6], "\x1b[2J", *ADD[7:], *BY), "--printed-name is"),
        ((*ADD[:8], " ", *BY), "--identity is"),
        (("account", "add", "demo-qa-one", *ADD[3:], *BY), "demo-qa-one"),
        ((*ADD[:4], "PERSON-001", *ADD[5:], *BY), "PERSON-001"),
        (("account", "grant", "nobody-here", "sponsor", "--site", "A9994", *BY), "nobody-here"),
        (("account", "grant", "demo-qa-one", "sponsor", "--site", "a place", *BY), "is not a site"),
        (("account", "grant", "demo-qa-one", "sponsor", "--site", "A9994", "--until", "tomorrow", *BY), "is not a date"),
        (("account", "grant", "demo-qa-one", "sponsor", "--site", "A9994", "--until", "2020-01-01", *BY), "is over already"),
        (("account", "grant", "demo-qa-one", "administrator", "--site", "A9994", *BY), "cannot be administrator and"),
        (("account", "disable", "nobody-here", "--reason", "gone", *BY), "nobody-here"),
        (("account", "disable", "demo-qa-one", "--reason", "", *BY), "--reason is"),
    ],
)
def test_wrong_value_is_refused_in_one_sentence_and_changes_nothing(cli, command, sentence):
    before = accounts(cli)
    assert sentence in cli.refused(*command, **TYPED)
    assert accounts(cli) == before


@pytest.mark.parametrize(
    ("option", "value", "sentence"), [("--site", "no place", "is not a site"), ("--zone", "Mars/Base", "is no time zone")]
)
def test_wrong_first_site_is_refused(installed, option, value, sentence):
    values = list(SITE)
    values[values.index(option) + 1] = value
    assert sentence in installed.refused(*FIRST, *values)
    assert accounts(installed) == {}


def test_accounts_for_people(looked_at):
    lines = looked_at.done("account", "list").splitlines()
    (line,) = [line for line in lines if line.startswith("demo-qp-one ")]
    assert line.split() == ["demo-qp-one", "PERSON-008", "Demo", "QP", "One", "yes", "qp", "at", "A9991"]

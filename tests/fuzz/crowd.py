"""Everybody of the demonstration at once, each with a browser, and the forms of their pages: sent changed, or to other addresses."""

from __future__ import annotations

import io
import json
from urllib.parse import quote, urlencode

from custody.domain.acts.base import ACTS
from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal.steps import people
from tests.contracts.test_route_people import PAIRS, WRISTBANDS
from tests.fuzz.mutants import ODD, SCANS, mutated, sendable
from tests.web.conftest import _Form

FORMS_KEPT = 300
LEFT_ALONE = {"secret": SECRET}
AWAY = {302, 303, 401, 403}
NAMES = {
    **{kind: names for kind, names in PAIRS.items() if kind in ("account", "dose", "shipment", "bag")},
    "value": (*WRISTBANDS, *(name for pair in PAIRS.values() for name in pair)),
    "place": ("0", "1", "99999999999999999999"),
    "number": ("0", "1", "-1", "99999999999999999999"),
    "digest": ("0" * 64, "f" * 64, "z" * 64, "0"),
}
OUTSIDE = ("/sign-out", "/secret", "/sign-in")
ON_EVERY_PAGE = ("/language", "/appearance", "/search")
WORDS = ("reason", "owner", "description", "remark", "method", "relation", "certificate")
TYPES = ("application/json", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded; charset=utf-16", "x/y", "")


class Crowd:
    """`send()` makes one request of somebody; what came back is checked by the caller."""

    def __init__(self, web, rnd):
        self.web, self.rnd = web, rnd
        self.accounts = sorted(people())
        self.rules = [rule for rule in web.app.url_map.iter_rules() if rule.endpoint not in ("static", "sign_in.leave")]
        self.acts = [name for name, rule in ACTS.items() if not rule.evidence and not rule.companion]
        self.clients, self.tokens, self.forms = {}, {}, []
        for account in self.accounts:
            self.sign_in(account)

    def sign_in(self, account):
        """Once more, where the session has ended; whoever is locked out stays outside."""
        client = self.web.app.test_client()
        client.post("/sign-in", data={"account": account, "secret": SECRET, "station": "fuzz", "then": "/"})
        html = client.get("/secret").get_data(as_text=True)
        self.clients[account] = client
        self.tokens[account] = html.partition('name="csrf_token" value="')[2].partition('"')[0]

    def send(self):
        """What came back, and what was sent, in words."""
        account = self.rnd.choice(self.accounts)
        self.web.clock.advance(seconds=self.rnd.choice((0, 0, 1, 2)))
        way = self.rnd.choices((self.look, self.fill_in, self.make_up, self.be_odd), (30, 50, 14, 6))[0]
        answer, sent = way(account)
        if answer.status_code in (302, 401) and "sign-in" in answer.headers.get("Location", "/sign-in"):
            self.sign_in(account)
        return answer, f"{account}: {sent}"

    # ── ways ──

    def look(self, account):
        rule = self.rnd.choice([rule for rule in self.rules if "GET" in (rule.methods or ())])
        address = self.address(rule)
        if self.rnd.random() < 0.4:
            names = ("about", "q", "act", "hold", "after", "before", "from", "to", "page", "then", "language", "bag", "kind")
            asked = {self.rnd.choice(names): self.value() for _ in range(self.rnd.choice((1, 1, 2)))}
            address += "?" + urlencode(asked, errors="replace")
        elif rule.rule == "/acts/<name>":
            kind = self.rnd.choice(sorted(PAIRS))
            address += "?" + urlencode({"about": f"{kind}:{self.rnd.choice(PAIRS[kind])}"})
        answer = self.clients[account].get(address)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            self.remember(account, answer.get_data(as_text=True))
        return answer, f"GET {address}"

    def fill_in(self, account):
        """A form that was shown, changed in a place or two, or not at all; now and then by somebody else."""
        if not self.forms:
            return self.look(account)
        newest = self.rnd.random() < 0.6  # the form that asks for the signature comes after the one that was filled in
        shown_to, action, values = self.forms[-1] if newest else self.rnd.choice(self.forms)
        by = account if self.rnd.random() < 0.15 else shown_to
        values = {name: list(each) for name, each in values.items()} | {"csrf_token": [self.tokens[by]]}
        values = {name: [self.sensible(name)] if each == [""] and self.rnd.random() < 0.7 else each for name, each in values.items()}
        for _ in range(self.rnd.choice((0, 0, 1, 1, 2, 4))):
            self.change(values)
        answer = self.clients[by].post(action, data=sent(values))
        if answer.mimetype == "text/html" and answer.status_code in (200, 409, 422):
            self.remember(by, answer.get_data(as_text=True))
        return answer, f"POST {action} {values!r}"

    def make_up(self, account):
        """Fields of acts to any address that takes a form."""
        rule = self.rnd.choice([rule for rule in self.rules if "POST" in (rule.methods or ())])
        address = self.address(rule)
        names = (
            "about",
            "step",
            "scan",
            "digest",
            "reason",
            "kept.bag",
            "scans.bag",
            "answers",
            "idempotency_key",
            "node",
            "file",
            "bags",
            "x",
        )
        values = {"csrf_token": [self.tokens[account]], "secret": [SECRET]}
        values |= {self.rnd.choice(names): [self.value() for _ in range(self.rnd.choice((1, 1, 2)))] for _ in range(4)}
        return self.clients[account].post(address, data=sent(values)), f"POST {address} {values!r}"

    def be_odd(self, account):
        """Other methods, other content, other headers."""
        rule = self.rnd.choice(self.rules)
        address, client = self.address(rule), self.clients[account]
        token = self.tokens[account]
        body = self.rnd.choice(
            (
                json.dumps({"csrf_token": token, "about": self.rnd.choice((None, 1, [], {"a": 1}, "lot:LOT-0001"))}).encode(),
                b"csrf_token=" + token.encode() + b"&about=%FF%FE&reason=\xff\xfe\x00",
                self.rnd.randbytes(200),
                b"[" * 5000,
            )
        )
        kind = self.rnd.choice(TYPES)
        headers = {
            "Accept-Language": self.rnd.choice(("zh", "en", "xx;q=9", "\x7f", "zh-CN,zh;q=0.9")),
            "Sec-Fetch-Site": self.rnd.choice(("same-origin", "cross-site", "none")),
            "Accept": self.rnd.choice(("text/html", "application/json", "*/*")),
        }
        if self.rnd.random() < 0.3:
            data = {"csrf_token": token, "file": (io.BytesIO(body), sendable(self.value())[:60] or "x"), "about": "lot:LOT-0001"}
            return client.post(address, data=data, content_type="multipart/form-data"), f"POST {address} with a file of {body[:80]!r}"
        method = self.rnd.choice(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"))
        return client.open(
            address, method=method, data=body, content_type=kind, headers=headers
        ), f"{method} {address} {kind} {body[:80]!r}"

    # ── what is sent ──

    def address(self, rule):
        kind = self.rnd.choice(sorted(PAIRS))
        values = {}
        for name in rule.arguments:
            known = NAMES.get(name) or (PAIRS[kind] if name == "name" else (kind,) if name == "kind" else ("one",))
            if rule.rule.startswith(("/acts", "/corrections")) and name == "name":
                known = self.acts
            value = self.rnd.choice(known)
            values[name] = value if self.rnd.random() < 0.8 else sendable(mutated(value, self.rnd))[:300]
        path = rule.rule
        for name, value in values.items():
            for written in (f"<{name}>", f"<path:{name}>", f"<int:{name}>", f"<string:{name}>", f"<uuid:{name}>"):
                path = path.replace(written, quote(value, safe=""))
        return path

    def value(self):
        kind = self.rnd.choice(sorted(PAIRS))
        plain = self.rnd.choice((f"{kind}:{self.rnd.choice(PAIRS[kind])}", self.rnd.choice(PAIRS[kind]), *SCANS[:3], *ODD[:3]))
        return sendable(plain if self.rnd.random() < 0.4 else mutated(plain, self.rnd))

    def sensible(self, name):
        """Something a person could have typed into an empty field of this name."""
        if name in LEFT_ALONE:
            return LEFT_ALONE[name]
        last = name.rpartition(".")[2]
        by_name = {"date": "2026-06-01", "time": "06:00", "offset": "+00:00", "hold": f"H-{self.rnd.randrange(99)}"}
        return by_name.get(last, "a crack" if last in WORDS else "") or self.rnd.choice(
            ("1", "yes", "text", "2026-06-01", "CU1:bag:DEMO0001B0014", "0.5", "lot:LOT-0001")
        )

    def change(self, values):
        name = self.rnd.choice(sorted(values))
        if name in LEFT_ALONE and self.rnd.random() < 0.95:
            return
        match self.rnd.randrange(6):
            case 0:
                del values[name]
                values.setdefault("x", [self.value()])
            case 1:
                values[name] = values[name] * 2
            case 2:
                values[mutated(name, self.rnd)[:200]] = values[name]
            case _:
                values[name] = [mutated(each, self.rnd) for each in values[name]] or [self.value()]

    def remember(self, account, html):
        parser = _Form()
        parser.feed(html)
        for action, values in parser.forms:
            if not action.startswith("/") or action.startswith(OUTSIDE) or (action.startswith(ON_EVERY_PAGE) and self.rnd.random() < 0.95):
                continue
            self.forms.append((account, action, values))
            if len(self.forms) > FORMS_KEPT:
                del self.forms[self.rnd.randrange(FORMS_KEPT)]


def sent(values):
    return {sendable(name): [sendable(each) for each in several] for name, several in values.items()}

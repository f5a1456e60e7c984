"""Addresses are those of the router, at the place at which the application is mounted."""

import pytest
from flask import Flask, url_for

from custody.web.addresses import address


@pytest.fixture
def app():
    app = Flask(__name__)
    app.add_url_rule("/things/<kind>/<path:name>", "things", lambda **_: "")
    return app


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "lot", "name": "LOT-1"},
        {"kind": "lot", "name": "批次 1/2?", "unit": "%", "then": "/a?b=c&d"},
        {"kind": "bag", "name": "LOT-1"},
    ],
)
def test_address_is_what_the_router_says_wherever_the_application_is_mounted(app, values):
    for root in ("", "/custody", "", "/other"):
        with app.test_request_context("/", base_url=f"http://localhost{root}"):
            assert address("things", **values) == url_for("things", **values)
            assert address("things", **values).startswith(f"{root}/things/")

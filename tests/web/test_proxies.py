"""Whose word about a browser's address is taken: that of named proxies, and of nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.web.proxies import SAID, BehindProxies
from custody.web.surroundings import Surroundings

NAMED = "192.0.2.1, 198.51.100.0/28,2001:db8::1"


def seen_through(peer, forwarded=None, proto=None, named=NAMED, **more):
    """What the application is told of a request from `peer`."""
    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **more}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    if proto is not None:
        environ["HTTP_X_FORWARDED_PROTO"] = proto
    told = {}

    def application(environ, start_response):
        told.update(environ)
        return []

    BehindProxies(application, Surroundings.from_environment({"CUSTODY_PROXIES": named}).proxies)(environ, None)
    return told


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),  # whoever wrote the first: the proxy saw the second
        ("192.0.2.1", "203.0.113.9, 198.51.100.3", "203.0.113.9"),  # two named proxies in a row
        ("192.0.2.1", "unknown, 198.51.100.3", "198.51.100.3"),
        ("192.0.2.1", "203.0.113.9:4711", "192.0.2.1"),
        ("192.0.2.1", "<script>", "192.0.2.1"),
        ("::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8:1::7", "2001:db8:1::7"),
        ("198.51.100.15", "203.0.113.9", "203.0.113.9"),
        ("198.51.100.16", "203.0.113.9", "198.51.100.16"),
        ("203.0.113.5", "192.0.2.1", "203.0.113.5"),
        ("", "203.0.113.9", ""),
    ],
)
def test_address_is_that_which_the_last_named_proxy_saw(peer, forwarded, address):
    assert seen_through(peer, forwarded)["REMOTE_ADDR"] == address


def test_nobody_is_believed_where_no_proxy_is_named():
    told = seen_through("127.0.0.1", "203.0.113.9", "https", named="")
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("192.0.2.1", "https", "https"),
        ("192.0.2.1", "http, https", "https"),
        ("192.0.2.1", "https, http", "http"),
        ("192.0.2.1", "ftp", "http"),
        ("203.0.113.5", "https", "http"),
    ],
)
def test_scheme_is_taken_from_named_proxies_alone(peer, proto, scheme):
    assert seen_through(peer, None, proto)["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("peer", ["192.0.2.1", "203.0.113.5"])
def test_no_such_header_goes_further(peer, name):
    assert name not in seen_through(peer, **{name: "203.0.113.9"})


@given(said=st.text(), peer=st.ip_addresses().map(str))
def test_address_of_somebody_else_never_depends_on_what_is_sent(said, peer):
    assert seen_through(peer, said, said, named="192.0.2.77")["REMOTE_ADDR"] in {peer, str(peer)} or peer == "192.0.2.77"


@given(said=st.text(alphabet="0123456789.:, afx<\"'") | st.lists(st.ip_addresses().map(str)).map(", ".join))
def test_whatever_a_proxy_passes_on_the_address_is_one(said):
    from ipaddress import ip_address

    assert ip_address(seen_through("192.0.2.1", said)["REMOTE_ADDR"])

"""GS1 Digital Links: both ways, and the addresses that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.codes.gs1 import bracketed, element
from custody.codes.gs1_links import digital_link, read_link
from custody.errors import UnreadableCodeError

G = "12312312312333"
# (elements, link, the part of the link before the path)
LINKS = [
    ("(01)12312312312326(21)abc123", "https://id.gs1.org/01/12312312312326/21/abc123"),
    ("(01)12312312312326(22)ABC(10)DEF(21)GHI(95)INT", "https://example.com/01/12312312312326/22/ABC/10/DEF/21/GHI?95=INT"),
    ("(01)12312312312333(10)ABC+123(99)XYZ+QWERTY", "https://example.com/01/12312312312333/10/ABC%2B123?99=XYZ%2BQWERTY"),
    ("(414)9520123456788(254)32a/b", "https://id.gs1.org/414/9520123456788/254/32a%2Fb"),
    ("(8018)123456789012345675(8019)123", "https://a/8018/123456789012345675/8019/123"),
    (
        "(01)09521234543213(10)LOT-26A001(21)BAG-00012(17)280120",
        "https://id.gs1.org/01/09521234543213/10/LOT-26A001/21/BAG-00012?17=280120",
    ),
    ("(00)095212340000000013", "https://id.gs1.org/00/095212340000000013"),
    ("(8004)9521234LOGGER-77", "https://id.gs1.org/8004/9521234LOGGER-77"),
    ("(417)9521234000013", "https://id.gs1.org/417/9521234000013"),
    (f"(01){G}(235)XYZ", f"https://id.gs1.org/01/{G}/235/XYZ"),
]


def elements_of(text):
    return [element(*part.split(")", 1)) for part in text[1:].split("(")]


@pytest.mark.parametrize(("elements", "link"), LINKS)
def test_published_link_is_read(elements, link):
    assert bracketed(read_link(link)) == elements


@pytest.mark.parametrize(("elements", "link"), LINKS)
def test_published_link_is_made(elements, link):
    assert digital_link(elements_of(elements), stem="/".join(link.split("/")[:3])) == link


def test_link_is_made_for_the_canonical_host_with_qualifiers_in_order():
    elements = elements_of("(01)09521234543213(17)280120(21)BAG-00012(10)LOT-26A001")
    assert digital_link(elements) == "https://id.gs1.org/01/09521234543213/10/LOT-26A001/21/BAG-00012?17=280120"


@pytest.mark.parametrize(
    ("link", "elements"),
    [
        ("http://example.org:8080/some/stem/01/09521234543213", "(01)09521234543213"),
        ("HTTPS://EXAMPLE.ORG/01/09521234543213", "(01)09521234543213"),
        ("https://example.org/01/09521234543213?linkType=gs1:pip&17=280120;x=%zz&lone#21", "(01)09521234543213(17)280120"),
        ("https://example.org/01/folder/01/09521234543213", "(01)09521234543213"),
        ("https://example.org/01/09521234543213#?17=281301", "(01)09521234543213"),
    ],
)
def test_link_with_more_around_the_key_is_read(link, elements):
    assert bracketed(read_link(link)) == elements


@pytest.mark.parametrize(
    ("link", "match"),
    [
        (f"https://id.gs1.org/01/{G}/10/ABC/22/X", "in an order"),
        (f"https://id.gs1.org/01/{G}/235/ABC/21/X", "in an order"),
        ("https://id.gs1.org/414/9520123456788/21/X", "in an order"),
        (f"https://id.gs1.org/01/{G}/10/", r"\(10\) has a wrong length"),
        (f"HtTp://id.gs1.org/01/{G}", "no form that custody reads"),
        ("https://id.gs1.org", "no form that custody reads"),
        ("https://user:word@id.gs1.org/01/", "no form that custody reads"),
        (f"https://id.gs1.org/01/{G}/10/A B", "no form that custody reads"),
        (f"https://id.gs1.org/01/{G}/10/Ａ", "no form that custody reads"),
        ("https://id.gs1.org/", "no GS1 key"),
        ("https://example.org/h/8fk2token", "no GS1 key"),
        ("https://id.gs1.org/10/LOT", "no GS1 key"),
        (f"https://id.gs1.org/01/{G}/", "no GS1 key"),
        ("https://id.gs1.org/01/12312312312334", "check digit"),
        (f"https://id.gs1.org/01/{G}/10/A%2", "percent sign"),
        (f"https://id.gs1.org/01/{G}/10/A%FF", "may not hold"),
        (f"https://id.gs1.org/01/{G}/10/A%1D21B", "may not hold"),
        (f"https://id.gs1.org/01/{G}?21=ABC", "path of a web link only"),
        (f"https://id.gs1.org/01/{G}?99=XYZ+Q", "may not hold"),
        (f"https://id.gs1.org/01/{G}?17=", "wrong length"),
        (f"https://id.gs1.org/01/{G}?17", "wrong length"),
        (f"https://id.gs1.org/01/{G}?17=281301", "does not exist"),
        (f"https://id.gs1.org/01/{G}?0=1", "does not exist"),
        (f"https://id.gs1.org/01/{G}?999=1", r"\(999\) is no GS1"),
        (f"https://id.gs1.org/01/{G}?01={G}", "stands twice"),
        ("https://id.gs1.org/00/095212340000000013?10=LOT", "must come with"),
    ],
)
def test_address_that_is_no_link_of_the_standard_is_refused(link, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_link(link)


@pytest.mark.parametrize(
    ("elements", "match"),
    [
        ("(410)9521234000013", "can be the key"),
        (f"(01){G}(235)XYZ(21)ABC", "path of a web link only"),
        ("(10)LOT", "must come with"),
    ],
)
def test_elements_without_a_link_are_refused(elements, match):
    with pytest.raises(UnreadableCodeError, match=match):
        digital_link(elements_of(elements))


@given(st.from_regex(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}", fullmatch=True))
def test_every_serial_number_survives_its_link(serial):
    elements = (element("01", G), element("21", serial))
    assert read_link(digital_link(elements)) == elements

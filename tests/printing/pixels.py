"""Reads a printed symbol as a camera does: the SVG's rectangles become pixels, and an independent library reads the pixels."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import zxingcpp
from PIL import Image, ImageDraw

SVG = "{http://www.w3.org/2000/svg}"
RECTANGLE = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-(\d+)z")


def picture(svg: str, scale: int = 3) -> Image.Image:
    """The SVG drawn on grey, so that only white it brings itself is white; anything but rectangles is a failure."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    _, _, width, height = map(int, root.attrib["viewBox"].split())
    image = Image.new("L", (width * scale, height * scale), 128)
    draw = ImageDraw.Draw(image)
    for path in root:
        assert path.tag == f"{SVG}path"
        colour = {"#fff": 255, "#000": 0}[path.attrib["fill"]]
        assert RECTANGLE.sub("", path.attrib["d"]) == ""
        for x, y, across, down, back in (map(int, r) for r in RECTANGLE.findall(path.attrib["d"])):
            assert across == back
            draw.rectangle((x * scale, y * scale, (x + across) * scale - 1, (y + down) * scale - 1), fill=colour)
    return image


def read_back(svg: str, symbology: zxingcpp.BarcodeFormat) -> str:
    """The one symbol of the picture, as text."""
    found = zxingcpp.read_barcodes(picture(svg), formats=symbology)
    assert len(found) == 1, f"{len(found)} symbols were read"
    return found[0].text

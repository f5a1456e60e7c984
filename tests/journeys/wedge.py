"""A wedge scanner at a browser: real keys, each stamped with the moment at which a scanner would have sent it."""

from __future__ import annotations

from time import time

from playwright.sync_api import Page

STEP_SECONDS = 0.008
SHIFT = 8
ENDS = {"Enter": ("\r", 13), "Tab": ("", 9)}
SIGNS = {
    "-": ("Minus", 189),
    "=": ("Equal", 187),
    "[": ("BracketLeft", 219),
    "]": ("BracketRight", 221),
    ";": ("Semicolon", 186),
    "'": ("Quote", 222),
    ",": ("Comma", 188),
    ".": ("Period", 190),
    "/": ("Slash", 191),
    "\\": ("Backslash", 220),
    "`": ("Backquote", 192),
    " ": ("Space", 32),
}
SHIFTED = dict(zip('_+{}:"<>?|~', "-=[];',./\\`", strict=False)) | dict(zip(")!@#$%^&*(", "0123456789", strict=True))


def scan_keys(page: Page, text: str, end: str) -> None:
    """The text and the closing key, eight milliseconds apart by their own stamps.

    The page judges by those stamps whether a scanner or a person typed (`event.timeStamp`), so a machine that passes the keys on slowly
    makes no typist of a scanner. The page never listens for a key that is let go.
    """
    keys = page.context.new_cdp_session(page)
    at = time()
    for n, character in enumerate(text):
        key = {"type": "keyDown", "key": character, "text": character, "timestamp": at + n * STEP_SECONDS}
        keys.send("Input.dispatchKeyEvent", key | _where(character))
    said, number = ENDS[end]
    closing = {"key": end, "code": end, "windowsVirtualKeyCode": number, "timestamp": at + len(text) * STEP_SECONDS}
    keys.send("Input.dispatchKeyEvent", {"type": "keyDown" if said else "rawKeyDown", **({"text": said} if said else {}), **closing})
    keys.detach()


def _where(character: str) -> dict[str, object]:
    """The key of a US keyboard on which the character lies."""
    plain = SHIFTED.get(character, character)
    shift = {"modifiers": SHIFT} if plain != character or character.isupper() else {}
    if plain.isalpha() and plain.isascii():
        return {"code": f"Key{plain.upper()}", "windowsVirtualKeyCode": ord(plain.upper()), **shift}
    if plain.isdigit() and plain.isascii():
        return {"code": f"Digit{plain}", "windowsVirtualKeyCode": ord(plain), **shift}
    code, number = SIGNS[plain]
    return {"code": code, "windowsVirtualKeyCode": number, **shift}

"""The codes a demonstration needs on paper or on screen: staff badges, wristbands and bag labels, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from custody.codes.scan import custody_symbol
from custody.domain.ids import AccountId, BagId, WristbandToken
from custody.errors import NotFoundError
from custody.printing.symbols import code128_svg, qr_svg


@dataclass(frozen=True, kw_only=True)
class PrintedCode:
    """One code: the line a person reads beside it, what kind of thing it is on, and the text a scanner reads from it."""

    who: str
    kind: str
    value: str

    @property
    def text(self) -> str:
        return custody_symbol(self.kind, self.value)

    @property
    def code128_name(self) -> str:
        return f"{self.kind}-{self.value}.code128.svg"

    @property
    def qr_name(self) -> str:
        return f"{self.kind}-{self.value}.qr.svg"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything on one demonstration sheet, in the order in which a shift needs it."""

    badges: tuple[PrintedCode, ...]
    wristbands: tuple[PrintedCode, ...]
    bags: tuple[PrintedCode, ...]

    @property
    def codes(self) -> tuple[PrintedCode, ...]:
        return self.badges + self.wristbands + self.bags

    def svg(self, name: str) -> str:
        """The picture with this name. Raises NotFoundError for a name that is not on the sheet, so nothing else can be drawn."""
        for code in self.codes:
            if name == code.code128_name:
                return code128_svg(code.text)
            if name == code.qr_name:
                return qr_svg(code.text)
        raise NotFoundError("this sheet has no such picture")


def badge(account: AccountId, printed_name: str) -> PrintedCode:
    """A staff badge. Account names are small letters and symbols hold capitals: `account_on_badge` turns them back."""
    return PrintedCode(who=printed_name, kind="badge", value=account.value.upper())


def account_on_badge(value: str) -> AccountId:
    """The account a scanned badge names. Raises UnreadableCodeError when it can be none."""
    return AccountId.parse(value.lower())


def wristband(token: WristbandToken, who: str) -> PrintedCode:
    """A trial wristband; `who` is a participant code, never a name."""
    return PrintedCode(who=who, kind="wristband", value=token.value)


def bag_label(bag: BagId, who: str) -> PrintedCode:
    """A bag's own code; `who` must say nothing of lot, donor or arm where the reader is blinded."""
    return PrintedCode(who=who, kind="bag", value=bag.value)


def sheet(
    *,
    badges: Iterable[tuple[AccountId, str]],
    wristbands: Iterable[tuple[WristbandToken, str]],
    bags: Iterable[tuple[BagId, str]],
) -> Sheet:
    """A sheet from pairs of an identifier and the line to read beside it."""
    return Sheet(
        badges=tuple(badge(*pair) for pair in badges),
        wristbands=tuple(wristband(*pair) for pair in wristbands),
        bags=tuple(bag_label(*pair) for pair in bags),
    )

"""The bedside: choose the dose, scan alone, read the verdict, sign, and watch the infusion."""

from custody.web.pages.bedside import checking, choosing, running, signing, typed
from custody.web.pages.bedside.common import blueprint

__all__ = ["blueprint", "checking", "choosing", "running", "signing", "typed"]

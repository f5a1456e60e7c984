"""The receiving desk: take the shipper over, the arrival checklist, the temperature file, and each bag by two people."""

from custody.web.pages.receiving import arrival, bags, temperature
from custody.web.pages.receiving.common import blueprint

__all__ = ["arrival", "bags", "blueprint", "temperature"]

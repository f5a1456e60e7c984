"""Materials, equipment and loggers of the rehearsed road, and where each form of product is kept."""

from __future__ import annotations

from dataclasses import dataclass

from custody.domain.ids import EquipmentId, LoggerId, MaterialId
from custody.domain.terms import ProductForm

MEDIUM = MaterialId("MED-0001")
CRYOMEDIUM = MaterialId("CRY-0001")
INCUBATOR = EquipmentId("INC-01")
HOOD = EquipmentId("BSC-01")
FREEZER = EquipmentId("LN2-01")
WARD_FREEZER = EquipmentId("LN2-91")
FREEZER_LOGGER = LoggerId("LOGGER-F01")
WARD_LOGGER = LoggerId("LOGGER-F91")
FRIDGE = EquipmentId("FR-01")
WARD_FRIDGE = EquipmentId("FR-91")
FRIDGE_LOGGER = LoggerId("LOGGER-R01")
WARD_FRIDGE_LOGGER = LoggerId("LOGGER-R91")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where bags of one form are kept, what measures them there, how often (minutes), and at what temperature (°C)."""

    store: EquipmentId
    logger: LoggerId
    ward_store: EquipmentId
    ward_logger: LoggerId
    interval: int
    celsius: str


KEPT = {
    ProductForm.FROZEN: Kept(
        store=FREEZER, logger=FREEZER_LOGGER, ward_store=WARD_FREEZER, ward_logger=WARD_LOGGER, interval=10, celsius="-190.0"
    ),
    ProductForm.FRESH: Kept(
        store=FRIDGE, logger=FRIDGE_LOGGER, ward_store=WARD_FRIDGE, ward_logger=WARD_FRIDGE_LOGGER, interval=5, celsius="5.0"
    ),
}

"""Entries that may be corrected in a run, and what the right values could have been: a correction can turn a verdict either way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from custody.domain.acts import bedside as acts
from custody.domain.acts.allocation import ParticipantConsented, ParticipantEligibilityRecorded, WeightMeasured
from custody.domain.acts.quality import ResultRecorded
from custody.domain.acts.shipping import BagAccepted, ShipmentArrived
from custody.domain.ids import SealNumber
from custody.domain.terms import Answer
from custody.workflows.rehearsal.downstream import DOCUMENTS

ANSWERS = st.sampled_from([Answer.YES, Answer.YES, Answer.NO])

RESULTS = {
    "APP": ("conforms", "clumps"),
    "CCI": ("no leak", "leak"),
    "LAB": ("100", "99"),
    "STE": ("no growth", "growth"),
    "GRAM": ("none seen", "cocci seen"),
    "VIA": ("92.5", "61"),
    "CNT": ("100", "60"),
    "CD34": ("0.4", "9.5"),
}
"""Of every test the right result, and a bad one."""


def one_of(*values):
    return lambda data: data.draw(st.sampled_from(values))


def of_prescription(act, data):
    return data.draw(
        st.sampled_from(
            [
                {"notice_acknowledged": not act.notice_acknowledged},
                {"planned_minutes": 121},
                {"planned_minutes": 60},
                {"volume_ml": act.volume_ml + Decimal("0.5")},
                {"premedication": ("chlorphenamine",)},
                {"premedication": ("hydrocortisone",)},
            ]
        )
    )


def of_arrival(act, data):
    wrong = SealNumber(f"{act.seals[0].value[:-1]}9")
    sealed = SealNumber(f"{act.seals[0].value[:-1]}1")
    return data.draw(
        st.sampled_from(
            [
                {"seals": (wrong,)},
                {"seals": (sealed,)},
                {"outside_undamaged": Answer.NO},
                {"outside_undamaged": Answer.YES},
                {"documents": ()},
                {"documents": DOCUMENTS},
            ]
        )
    )


def of_bag_finished(act, data):
    given = data.draw(st.sampled_from([Decimal(0), Decimal(10), Decimal(30)]))
    del act
    return {"given_ml": given, "residual_ml": 30 - given}


def of_scans(act, data):
    field = data.draw(st.sampled_from(["container_whole", "nothing_unusual_seen", "line_and_filter_right", "physician_present"]))
    return {"scans": replace(act.scans, **{field: data.draw(ANSWERS)})}


CORRECTIONS = {
    acts.VitalsRecorded: lambda act, data: {"measured_at": act.measured_at - timedelta(minutes=one_of(1, 20)(data))},
    acts.FitToInfuseSigned: lambda _, data: {"alive": data.draw(ANSWERS), "stable": data.draw(ANSWERS)},
    acts.PremedicationGiven: lambda _, data: {"drugs": one_of((), ("chlorphenamine",), ("paracetamol",))(data)},
    acts.PrescriptionSigned: of_prescription,
    acts.BedsideScanned: of_scans,
    acts.BagPreparationStarted: lambda _, data: {"container_whole": data.draw(ANSWERS)},
    acts.InfusionStarted: lambda act, data: {"started_at": act.started_at - timedelta(minutes=one_of(1, 30)(data))},
    acts.BagFinished: of_bag_finished,
    ParticipantConsented: lambda _, data: {"form_version": one_of("P-1.2", "P-9")(data)},
    ParticipantEligibilityRecorded: lambda act, data: {"diagnosed_at": act.diagnosed_at + timedelta(hours=one_of(-60, 60, 0)(data))},
    ShipmentArrived: of_arrival,
    BagAccepted: lambda _, data: {"container_whole": data.draw(ANSWERS)},
    ResultRecorded: lambda act, data: {"result": data.draw(st.sampled_from(RESULTS[act.test]))},
    WeightMeasured: lambda _, data: {"weight_kg": one_of(Decimal(130), Decimal(78), Decimal(99), Decimal(48))(data)},
}
"""By kind of act: the fields that are corrected, as a function of the act and Hypothesis's data."""

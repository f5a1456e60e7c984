"""The soak of `python -m bench soak`, half a minute of it: every scan is answered beside a file of a million rows; it says its figures.

Other tests run beside it, so that its limits are those of the bench only by a wide margin.
"""

from __future__ import annotations

from bench import scan, soak
from custody.store.connection import open_store
from custody.store.verification import verify

SECONDS = 30.0
MARGIN = 5


def test_scans_go_on_beside_a_huge_import_and_by_many_at_once(tmp_path, monkeypatch, record_property):
    monkeypatch.setattr(scan, "WAIT_S", 120.0)
    store, casts = soak.soak_store(tmp_path, soak.doses_for(SECONDS))
    url = store.url
    store.close()
    with scan.served(url, tmp_path / "keys") as port:
        found = soak.soak(port, casts, SECONDS, lambda _: None)
    for asked, measured, is_enough in found.results:
        record_property(
            "figure", f"soak of {SECONDS:.0f} s, {asked}: {measured} ({'pass' if is_enough else 'fail, other tests beside it'})"
        )
    assert len(found.steady.took) == int(found.steady.per_second * SECONDS)
    assert found.growth < MARGIN * soak.GROWTH_MAX
    assert found.longest_of_many_s < MARGIN * soak.WAIT_MAX_S
    with open_store(url).reading() as connection:
        assert verify(connection, checkpoint=None).faults == ()

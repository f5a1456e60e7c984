"""Somebody reads a huge file of a logger into the record, by the pages that people have for it."""

from __future__ import annotations

import http.client
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from bench.scan import FORM, Nurse
from custody.domain.readings import Reading, Series
from custody.intake.twins import ALARMS_CRYO, TwinTrip, write_twin
from custody.workflows.rehearsal.files import KEY
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from custody.workflows.rehearsal.road import PACKER


class Importer(threading.Thread):
    """Somebody uploads the file of a logger, looks at it and accepts it."""

    def __init__(self, port: int, file: bytes) -> None:
        super().__init__(daemon=True)
        self.port, self.file = port, file
        self.took = 0.0
        self.fault: Exception | None = None

    def is_done(self) -> bool:
        return not self.is_alive()

    def run(self) -> None:
        began = time.perf_counter()
        try:
            self._upload()
        except Exception as error:  # noqa: BLE001 - told by `join`
            self.fault = error
        self.took = time.perf_counter() - began

    def join(self, timeout: float | None = None) -> None:
        super().join(timeout)
        if self.fault is not None:
            raise self.fault

    def _upload(self) -> None:
        person = Nurse(self.port, PACKER)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        page = self._answer(connection, person, "GET", "/logger-files", b"", {})[2]
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, page[:1000]
        edge = "soak-4c1d"
        body = b"".join(
            (
                f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{found[1]}\r\n'.encode(),
                f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="logger.txt"\r\n\r\n'.encode(),
                self.file,
                f"\r\n--{edge}--\r\n".encode(),
            )
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        code, where, page = self._answer(connection, person, "POST", "/logger-files", body, kind)
        assert code == 303, (code, page[:3000])
        page = self._answer(connection, person, "GET", where, b"", {})[2]
        key = re.search(r'name="idempotency_key" value="([^"]+)"', page)
        values = urlencode({"csrf_token": found[1], "idempotency_key": key[1] if key else ""}).encode()
        code, _, page = self._answer(connection, person, "POST", f"{where}/accept", values, {})
        assert code in {200, 303}, (code, page[:3000])

    @staticmethod
    def _answer(connection, person, method, where, body, headers):  # noqa: ANN001, ANN205 - of one method only
        connection.request(method, where, body, {**FORM, **headers, "Cookie": person.cookie})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", ""), answer.read().decode()


def logger_file(rows: int) -> bytes:
    """A file of the freezer's logger with a reading each minute, up to now."""
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    celsius = [Decimal(f"-19{n % 10}.{n // 7 % 10}") for n in range(70)]
    readings = tuple(Reading(end - timedelta(minutes=rows - n), celsius[n % 70]) for n in range(rows))
    series = Series(readings=readings, interval_minutes=Decimal(1))
    return write_twin(TwinTrip(serial=FREEZER_LOGGER.value, series=series, alarms=ALARMS_CRYO), KEY)

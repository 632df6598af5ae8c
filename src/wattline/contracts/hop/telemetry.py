"""POST /ingest/telemetry, its alias /scada/write, and the batch form /ingest/telemetry/batch."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from wattline.contracts.hop.batch import Offender, pieces, records_of
from wattline.contracts.hop.bodies import Telemetry
from wattline.contracts.hop.door import Body
from wattline.contracts.hop.errors import Answer
from wattline.contracts.hop.explain import Window
from wattline.contracts.hop.intake import Intake, check_site
from wattline.contracts.hop.refusal import Refused, fault
from wattline.ingest.service import Ingest
from wattline.metrics import Metrics
from wattline.model.errors import Forbidden
from wattline.model.principal import Principal
from wattline.model.record import Row

_NO_ROW = Row(0, 0, 0, ())


class TelemetryWriter:
    """Takes single readings and batches; an answer of 200 means that every accepted reading is durable."""

    def __init__(self, intake: Intake, ingest: Ingest, metrics: Metrics) -> None:
        self._intake = intake
        self._ingest = ingest
        self._metrics = metrics

    async def single(self, principal: Principal, body: Body) -> Answer:
        """One record."""
        intake = self._intake
        now, window = intake.window()
        record = intake.decode(body.content)
        taken = None
        if record is not None:
            check_site(principal, record.substation_id)
            taken = intake.row(intake.devices.of(principal.tenant), record, now, window)
        if taken is None:
            record = intake.judge(principal, body.content, window)
            taken = await intake.admit(principal, record, now)
        row, entry = taken
        await self._ingest.submit((row,))
        self._metrics.ingest_rows.add(1, "hop")
        return entry.written

    async def batch(self, principal: Principal, body: Body) -> Answer:
        """1 to 5,000 records; those that are refused are named, the others are written in one piece."""
        atomic = _flag(body.query, "atomic")
        intake = self._intake
        now, window = intake.window()
        records = records_of(intake, body)
        entries = intake.devices.of(principal.tenant)
        row, sites = intake.row, principal.sites
        rows: list[Row] = []
        odd: list[int] = []
        for index, record in enumerate(records):
            taken = row(entries, record, now, window) if record is not None else None
            if taken is None or (sites is not None and record is not None and record.substation_id not in sites):
                odd.append(index)
                rows.append(_NO_ROW)
            else:
                rows.append(taken[0])
        if odd:
            refused, good = self._judge(principal, body, odd, window)
            if refused and atomic:
                raise _all_refused(refused)
            await intake.devices.enrol(principal.tenant, list(good.values()))
            for index, each in good.items():
                rows[index], _ = await intake.admit(principal, each, now)
            for index in reversed([offender.index for offender in refused]):
                del rows[index]
        else:
            refused = []
        await self._ingest.submit(rows)
        self._metrics.ingest_rows.add(len(rows), "hop")
        if refused:
            self._metrics.ingest_rejected.add(len(refused), "hop", "record")
        found = {"status": "telemetry written", "accepted": len(rows), "rejected": refused}
        return Answer(200, msgspec.json.encode(found))

    def _judge(
        self, principal: Principal, body: Body, odd: list[int], window: Window
    ) -> tuple[list[Offender], dict[int, Telemetry]]:
        """Read the records again that the fast way did not take."""
        raw = pieces(body)
        refused: list[Offender] = []
        good: dict[int, Telemetry] = {}
        for index in odd:
            try:
                good[index] = self._intake.judge(principal, raw[index], window)
            except Refused as error:
                refused.append(Offender(index, error.details))
            except Forbidden as error:
                refused.append(Offender(index, str(error)))
        return refused, good


def _all_refused(refused: list[Offender]) -> Exception:
    """One error for a batch of which nothing is written."""
    if all(isinstance(offender.detail, str) for offender in refused):
        return Forbidden("this key has no access to these substations")
    found = []
    for offender in refused:
        place: list[str | int] = ["body", "records", offender.index]
        if isinstance(offender.detail, str):
            found.append(fault("forbidden", place, offender.detail))
        else:
            found += [{**each, "loc": [*place, *each["loc"][1:]]} for each in offender.detail]
    return Refused(found)


def _flag(query: bytes, name: str) -> bool:
    values = parse_qs(query.decode("latin-1"), keep_blank_values=True).get(name)
    if values is None:
        return False
    word = values[-1].lower()
    if word not in ("true", "1", "yes", "on", "false", "0", "no", "off"):
        raise Refused([fault("bool_parsing", ["query", name], "Input should be a valid boolean", values[-1])])
    return word in ("true", "1", "yes", "on")

"""The fast way and the thorough way of reading telemetry take the same bodies and read the same values from them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattline.contracts.hop.bodies import Telemetry
from wattline.contracts.hop.devices import Devices, Entry, Key
from wattline.contracts.hop.explain import has_control
from wattline.contracts.hop.intake import Intake
from wattline.contracts.hop.refusal import Refused
from wattline.contracts.hop.times import parse
from wattline.metrics import Metrics
from wattline.model.clock import DAY, ManualClock
from wattline.model.place import Block, Device, Layout, Site
from wattline.model.principal import ALL_SCOPES, Principal
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.settings import Settings
from wattline.state.database import Database

NOW = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
ANYBODY = Principal("tenant", "key", ALL_SCOPES)
GOOD: dict[str, Any] = {
    "substation_id": "SUB001",
    "voltage_kv": 229.8,
    "current_a": 1187.4,
    "power_mw": -274.2,
    "frequency_hz": 60.002,
}

hostile_text = st.one_of(
    st.sampled_from(
        ["", "NORMAL", "null", "nan", "NaN", "inf", "-Infinity", "true", "1", " 1", "+1", "1.", ".5", "1_0", "0x1"]
    ),
    st.sampled_from(
        ["-1.5e3", "1e400", "1E-400", "00", "-0", "-", "1e5", "60.0", "9" * 400, "a\x00b", "a\u0085", "\t", "é" * 129]
    ),
    st.text(max_size=140),
)
hostile_number = st.one_of(
    st.sampled_from([0, -0.0, 45, 65, 100, 100.0000001, 90, -180, 5e-324, 1.7e308, 2**63, 2**64, 10**30, 10**400]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
hostile_time = st.one_of(
    st.sampled_from(
        ["2026-06-11T14:32:00Z", "2026-06-11 14:37:00+00:00", "2026-06-11T14:37:00.000001Z", "2026-06-11T14:00:00"]
    ),
    st.sampled_from(["2026-03-13T14:32:00Z", "2026-03-13T14:31:59Z", "1781188320", "2026-06-11", "0001-01-01T00:00:00+05:00"]),
    st.datetimes(min_value=datetime(2026, 3, 1), max_value=datetime(2026, 6, 12)).map(datetime.isoformat),  # noqa: DTZ001
)
hostile = st.one_of(
    st.none(), st.booleans(), hostile_number, hostile_text, hostile_time, st.just([]), st.just({}), st.just([1, {"a": None}])
)
FIELDS = Telemetry.__struct_fields__
bodies = st.builds(
    lambda good, changes, gone: {name: value for name, value in {**good, **changes}.items() if name not in gone},
    st.just(GOOD),
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.sampled_from(["", "extra", "Voltage_kV"])), hostile, max_size=4),
    st.sets(st.sampled_from(FIELDS), max_size=1),
)


class Anything(Mapping[Key, Entry]):
    """Entries of devices that are all known already and say nothing new of their site, as far as identifiers are good."""

    def __init__(self, record: Telemetry | None) -> None:
        self._record = record

    def __getitem__(self, key: Key) -> Entry:
        if any(part is not None and has_control(part) for part in key):
            raise KeyError(key)
        entry = Entry(
            Stream(
                1,
                Device(1, site := Site(1, "tenant", key[0]), "device", block=Block(1, site, key[0])),
                Layout("hop.telemetry", ()),
                (),
            )
        )
        record = self._record
        assert record is not None
        good = not has_control(record.site_name or "") and _inside(record.latitude, 90) and _inside(record.longitude, 180)
        entry.described = (record.site_name, record.latitude, record.longitude) if good else ("something else", None, None)
        return entry

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return 1


def _inside(value: float | None, most: float) -> bool:
    return value is None or abs(value) <= most


@pytest.fixture(scope="module")
def intake() -> Intake:
    """An intake without a platform: nothing is written in these tests."""
    registry = Registry(Database("sqlite+aiosqlite://"))
    return Intake(Devices(registry), Settings(), ManualClock(NOW), Metrics())


def judge(intake: Intake, wire: bytes) -> Telemetry | None:
    """What the thorough way reads, None where it refuses."""
    try:
        return intake.judge(ANYBODY, wire, intake.window()[1])
    except Refused:
        return None


@settings(max_examples=1500, deadline=None)
@given(bodies)
@example({**GOOD, "timestamp": "2026-06-11T14:32:00"})
@example({**GOOD, "latitude": "null", "frequency_hz": "60.002"})
@example({**GOOD, "voltage_kv": 1.7e308, "current_a": 1.7e308})
@example({**GOOD, "frequency_hz": 44.9})
def test_both_ways_take_the_same_bodies_with_the_same_values(intake: Intake, body: dict[str, Any]) -> None:
    wire = json.dumps(body).encode()
    now, window = intake.window()
    record = intake.decode(wire)
    taken = None if record is None else intake.row(Anything(record), record, now, window)
    judged = judge(intake, wire)
    if judged is None:
        assert taken is None, "the fast way took what the thorough way refuses"
        return
    assert record is not None, "a body that is right must decode at once"
    assert msgspec.structs.asdict(record) == msgspec.structs.asdict(judged)
    time = now if judged.timestamp is None else parse(judged.timestamp).micros
    assert window.newest - 300_000_000 - 90 * DAY == window.oldest
    assert window.oldest <= time <= window.newest
    if taken is not None:
        row, _ = taken
        assert row.values == (judged.voltage_kv, judged.current_a, judged.power_mw, judged.frequency_hz)
        assert all(math.isfinite(value) for value in row.values if value is not None)
        assert (row.time, row.status) == (time, judged.status_code)
        stated = judged.timestamp is None or parse(judged.timestamp).stated
        assert row.quality == (1 if not stated else 0 if 45 <= judged.frequency_hz <= 65 else (0, 0, 0, 1))


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=200), bodies.map(lambda body: json.dumps(body).encode()[:-3])))
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b'{"substation_id": "\xff"}')
@example(b'{"voltage_kv": NaN}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"substation_id": "\\ud800"}')
def test_bytes_that_are_no_body_are_refused_by_both(intake: Intake, wire: bytes) -> None:
    _, window = intake.window()
    assert intake.decode(wire) is None
    with pytest.raises(Refused) as refused:
        intake.judge(ANYBODY, wire, window)
    assert refused.value.details

"""A point schedule is read row by row: what is sound is taken, every other row is told with its line and its fault."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.alarms.limits import from_schedule
from wattline.billing.model import Role
from wattline.contracts.mcs.mqtt.topics import SUBSYSTEMS as OF_THE_TOPICS
from wattline.model.errors import Invalid
from wattline.registry.schedule import LONGEST_LINE, Schedule, lines_of, read
from wattline.registry.schedule_rows import LIMITS, PRIORITIES, PUBLISHED, ROLES, SUBSYSTEMS, ScheduleRow

SOUND: dict[str, str] = {
    "tag": "FT-L2", "description": "Loop 2 flow", "subsystem": "thermal-l2", "equipment_parent": "PP01",
    "protocol": "modbus-tcp", "protocol_address": "10.0.1.5:502/40001", "data_type": "FLOAT32", "unit": "m³/h",
    "range_min": "0", "range_max": "30", "precision": "0.1", "poll_rate_ms": "2000", "alarm_P1_low": "2",
    "alarm_P2_low": "5.5", "engineering_notes": "nominal 12.8",
}  # fmt: skip


def line(row: dict[str, str], columns: tuple[str, ...] = PUBLISHED) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([row.get(name, "") for name in columns])
    return text.getvalue()


def check(row: ScheduleRow) -> None:
    """What the alarm engine says of a row's limits."""
    pairs: Any = row.limits
    from_schedule(pairs, range_span=None, boolean=row.boolean)


def parse(text: str, checked: Callable[[ScheduleRow], object] = check) -> Schedule:
    return read(lines_of(io.StringIO(text, newline="")), checked)


def schedule(*rows: dict[str, str], columns: tuple[str, ...] = PUBLISHED) -> Schedule:
    return parse("\n".join([",".join(columns), *(line(row, columns) for row in rows)]))


def test_a_sound_row_is_a_point_with_limits() -> None:
    found = schedule(SOUND)
    assert not found.refused
    (row,) = found.rows
    spec = row.spec
    assert row.line == 2
    assert (spec.tag, spec.equipment, spec.subsystem, spec.unit) == ("FT-L2", "PP01", "thermal-l2", "m³/h")
    assert (spec.range_min, spec.range_max, spec.poll_ms, spec.kind) == (0.0, 30.0, 2000, "gauge")
    assert (spec.description, spec.role, spec.factor) == ("Loop 2 flow", None, 1.0)
    assert row.limits == {"P0": (None, None), "P1": (2.0, None), "P2": (5.5, None), "P3": (None, None)}
    assert row.has_limits
    assert not row.boolean


def test_a_point_may_be_without_limits_range_and_poll() -> None:
    bare = {name: SOUND[name] for name in ("tag", "subsystem", "equipment_parent", "unit")}
    (row,) = schedule(bare).rows
    assert not row.has_limits
    assert (row.spec.range_min, row.spec.range_max, row.spec.poll_ms, row.spec.description) == (None,) * 4


@pytest.mark.parametrize(
    ("unit", "kind", "boolean"),
    [
        ("kWh", "counter", False),
        ("kWht", "counter", False),
        ("kW", "gauge", False),
        ("bool", "state", True),
        ("Bool", "state", True),
    ],
)
def test_the_unit_says_of_what_kind_a_point_is(unit: str, kind: str, boolean: bool) -> None:
    row = {name: text for name, text in SOUND.items() if name not in LIMITS}
    (found,) = schedule(row | {"unit": unit}).rows
    assert (found.spec.kind, found.boolean) == (kind, boolean)


def test_a_leak_detector_is_in_alarm_at_its_limit() -> None:
    leak = {"tag": "LD-01a", "subsystem": "thermal-safety", "equipment_parent": "LD-01", "unit": "bool", "alarm_P0_high": "1"}
    (row,) = schedule(leak).rows
    pairs: Any = row.limits
    (limit,) = from_schedule(pairs, range_span=1.0, boolean=row.boolean)
    assert (limit.priority, limit.value, limit.inclusive) == ("P0", 1.0, True)


def test_extra_columns_give_a_part_in_energy_accounts() -> None:
    columns = (*PUBLISHED, "role", "factor", "equipment_type")
    extra = {"role": "submeter", "factor": "0.5", "equipment_type": "pump"}
    (row,) = schedule(SOUND | extra, columns=columns).rows
    assert (row.spec.role, row.spec.factor, row.spec.equipment_type) == ("submeter", 0.5, "pump")


FAULTS: list[tuple[dict[str, str], str]] = [
    ({"tag": ""}, "tag is empty"),
    ({"tag": "FT L2"}, "tag 'FT L2' must be"),
    ({"tag": "x" * 65}, "must be 1 to 64"),
    ({"subsystem": "thermal-l9"}, "subsystem 'thermal-l9' is none of electrical"),
    ({"subsystem": ""}, "subsystem is empty"),
    ({"equipment_parent": ""}, "equipment_parent is empty"),
    ({"unit": ""}, "unit is empty"),
    ({"unit": "30"}, "unit '30' is a number: are columns shifted?"),
    ({"range_min": "30"}, "range_min (30) must lie below range_max (30)"),
    ({"range_min": "40"}, "range_min (40) must lie below range_max (30)"),
    ({"range_max": "a lot"}, "range_max 'a lot' is not a number"),
    ({"range_max": "nan"}, "range_max 'nan' is not a number"),
    ({"range_max": "1e999"}, "range_max is out of all bounds"),
    ({"alarm_P3_high": "Filter clogged"}, "alarm_P3_high 'Filter clogged' is not a number: are columns shifted?"),
    ({"alarm_P3_high": "25", "engineering_notes": "28"}, "engineering_notes holds a number"),
    ({"data_type": "40001"}, "data_type '40001' is no data type"),
    ({"precision": "one"}, "precision 'one' is not a number"),
    ({"precision": "-1"}, "precision must not be negative"),
    ({"poll_rate_ms": "0"}, "poll_rate_ms '0' must be a whole number"),
    ({"poll_rate_ms": "often"}, "poll_rate_ms 'often'"),
    ({"poll_rate_ms": "2.5"}, "poll_rate_ms '2.5'"),
    ({"poll_rate_ms": "99999999999"}, "poll_rate_ms"),
    ({"alarm_P3_low": "460", "alarm_P3_high": "420"}, "must lie below the high ones"),
    ({"alarm_P1_low": "20", "alarm_P2_low": "", "alarm_P3_high": "20"}, "must lie below the high ones"),
    ({"alarm_P1_low": "62", "alarm_P2_low": "", "alarm_P3_low": "61"}, "P1_low (62) must lie below P3_low (61)"),
    ({"alarm_P0_high": "20", "alarm_P2_high": "25"}, "P0_high (20) must lie above P2_high (25)"),
    ({"description": "two\u0007words"}, "description must have"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS, ids=[reason for _, reason in FAULTS])
def test_a_bad_row_is_told_and_not_taken(change: dict[str, str], reason: str) -> None:
    good = SOUND | {"tag": "GOOD-1"}
    found = schedule(good, SOUND | change, SOUND | {"tag": "GOOD-2"})
    assert [row.spec.tag for row in found.rows] == ["GOOD-1", "GOOD-2"]
    (refused,) = found.refused
    assert refused.line == 3
    assert reason in refused.reason


def test_a_missing_and_an_additional_field_are_told() -> None:
    text = "\n".join([",".join(PUBLISHED), line(SOUND) + ",", line(SOUND).rpartition(",")[0]])
    found = parse(text)
    assert not found.rows
    assert [refused.reason for refused in found.refused] == [
        "22 fields where the header has 21",
        "20 fields where the header has 21",
    ]


def test_a_tag_that_comes_twice_is_taken_once() -> None:
    found = schedule(SOUND, SOUND | {"subsystem": "network"})
    assert [row.spec.subsystem for row in found.rows] == ["thermal-l2"]
    assert [(refused.line, refused.reason) for refused in found.refused] == [(3, "the tag FT-L2 is that of line 2")]


def test_a_file_from_a_spreadsheet_is_read() -> None:
    body = f"# MASTER POINT SCHEDULE\r\n\r\n{','.join(PUBLISHED)}\r\n# -- pumps --\r\n{line(SOUND)}\r\n"
    found = parse("\ufeff" + body)
    assert [row.line for row in found.rows] == [5]
    assert found.rows == parse(body).rows


def test_a_quoted_field_may_hold_commas_quotes_and_line_ends() -> None:
    note = 'two "lines",\nand a comma'
    found = parse("\n".join([",".join(PUBLISHED), line(SOUND | {"engineering_notes": note}), line(SOUND | {"tag": "NEXT"})]))
    assert not found.refused
    assert [(row.line, row.spec.tag) for row in found.rows] == [(2, "FT-L2"), (4, "NEXT")]


@pytest.mark.parametrize("behind", [0, 3, 60])
def test_a_quote_that_is_never_closed_costs_its_own_line(behind: int) -> None:
    rows = [line(SOUND | {"tag": f"T-{number}"}) for number in range(behind)]
    found = parse("\n".join([",".join(PUBLISHED), 'FT-L2,"never closed,thermal-l2', *rows]))
    assert [refused.line for refused in found.refused] == [2]
    assert found.refused[0].reason == "a quote is opened and not closed"
    assert len(found.rows) == behind


def test_columns_are_found_by_name_in_any_order_and_spelling() -> None:
    names = {
        "Tag": "FT-L2", "Sub system": "x", "SUBSYSTEM": "thermal-l2", "Equipment-Parent": "PP01", "unit": "kPa",
        "P1 low": "1", "p2_lo": "2", "Alarm P2 High": "8", "ALARM_P1_HI": "9",
    }  # fmt: skip
    found = parse(",".join(names) + "\n" + ",".join(names.values()))
    (row,) = found.rows
    assert row.limits["P1"] == (1.0, 9.0)
    assert row.limits["P2"] == (2.0, 8.0)
    assert found.ignored == ("sub_system",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("# only a comment\n\n", "the file is empty"),
        ("tag,unit\n", "the header lacks subsystem, equipment_parent"),
        ("tag,unit,subsystem,equipment_parent,Tag\n", "names tag twice"),
        ("tag,unit,subsystem,equipment_parent,P1_low,alarm_P1_low\n", "names alarm_P1_low twice"),
        ("tag,unit,subsystem,equipment_parent,alarm_P1_hgh\n", "a limit column that is not known: alarm_p1_hgh"),
        ("tag,unit,subsystem,equipment_parent,P4_high\n", "a limit column that is not known: p4_high"),
        ('tag,"unit', "line 1, the header"),
    ],
)
def test_a_file_without_a_usable_header_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        parse(text)


def test_what_is_not_utf8_is_told_by_row() -> None:
    encoded = "\n".join([",".join(PUBLISHED), line(SOUND | {"unit": "°C"}), line(SOUND | {"tag": "NEXT", "unit": "V"})])
    file = io.TextIOWrapper(io.BytesIO(encoded.encode("latin-1", "replace")), "utf-8", "surrogateescape", newline="")
    found = read(lines_of(file), check)
    assert [(refused.line, refused.reason) for refused in found.refused] == [(2, "holds characters that are not UTF-8")]
    assert [row.spec.tag for row in found.rows] == ["NEXT"]


def test_a_line_without_end_is_refused_and_not_kept() -> None:
    found = parse("\n".join([",".join(PUBLISHED), "x" * (5 * LONGEST_LINE), line(SOUND)]))
    assert [(r.line, r.reason) for r in found.refused] == [(2, f"is longer than {LONGEST_LINE} characters")]
    assert [row.line for row in found.rows] == [3]


def test_a_large_schedule_is_read() -> None:
    rows = (line(SOUND | {"tag": f"T-{number}"}) + "\n" for number in range(20_000))
    found = read(iter([",".join(PUBLISHED) + "\n", *rows]), check)
    assert len(found.rows) == 20_000


def test_a_check_of_the_caller_refuses_a_row() -> None:
    def never(row: ScheduleRow) -> None:
        raise Invalid("not here", "tag")

    assert [refused.reason for refused in parse(f"{','.join(PUBLISHED)}\n{line(SOUND)}", never).refused] == ["not here"]


HEADERS = st.sampled_from([",".join(PUBLISHED), "tag,unit,subsystem,equipment_parent,P0_high,role,factor", ""])
CELLS = st.one_of(st.sampled_from([*SOUND.values(), '"', "1e400", "-", "#", "P0", "\x00", "٣"]), st.text(max_size=12))
ROWS = st.lists(CELLS, min_size=1, max_size=24).map(",".join)


@settings(deadline=None)
@given(HEADERS, st.lists(st.one_of(ROWS, st.text(max_size=80)), max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_no_text_raises_anything_but_invalid(header: str, rows: list[str], end: str) -> None:
    text = end.join([header, *rows])
    try:
        found = parse(text)
    except Invalid:
        return
    told = [row.line for row in found.rows] + [refused.line for refused in found.refused]
    assert len(told) == len(set(told))
    assert all(1 <= number <= text.count("\n") + 1 for number in told)
    for row in found.rows:
        assert row.spec.subsystem in SUBSYSTEMS
        check(row)
    for refused in found.refused:
        assert refused.reason
        assert refused.tag.isprintable()


@settings(deadline=None)
@given(st.lists(st.sampled_from(FAULTS), max_size=6), st.integers(0, 6))
def test_every_row_is_taken_or_told(faults: list[tuple[dict[str, str], str]], good: int) -> None:
    rows = [SOUND | {"tag": f"T-{number}"} for number in range(good)]
    rows += [SOUND | {"tag": f"F-{number}"} | change for number, (change, _) in enumerate(faults)]
    found = schedule(*rows)
    assert (len(found.rows), len(found.refused)) == (good, len(faults))


def test_the_words_are_those_of_the_rest_of_the_platform() -> None:
    assert set(SUBSYSTEMS) == set(OF_THE_TOPICS)
    assert set(ROLES) == {role.value for role in Role}
    assert PRIORITIES == ("P0", "P1", "P2", "P3")
    assert len(PUBLISHED) == 21

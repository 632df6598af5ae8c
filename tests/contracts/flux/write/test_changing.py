"""PATCH and DELETE."""

from __future__ import annotations

import pytest

from tests.contracts.flux.write.asking import Base, Granted, shown
from tests.contracts.flux.write.test_inserting import D, E, at
from wattline.contracts.flux.write.model import Options

STRICT = "handling=strict, max-affected=2"


@pytest.fixture
async def full(base: Base) -> Base:
    """Four readings of one device and one of another."""
    await base("POST", "mg_bess_readings", [*(at(second, soe=second) for second in (1, 2, 3, 4)), at(1, E, soe=9)])
    return base


def soes(base: Base) -> list[object]:
    return sorted(row["soe"] for row in base.rows("mg_bess_readings"))


async def test_patch_sets_what_the_filters_keep(full: Base) -> None:
    written = await full("PATCH", "mg_bess_readings?soe=gt.2&soe=lt.9", {"soe": 0, "command_source": 5})
    assert (written.status, written.content_range, written.updated) == (204, "0-1/*", 2)
    assert soes(full) == [0.0, 0.0, 1.0, 2.0, 9.0]
    assert sum(row["command_source"] == 5 for row in full.rows("mg_bess_readings")) == 2


async def test_patch_shows_rows_in_order(full: Base) -> None:
    written = await full(
        "PATCH", f"mg_bess_readings?device_id=eq.{D}&order=time.desc", {"target_power": 1}, "return=representation, count=exact"
    )
    assert (written.status, written.content_range) == (200, "0-3/4")
    assert shown(written.rows, "soe", "target_power") == [(4.0, 1.0), (3.0, 1.0), (2.0, 1.0), (1.0, 1.0)]


async def test_patch_of_every_row(full: Base) -> None:
    assert (await full("PATCH", "mg_bess_readings", [{"soe": 5}, {"soe": 6}])).updated == 5
    assert soes(full) == [5.0] * 5


@pytest.mark.parametrize("body", [{}, [], 5])
async def test_patch_of_nothing(full: Base, body: object) -> None:
    written = await full("PATCH", "mg_bess_readings", body, "return=representation, count=exact")
    assert (written.status, written.content_range, written.rows.num_rows) == (200, "*/0", 0)
    assert (await full("PATCH", "mg_bess_readings", body)).content_range == "*/*"
    assert full.members["mg_bess_readings"].commits == 1


async def test_patch_of_no_row(full: Base) -> None:
    written = await full("PATCH", "mg_bess_readings?soe=eq.77", {"soe": 1, "time": None})
    assert (written.status, written.content_range) == (204, "*/*")
    assert (await full.refusal("PATCH", "mg_bess_readings?soe=eq.77", {"soe": "x"})).code == "22P02"


async def test_patch_of_keys(full: Base) -> None:
    refusal = await full.refusal("PATCH", f"mg_bess_readings?device_id=eq.{D}&soe=eq.1", {"time": "2024-01-01T12:00:02Z"})
    assert (refusal.status, refusal.code) == (409, "23505")
    refusal = await full.refusal("PATCH", f"mg_bess_readings?device_id=eq.{D}", {"time": "2024-01-01T13:00:00Z"})
    assert refusal.code == "23505"
    assert (await full.refusal("PATCH", "mg_bess_readings?soe=eq.9", {"device_id": D})).code == "23505"
    same = await full("PATCH", "mg_bess_readings?soe=in.(1,9)", {"time": "2024-01-01T12:00:01Z"})
    assert same.updated == 2
    moved = await full("PATCH", "mg_bess_readings?soe=in.(1,9)", {"time": "2024-01-01T13:00:00Z"})
    assert moved.updated == 2
    refusal = await full.refusal("PATCH", "mg_bess_readings?soe=eq.1", {"time": None})
    assert (refusal.code, refusal.message.split('"')[1]) == ("23502", "time")


async def test_patch_with_columns_and_defaults(full: Base) -> None:
    target = "mg_bess_readings?soe=eq.1&columns=soe,target_power"
    written = await full("PATCH", target, {"soe": 8, "command_source": 4})
    assert shown(written.rows, "soe", "target_power", "command_source") == [(8.0, None, None)]
    target = "mg_bess_readings?soe=eq.8&columns=soe,id"
    assert (await full.refusal("PATCH", target, {"soe": 8})).code == "23502"
    written = await full("PATCH", target, {"soe": 8}, "missing=default")
    assert written.rows.column("id").null_count == 0


async def test_refused_names(full: Base) -> None:
    assert (await full.refusal("PATCH", "mg_bess_readings", {"foo": 1})).code == "PGRST204"
    assert (await full.refusal("PATCH", "mg_bess_readings?foo=eq.1", {"soe": 1})).code == "42703"
    assert (await full.refusal("DELETE", "mg_bess_readings?foo=eq.1")).code == "42703"
    assert (await full.refusal("DELETE", "mg_bess_readings?order=foo")).code == "42703"
    assert (await full.refusal("DELETE", "mg_bess_readings?soe=eq.x")).code == "22P02"
    assert (await full.refusal("DELETE", "nothing")).code == "PGRST205"
    assert (await full.refusal("DELETE", "mg_bess_readings", None, "handling=strict, foo")).code == "PGRST122"


async def test_delete(full: Base) -> None:
    written = await full("DELETE", "mg_bess_readings?soe=gte.3&order=soe.desc", b"{}", "return=representation, count=exact")
    assert (written.status, written.content_range, written.deleted) == (200, "*/3", 3)
    assert shown(written.rows, "soe") == [(9.0,), (4.0,), (3.0,)]
    assert soes(full) == [1.0, 2.0]
    written = await full("DELETE", "mg_bess_readings?soe=gte.3")
    assert (written.status, written.content_range, written.deleted) == (204, "*/*", 0)
    await full("DELETE", "mg_bess_readings")
    assert soes(full) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_is_too_much_is_not_done(full: Base, method: str) -> None:
    body = {"target_power": 1}
    refusal = await full.refusal(method, "mg_bess_readings?soe=gt.1", body, STRICT)
    assert (refusal.status, refusal.code, refusal.details) == (400, "PGRST124", "The query affects 4 rows")
    refusal = await full.refusal(method, "mg_bess_readings?soe=gt.1", body, singular=True)
    assert (refusal.status, refusal.code, refusal.details) == (406, "PGRST116", "The result contains 4 rows")
    refusal = await full.refusal(method, "mg_bess_readings?soe=gt.77", body, singular=True)
    assert refusal.details == "The result contains 0 rows"
    refusal = await full.refusal(method, "mg_bess_readings", body, options=Options(most_rows=4))
    assert (refusal.status, refusal.code) == (413, "PT413")
    written = await full(method, "mg_bess_readings?soe=in.(1,2)", body, STRICT, singular=False)
    assert (written.applied.max_affected, written.rows.num_rows) == (2, 2)
    written = await full(method, "mg_bess_readings?soe=gte.3", body, "max-affected=2", options=Options(rollback=True))
    assert written.applied.max_affected is None


@pytest.mark.parametrize(("method", "verb"), [("PATCH", "update"), ("DELETE", "delete")])
async def test_grants_and_hidden_rows(full: Base, method: str, verb: str) -> None:
    body = {"target_power": 1}
    everything, some = (method, "mg_bess_readings", body), (method, "mg_bess_readings?soe=eq.1", body)
    assert (await full.refusal(*everything, policy=Granted(refused=[verb]))).code == "42501"
    assert (await full.refusal(*some, policy=Granted(refused=["select"]))).code == "42501"
    refusal = await full.refusal(*everything, "return=representation", policy=Granted(refused=["select"]))
    assert refusal.code == "42501"
    for hidden in (verb, "select"):
        written = await full(*some, policy=Granted(hidden=[hidden]))
        assert (written.status, written.rows.num_rows) == (204, 0)
    assert (await full(*everything, policy=Granted(refused=["select"], hidden=["select"]))).rows.num_rows == 5

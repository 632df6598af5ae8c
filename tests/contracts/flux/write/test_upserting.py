"""POST with a resolution, and PUT."""

from __future__ import annotations

import pytest

from tests.contracts.flux.write.asking import NOW, Base, Granted, shown
from tests.contracts.flux.write.test_inserting import D, E, at

MERGE = "resolution=merge-duplicates"
IGNORE = "resolution=ignore-duplicates"
KEY = "mg_bess_readings?on_conflict=device_id,time"
DEVICE = {"id": D, "name": "a", "type": "bess", "site": "WLCE"}


async def test_merge_sets_what_was_sent_and_leaves_the_rest(base: Base) -> None:
    await base("POST", "mg_bess_readings", [at(1, soe=1, target_power=7), at(2, soe=2, target_power=8)])
    (first, second) = base.rows("mg_bess_readings")
    written = await base("POST", KEY, [at(9, soe=9), at(2, soe=None), at(1, soe=5)], MERGE)
    assert (written.status, written.inserted, written.updated) == (201, 1, 2)
    assert written.applied.resolution == "merge-duplicates"
    assert shown(written.rows, "time", "soe", "target_power") == [
        (NOW + 9_000_000, 9.0, None), (NOW + 2_000_000, None, 8.0), (NOW + 1_000_000, 5.0, 7.0),
    ]  # fmt: skip
    held = {row["time"]: row for row in base.rows("mg_bess_readings")}
    assert held[first["time"]] == {**first, "soe": 5.0}
    assert held[second["time"]] == {**second, "soe": None}
    assert len(held) == 3


async def test_merge_of_known_rows_alone_is_200(base: Base) -> None:
    await base("POST", KEY, at(1), MERGE)
    assert (await base("POST", KEY, at(1, soe=1), MERGE)).status == 200
    assert (await base("POST", KEY, [], MERGE)).status == 200
    assert (await base("POST", KEY, at(1), IGNORE)).status == 201


async def test_ignore_leaves_what_is_there_and_keeps_the_first(base: Base) -> None:
    await base("POST", "mg_bess_readings", at(1, soe=1))
    written = await base("POST", KEY, [at(2, soe=2), at(1, soe=5), at(2, soe=3)], IGNORE + ", count=exact")
    assert (written.status, written.content_range, written.inserted) == (201, "*/1", 1)
    assert [row["soe"] for row in base.rows("mg_bess_readings")] == [1.0, 2.0]


async def test_the_same_row_twice(base: Base) -> None:
    refusal = await base.refusal("POST", KEY, [at(1), at(1)], MERGE)
    assert (refusal.status, refusal.code) == (500, "21000")
    assert refusal.message == "ON CONFLICT DO UPDATE command cannot affect row a second time"


async def test_what_a_conflict_is_about(base: Base) -> None:
    await base("POST", "mg_bess_readings", at(1))
    refusal = await base.refusal("POST", "mg_bess_readings?on_conflict=time", at(1), MERGE)
    assert (refusal.status, refusal.code) == (400, "42P10")
    assert refusal.message == "there is no unique or exclusion constraint matching the ON CONFLICT specification"
    assert (await base.refusal("POST", "mg_bess_readings?on_conflict=nope", at(1), MERGE)).code == "42703"
    # Without a primary key nothing says what a conflict is.
    written = await base("POST", "mg_bess_readings", at(2), MERGE)
    assert (written.status, written.applied.resolution) == (201, None)
    assert (await base.refusal("POST", "mg_bess_readings", at(1), MERGE)).code == "23505"
    # Without a resolution on_conflict says nothing.
    assert (await base.refusal("POST", KEY, at(1))).code == "23505"
    assert (await base("POST", "mg_bess_readings?on_conflict=time,device_id", at(1), MERGE)).status == 200


async def test_the_primary_key_and_its_alias(base: Base) -> None:
    await base("POST", "mg_device_registry", DEVICE, MERGE)
    assert (await base("POST", "mg_device_registry", {**DEVICE, "name": "b"}, MERGE)).status == 200
    written = await base("POST", "mg_device_registry?on_conflict=device_id", {**DEVICE, "name": "c"}, MERGE)
    assert (written.status, shown(written.rows, "name")) == (200, [("c",)])
    assert len(base.rows("mg_device_registry")) == 1


async def test_a_row_must_be_fit_to_be_inserted_even_where_it_is_not(base: Base) -> None:
    await base("POST", "mg_device_registry", DEVICE)
    refusal = await base.refusal("POST", "mg_device_registry", {"id": D, "name": "b"}, MERGE)
    assert refusal.message.startswith('null value in column "type"')


async def test_another_unique_key(base: Base) -> None:
    await base("POST", "market_data_types", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    refusal = await base.refusal("POST", "market_data_types", {"id": 1, "name": "b"}, MERGE)
    assert (refusal.code, refusal.details) == ("23505", "Key (name)=(b) already exists.")
    assert (await base.refusal("POST", "market_data_types", {"id": 3, "name": "b"}, IGNORE)).code == "23505"
    # Row by row: the second row takes the name that the first one left.
    written = await base("POST", "market_data_types", [{"id": 1, "name": "c"}, {"id": 2, "name": "a"}], MERGE)
    assert written.updated == 2
    swap = [{"id": 1, "name": "a"}, {"id": 2, "name": "c"}]
    assert (await base.refusal("POST", "market_data_types", swap, MERGE)).details == "Key (name)=(a) already exists."
    written = await base("POST", "market_data_types?on_conflict=name", {"id": 9, "name": "a"}, MERGE)
    assert shown(written.rows, "id", "name") == [(9, "a")]


async def test_max_affected_means_nothing_for_an_insert(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", [at(1), at(2)], "handling=strict, max-affected=1")
    assert (written.inserted, written.applied.max_affected, written.applied.handling) == (2, None, "strict")


async def test_put(base: Base) -> None:
    target = f"mg_device_registry?id=eq.{D}"
    written = await base("PUT", target, DEVICE, "return=representation")
    assert (written.status, written.content_range, written.inserted) == (201, None, 1)
    written = await base("PUT", target, [{**DEVICE, "name": "b"}], "return=representation")
    assert (written.status, written.updated, shown(written.rows, "name")) == (200, 1, [("b",)])
    assert (await base("PUT", target.replace("id=", "device_id="), {**DEVICE, "id": D.upper()})).status == 204
    assert len(base.rows("mg_device_registry")) == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 405, "PGRST105"),
        (f"id=eq.{D}&name=eq.a", 405, "PGRST105"),
        (f"id=eq.{D}&id=eq.{D}", 405, "PGRST105"),
        (f"id=neq.{D}", 405, "PGRST105"),
        (f"id=not.eq.{D}", 405, "PGRST105"),
        ("name=eq.a", 405, "PGRST105"),
        ("nope=eq.a", 405, "PGRST105"),
        (f"and=(id.eq.{D},name.eq.a)", 405, "PGRST105"),
        (f"id=eq(any).{{{D}}}", 405, "PGRST105"),
        ("id=eq.x", 400, "22P02"),
        (f"id=eq.{E}", 400, "PGRST115"),
        (f"id=eq.{D}&limit=1", 400, "PGRST114"),
        (f"id=eq.{D}&offset=1", 400, "PGRST114"),
    ],
)
async def test_put_on_what_is_not_one_key(base: Base, query: str, status: int, code: str) -> None:
    refusal = await base.refusal("PUT", f"mg_device_registry?{query}", DEVICE)
    assert (refusal.status, refusal.code) == (status, code)


async def test_put_of_what_is_not_the_row(base: Base) -> None:
    target = f"mg_device_registry?id=eq.{D}"
    for body in ([], {}, {"name": "a"}, [DEVICE, {**DEVICE, "id": E}], {**DEVICE, "id": None}):
        assert (await base.refusal("PUT", target, body)).code == "PGRST115"
    assert (await base.refusal("PUT", target, {"id": D})).code == "23502"
    assert (await base.refusal("PUT", "mg_bess_readings?id=eq.1", at(1))).code == "PGRST105"
    for verb in ("insert", "update", "select"):
        assert (await base.refusal("PUT", target, DEVICE, policy=Granted(refused=[verb]))).code == "42501"

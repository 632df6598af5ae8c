"""POST: inserts."""

from __future__ import annotations

import uuid

import pyarrow as pa
import pytest

from tests.contracts.flux.write.asking import NOW, Base, Granted, shown
from wattline.contracts.flux.write.model import Options

D = "123e4567-e89b-12d3-a456-426614174000"
E = "123e4567-e89b-12d3-a456-426614174001"
READING = {
    "device_id": D,
    "time": "2024-01-01T12:00:00.000Z",
    "soe": 65.5,
    "target_power": -25.0,
    "available_inverter_blocks": 4,
    "command_source": 1,
}


def at(second: int, device: str = D, **more: object) -> dict[str, object]:
    return {"device_id": device, "time": f"2024-01-01T12:00:{second:02d}Z", **more}


async def test_published_example(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", READING, "return=representation")
    assert (written.status, written.content_range, written.inserted) == (201, "*/*", 1)
    assert written.applied.returning == "representation"
    (row,) = base.rows("mg_bess_readings")
    assert written.rows.to_pylist() == [row]
    assert uuid.UUID(row["id"]).version == 4
    assert {**row, "id": None} == {
        "time": NOW, "device_id": D, "id": None, "created_at": NOW, "soe": 65.5, "target_power": -25.0,
        "available_inverter_blocks": 4, "command_source": 1, "real_power_mode": None,
    }  # fmt: skip


async def test_repetition_is_a_conflict(base: Base) -> None:
    await base("POST", "mg_bess_readings", READING)
    refusal = await base.refusal("POST", "mg_bess_readings", READING)
    assert (refusal.status, refusal.code) == (409, "23505")
    assert refusal.message == 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time_idx"'
    assert refusal.details == f'Key (device_id, "time")=({D}, 2024-01-01 12:00:00+00) already exists.'
    assert refusal.hint is None


async def test_one_bad_row_spoils_the_batch(base: Base) -> None:
    await base("POST", "mg_bess_readings", at(3))
    refusal = await base.refusal("POST", "mg_bess_readings", [at(1), at(2), at(3), at(4)])
    assert refusal.code == "23505"
    assert len(base.rows("mg_bess_readings")) == 1


async def test_duplicate_within_the_batch_after_rounding(base: Base) -> None:
    rows = [{"device_id": D, "time": f"2024-01-01T13:00:00.{fraction}+01:00"} for fraction in ("1234561", "12345649")]
    refusal = await base.refusal("POST", "mg_bess_readings", rows)
    assert refusal.details == f'Key (device_id, "time")=({D}, 2024-01-01 12:00:00.123456+00) already exists.'


async def test_the_same_time_of_two_devices(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", [at(1), at(1, E)], "count=exact")
    assert (written.content_range, written.inserted) == ("*/2", 2)


async def test_rows_stand_in_the_order_of_the_payload_with_one_created_at(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", [at(9), at(3), at(7)], "return=representation")
    assert shown(written.rows, "time", "created_at") == [(NOW + second * 10**6, NOW) for second in (9, 3, 7)]
    assert len(set(written.rows.column("id").to_pylist())) == 3


@pytest.mark.parametrize(
    ("body", "column"),
    [
        ({"device_id": D}, "time"),
        ({"time": "2024-01-01"}, "device_id"),
        ({}, "time"),
        ({**READING, "created_at": None}, "created_at"),
        ({**READING, "id": None}, "id"),
    ],
)
async def test_nulls_where_none_may_be(base: Base, body: dict[str, object], column: str) -> None:
    refusal = await base.refusal("POST", "mg_bess_readings", body)
    assert (refusal.status, refusal.code) == (400, "23502")
    assert refusal.message == f'null value in column "{column}" of relation "mg_bess_readings" violates not-null constraint'
    assert refusal.details is not None
    assert refusal.details.startswith("Failing row contains (")


async def test_a_null_in_a_row_before_a_duplicate_is_told_first_and_after_it_last(base: Base) -> None:
    await base("POST", "mg_bess_readings", at(1))
    null = {"device_id": None, "time": "2024-01-01"}
    assert (await base.refusal("POST", "mg_bess_readings", [null, at(1)])).code == "23502"
    assert (await base.refusal("POST", "mg_bess_readings", [at(1), null])).code == "23505"


async def test_the_first_bad_row_is_told_of_not_the_first_bad_column(base: Base) -> None:
    rows = [at(1, soe=1), at(2, soe="y"), {**at(3, soe=2), "time": "x"}]
    assert (await base.refusal("POST", "mg_bess_readings", rows)).message == 'invalid input syntax for type real: "y"'
    rows = [at(1, soe=1), {**at(3, soe=2), "time": "x"}, at(2, soe="y")]
    assert (await base.refusal("POST", "mg_bess_readings", rows)).code == "22007"
    refusal = await base.refusal("POST", "mg_bess_readings", {"device_id": "meter-uuid", "time": "2024-01-01"})
    assert (refusal.code, refusal.message) == ("22P02", 'invalid input syntax for type uuid: "meter-uuid"')


async def test_no_rows(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", [], "return=representation")
    assert (written.status, written.content_range, written.rows.num_rows) == (201, "*/*", 0)
    assert (await base("POST", "mg_bess_readings", b"5")).status == 201
    assert base.members["mg_bess_readings"].commits == 0


async def test_defaults_of_the_registry_and_the_alias_of_its_key(base: Base) -> None:
    body = {"name": "WLCE-BESS-02", "type": "bess", "site": "WLCE", "metadata": {"capacity_kwh": 500}}
    written = await base("POST", "mg_device_registry", body)
    assert shown(written.rows, "active", "created_at", "metadata") == [(True, NOW, '{"capacity_kwh": 500}')]
    written = await base("POST", "mg_device_registry", {**body, "device_id": D})
    assert shown(written.rows, "id") == [(D,)]
    refusal = await base.refusal("POST", "mg_device_registry", {**body, "id": D})
    assert refusal.details == f"Key (id)=({D}) already exists."
    assert (await base.refusal("POST", "mg_device_registry", {**body, "id": D, "device_id": E})).code == "42701"
    refusal = await base.refusal("POST", "mg_device_registry", {"name": "a", "type": "b"})
    assert refusal.message.startswith('null value in column "site"')
    written = await base("POST", "mg_device_registry", {**body, "active": None})
    assert shown(written.rows, "active") == [(None,)]


async def test_numbers_of_types(base: Base) -> None:
    written = await base("POST", "market_data_types", [{"name": "a"}, {"name": "b"}])
    assert shown(written.rows, "id", "name") == [(5, "a"), (6, "b")]
    refusal = await base.refusal("POST", "market_data_types", {"id": 5, "name": "a"})
    assert refusal.message.endswith('"market_data_types_pkey"')
    refusal = await base.refusal("POST", "market_data_types", [{"name": "c"}, {"name": "c"}])
    assert refusal.message.endswith('"market_data_types_name_key"')


async def test_market_data_has_versions(base: Base) -> None:
    row = {"time": "2024-01-01", "type": 1, "value": None}
    assert (await base("POST", "market_data", [row, row])).inserted == 2


async def test_columns_choose_and_missing_is_null_or_default(base: Base) -> None:
    body = [{"name": "a", "type": "b", "site": "c", "extra": 1}, {"name": "d", "type": "e", "site": "f", "active": False}]
    written = await base("POST", "mg_device_registry?columns=name,type,site,active", body)
    assert shown(written.rows, "active") == [(None,), (False,)]
    written = await base("POST", "mg_device_registry?columns=name,type,site,active,metadata", body, "missing=default")
    assert shown(written.rows, "active", "metadata") == [(True, None), (False, None)]
    assert written.applied.missing == "default"
    refusal = await base.refusal("POST", "mg_device_registry?columns=name,type,site,id", body)
    assert refusal.code == "23502"
    written = await base("POST", "mg_device_registry?columns=name,type,site,id", body, "missing=default")
    assert written.rows.column("id").null_count == 0
    explicit = [{**row, "active": None} for row in body]
    written = await base("POST", "mg_device_registry?columns=name,type,site,active", explicit, "missing=default")
    assert shown(written.rows, "active") == [(None,), (None,)]


async def test_unknown_columns(base: Base) -> None:
    refusal = await base.refusal("POST", "mg_bess_readings", {**READING, "foo": 1})
    assert (refusal.status, refusal.code) == (400, "PGRST204")
    assert refusal.message == "Could not find the 'foo' column of 'mg_bess_readings' in the schema cache"
    assert (await base.refusal("POST", "mg_bess_readings?columns=foo", READING)).code == "PGRST204"


async def test_what_is_wrong_first_is_told_first(base: Base) -> None:
    refusal = await base.refusal("POST", "nothing", b"{", "handling=strict, foo")
    assert refusal.code == "PGRST102"
    refusal = await base.refusal("POST", "nothing", {}, "handling=strict, foo")
    assert (refusal.code, refusal.details) == ("PGRST122", "Invalid preferences: foo")
    refusal = await base.refusal("POST", "mg_bess_reading", {"foo": 1})
    assert (refusal.status, refusal.code) == (404, "PGRST205")
    assert refusal.message == "Could not find the table 'flux.mg_bess_reading' in the schema cache"
    assert refusal.hint == "Perhaps you meant the table 'flux.mg_bess_readings'"
    assert (await base.refusal("POST", "q", {})).hint is None
    refused = Granted(refused=["insert"])
    assert (await base.refusal("POST", "mg_bess_readings", {"foo": 1}, policy=refused)).code == "PGRST204"
    assert (await base.refusal("POST", "mg_bess_readings", {"soe": "x"}, policy=refused)).code == "42501"


async def test_a_single_object_is_one_row_or_nothing(base: Base) -> None:
    assert (await base("POST", "mg_bess_readings", READING, singular=True)).status == 201
    refusal = await base.refusal("POST", "mg_bess_readings", [at(1), at(2)], singular=True)
    assert (refusal.status, refusal.code, refusal.details) == (406, "PGRST116", "The result contains 2 rows")
    assert (await base.refusal("POST", "mg_bess_readings", [], singular=True)).code == "PGRST116"


async def test_an_answer_that_cannot_be_made_keeps_the_rows_from_being_written(base: Base) -> None:
    seen = []

    async def represent(rows: pa.Table) -> list[object]:
        seen.append(rows.num_rows)
        if rows.num_rows > 1:
            raise ValueError
        return rows.column("soe").to_pylist()

    written = await base("POST", "mg_bess_readings", READING, "return=representation", represent=represent)
    assert written.representation == [65.5]
    with pytest.raises(ValueError):  # noqa: PT011 - the very one that was raised
        await base("POST", "mg_bess_readings", [at(1), at(2)], "return=representation", represent=represent)
    assert len(base.rows("mg_bess_readings")) == 1
    await base("POST", "mg_bess_readings", [at(1), at(2)], represent=represent)
    assert seen == [1, 2]


async def test_headers_only_names_the_row(base: Base) -> None:
    row = {"id": D.upper(), "name": "a", "type": "b", "site": "c"}
    written = await base("POST", "mg_device_registry", row, "return=headers-only")
    assert written.location == (("id", D),)
    rows = [{"name": "a", "type": "b", "site": "c"}] * 2
    assert (await base("POST", "mg_device_registry", rows, "return=headers-only")).location is None
    assert (await base("POST", "mg_bess_readings", READING, "return=headers-only")).location is None
    assert (await base("POST", "market_data_types", {"name": "a"}, "return=minimal")).location is None


async def test_rollback_where_it_is_allowed(base: Base) -> None:
    written = await base("POST", "mg_bess_readings", READING, "tx=rollback", options=Options(rollback=True))
    assert (written.status, written.inserted, written.applied.transaction) == (201, 1, "rollback")
    assert base.rows("mg_bess_readings") == []
    written = await base("POST", "mg_bess_readings", READING, "tx=rollback")
    assert written.applied.transaction is None
    assert len(base.rows("mg_bess_readings")) == 1


async def test_times_without_an_offset_go_by_the_zone(base: Base) -> None:
    row = {"device_id": D, "time": "2024-06-01 12:00:00"}
    written = await base("POST", "mg_bess_readings", row, "timezone=Europe/Paris")
    assert shown(written.rows, "time") == [(1_717_236_000_000_000,)]
    refusal = await base.refusal("POST", "mg_bess_readings", row, "timezone=Europe/Paris")
    assert refusal.details == f'Key (device_id, "time")=({D}, 2024-06-01 12:00:00+02) already exists.'


async def test_read_only_relations(base: Base) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        refusal = await base.refusal(method, "mg_bess_readings_5m", {"soe_avg": 1})
        assert (refusal.status, refusal.code) == (403, "42501")
        refusal = await base.refusal(method, "mg_bess_readings_5m", {"soe_avg": 1}, anonymous=True)
        assert (refusal.status, refusal.headers) == (401, {"WWW-Authenticate": "Bearer"})


@pytest.mark.parametrize(
    ("header", "target", "needed"),
    [
        ("", "mg_device_registry", {"insert"}),
        ("return=representation", "mg_device_registry", {"insert", "select"}),
        ("return=headers-only", "mg_device_registry", {"insert", "select"}),
        ("return=headers-only", "mg_bess_readings", {"insert"}),
        ("resolution=merge-duplicates", "mg_device_registry", {"insert", "update", "select"}),
        ("resolution=ignore-duplicates", "mg_device_registry", {"insert", "select"}),
        ("resolution=merge-duplicates", "mg_bess_readings", {"insert"}),
    ],
)
async def test_grants(base: Base, header: str, target: str, needed: set[str]) -> None:
    verbs = ("insert", "update", "delete", "select")
    for verb in verbs:
        request = ("POST", target, [], header)
        if verb in needed:
            assert (await base.refusal(*request, policy=Granted(refused=[verb]))).code == "42501"
        else:
            await base(*request, policy=Granted(refused=[verb]))
        if verb in needed - {"insert"}:
            refusal = await base.refusal(*request, policy=Granted(hidden=[verb]))
            assert refusal.message == f'new row violates row-level security policy for table "{target}"'

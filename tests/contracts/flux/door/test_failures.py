"""What is told where the platform itself fails: always four keys, never the inside."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tests.contracts.flux.memory import MemoryRelation, relations
from wattline.contracts.flux.answers import Answer, content_location, failure
from wattline.contracts.flux.asked import Asked, Views
from wattline.contracts.flux.caller import Caller, Verb
from wattline.contracts.flux.read.answer import Limits
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.relation import Edit, Need, Scan
from wattline.contracts.flux.resources import Resources
from wattline.contracts.flux.tables import BESS
from wattline.contracts.flux.write.model import Options
from wattline.model.clock import ManualClock
from wattline.model.errors import Conflict, Invalid, QueueFull, StorageFull, StoreLocked, Unavailable

TENANT = "somebody"


class Everything:
    """Everybody may do everything."""

    def check(self, caller: Caller, verb: Verb, relation: str) -> None:
        """Never refuses."""

    def sees(self, caller: Caller, verb: Verb, relation: str) -> bool:
        """Always."""
        return True


class Away(MemoryRelation):
    """A relation whose store fails, at the first row or at the commit."""

    def __init__(self, error: Exception) -> None:
        super().__init__(BESS)
        self.error = error

    def scan(self, tenant: str, need: Need) -> Scan:
        """Fails when it is read."""

        async def tables() -> AsyncIterator[pa.Table]:
            for table in (BESS.schema.empty_table(),):
                yield table
                raise self.error

        return Scan(tables())

    async def commit(self, tenant: str, edit: Edit) -> None:
        """Fails."""
        raise self.error


def resources(relation: MemoryRelation) -> Resources:
    """The part of the door that answers at a relation."""
    views = Views(Everything(), ManualClock(datetime(2024, 1, 1, tzinfo=UTC)))
    return Resources(Reader(relations(relation), Limits()), views, Options())


async def ask(relation: MemoryRelation, method: str, query: str = "", content: bytes = b"", **headers: str) -> Answer:
    asked = Asked(Caller(TENANT, "service_role", "key"), method, "flux", query, headers, (), content)
    return await resources(relation).answer(asked, BESS.name)


@pytest.mark.parametrize(
    ("error", "status", "code", "wait"),
    [
        (Unavailable("the store is away", 7), 503, "PGRST001", "7"),
        (QueueFull("the journal is full"), 503, "PGRST001", "5"),
        (StorageFull("the disk is full"), 503, "PGRST000", "30"),
        (StoreLocked("another process has it"), 503, "PGRST000", "30"),
        (Invalid("too many streams", "site"), 400, "P0001", None),
        (Conflict("it was there"), 409, "P0001", None),
    ],
)
async def test_failures_of_the_platform(error: Exception, status: int, code: str, wait: str | None) -> None:
    row = b'{"device_id":"00000000-0000-0000-0000-000000000001","time":"2024-01-01","soe":1}'
    for method, content in (("GET", b""), ("HEAD", b""), ("POST", row), ("DELETE", b"")):
        with pytest.raises(type(error)) as raised:
            await ask(Away(error), method, content=content)
        told = failure(raised.value)
        assert (told.status, told.headers["Proxy-Status"]) == (status, f"PostgREST; error={code}")
        assert told.headers.get("Retry-After") == wait
        assert told.body is not None
        assert str(error) in b"".join(told.body).decode()


async def test_what_nobody_foresaw_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        told = failure(ValueError("secret"))
    assert told.status == 500
    assert told.body == [b'{"code":"XX000","details":null,"hint":null,"message":"Internal error"}']
    assert "a request failed" in caplog.text


async def test_many_rows_are_answered_in_pieces() -> None:
    relation = MemoryRelation(BESS)
    device = "00000000-0000-0000-0000-000000000001"
    columns = {"time": list(range(20_000)), "device_id": [device] * 20_000, "soe": [1.5] * 20_000}
    relation.rows[TENANT] = pa.table(
        [
            pa.array(columns[each.name], each.type) if each.name in columns else pa.nulls(20_000, each.type)
            for each in BESS.schema
        ],
        schema=BESS.schema,
    )
    answer = await ask(relation, "GET", "select=soe", range="0-19999")
    assert answer.body is not None
    assert len(answer.body) > 1
    assert b"".join(answer.body) == b"[" + b",".join([b'{"soe":1.5}'] * 20_000) + b"]"
    assert answer.headers["Content-Range"] == "0-19999/*"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "/t"),
        ("b=eq.1&a=eq.%41%20x", "/t?a=eq.A%20x&b=eq.1"),
        ("order=time.desc&select=a,b", "/t?order=time.desc&select=a%2Cb"),
        ("a", "/t?a="),
        ("&&a=1+2", "/t?a=1%202"),
        ("a=ä", "/t?a=%C3%A4"),
    ],
)
def test_locations_are_canonical(query: str, expected: str) -> None:
    assert content_location("/t", query) == expected

"""What every kind of resource answers: pages, versions, conditions, faults, tenants."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter

from tests.conftest import sqlite_url
from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import resource_routes
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.resource_routes import Shelf
from wattline.model.errors import Conflict, Fault, Faulty
from wattline.platform import Platform
from wattline.resources.model import Resource
from wattline.resources.service import Resources
from wattline.state.database import Database

PATH = "/api/energy/schedules"


class Keeper:
    """Schedules that need a name and know nothing but name, external_id, tags and count."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @staticmethod
    def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
        faults = [Fault(f"/{name}", "unknown", "there is no such field") for name in body if name not in FIELDS]
        if not isinstance(body.get("name"), str):
            faults.append(Fault("/name", "required", "a name is needed"))
        if faults:
            raise Faulty(faults)
        return dict(body)

    async def create(self, tenant: str, body: Mapping[str, Any]) -> Resource:
        checked = self._checked(body)
        async with self._resources.writing() as writer:
            return await writer.insert(tenant, "schedule", checked)

    async def replace(self, tenant: str, number: int, body: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        checked = self._checked(body)
        async with self._resources.writing() as writer:
            return await writer.replace(tenant, "schedule", number, checked, expected=expected)

    async def patch(self, tenant: str, number: int, change: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        async with self._resources.writing() as writer:
            merged = {**writer.get(tenant, "schedule", number).body, **change}
            return await writer.replace(tenant, "schedule", number, self._checked(merged), expected=expected)

    async def remove(self, tenant: str, number: int, *, expected: int | None = None) -> Resource:
        async with self._resources.writing() as writer:
            if writer.get(tenant, "schedule", number).body["name"] == "needed":
                raise Conflict("something needs this")
            return await writer.remove(tenant, "schedule", number, expected=expected)


FIELDS = ("name", "external_id", "tags", "count")
SHELF = Shelf("schedule", PATH, "a schedule", ("name", "external_id", "tags", "count"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def resources(
    platform: Platform, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Resources]:
    """Resources apart from the platform's, whose schedules must hold what a schedule needs."""
    path = tmp_path_factory.mktemp("resources") / "state.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(sqlite_url(path))
    yield Resources(database, platform.clock)
    await database.close()


@pytest.fixture
def routers(resources: Resources, gate: Gate) -> list[APIRouter]:
    return [resource_routes.build(SHELF, Keeper(resources), resources, gate)]


def problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a problem, whose standing members are checked."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"].startswith("urn:")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == reply.request.url.path.removesuffix("/")
    assert body["request_id"] == reply.headers["x-request-id"]
    return body


async def add(depot: Depot, **body: Any) -> dict[str, Any]:
    reply = await depot.call("POST", f"{PATH}/", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    assert reply.headers["location"] == f"{PATH}/{made['id']}"
    return made


async def test_a_resource_lives_from_its_creation_to_its_removal(depot: Depot) -> None:
    made = await add(depot, name="Night", external_id="n-1")
    one = f"{PATH}/{made['id']}"
    assert made["name"] == "Night"
    assert made["version"] == 1
    assert made["created_at"].endswith("Z")
    assert made["created_at"] == made["updated_at"]

    read = await depot.call("GET", one)
    assert read.json() == made
    assert read.headers["etag"] == '"1"'
    same = await depot.call("GET", one, headers={"If-None-Match": 'W/"7", W/"1"'})
    assert same.status_code == 304
    assert same.headers["etag"] == '"1"'
    assert not same.content

    changed = await depot.call("PATCH", f"{one}/", json={"name": "Day"}, headers={"If-Match": '"1"'})
    assert changed.json()["name"] == "Day"
    assert changed.json()["external_id"] == "n-1"
    assert changed.headers["etag"] == '"2"'
    put = await depot.call("PUT", one, json={"name": "Noon"}, headers={"If-Match": '"9", "2"'})
    assert "external_id" not in put.json()
    assert put.headers["etag"] == '"3"'

    gone = await depot.call("DELETE", one, headers={"If-Match": "*"})
    assert gone.status_code == 204
    assert not gone.content
    problem(await depot.call("GET", one), 404, "not_found")
    problem(await depot.call("DELETE", one), 404, "not_found")


async def test_a_slash_at_the_end_changes_nothing(depot: Depot) -> None:
    made = await add(depot, name="Night")
    for path in (PATH, f"{PATH}/{made['id']}"):
        plain, slashed = await depot.call("GET", path), await depot.call("GET", f"{path}/")
        assert plain.status_code == slashed.status_code == 200
        assert plain.json() == slashed.json()


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', '"', "1", '"2", W/"1"', '"1" "2"'])
async def test_a_change_under_another_version_is_refused(depot: Depot, tag: str) -> None:
    one = f"{PATH}/{(await add(depot, name='Night'))['id']}"
    for method in ("PUT", "PATCH", "DELETE"):
        parts = {} if method == "DELETE" else {"json": {"name": "Day"}}
        reply = await depot.call(method, one, headers={"If-Match": tag}, **parts)
        problem(reply, 412, "precondition_failed")
    assert (await depot.call("GET", one)).json()["name"] == "Night"


async def test_every_fault_of_a_body_is_told_with_its_pointer(depot: Depot) -> None:
    reply = await depot.call("POST", PATH, json={"colour": "red", "a/b~c": 1})
    faults = problem(reply, 422, "invalid")["errors"]
    assert [(f["pointer"], f["code"]) for f in faults] == [
        ("/colour", "unknown"), ("/a/b~c", "unknown"), ("/name", "required"),
    ]  # fmt: skip
    assert (await depot.call("GET", PATH)).json()["count"] == 0


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b'{"name": NaN}', "application/json", 400, "malformed_json"),
        (b'{"name": "\xff"}', "application/json", 400, "malformed_json"),
        (b"[" * 100_00, "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "invalid"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/merge-patch+json", 415, "unsupported_media_type"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
async def test_a_body_that_is_no_document_is_refused(depot: Depot, content: bytes, media: str, status: int, code: str) -> None:
    problem(await depot.call("POST", PATH, content=content, headers={"Content-Type": media}), status, code)


async def test_a_body_in_pieces_is_not_read_beyond_its_limit(depot: Depot) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 1024

    reply = await depot.call("POST", PATH, content=pieces(), headers={"Content-Type": "application/json"})
    problem(reply, 413, "too_large")


async def test_another_tenants_id_is_not_there(depot: Depot, stranger: Depot) -> None:
    made = await add(depot, name="Night", external_id="n-1")
    one = f"{PATH}/{made['id']}"
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        parts = {"json": {"name": "Mine"}} if method in ("PUT", "PATCH") else {}
        foreign = problem(await stranger.call(method, one, **parts), 404, "not_found")
        missing = problem(await stranger.call(method, f"{PATH}/999999999", **parts), 404, "not_found")
        assert foreign["detail"] == missing["detail"]
    assert (await stranger.call("GET", PATH)).json()["results"] == []
    await add(stranger, name="Night", external_id="n-1")
    assert (await depot.call("GET", one)).json() == made


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5", "9" * 30, "5%2F6"])
async def test_what_is_no_id_is_not_there(depot: Depot, number: str) -> None:
    problem(await depot.call("GET", f"{PATH}/{number}"), 404, "not_found")


async def test_a_conflict_is_told(depot: Depot) -> None:
    await add(depot, name="One", external_id="n-1")
    problem(await depot.call("POST", PATH, json={"name": "Two", "external_id": "n-1"}), 409, "conflict")
    needed = await add(depot, name="needed")
    problem(await depot.call("DELETE", f"{PATH}/{needed['id']}"), 409, "conflict")


async def test_a_list_is_narrowed_exactly(depot: Depot) -> None:
    await add(depot, name="a", tags=["x", "y"], count=3)
    await add(depot, name="ab", tags=["x"], count=30)
    for asked, names in (
        ("name=a", ["a"]), ("tags=x", ["a", "ab"]), ("tags=y", ["a"]), ("count=3", ["a"]), ("name=", []),
        ("tags=x&name=ab", ["ab"]),
    ):  # fmt: skip
        found = (await depot.call("GET", f"{PATH}?{asked}")).json()
        assert [each["name"] for each in found["results"]] == names, asked
        assert found["count"] == len(names)


@pytest.mark.parametrize(
    ("asked", "name", "code"),
    [
        ("colour=red", "colour", "unknown"),
        ("name=a&name=b", "name", "repeated"),
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=501", "limit", "less_than_equal"),
        ("limit=x", "limit", "int_parsing"),
        ("cursor=x", "cursor", "bad_cursor"),
        ("cursor=", "cursor", "bad_cursor"),
        ("cursor=W10", "cursor", "bad_cursor"),
        ("cursor=W2ZhbHNlLDEsMl0", "cursor", "bad_cursor"),
        ("cursor=%F0%9F%98%80", "cursor", "bad_cursor"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused(depot: Depot, asked: str, name: str, code: str) -> None:
    fault = problem(await depot.call("GET", f"{PATH}?{asked}"), 400, "bad_parameter")["errors"][0]
    assert (fault["parameter"], fault["code"]) == (name, code)


async def test_pages_lead_forward_and_back_over_every_row_once(depot: Depot) -> None:
    made = [(await add(depot, name="same", count=each))["id"] for each in range(7)]
    for limit in (1, 2, 3, 7, 8):
        seen, back = [], []
        page = (await depot.call("GET", f"{PATH}/?limit={limit}&name=same")).json()
        assert page["count"] == 7
        assert page["previous"] is None
        while True:
            seen += [each["id"] for each in page["results"]]
            assert len(page["results"]) <= limit
            if page["next"] is None:
                break
            assert page["next"].startswith(f"http://depot{PATH}?")
            assert "name=same" in page["next"]
            page = (await depot.call("GET", page["next"])).json()
        assert seen == made
        while page["previous"] is not None:
            page = (await depot.call("GET", page["previous"])).json()
            back = [each["id"] for each in page["results"]] + back
        assert back == made[: len(back)]
        assert len(back) >= 7 - limit


async def test_a_row_that_goes_moves_no_other_to_another_page(depot: Depot) -> None:
    made = [(await add(depot, name="a"))["id"] for _ in range(4)]
    page = (await depot.call("GET", f"{PATH}?limit=2")).json()
    await depot.call("DELETE", f"{PATH}/{made[0]}")
    await depot.call("DELETE", f"{PATH}/{made[1]}")
    assert [each["id"] for each in (await depot.call("GET", page["next"])).json()["results"]] == made[2:]
    await depot.call("DELETE", f"{PATH}/{made[2]}")
    await depot.call("DELETE", f"{PATH}/{made[3]}")
    assert (await depot.call("GET", page["next"])).json()["results"] == []

"""Every id of one tenant is nothing at all to another: in paths, queries and bodies, whatever the contract comes to know."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterator
from itertools import product
from typing import Any

import httpx

from wattline.model.principal import JOULEPOINT

from .estate import CREDENTIALS, ENERGY, OTHER_SITE, Estate
from .published import Operation, references

NEVER = {"number": 2**31 - 1, "text": "0" * 32}
IN_PATHS = {
    f"{ENERGY}/meters/{{number}}": "meter",
    f"{ENERGY}/meters/{{number}}/keys/{{key_id}}": "meter key",
    f"{ENERGY}/gateway-keys/{{key_id}}": "gateway key",
    f"{ENERGY}/groups/{{number}}": "group",
    f"{ENERGY}/accounts/{{number}}": "account",
    f"{ENERGY}/tariffs/{{number}}": "tariff",
    f"{ENERGY}/schedules/{{number}}": "schedule",
    f"{ENERGY}/constraints/{{number}}": "constraint",
    f"{ENERGY}/topology/nodes/{{number}}": "node",
    f"{ENERGY}/topology/edges/{{number}}": "edge",
    f"{ENERGY}/pq/events/{{number}}": "pq event",
    f"{ENERGY}/protection/events/{{number}}": "protection event",
    f"{ENERGY}/analytics/exports/{{number}}": "export",
    f"{CREDENTIALS}/{{client_id}}": "credential",
}
"""What each parameter of a path is the id of, by the path up to it."""
OF_NOBODY = {"/api/events/schemas/{name}"}
IN_QUERIES = {
    "meter_id": "meter", "group_id": "group", "account_id": "account", "parent_id": "meter", "node_id": "node",
    "meter_ids": "meter", "group_ids": "group", "source": "node", "target": "node",
}  # fmt: skip
EVERYWHERE = {"tariff", "credential"}
"""Things that are at no site."""
NO_IDS = {"external_id", "site_id", "breaker_id", "source_event_id", "client_id"}
"""What a tenant names by itself, as it likes."""
USUAL = {"from": "2026-06-11T00:00:00Z", "to": "2026-06-12T00:00:00Z", "channels": "meter:{meter}"}
IMPOSSIBLE = [
    "%00", "a%00b", "%FF", "%ED%A0%80", "9" * 5000, str(2**63), "-1", "0", "1e3", "%20", "%2e%2e%2f", "%D9%A1", "null",
]  # fmt: skip
"""Steps of a path that are no id of anything."""
_PARAMETER = re.compile(r"\{\w+\}")


def never(thing: Any) -> Any:
    """What looks like the id but never was one."""
    return NEVER["number" if isinstance(thing, int) else "text"]


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """An answer without what differs between any two requests, and without the ids that were sent."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length", "date")}
    body = answer.text
    for text in (str(answer.request.url.path), *re.findall(r'"request_id":"(\w+)"', body)):
        body = body.replace(text, "*")
    return answer.status_code, headers, body


def filled(operation: Operation, estate: Estate, intruder: Estate, but: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """The path with each of its ids from the estate, and the ones before it from the intruder; and with one of nobody.

    Nothing where one of the ids is of a thing of `but`."""
    parts = list(_PARAMETER.finditer(operation.path))
    if {IN_PATHS[operation.path[: part.end()]] for part in parts} & {*but}:
        return
    for last in range(len(parts) if intruder is not estate else 1):
        theirs = nobody = operation.path
        for at, part in enumerate(parts):
            thing = IN_PATHS[operation.path[: part.end()]]
            mine = str(intruder.things[thing])
            name = part.group()
            theirs = theirs.replace(name, str(estate.things[thing]) if at >= last else mine, 1)
            nobody = nobody.replace(name, str(never(estate.things[thing])) if at >= last else mine, 1)
        yield theirs, nobody


def test_what_every_parameter_of_a_path_is_the_id_of_is_known(operations: list[Operation]) -> None:
    found = {path[: part.end()] for path in {o.path for o in operations} for part in _PARAMETER.finditer(path)}
    assert found == {*IN_PATHS, *OF_NOBODY}


async def walk(estate: Estate, caller: Estate, key: str, operations: list[Operation], but: Collection[str] = ()) -> None:
    """Every path with ids of the estate is not there for this key, just as one with ids of nobody."""
    for operation in operations:
        if "{" not in operation.path or operation.path in OF_NOBODY:
            continue
        thing = IN_PATHS.get(operation.path, "")
        query = {name: USUAL[name] for name in operation.required}
        for theirs, nobody in filled(operation, estate, caller, but):
            for body in ({}, estate.bodies.get(thing, {})):
                sent = {} if operation.method == "GET" else {"json": body}
                answers = [
                    await caller.depot.call(operation.method, path, key=key, params=query, **sent) for path in (theirs, nobody)
                ]
                assert answers[0].status_code == 404, (operation, theirs, answers[0].text)
                assert told(answers[0]) == told(answers[1]), operation
                assert answers[0].json()["code"] == "not_found"


async def test_a_foreign_id_in_a_path_is_not_there(estate: Estate, intruder: Estate, operations: list[Operation]) -> None:
    before = await estate.seen()
    await walk(estate, intruder, "all", operations)
    assert await estate.seen() == before


async def test_what_is_at_another_site_is_not_there(estate: Estate, operations: list[Operation]) -> None:
    before = await estate.seen()
    key = await estate.depot.key(*JOULEPOINT, sites=[OTHER_SITE])
    await walk(estate, estate, key, operations, EVERYWHERE)
    # Whoever sees some sites alone keeps no credentials: it could give itself the others.
    answer = await estate.depot.call("GET", f"{CREDENTIALS}/{estate.things['credential']}", key=key)
    assert answer.status_code == 403
    for case, (thing, body) in cases(estate, estate).items():
        path, pointer = case.split()
        if thing in EVERYWHERE or path.endswith("/bulk"):
            continue
        where = {f"{ENERGY}/meters": "site", f"{ENERGY}/topology/nodes": "site_id", f"{ENERGY}/topology/edges": "site_id"}
        whole = {**body, where[path]: OTHER_SITE} if path in where else body
        numbers = [estate.things[thing], never(estate.things[thing])]
        answers = [await estate.depot.call("POST", path, key=key, json=placed(whole, pointer, number)) for number in numbers]
        assert answers[0].status_code in (404, 422), (case, answers[0].text)
        texts = [re.sub(rf"\b{number}\b", "N", str(told(answer))) for number, answer in zip(numbers, answers, strict=True)]
        assert texts[0] == texts[1], case
    assert await estate.seen() == before


async def test_a_foreign_id_in_a_query_is_one_of_nobody(estate: Estate, intruder: Estate, operations: list[Operation]) -> None:
    before, count = await estate.seen(), 0
    for operation in operations:
        if "{" in operation.path:
            continue
        for name in operation.query:
            if name not in IN_QUERIES or name in operation.words:
                assert name in NO_IDS or not name.endswith(("_id", "_ids")), (operation, name)
                continue
            thing = estate.things[IN_QUERIES[name]]
            usual = {each: USUAL[each].format(**intruder.things) for each in operation.required if each != name}
            answers = [
                await intruder.depot.call(operation.method, operation.path, params={**usual, name: number})
                for number in (thing, never(thing))
            ]
            # A list that is narrowed by what is not there is empty; all else is not there.
            assert answers[0].status_code in (200, 404), (operation, name, answers[0].text)
            if answers[0].status_code == 200:
                assert answers[0].json()["results"] == [], (operation, name)
                assert answers[0].json()["count"] == answers[1].json()["count"] == 0
            else:
                assert told(answers[0]) == told(answers[1]), (operation, name)
            count += 1
    assert count > 20
    assert await estate.seen() == before


def cases(estate: Estate, made_by: Estate) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each id in a body: the thing that it is the id of, and a body that would do. `{}` in it is where the id goes."""
    reading = {"total_power": 1.0, "timestamp": estate.at(7)}
    meters, nodes, edges = f"{ENERGY}/meters", f"{ENERGY}/topology/nodes", f"{ENERGY}/topology/edges"
    mine = made_by.things
    series = {"start": estate.at(10**9), "channels": {"a": [230.0] * 300}}
    sag = {"type": "sag", "start": estate.at(5), "end": estate.at(3), "residual_pu": 0.5}
    schedule = made_by.bodies["schedule"]
    return {
        f"{ENERGY}/energy-data /meter_id": ("meter", reading),
        f"{ENERGY}/energy-data/bulk /readings/-/meter_id": ("meter", {"readings": [reading]}),
        f"{meters} /account_id": ("account", {"name": "x"}),
        f"{meters} /group_ids": ("group", {"name": "x"}),
        f"{meters} /parent_id": ("meter", {"name": "x"}),
        f"{meters} /node_id": ("node", {"name": "x"}),
        f"{meters} /formula/-/meter_id": ("meter", {"name": "x", "kind": "virtual", "formula": [{}]}),
        f"{ENERGY}/gateway-keys /meter_ids": ("meter", {"name": "x"}),
        f"{ENERGY}/groups /meter_ids": ("meter", {"name": "x"}),
        f"{ENERGY}/groups /group_ids": ("group", {"name": "x"}),
        f"{ENERGY}/accounts /tariffs/-/tariff_id": ("tariff", {"name": "x", "currency": "EUR", "tariffs": [{}]}),
        f"{ENERGY}/accounts /meters/-/meter_id": ("meter", {"name": "x", "currency": "EUR", "meters": [{}]}),
        f"{ENERGY}/analytics/forecast /meter_id": ("meter", {}),
        f"{ENERGY}/pq/config /meter_id": ("meter", {}),
        f"{ENERGY}/pq/rms /meter_id": ("meter", series),
        f"{ENERGY}/pq/waveform /meter_id": ("meter", {**series, "sample_rate_hz": 6400}),
        f"{ENERGY}/pq/events /meter_id": ("meter", sag),
        f"{ENERGY}/protection/events /meter_id": ("meter", {"kind": "arc_fault"}),
        f"{nodes} /meter_id": ("meter", {"kind": "load", "name": "x"}),
        f"{edges} /source": ("node", {"target": mine["other node"], "kind": "cable"}),
        f"{edges} /target": ("node", {"source": mine["other node"], "kind": "cable"}),
        f"{ENERGY}/schedules /target/id": ("group", {**schedule, "target": {"kind": "group"}}),
        f"{ENERGY}/constraints /node_id": ("node", {"max_current_a": 10}),
    }


def placed(body: dict[str, Any], pointer: str, number: Any) -> dict[str, Any]:
    """The body with an id at the pointer."""
    made = copy.deepcopy(body)
    *way, name = pointer[1:].split("/")
    at: Any = made
    for step in way:
        at = at[0] if step == "-" else at[step]
    at[name] = [number] if name.endswith("_ids") else number
    return made


def test_every_id_in_a_body_is_known(estate: Estate, operations: list[Operation]) -> None:
    found = {f"{o.path} {pointer}" for o in operations if o.method == "POST" for pointer in references(o.body, NO_IDS)}
    assert found == set(cases(estate, estate))


async def test_a_foreign_id_in_a_body_is_one_of_nobody(estate: Estate, intruder: Estate) -> None:
    before, own = await estate.seen(), await intruder.seen()
    for case, (thing, body) in cases(estate, intruder).items():
        path, pointer = case.split()
        numbers = [estate.things[thing], never(estate.things[thing])]
        answers = [await intruder.depot.call("POST", path, json=placed(body, pointer, number)) for number in numbers]
        if path.endswith("/bulk"):
            # Each reading has its own fate.
            assert [answer.status_code for answer in answers] == [200, 200]
            assert [each["code"] for each in answers[0].json()["rejected"][0]["errors"]] == ["unknown_meter"]
        else:
            assert answers[0].status_code in (404, 422), (case, answers[0].text)
        if answers[0].status_code == 422:
            codes = {error["code"] for error in answers[0].json()["errors"]}
            assert codes == {"unknown_reference"}, (case, answers[0].text)
        texts = [re.sub(rf"\b{number}\b", "N", str(told(answer))) for number, answer in zip(numbers, answers, strict=True)]
        assert texts[0] == texts[1], case
    assert await estate.seen() == before
    assert await intruder.seen() == own


async def test_a_foreign_id_in_a_change_is_one_of_nobody(estate: Estate, intruder: Estate) -> None:
    before, own = await estate.seen(), await intruder.seen()
    for case, (thing, body) in cases(estate, intruder).items():
        path, pointer = case.split()
        mine = next((name for place, name in IN_PATHS.items() if place == f"{path}/{{number}}"), None)
        if mine not in intruder.bodies:
            continue
        step = pointer.split("/")[1]
        change = {step: placed(body, pointer, estate.things[thing])[step]}
        if step == "formula":
            change["kind"] = "virtual"
        answer = await intruder.depot.call("PATCH", f"{path}/{intruder.things[mine]}", json=change)
        assert answer.status_code == 422, (case, answer.text)
        assert "unknown_reference" in {error["code"] for error in answer.json()["errors"]}, (case, answer.text)
        change[step] = placed(body, pointer, never(1))[step]
        other = await intruder.depot.call("PATCH", f"{path}/{intruder.things[mine]}", json=change)
        assert other.text.count("unknown_reference") == answer.text.count("unknown_reference")
    assert await estate.seen() == before
    assert await intruder.seen() == own


async def test_a_device_of_another_tenant_is_no_source_of_a_meter(estate: Estate, intruder: Estate) -> None:
    stream = await estate.depot.platform.metering.stream(
        estate.depot.platform.metering.meters.get(estate.depot.tenant, estate.meter)
    )
    answers = []
    for device in (stream.device.key, "never-was"):
        source = {"site": stream.device.site.key, "device": device, "fields": {"total_power": {"quantity": "total_power"}}}
        answers.append(await intruder.depot.call("POST", f"{ENERGY}/meters", json={"name": "x", "source": source}))
    assert {answer.status_code for answer in answers} == {422}
    assert answers[0].text.count("unknown_reference") == answers[1].text.count("unknown_reference")


async def test_what_can_be_no_id_is_none(intruder: Estate, operations: list[Operation]) -> None:
    for operation, text in product(operations, IMPOSSIBLE):
        parts = list(_PARAMETER.finditer(operation.path))
        for part in parts:
            path = operation.path.replace(part.group(), text)
            for other in parts:
                known = IN_PATHS.get(operation.path[: other.end()])
                path = path.replace(other.group(), str(intruder.things.get(known or "", "1")))
            sent = {} if operation.method == "GET" else {"json": {}}
            query = {name: USUAL[name] for name in operation.required}
            answer = await intruder.depot.call(operation.method, path, params=query, **sent)
            assert answer.status_code == 404, (operation, path[:100], answer.text)
            assert len(answer.content) < 2_000
    for query in ({"breaker_id": "\0"}, {"meter_id": 2**63}, {"cursor": "\0"}):
        answer = await intruder.depot.call("GET", f"{ENERGY}/protection/events", params=query)
        assert answer.status_code in (200, 400), answer.text

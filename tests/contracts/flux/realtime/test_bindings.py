"""Subscriptions that cannot be: the join is answered, and then told why."""

from __future__ import annotations

from typing import Any

import pytest

from wattline.contracts.flux.realtime.bindings import NO_SUCH

from .service import TOPIC, Place, Service, bess, device

GRAMMAR = "Error parsing `filter` params: ["


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        (bess(table="nope"), f"{NO_SUCH}: [event: INSERT, schema: flux, table: nope, filters: [], select: nil]"),
        (bess(table="mg_bess_readings_5m"), NO_SUCH),
        (bess(schema="other"), f"{NO_SUCH}: [event: INSERT, schema: other, table: mg_bess_readings, filters: [], select: nil]"),
        (bess(event="TRUNCATE"), NO_SUCH),
        (bess(event=7), NO_SUCH),
        (bess(event=None), NO_SUCH),
        (bess(table=[1]), NO_SUCH),
        (bess(select="nope"), NO_SUCH),
        (bess(select=7), NO_SUCH),
        (bess(select=[]), NO_SUCH),
        (bess(filter="power=gt.0"), NO_SUCH),
        (
            bess(filter="device_id=eq.meter-uuid"),
            f"{NO_SUCH}: [event: INSERT, schema: flux, table: mg_bess_readings, "
            'filters: [{"device_id", "eq", "meter-uuid"}], select: nil]: invalid input syntax for type uuid: "meter-uuid"',
        ),
        (bess(filter="command_source=eq.99999"), NO_SUCH),
        (bess(filter="soe=like.5%"), NO_SUCH),
        (bess(filter="device_id"), GRAMMAR),
        (bess(filter="device_id=is"), GRAMMAR),
        (bess(filter="device_id=between.1"), GRAMMAR),
        (bess(filter="soe=is.7"), GRAMMAR),
        (bess(filter="soe=in.1,2"), GRAMMAR),
        (bess(filter="soe=in.(1,2"), GRAMMAR),
        (bess(filter="soe=in.()"), GRAMMAR),
        (bess(filter=f"soe=in.({','.join(map(str, range(101)))})"), GRAMMAR),
        (bess(filter="soe=gt.1,"), NO_SUCH),
        (bess(filter="soe=in.(1),"), GRAMMAR),
        (bess(filter="soe=in.(1)x"), GRAMMAR),
        ({"event": "*", "schema": "flux", "filter": "power=gt.0"}, NO_SUCH),
        (bess(filter={"soe": 1}), GRAMMAR),
        (bess(since="some day"), "`since` is neither a position"),
        (bess(since=1.5), "`since` is neither a position"),
        (bess(since=True), "`since` is neither a position"),
        (bess(since=-1), "`since` is neither a position"),
        (bess(since=9_000_000_000_000_000), "`since` is a position that no commit has reached"),
    ],
)
async def test_refused(service: Service, binding: dict[str, Any], message: str) -> None:
    async with service.client() as client:
        answer = await client.join(bess(), binding)
        assert (answer["status"], len(answer["response"]["postgres_changes"])) == ("ok", 2)
        system = await client.event("system")
        assert (system["status"], system["extension"], system["channel"]) == ("error", "postgres_changes", "bess-realtime")
        assert system["message"].startswith(message), system
        await service.insert(device(1), 1.0)
        await client.silent()
        await client.say(TOPIC, "broadcast", {"type": "broadcast", "event": "e", "payload": {}}, join_ref="1")
        await client.silent()


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {"config": []},
        {"config": {"postgres_changes": {}}},
        {"config": {"postgres_changes": [1]}},
        {"config": {"broadcast": "x"}},
        {"config": {"presence": [1]}},
        {"config": {"postgres_changes": [{}] * 101}},
    ],
)
async def test_a_join_of_another_form_is_refused(service: Service, payload: Any) -> None:
    async with service.client() as client:
        await client.say(TOPIC, "phx_join", payload, "1", "1")
        answer = await client.event("phx_reply")
        assert answer["status"] == "error"
        assert answer["response"]["reason"].startswith("InvalidJoinPayload: ")


@pytest.mark.parametrize("topic", ["phoenix2", "realtime", "realtime:", "other:bess", ""])
async def test_topics_that_are_none(service: Service, topic: str) -> None:
    async with service.client() as client:
        await client.say(topic, "phx_join", {}, "1", "1")
        assert await client.event("phx_reply") == {"status": "error", "response": {"reason": "unmatched topic"}}


async def test_a_role_without_the_grant(at: Place) -> None:
    async with Service.open(at) as service, service.client(await service.key("flux_scraper")) as client:
        await client.join(bess())
        assert (await client.event("system"))["message"].endswith("permission denied for table mg_bess_readings")
        await client.subscribe({"event": "*", "schema": "flux", "table": "*"}, topic="realtime:2")

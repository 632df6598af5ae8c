"""What is live of one tenant, or of a site that a credential does not see, is no channel of another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from starlette.types import ASGIApp

from tests.contracts.joulepoint.live.listener import listening
from tests.contracts.joulepoint.live.meters import read
from wattline.model.principal import JOULEPOINT
from wattline.platform import Platform
from wattline.server import Listener, Server

from .estate import ENERGY, OTHER_SITE, SITE, Estate

NOBODY = 2**31 - 1


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def url(ground: tuple[Platform, ASGIApp]) -> AsyncIterator[str]:
    """Where the application is served."""
    platform, app = ground
    server = Server(app, Listener("127.0.0.1", 0, tls=False), platform.settings, platform.stopping.clear)
    async with server.serving() as found:
        yield found


def channels(estate: Estate) -> dict[str, str]:
    """The channels of everything, and ones of nobody's things, by the former."""
    numbered = {f"{kind}:{estate.things[kind]}": f"{kind}:{NOBODY}" for kind in ("meter", "group", "account")}
    return {**numbered, f"topology:{SITE}-{estate.depot.tenant}": "topology:nowhere"}


async def test_channels_are_unknown_to_others(estate: Estate, intruder: Estate, url: str) -> None:
    names = channels(estate)
    limited = await estate.depot.key(*JOULEPOINT, sites=[OTHER_SITE])
    for key in (intruder.depot.keys["all"], limited):
        async with listening(url, key) as listener:
            answers = [await listener.subscribe(*some) for some in (names.keys(), names.values())]
            for answer, some in zip(answers, (names.keys(), names.values()), strict=True):
                assert answer["accepted"] == []
                assert [(each["channel"], each["code"]) for each in answer["rejected"]] == [
                    (name, "unknown_channel") for name in some
                ]
            details = [[each["detail"] for each in answer["rejected"]] for answer in answers]
            for theirs, nobody, (name, other) in zip(*details, names.items(), strict=True):
                assert theirs.replace(name.partition(":")[2], "") == nobody.replace(other.partition(":")[2], "")
        for name in names:
            answer = await estate.depot.call("GET", f"{ENERGY}/live", key=key, params={"channels": name})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


async def test_events_of_others_are_not_told(estate: Estate, intruder: Estate, url: str) -> None:
    limited = await estate.depot.key(*JOULEPOINT, sites=[OTHER_SITE])
    async with (
        listening(url, intruder.depot.keys["all"]) as outside,
        listening(url, limited) as elsewhere,
        listening(url, estate.depot.keys["all"]) as own,
    ):
        for listener in (outside, elsewhere, own):
            answer = await listener.subscribe("events:*")
            assert answer["rejected"] == []
        await read(estate.depot, estate.meter, total_power=3.0)
        assert (await own.frame("events:*"))["data"]["data"]["meter_id"] == estate.meter
        assert await outside.quiet(0.2)
        assert await elsewhere.quiet(0.2)
    for depot, key in ((intruder.depot, "all"), (estate.depot, limited)):
        answer = await depot.call("GET", "/api/events", key=key, params={"limit": 500})
        assert estate.meter not in {each["data"].get("meter_id") for each in answer.json()["results"]}


async def test_a_cursor_of_another_tenant_opens_nothing(estate: Estate, intruder: Estate) -> None:
    theirs = (await estate.ask("GET", "/api/events"))["cursor"]
    answer = await intruder.depot.call("GET", "/api/events", params={"after": theirs})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert {each["tenant"] for each in answer.json()["results"]} <= {intruder.depot.tenant}
    page = await estate.ask("GET", f"{ENERGY}/meters", params={"limit": 1})
    cursor = page["next"].partition("cursor=")[2]
    shown = await intruder.ask("GET", f"{ENERGY}/meters", params={"cursor": cursor})
    own = await intruder.ask("GET", f"{ENERGY}/meters", params={"limit": 500})
    assert {each["id"] for each in shown["results"]} <= {each["id"] for each in own["results"]}
    assert not {each["id"] for each in own["results"]} & {estate.meter, estate.things["other meter"]}

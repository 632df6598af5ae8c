"""The live streams behind a real server, on the platform that the contract's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contracts.joulepoint.depot import application
from tests.contracts.joulepoint.live.listener import QUICK
from wattline.contracts.joulepoint import events
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.live import routes
from wattline.metering.occurrences.service import Occurrences
from wattline.platform import Platform
from wattline.server import Listener, Server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def url(platform: Platform, gate: Gate) -> AsyncIterator[str]:
    """Where it is served."""
    occurrences = Occurrences(platform.registry, platform.pipeline.received, platform.events, platform.clock)
    app = application([routes.build(platform, occurrences, gate, QUICK), events.build(occurrences, gate)])
    server = Server(app, Listener("127.0.0.1", 0, tls=False), platform.settings, platform.stopping.clear)
    async with server.serving() as found:
        yield found

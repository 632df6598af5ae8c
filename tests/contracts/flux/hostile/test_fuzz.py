"""Random requests: an answer comes soon, is never a failure of the server, and where it is an error it has four keys."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.contracts.flux.clients.project import Project
from tests.contracts.flux.hostile.garbage import Garbage
from tests.contracts.flux.hostile.raw import Line
from tests.contracts.flux.hostile.verdict import fault

SECONDS = 6
LEAST = 300
"""Requests that a seed gets through in its time, on however busy a machine."""


@pytest.mark.parametrize("seed", [20260611, 20260612, 20260613])
def test_no_request_is_answered_badly(victim: Project, seed: int) -> None:
    garbage, line = Garbage(seed), Line(victim.url)
    logged = victim.server.log.stat().st_size
    statuses: Counter[int] = Counter()
    found: list[str] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        request = garbage.request()
        role = garbage.random.choice(("anon", "authenticated", "service_role"))
        try:
            reply = line.ask(
                request.method, request.target, [(b"apikey", victim.keys[role].encode()), *request.headers], request.body
            )
        except OSError as error:
            line.close()
            found.append(f"{error!r}: {request}")
            continue
        statuses[reply.status] += 1
        problem = fault(request, reply)
        if problem is not None:
            found.append(f"{problem}: {request}")
    line.close()
    assert not found, "\n".join(found[:10])
    assert sum(statuses.values()) >= LEAST
    assert {200, 400, 404, 406} <= statuses.keys()
    with victim.server.log.open() as log:
        log.seek(logged)
        assert "Traceback" not in log.read()

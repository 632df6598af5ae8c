"""Whatever bytes come in, the answer is a failure in the contract's shape, and nothing is stored that was not sent."""

from __future__ import annotations

import json
import math
import random

import pytest

from tests.contracts.household.wire.oracle import message

from .asking import ask, reading, token_of
from .served import Served

ROUNDS = 60


def damaged(source: random.Random, body: bytes) -> bytes:
    """A body with some bytes changed, left out, repeated or put in."""
    raw = bytearray(body)
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(raw) + 1)
        match source.randrange(4):
            case 0:
                raw[at:at] = source.randbytes(source.randrange(1, 6))
            case 1:
                del raw[at : at + source.randrange(1, 6)]
            case 2:
                raw[at:at] = raw[: source.randrange(8)]
            case _ if at < len(raw):
                raw[at] = source.randrange(256)
    return bytes(raw)


@pytest.mark.parametrize("path", ["/token", "/sensor_input", "/script_accepted"])
async def test_damaged_messages(served: Served, path: str) -> None:
    source = random.Random(path)
    token = await token_of(served, served.digital)
    fields = {
        "value": 5.0,
        "timestamp": served.second,
        "access_token": token,
        "sensor_id": served.digital,
        "script_id": "0" * 16,
    }
    whole = [
        message("SecretTokenRequest", client_id=served.digital, type=1, need_script=True, secret="s").SerializeToString(),
        reading(token, 5.0, type=1, value_current=1.0, value_out=2.0, timestamp=served.second),
        json.dumps(fields).encode(),
    ]
    for _ in range(ROUNDS):
        # `ask` reads the answer as its form has it, and compares both statuses.
        answer = await ask(served, path, damaged(source, source.choice(whole)))
        assert answer.status in (200, 400, 401, 404, 413, 429)
    for _, taken in served.taken:
        assert math.isfinite(taken.value)
        assert taken.value > 0

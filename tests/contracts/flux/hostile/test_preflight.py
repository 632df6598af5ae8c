"""A preflight that is not granted is told why in the shape of every other failure."""

from __future__ import annotations

import json

import pytest

from wattline.contracts.flux.gate.around import Around


@pytest.mark.parametrize(("origins", "method"), [(["*"], "PURGE"), (["*"], ""), (["https://good"], "GET")])
async def test_why_is_told_with_four_keys(origins: list[str], method: str) -> None:
    sent: list[dict[str, object]] = []

    async def never(*_: object) -> None:
        raise AssertionError("a preflight goes no further")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"origin", b"https://evil"), (b"access-control-request-method", method.encode())]
    scope = {"type": "http", "method": "OPTIONS", "path": "/rest/v1/market_data", "headers": headers}
    await Around(never, origins)(scope, never, send)
    told = json.loads(bytes(sent[1]["body"]))  # type: ignore[call-overload]
    assert sent[0]["status"] == 400
    assert set(told) == {"code", "details", "hint", "message"}
    assert told["code"] == "PT400"
    shown = {name.decode(): value.decode() for name, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    assert shown["content-type"].startswith("application/json")
    assert int(shown["content-length"]) == len(bytes(sent[1]["body"]))  # type: ignore[call-overload]
    assert shown.get("access-control-allow-origin") == ("*" if origins == ["*"] else None)

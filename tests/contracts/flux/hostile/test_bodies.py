"""Bodies that hold far too much are refused before they are looked into, in whatever form they come."""

from __future__ import annotations

import time

import msgspec
import pytest

from tests.contracts.flux.write.asking import Base
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.rpc.arguments import MOST_ROWS, Arguments
from wattline.contracts.flux.write.model import Options

KEYS = 100_000
ROW = {"time": "2024-01-01", "type": 1, "metadata": [{}, {}, {}]}


@pytest.mark.parametrize("form", ["application/json", "text/csv"])
async def test_a_body_has_a_bounded_number_of_rows(form: str) -> None:
    def body(rows: int) -> bytes:
        if form == "text/csv":
            return b"time,type\n" + b"2024-01-01,1\n" * rows
        return msgspec.json.encode([ROW] * rows)

    base, options = Base(), Options(most_rows=5)
    assert (await base("POST", "market_data", body(5), content_type=form, options=options)).rows.num_rows == 5
    refusal = await base.refusal("POST", "market_data", body(6), content_type=form, options=options)
    assert (refusal.status, refusal.code) == (413, "PT413")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("application/json", b"[" + b"{}," * 5_000_000 + b"{}]"),
        ("text/csv", b"time\n" + b"x\n" * 8_000_000),
        ("application/json", b"{" + b",".join(b'"k%d":1' % key for key in range(KEYS)) + b"}"),
        ("text/csv", b",".join(b"k%d" % key for key in range(KEYS)) + b"\n" + b"," * (KEYS - 1)),
        ("application/x-www-form-urlencoded", b"%" * 16_000_000),
    ],
    ids=["objects", "lines", "keys", "names", "form"],
)
async def test_what_is_too_much_is_found_in_no_time(form: str, body: bytes) -> None:
    started = time.process_time()
    refusal = await Base().refusal("POST", "market_data", body, content_type=form)
    assert (refusal.status, refusal.code) in ((413, "PT413"), (400, "54011"))
    # Taking all of it in would take longer than this; how fast the refusal is, is for the benches.
    assert time.process_time() - started < 10


def test_a_batch_has_a_bounded_number_of_elements() -> None:
    data = msgspec.Raw(b"[" + b"{}," * MOST_ROWS + b"{}]")
    with pytest.raises(Refusal) as refusal:
        Arguments({"data": data}, 0, None, read_only=False).market("data")
    assert (refusal.value.status, refusal.value.code) == (413, "PT413")

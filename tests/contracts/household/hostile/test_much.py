"""Bodies, headers, names and numbers that are far too large or mean something elsewhere: refused, or passed on harmlessly."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa
from starlette.types import Message

from tests.contracts.household.devices.raw import CLOSE, PATIENCE, request, said, split
from tests.contracts.household.home import Home, move_in, opened
from wattline.households import tables
from wattline.households.reports.letter import letter_of
from wattline.model.clock import HOUR, MINUTE, ManualClock
from wattline.server import Listener, Server

from .test_at_once import Both
from .town import START, use

MANY = 1000
STRANGE = [
    "=1+1",
    "+49 30",
    "-2",
    "@SUM(A1)",
    "\u202egpj.exe",
    "\u2066x\u2069",
    "\ufeffBOM",
    "a\u2028b",
    'q"q',
    "a;b,c",
    "👩\u200d🔬",
]
REFUSED = ["a\nb", "a\r\nBcc: x@example.org", "\tx", "\0", "\x85", "\x1b[31m", "\ud800", "x" * 129, ""]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Home, int]]:
    """A household on a server with a real socket, and its port."""
    async with opened(tmp_path_factory.mktemp("much"), ManualClock(START), mqtt=False) as (platform, app):
        home = await move_in(platform, app)
        listener = Listener("127.0.0.1", 0, tls=False)
        async with Server(app, listener, platform.settings, platform.begin_stop).serving() as url, home.client:
            yield home, int(url.rpartition(":")[2])


def keyed(home: Home, key: str = "admin") -> str:
    return f"Authorization: Bearer {home.keys[key]}\r\nContent-Type: application/json\r\n{CLOSE}"


async def status(port: int, sent: bytes) -> int:
    """The status of the answer; 413 where the server hung up on a body that it would not read."""
    try:
        return int(split(await said(port, sent)).status.split()[1])
    except ConnectionError:
        return 413


async def test_bodies_that_are_too_large_or_packed(served: tuple[Home, int]) -> None:
    home, port = served
    large = b'{"name": "' + b"x" * 70_000 + b'"}'
    bomb = gzip.compress(bytes(50_000_000))
    chunked = "Transfer-Encoding: chunked\r\n"
    pieces = b"".join(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n"
    for path in ("/api/v1/household/users", "/process_peaks", "/process_reports", "/api/v1/household/sensors"):
        assert await status(port, request(path, large, headers=keyed(home))) == 413
        head = f"POST {path} HTTP/1.1\r\nHost: h\r\n{chunked}{keyed(home)}\r\n".encode()
        assert await status(port, head + pieces) == 413
        packed = request(path, bomb, headers=f"Content-Encoding: gzip\r\n{keyed(home)}")
        assert await status(port, packed) in (400, 413)
        for text in ("9" * 70_000, "9" * 18, "-1", "1e3", "0x10"):
            head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {text}\r\n{keyed(home)}\r\n"
            assert await status(port, head.encode()) in (400, 413, 431)
    for body in (b"[" * 60_000, b'{"a":' * 12_000, b'{"name":' + b"9" * 60_000 + b"}", b"\xff\xfe", b"null", b'"x"', b""):
        for path in ("/api/v1/household/users", "/process_peaks", "/token", "/sensor_input"):
            assert await status(port, request(path, body, headers=keyed(home))) in (400, 401, 413), (path, body[:10])
        assert await status(port, request("/ml", body, headers=keyed(home, "ml"))) == 400, body[:10]
    assert await status(port, request("/ml", bomb, headers=f"Content-Encoding: gzip\r\n{keyed(home, 'ml')}")) == 400


async def test_floods_of_headers(served: tuple[Home, int]) -> None:
    home, port = served
    for flood in (
        "".join(f"X-{n}: y\r\n" for n in range(3000)),
        f"X: {'y' * 200_000}\r\n",
        f"Accept-Language: {'de,' * 9000}\r\n",
    ):
        sent = request("/csv_energy", method="GET", headers=flood + keyed(home, "own"))
        assert await status(port, sent) in (400, 404, 413, 431)
    for key in ("A" * 60_000, "\xff\xfe", "Bearer", "Bearer  ", "Basic eA==", "bearer\twl_x"):
        head = f"GET /csv_energy HTTP/1.1\r\nHost: h\r\nAuthorization: {key}\r\n{CLOSE}\r\n".encode("latin-1")
        assert await status(port, head) in (400, 401, 431)


async def test_who_hangs_up_within_a_body_is_no_failure(served: tuple[Home, int], caplog: pytest.LogCaptureFixture) -> None:
    home, port = served
    with caplog.at_level(logging.ERROR):
        for path in ("/process_peaks", "/ml", "/api/v1/household/users", "/sensor_input"):
            _, writer = await asyncio.open_connection("localhost", port)
            writer.write(request(path, b'{"a":' + b"x" * 1000, headers=keyed(home, "ml" if path == "/ml" else "admin"))[:-100])
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            # An answer comes after what came before it.
            assert await status(port, request("/process_peaks", b"{}", headers=keyed(home))) == 401
    assert not caplog.records, caplog.text


async def test_a_slow_caller_holds_up_nobody(served: tuple[Home, int]) -> None:
    home, port = served
    held = [await asyncio.open_connection("localhost", port) for _ in range(200)]
    for _, writer in held:
        writer.write(request("/process_peaks", b'{"sensor_id": "x"}', headers=keyed(home))[:-3])
    assert await status(port, request("/api/v1/household/users", method="GET", headers=keyed(home))) == 200
    for reader, writer in held:
        writer.write(b'x"}')
        assert split(await asyncio.wait_for(reader.read(), PATIENCE)).status.endswith((b"400 Bad Request", b"401 Unauthorized"))
        writer.close()


async def test_names_that_mean_something_elsewhere(home: Home, both: Both) -> None:
    _, _, clock = both
    await use(home, clock.micros())
    experiment = (await home.call("POST", "/experiments", json={"name": "=cmd|' /C calc'!A0"})).json()["id"]
    users = {}
    for name in STRANGE:
        given = {"name": name, "firstname": name, "lastname": name, "email": "a@example.org"}
        answer = await home.call("POST", "/users", json=given)
        assert answer.status_code == 201, (name, answer.text)
        users[answer.json()["id"]] = name
        await home.call("PUT", f"/experiments/{experiment}/participants/{answer.json()['id']}")
    for name in REFUSED:
        for path, body in (("/users", {"name": name}), ("/users", {"firstname": name}), ("/experiments", {"name": name})):
            answer = await home.call("POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})
            assert answer.status_code == 400, (name, answer.text)
        device = {"name": name, "category": "kettle"}
        answer = await home.call(
            "POST", f"/users/{home.user}/devices", content=json.dumps(device), headers={"Content-Type": "application/json"}
        )
        # White space around a device's name is taken off.
        assert answer.status_code == (201 if name == "\tx" else 400), (name, answer.text)
    answer = await home.call("GET", f"/csv_experiment?experiment_id={experiment}", managed=False)
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 1 + len(STRANGE)
    assert all(len(row) == len(rows[0]) for row in rows)
    for row in rows[1:]:
        assert not any(each.startswith(("=", "+", "-", "@", "\t", "\r")) for each in row), row
    # A mail has the name in its text, and nowhere in its head.
    for name in STRANGE:
        await home.call("PATCH", f"/users/{home.user}", json={"name": name, "email": "a@example.org"})
        report = await home.households.reports.process(home.tenant, home.user)
        letter = letter_of(report, await home.households.accounts.user(home.tenant, home.user), clock.micros())
        assert letter is not None
        assert name not in letter.title
        assert letter.body["name"] == name


async def test_very_many_of_everything(home: Home, both: Both) -> None:
    platform, _, clock = both
    await use(home, clock.micros())
    experiment = (await home.call("POST", "/experiments", json={"name": "Crowd"})).json()["id"]
    now = clock.micros()
    person = {"tenant": home.tenant, "name": "n", "zone": "Europe/Berlin", "language": "de", "active": True, "created": now}
    person |= {"anomaly_mails": True, "report_mails": True, "report_days": 3, "report_hour": 6}
    part = {"tenant": home.tenant, "experiment": experiment, "status": "approved", "number": 0}
    part |= {"gets_paid": False, "uses_prolific": False}
    peak = {"tenant": home.tenant, "user": home.user, "mac": home.mac, "power_w": 1.0, "base_w": 1.0, "energy_kwh": 1.0}
    first = now - 100 * HOUR
    rows = [
        (tables.users, [person | {"id": f"crowd-{n}"} for n in range(MANY)]),
        (tables.participants, [part | {"user": f"crowd-{n}"} for n in range(MANY)]),
        (
            tables.peaks,
            [
                peak | {"id": f"p{n}", "start": first + n, "end": first + n + MINUTE, "created": now, "updated": now}
                for n in range(MANY)
            ],
        ),
    ]
    async with platform.database.transaction() as connection:
        for table, values in rows:
            await connection.execute(sa.insert(table), values)
    answer = await home.call("GET", f"/experiments/{experiment}/participants")
    assert len(answer.json()["participants"]) == MANY
    answer = await home.call("GET", f"/csv_experiment?experiment_id={experiment}", managed=False)
    assert answer.text.count("\n") == MANY + 1
    answer = await home.call("GET", f"/users/{home.user}/peaks")
    assert len(answer.json()["peaks"]) == MANY
    for query, code in (
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=1001", 400),
        (f"limit={2**63}", 400),
        (f"limit={'9' * 5000}", 400),
        ("limit=1e3", 400),
        ("limit=NaN", 400),
        ("offset=-1", 400),
        (f"offset={2**31}", 400),
        (f"offset={2**31 - 1}", 200),
        ("limit=1000&offset=999", 200),
        ("limit=1&limit=2", 200),
    ):
        for path in ("/users", "/sensors"):
            assert (await home.call("GET", f"{path}?{query}")).status_code == code, (path, query[:40])
    for number in range(101):
        answer = await home.call("POST", f"/users/{home.user}/devices", json={"name": f"d{number}", "category": "kettle"})
        assert answer.status_code == (201 if number < 100 else 409), answer.text
    every = [device["id"] for device in (await home.call("GET", f"/users/{home.user}/devices")).json()["devices"]]
    assert len(every) == 100
    for devices, code in ((every, 200), (every * 10, 200), (every * 11, 400), ([2**63], 404), ([-1], 404)):
        answer = await home.call("PUT", f"/users/{home.user}/peaks/p1/devices", json={"devices": devices})
        assert answer.status_code == code, answer.text


async def test_a_disconnect_before_the_answer_ends_the_work(home: Home, both: Both) -> None:
    """A caller that goes away while a file is read leaves nothing running."""
    _, app, clock = both
    await use(home, clock.micros())
    before = len(asyncio.all_tasks())
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            raise OSError("gone")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"authorization", home.keys["own"].encode())]
    scope = {"type": "http", "method": "GET", "path": "/csv_energy", "raw_path": b"/csv_energy", "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("h", 80), "client": ("c", 1)}
    await app(scope | {"asgi": {"version": "3.0"}, "root_path": ""}, receive, send)
    assert sent[0]["status"] == 200
    assert len(asyncio.all_tasks()) <= before

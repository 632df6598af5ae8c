"""How answers of the devices' routes lie on the wire: HTTP/1.1, usual header names, one chunk, short lines, nothing more."""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus

import pytest
from websockets.asyncio.client import connect

from tests.contracts.household.wire.oracle import message, parsed
from wattline.framing import canonical
from wattline.model.errors import Unavailable

from .asking import reading, token_of
from .raw import CLOSE, PATIENCE, PROTOBUF, Raw, request, said, split
from .readers import LINE_BUFFER
from .served import Served

PATHS = ("/token", "/sensor_input", "/script_accepted")
BOTH = [f"{prefix}{path}" for prefix in ("", "/api/v1") for path in PATHS]
PHRASE_413 = HTTPStatus(413).phrase.encode()
"""The words have changed between releases of Python."""
DATE = re.compile(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


async def alone(served: Served, sent: bytes) -> Raw:
    """The answer to one request that closes its connection."""
    return split(await said(served.port, sent))


def check_head(answer: Raw, status: bytes, media: bytes = PROTOBUF, further: dict[bytes, bytes] | None = None) -> None:
    """The status line, the four headers of every answer in their usual case, these further ones, and no other."""
    assert answer.status == b"HTTP/1.1 " + status
    headers = answer.headers
    assert DATE.fullmatch(headers.pop(b"Date"))
    assert headers == {
        b"Content-Type": media,
        b"Transfer-Encoding": b"chunked",
        b"Connection": b"close",
        **(further or {}),
    }
    assert all(len(line) + 3 < LINE_BUFFER for line in answer.lines)


async def test_an_answer_of_success(served: Served) -> None:
    token = await token_of(served, served.digital)
    for path in ("/sensor_input", "/api/v1/sensor_input"):
        answer = await alone(served, request(path, reading(token, 1.0, type=1), headers=CLOSE))
        check_head(answer, b"200 OK")
        assert answer.rest == b"3\r\n\x08\xc8\x01\r\n0\r\n\r\n"
    answer = await alone(
        served, request("/token", message("TokenRequest", client_id=served.digital).SerializeToString(), headers=CLOSE)
    )
    check_head(answer, b"200 OK")
    assert parsed("TokenResponse", answer.chunk).status == 200
    accepted = message("ScriptAcceptedRequest", access_token=token).SerializeToString()
    answer = await alone(served, request("/script_accepted", accepted, headers=CLOSE))
    check_head(answer, b"200 OK")
    assert answer.chunk == b"\x08\xc8\x01"


@pytest.mark.parametrize("path", BOTH)
async def test_answers_of_failure(served: Served, path: str) -> None:
    message_name = "TokenResponse" if path.endswith("token") else "SensorDataResponse"
    cases = [
        (request(path, headers=CLOSE), b"400 Bad Request", {}),
        (request(path, b"\xff", headers=CLOSE), b"400 Bad Request", {}),
        (request(path, method="GET", headers=CLOSE), b"405 Method Not Allowed", {b"Allow": b"POST"}),
        (request(path, method="DELETE", headers=CLOSE), b"405 Method Not Allowed", {b"Allow": b"POST"}),
        (request(path, bytes(4097), headers=CLOSE), b"413 " + PHRASE_413, {}),
    ]
    for sent, status, further in cases:
        answer = await alone(served, sent)
        check_head(answer, status, further=further)
        assert parsed(message_name, answer.chunk).status == int(status[:3])


async def test_a_body_in_pieces_is_bounded_too(served: Served) -> None:
    head = "POST /sensor_input HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    whole = reading(await token_of(served, served.digital), 1.0)
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in whole)
    answer = await alone(served, head.encode() + pieces + b"0\r\n\r\n")
    check_head(answer, b"200 OK")
    answer = await alone(
        served, head.encode() + b"400\r\n" + bytes(1024) + b"\r\n" + b"c01\r\n" + bytes(3073) + b"\r\n0\r\n\r\n"
    )
    check_head(answer, b"413 " + PHRASE_413)


async def test_json_is_framed_alike(served: Served) -> None:
    answer = await alone(served, request("/sensor_input", b'{"value":1}', headers=CLOSE))
    check_head(answer, b"401 Unauthorized", b"application/json")
    assert json.loads(answer.chunk)["status"] == 401


async def test_what_cannot_be_taken_now_says_when_to_come_again(served: Served) -> None:
    token = await token_of(served, served.digital)
    served.meters.trouble = Unavailable("the queue is full", 12)
    answer = await alone(served, request("/sensor_input", reading(token, 1.0), headers=CLOSE))
    check_head(answer, b"503 Service Unavailable", further={b"Retry-After": b"12"})


async def test_a_connection_is_kept_and_requests_may_wait_in_it(served: Served) -> None:
    token = await token_of(served, served.digital)
    good, bad = reading(token, 1.0, type=1), reading("A" * 30, 1.0)
    sent = b"".join(request("/sensor_input", body) for body in (good, bad, good, bad))
    sent += request("/elsewhere", b"x") + request("/sensor_input", good, headers=CLOSE)
    rest = await said(served.port, sent)
    for status, body in [(b"200", b"\x08\xc8\x01"), (b"401", None)] * 2 + [(b"200", b"other"), (b"200", b"\x08\xc8\x01")]:
        answer = split(rest)
        assert answer.status.startswith(b"HTTP/1.1 " + status)
        if body == b"other":
            assert answer.lines[1:] == [b"content-length: 5", b"x-other: Kept-As-Is"]
            rest = answer.rest[5:]
        else:
            assert b"Transfer-Encoding: chunked" in answer.lines
            chunk, _, rest = answer.rest.partition(b"\r\n0\r\n\r\n")
            assert body is None or chunk == b"3\r\n" + body
    assert rest == b""


async def test_a_caller_of_http_1_0_gets_no_chunks(served: Served) -> None:
    token = await token_of(served, served.digital)
    for body, status in ((reading(token, 1.0), b"200 OK"), (b"\xff", b"400 Bad Request")):
        answer = await alone(served, request("/sensor_input", body, version="1.0"))
        assert answer.status == b"HTTP/1.1 " + status
        headers = answer.headers
        assert int(headers.pop(b"Content-Length")) == len(answer.rest)
        assert set(headers) == {b"Date", b"Content-Type", b"Connection"}
        assert parsed("SensorDataResponse", answer.rest).status == int(status[:3])


async def test_head_has_no_body(served: Served) -> None:
    answer = await alone(served, request("/token", method="HEAD", headers=CLOSE))
    check_head(answer, b"405 Method Not Allowed", further={b"Allow": b"POST"})
    assert answer.rest == b""


async def test_a_caller_may_wait_to_be_told_to_go_on(served: Served) -> None:
    body = reading(await token_of(served, served.digital), 1.0)
    head = f"POST /sensor_input HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n{CLOSE}\r\n"
    reader, writer = await asyncio.open_connection("localhost", served.port)
    writer.write(head.encode())
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    check_head(split(await asyncio.wait_for(reader.read(), PATIENCE)), b"200 OK")
    writer.close()
    await writer.wait_closed()


async def test_who_hangs_up_within_a_body_leaves_nothing(served: Served) -> None:
    body = reading(await token_of(served, served.digital), 1.0)
    _, writer = await asyncio.open_connection("localhost", served.port)
    writer.write(request("/sensor_input", body)[:-5])
    writer.close()
    await writer.wait_closed()
    check_head(await alone(served, request("/token", headers=CLOSE)), b"400 Bad Request")
    assert served.taken == []


async def test_other_routes_are_written_as_the_server_does_it(served: Served) -> None:
    for path in ("/", "/token/", "/tokens", "/api/v1/elsewhere", "/api/v2/token"):
        answer = await alone(served, request(path, headers=CLOSE))
        assert answer.lines[1:] == [b"content-length: 5", b"x-other: Kept-As-Is", b"connection: close"]
        assert answer.rest == b"other"


async def test_a_websocket_is_left_alone(served: Served) -> None:
    for path in ("/token", "/feed"):
        async with connect(f"ws://localhost:{served.port}{path}", proxy=None) as socket:
            assert await socket.recv() == "here"


def test_only_names_are_written_anew() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: a/b-c\r\nwww-authenticate: bearer x: y\r\nx: \r\n\r\n"
    assert canonical(head) == b"HTTP/1.1 200 OK\r\nContent-Type: a/b-c\r\nWWW-Authenticate: bearer x: y\r\nX: \r\n\r\n"

"""The server runner: exposure rules, ports, readiness, TLS, and a stop that loses no request."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import websockets
from starlette.types import Receive, Scope, Send

from wattline.gateways.address import is_loopback
from wattline.model.errors import Invalid, Unavailable
from wattline.server import MESSAGE_BYTES, Listener, Server, check_exposure
from wattline.settings import Settings

LIMIT = 20


class Application:
    """Answers at once, when it is let go, or for ever until the server stops."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._echo(receive, send)
            return
        body = f"{scope['client'][0]} {scope['scheme']}".encode()
        if scope["path"] == "/slow":
            self.entered.set()
            await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/stream":
            await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
            self.entered.set()
            await self.stopping.wait()
        if scope["path"] == "/deaf":
            await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
            self.entered.set()
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": body})

    async def _echo(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if "text" in message:
                await send({"type": "websocket.send", "text": str(len(message["text"]))})


def settings(**given: object) -> Settings:
    return Settings.model_validate({"port": 0, **given})


def make(app: Application, chosen: Settings) -> Server:
    listener = Listener(chosen.host, chosen.port, tls=chosen.tls_cert is not None)
    return Server(app, listener, chosen, stopping=app.stopping.set)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("name.invalid", False),
    ],
)
def test_what_counts_as_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"open": True}, True),
        ({"open": True, "host": "0.0.0.0"}, False),
        ({"open": True, "host": "0.0.0.0", "behind_proxy": True}, False),
        ({"open": True, "behind_proxy": True}, False),
        ({"open": True, "host": "0.0.0.0", "tls_cert": "c", "tls_key": "k"}, False),
        ({"host": "0.0.0.0"}, False),
        ({"host": "::"}, False),
        ({"host": "0.0.0.0", "behind_proxy": True}, True),
        ({"host": "0.0.0.0", "tls_cert": "c", "tls_key": "k"}, True),
    ],
)
def test_nothing_is_shown_to_a_network_unprotected(given: dict[str, object], allowed: bool) -> None:
    if allowed:
        check_exposure(settings(**given))
    else:
        with pytest.raises(Invalid):
            check_exposure(settings(**given))


async def test_port_0_picks_a_free_port_and_the_url_names_it() -> None:
    app = Application()
    async with make(app, settings()).serving() as url, httpx.AsyncClient() as client:
        assert not url.endswith(":0")
        assert (await client.get(url)).text == "127.0.0.1 http"


async def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"cannot listen on 127.0.0.1 port {port}"):
            Listener("127.0.0.1", port, tls=False)


async def test_nobody_is_answered_or_kept_waiting_before_the_server_is_ready() -> None:
    chosen = settings()
    listener = Listener(chosen.host, 0, tls=False)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listener.port)
    listener.close()


async def test_a_request_in_flight_is_answered_before_the_server_ends() -> None:
    app = Application()
    server = make(app, settings())
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        async with server.serving() as url:
            asked = asyncio.create_task(client.get(f"{url}/slow"))
            await asyncio.wait_for(app.entered.wait(), LIMIT)
            server.stop()
            await asyncio.wait_for(app.stopping.wait(), LIMIT)
            app.go_on.set()
            await asyncio.wait_for(server.ended.wait(), LIMIT)
        assert (await asked).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_an_endless_stream_ends_when_the_application_is_told() -> None:
    app = Application()
    server = make(app, settings(drain_seconds=300))
    async with (
        httpx.AsyncClient(timeout=LIMIT) as client,
        server.serving() as url,
        client.stream("GET", f"{url}/stream") as got,
    ):
        await asyncio.wait_for(app.entered.wait(), LIMIT)
        server.stop()
        await asyncio.wait_for(server.ended.wait(), LIMIT)
        assert (await got.aread()).startswith(b"first\n")


async def test_a_response_that_never_ends_is_cut_off_after_the_drain() -> None:
    app = Application()
    server = make(app, settings(drain_seconds=1))
    async with httpx.AsyncClient(timeout=LIMIT) as client, server.serving() as url, client.stream("GET", f"{url}/deaf") as got:
        await asyncio.wait_for(app.entered.wait(), LIMIT)
        server.stop()
        await asyncio.wait_for(server.ended.wait(), LIMIT)
        with pytest.raises(httpx.RemoteProtocolError):
            await got.aread()


async def test_a_second_request_to_stop_does_not_wait() -> None:
    app = Application()
    server = make(app, settings(drain_seconds=300))
    async with httpx.AsyncClient(timeout=LIMIT) as client, server.serving() as url, client.stream("GET", f"{url}/deaf"):
        await asyncio.wait_for(app.entered.wait(), LIMIT)
        server.stop()
        await asyncio.wait_for(app.stopping.wait(), LIMIT)
        server.abandon()
        await asyncio.wait_for(server.ended.wait(), LIMIT)


async def test_a_message_that_no_contract_has_closes_its_connection() -> None:
    async with make(Application(), settings()).serving() as url, websockets.connect(url.replace("http", "ws")) as socket:
        await socket.send("x" * MESSAGE_BYTES)
        assert await socket.recv() == str(MESSAGE_BYTES)
        await socket.send("x" * (MESSAGE_BYTES + 1))
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    ("behind_proxy", "seen"),
    [(True, "203.0.113.9 https"), (False, "127.0.0.1 http")],
)
async def test_forwarded_headers_are_believed_behind_a_proxy_only(behind_proxy: bool, seen: str) -> None:
    app = Application()
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    async with make(app, settings(behind_proxy=behind_proxy)).serving() as url, httpx.AsyncClient() as client:
        assert (await client.get(url, headers=forwarded)).text == seen


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


async def test_https_is_served_with_the_given_certificate(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    chosen = settings(host="localhost", tls_cert=cert, tls_key=key)
    trusting = httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(cert)))
    async with make(Application(), chosen).serving() as url, trusting as client:
        assert url.startswith("https://localhost:")
        answer = await client.get(url)
        assert answer.text.endswith(" https")
        assert "server" not in answer.headers


def test_an_unusable_certificate_is_refused_in_one_line(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")
    chosen = settings(tls_cert=wrong, tls_key=certificate[1])
    listener = Listener(chosen.host, 0, tls=True)
    with pytest.raises(Invalid, match="tls_cert"):
        Server(Application(), listener, chosen, stopping=lambda: None)
    listener.close()

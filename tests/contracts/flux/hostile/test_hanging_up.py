"""Callers who hang up halfway, or hold many connections open, keep nobody else waiting and leave nothing behind."""

from __future__ import annotations

import socket
import uuid
from urllib.parse import urlsplit

import pytest

from tests.contracts.flux.clients.project import Project
from tests.contracts.flux.hostile.raw import Line
from tests.contracts.flux.hostile.world import moment

HELD = 500


def connected(project: Project) -> socket.socket:
    parts = urlsplit(project.url)
    return socket.create_connection((parts.hostname, parts.port or 0), 20)


def head(project: Project, method: bytes, target: bytes, *headers: bytes) -> bytes:
    lines = [b"%b /rest/v1/%b HTTP/1.1" % (method, target), b"Host: x", b"apikey: " + project.service.encode(), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def asked(project: Project, target: str) -> int:
    line = Line(project.url)
    reply = line.ask(b"GET", f"/rest/v1/{target}".encode(), [(b"apikey", project.anon.encode())])
    line.close()
    assert reply.seconds < 2
    return reply.status


@pytest.mark.parametrize("form", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
def test_half_a_body_is_no_write(victim: Project, form: bytes) -> None:
    device = str(uuid.uuid4())
    body = f'[{{"device_id":"{device}","time":"{moment(0)}"}}]'.encode()
    sent = b"%x\r\n%b\r\n" % (len(body), body) if b"chunked" in form else body
    for _ in range(20):
        link = connected(victim)
        link.sendall(head(victim, b"POST", b"mg_bess_readings", b"Content-Type: application/json", form) + sent)
        link.close()
    with victim.http() as http:
        assert http.get("/mg_bess_readings", params={"device_id": f"eq.{device}"}).json() == []
    assert "Traceback" not in victim.server.log.read_text()


def test_answers_that_nobody_reads(victim: Project) -> None:
    many = b"mg_bess_readings?select=" + b",".join(b"a%d:time" % place for place in range(1500))
    links = [connected(victim) for _ in range(5)]
    for link in links:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.sendall(head(victim, b"GET", many))
        assert link.recv(1)
    assert asked(victim, "market_data?limit=1") == 200
    for link in links:
        link.close()
    assert asked(victim, "market_data?limit=1") == 200
    assert "Traceback" not in victim.server.log.read_text()


def test_many_open_connections(victim: Project) -> None:
    links = [connected(victim) for _ in range(HELD)]
    for link in links[::2]:
        link.sendall(head(victim, b"POST", b"market_data", b"Content-Length: 10")[:-1])
    assert asked(victim, "market_data?limit=1") == 200
    for link in links:
        link.close()
    assert asked(victim, "market_data?limit=1") == 200


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit(victim: Project, declared: bool) -> None:
    body = b" " * (16 * 1024 * 1024 + 1)
    form = b"Content-Length: %d" % len(body) if declared else b"Transfer-Encoding: chunked"
    link = connected(victim)
    link.sendall(head(victim, b"POST", b"market_data", b"Content-Type: application/json", form))
    try:
        link.sendall(body if declared else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    except ConnectionError:
        assert declared
    answer = link.recv(1 << 16)
    link.close()
    assert answer.startswith(b"HTTP/1.1 413 ")

"""Under TLS: a record fits the receive buffer of a device."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.contracts.household.wire.oracle import message, parsed
from wattline.households.meters.model import LONGEST_SCRIPT, Kind
from wattline.metrics import Metrics

from .raw import CLOSE, PATIENCE, request, split
from .served import Served, application, listening

BUFFER = 1024
"""Bytes that a device receives at once: a record with its head."""
APPLICATION_DATA = 23


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this machine and its key."""
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


async def _spoken(port: int, context: ssl.SSLContext, sent: bytes) -> tuple[bytes, list[int]]:
    """What the server says, and how long each of its records of application data is."""
    reader, writer = await asyncio.open_connection("localhost", port)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    said, lengths, greeted = b"", [], False
    while True:
        try:
            if not greeted:
                tls.do_handshake()
                greeted = True
                tls.write(sent)
            while part := tls.read(65536):
                said += part
            break
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            head = await asyncio.wait_for(reader.readexactly(5), PATIENCE)
            size = int.from_bytes(head[3:])
            if greeted and head[0] == APPLICATION_DATA:
                lengths.append(5 + size)
            incoming.write(head + await asyncio.wait_for(reader.readexactly(size), PATIENCE))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            break
    writer.close()
    await writer.wait_closed()
    return said, lengths


async def test_the_largest_answer_comes_in_small_records(served: Served, certificate: tuple[Path, Path]) -> None:
    script = "ü" * (LONGEST_SCRIPT // 2)
    mac = await served.add(Kind.DIGITAL_ELECTRICITY, script)
    cert, key = certificate
    context = ssl.create_default_context(cafile=str(cert))
    sent = request("/token", message("TokenRequest", client_id=mac).SerializeToString(), headers=CLOSE)
    app = application(served.meters, Metrics())
    async with listening(app, host="localhost", tls_cert=cert, tls_key=key) as url:
        said, lengths = await _spoken(int(url.rpartition(":")[2]), context, sent)
    assert parsed("TokenResponse", split(said).chunk).script == script
    assert len(said) > BUFFER * 3 // 4
    assert len(lengths) > 1
    assert max(lengths) <= BUFFER

"""Models of the three published readers of meters, byte for byte: what each sends, and how each reads what comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.contracts.household.wire.oracle import message, parsed

PATIENCE = 10
LINE_BUFFER = 128
"""Bytes of a header line that the analog reader holds, with the end of a C string."""


class Failed(Exception):
    """The device can make nothing of the answer."""


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\n"), PATIENCE)

    async def exactly(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), PATIENCE)

    async def hang_up(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def _connect(port: int) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", port))


async def _chunk(line: Line) -> bytes:
    """One chunk as both microcontrollers read it: they leave its line end behind, so the next size reads as nothing."""
    size = int((await line.line()).strip(), 16)
    body = await line.exactly(size)
    rest = await line.line()
    if rest != b"\r\n":
        raise Failed("there is more than one chunk")
    return body


@dataclass
class Digital:
    """The reader of digital meters: a Tasmota driver on the HTTP client of its platform."""

    port: int
    mac: str
    token: str = ""
    script: str | None = None
    sent: list[int] = field(default_factory=list)

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        line = await _connect(self.port)
        line.writer.write(
            f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUser-Agent: Energyleaf-Sensor-Digital\r\n"
            "Accept-Encoding: identity;q=1,chunked;q=0.1,*;q=0\r\nConnection: close\r\n"
            f"Content-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            return await self._answer(line)
        finally:
            await line.hang_up()

    async def _answer(self, line: Line) -> tuple[int, bytes]:
        version, status = (await line.line()).split()[:2]
        if not version.startswith(b"HTTP/1."):
            raise Failed("no HTTP")
        encoding = b""
        while (each := await line.line()) != b"\r\n":
            name, _, value = each.partition(b":")
            if name.lower() == b"transfer-encoding":
                encoding = value.strip()
        code = int(status)
        if not 200 <= code < 300:
            return code, b""
        if encoding != b"chunked":
            raise Failed("the body is not in chunks")
        return code, await _chunk(line)

    async def ask(self, *, force: bool = False) -> int:
        """Ask for a token; take the script that may come with it."""
        request = message("TokenRequest", client_id=self.mac, type=1, need_script=True if force else None)
        status, body = await self._post("/token", request.SerializeToString())
        if status != 200:
            return status
        found = parsed("TokenResponse", body)
        assert found.status == status
        self.token = found.access_token
        if found.HasField("script"):
            self.script = found.script
            accepted, _ = await self._post(
                "/script_accepted", message("ScriptAcceptedRequest", access_token=self.token).SerializeToString()
            )
            assert 200 <= accepted < 300
        return status

    async def read(self, value: float, current: float | None = None, out: float | None = None) -> int:
        """Send what the register shows: on 401 once more, with a new token."""
        status = await self._send(value, current, out)
        if status == 401 and await self.ask() == 200:
            status = await self._send(value, current, out)
        self.sent.append(status)
        return status

    async def _send(self, value: float, current: float | None, out: float | None) -> int:
        sent = message(
            "SensorDataRequestV2",
            access_token=self.token,
            type=1,
            value=value,
            value_current=current or None,
            value_out=out or None,
        )
        status, body = await self._post("/sensor_input", sent.SerializeToString())
        if status == 200:
            assert parsed("SensorDataResponse", body).status == 200
        return status


@dataclass
class Analog:
    """The camera on a Ferraris meter: its own reader of lines, by text that it looks for in each."""

    port: int
    mac: str
    token: str = ""
    rotations: int = 0

    async def _post(self, path: str, body: bytes) -> bytes:
        line = await _connect(self.port)
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        line.writer.write(head.encode())
        line.writer.write(body)
        try:
            status, typed, chunked = 0, False, False
            while True:
                each = await line.line()
                if len(each) >= LINE_BUFFER:
                    raise Failed("a line is too long")
                if b"HTTP/1.1" in each:
                    status = int(each.split(b"HTTP/1.1")[1].split()[0])
                elif b"Content-Type: application/x-protobuf" in each:
                    typed = True
                elif b"Transfer-Encoding: chunked" in each:
                    chunked = True
                elif each == b"\r\n":
                    break
            if not 200 <= status < 300 or not typed or not chunked:
                raise Failed(f"status {status}, typed {typed}, chunked {chunked}")
            return await _chunk(line)
        finally:
            await line.hang_up()

    async def ask(self) -> None:
        """Ask for a token and for how often the disc turns in a kWh."""
        found = parsed(
            "TokenResponse", await self._post("/token", message("TokenRequest", client_id=self.mac).SerializeToString())
        )
        assert found.status == 200
        self.token, self.rotations = found.access_token, found.analog_rotation_per_kwh

    async def read(self, turns: int) -> None:
        """Send what was used in the last 15 seconds."""
        used = turns / self.rotations
        sent = message("SensorDataRequestV2", access_token=self.token, value=used)
        found = parsed("SensorDataResponse", await self._post("/sensor_input", sent.SerializeToString()))
        assert found.status == 200


@dataclass
class Pi:
    """The Raspberry Pi: an ordinary HTTP client, which keeps its connection and its token, and what could not be sent."""

    port: int
    mac: str
    token: str = ""
    backlog: list[tuple[int, float, float | None]] = field(default_factory=list)
    line: Line | None = None

    async def _post(self, path: str, body: bytes) -> bytes:
        """The body, whatever the status."""
        if self.line is None:
            self.line = await _connect(self.port)
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\ncontent-type: application/x-protobuf\r\naccept: */*\r\n"
            f"host: 127.0.0.1:{self.port}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.line.writer.write(head.encode() + body)
        await self.line.line()
        chunked, size = False, 0
        while (each := (await self.line.line()).lower().strip()) != b"":
            name, _, value = each.partition(b":")
            chunked = chunked or (name == b"transfer-encoding" and value.strip() == b"chunked")
            size = int(value) if name == b"content-length" else size
        if not chunked:
            return await self.line.exactly(size)
        parts = []
        while size := int(await self.line.line(), 16):
            parts.append(await self.line.exactly(size))
            assert await self.line.line() == b"\r\n"
        assert await self.line.line() == b"\r\n"
        return b"".join(parts)

    async def ask(self) -> int:
        """The status in the message; of HTTP it takes no note."""
        request = message("TokenRequest", client_id=self.mac, type=1, need_script=False).SerializeToString()
        found = parsed("TokenResponse", await self._post("/token", request))
        if 200 <= found.status < 300:
            self.token = found.access_token
        return int(found.status)

    async def read(self, value: float, out: float | None = None, nanoseconds: int | None = None) -> int:
        """Send a reading; one of the backlog has its time, and for power what was fed in, as that client mixes them up."""
        sent = message(
            "SensorDataRequestV2",
            access_token=self.token,
            type=1,
            value=value,
            value_current=out if nanoseconds is not None else None,
            value_out=out,
            timestamp=nanoseconds,
        )
        return int(parsed("SensorDataResponse", await self._post("/sensor_input", sent.SerializeToString())).status)

    async def sync(self) -> list[int]:
        """Send the backlog, newest first; what is answered with success is forgotten."""
        statuses = [await self.read(value, out, stamp) for stamp, value, out in sorted(self.backlog, reverse=True)]
        self.backlog = []
        return statuses

    async def hang_up(self) -> None:
        if self.line is not None:
            await self.line.hang_up()
            self.line = None

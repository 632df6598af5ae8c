"""Handing a message to a mail server (SMTP, RFC 5321), and telling exactly what became of it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Literal, Protocol

import aiosmtplib

from wattline.model.errors import Invalid

# Seven-bit transfer encodings, so that no server needs to offer 8BITMIME.
_POLICY = SMTP_POLICY.clone(cte_type="7bit")
_LONGEST_ERROR = 200
_ADDRESS = re.compile(r"[^\s<>()@]+@[^\s<>()@]+")


class Delivery(Exception):
    """A message was not accepted, as far as we know. `str()` may be stored and logged: it has no credential and no address."""


class Unreachable(Delivery):
    """There is no working dialogue with the server (refused, timed out, TLS or login failed): nothing was accepted."""


class Refused(Delivery):
    """The server answered no. `permanent` for a 5xx reply: trying again is pointless."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Uncertain(Delivery):
    """The text was sent and no reply came: the server may have accepted it."""


#: Awaited after the server agreed to the envelope and before it gets the text; what it raises stops the delivery.
Handing = Callable[[], Awaitable[None]]


class Transport(Protocol):
    """What delivers mail."""

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        """Return when the server has accepted the message; raises a `Delivery` otherwise."""
        ...

    async def close(self) -> None:
        """End the dialogue; the next `send` begins a new one."""
        ...


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The mail server of this installation. `timeout` (seconds, at most 25) holds for reaching the server and again for the
    text.

    `security`: `starttls` upgrades a plain connection and refuses to go on without; `tls` speaks TLS from the start.
    `ca_file` replaces the system's certificate authorities.
    """

    host: str
    sender: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 20.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= 25:
            raise Invalid(
                "the SMTP timeout must be over 0 and at most 25 seconds, so that a message is done within its lease", "timeout"
            )
        if self.sender.count("@") != 1 or any(ord(character) < 33 or ord(character) > 126 for character in self.sender):
            raise Invalid("the sender must be a plain e-mail address", "sender")

    @property
    def domain(self) -> str:
        """The domain of the sender, which our Message-IDs end in."""
        return self.sender.rpartition("@")[2]


class SmtpTransport:
    """One connection at a time, kept between messages until `close`."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        """Deliver to one recipient. Raises `Unreachable`, `Refused` or `Uncertain`."""
        payload = message.as_bytes(policy=_POLICY)
        try:
            async with asyncio.timeout(self._settings.timeout):
                client = await self._envelope(recipient)
        except TimeoutError as error:
            await self._drop()
            raise Unreachable(self._told("no answer in time", error)) from None
        try:
            await handing()
        except BaseException:
            await self._drop()
            raise
        try:
            async with asyncio.timeout(self._settings.timeout):
                await client.data(payload)
        except aiosmtplib.SMTPDataError as error:
            await self._drop()
            raise Refused(self._told(f"message refused: {error.code}", error), permanent=error.code >= 500) from None
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            await self._drop()
            raise Uncertain(self._told("no reply to the message", error)) from None

    async def _envelope(self, recipient: str) -> aiosmtplib.SMTP:
        """Name sender and recipient, on the open connection if it still works and on a new one otherwise."""
        if self._client is not None:
            try:
                return await self._name(self._client, recipient)
            except Unreachable:
                await self._drop()
        self._client = await self._connect()
        return await self._name(self._client, recipient)

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=None if settings.security == "none" else ssl.create_default_context(cafile=settings.ca_file),
            timeout=settings.timeout,
        )
        try:
            await client.connect()
            if settings.username is not None and settings.password is not None:
                await client.login(settings.username, settings.password)
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            client.close()
            raise Unreachable(self._told("no connection", error)) from None
        except BaseException:
            client.close()
            raise
        return client

    async def _name(self, client: aiosmtplib.SMTP, recipient: str) -> aiosmtplib.SMTP:
        try:
            await client.mail(self._settings.sender)
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            await self._drop()
            if error.code == 421:
                raise Unreachable(self._told("the server closes", error)) from None
            raise Refused(self._told(f"envelope refused: {error.code}", error), permanent=error.code >= 500) from None
        except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
            raise Unreachable(self._told("connection lost", error)) from None
        return client

    async def close(self) -> None:
        """Say QUIT if a connection is open."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(2):
                await client.quit()
        except (aiosmtplib.SMTPException, TimeoutError, OSError):
            client.close()

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _told(self, what: str, error: BaseException) -> str:
        """What to remember of a failure: one short line without our credentials and without who was written to, should a server
        repeat them."""
        detail = getattr(error, "message", None) or str(error) or type(error).__name__
        text = f"{what} ({' '.join(str(detail).split())})"
        for secret in (self._settings.password, self._settings.username):
            if secret:
                text = text.replace(secret, "***")
        return _ADDRESS.sub("***", text)[:_LONGEST_ERROR]

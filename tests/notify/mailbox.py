"""A real SMTP server of the test's own, and the mails it accepted."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Reply = Callable[[str], str | None]


@dataclass(frozen=True)
class Mail:
    """A mail as it arrived."""

    recipient: str
    message: EmailMessage

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def kind(self) -> str:
        return str(self.message["X-Wattline-Alert"])

    @property
    def title(self) -> str:
        return str(self.message["Subject"]).removeprefix("[Wattline] ")

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())


class Mailbox:
    """Keeps every accepted mail. `refuse_recipient` and `refuse_text` may answer with a reply of their own, by recipient."""

    def __init__(self) -> None:
        self.arrived: list[Mail] = []
        self.sessions = 0
        self._changed = threading.Condition()
        self.refuse_recipient: Reply = lambda recipient: None
        self.refuse_text: Reply = lambda recipient: None
        self.hold_text: threading.Event | None = None
        self.port = 0

    def mails(self, recipient: str | None = None) -> list[Mail]:
        """What arrived, in order, each Message-ID once."""
        seen: dict[str, Mail] = {}
        for mail in self.arrived:
            if recipient is None or mail.recipient == recipient:
                seen.setdefault(mail.id, mail)
        return list(seen.values())

    def titles(self, recipient: str | None = None) -> list[str]:
        return [mail.title for mail in self.mails(recipient)]

    def wait_for(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait, in another thread than the server's, until what came in is enough; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(enough, seconds)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        self._tell()
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.refuse_recipient(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        refusal = self.refuse_text(recipient)
        if refusal is not None:
            return refusal
        content = cast(bytes, envelope.content)
        message = cast(EmailMessage, message_from_bytes(content, policy=POLICY))
        self.arrived.append(Mail(recipient, message))
        self._tell()
        if self.hold_text is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.hold_text.wait, 10)
        return "250 accepted"


@contextmanager
def mail_server(**options: object) -> Iterator[Mailbox]:
    """A server on a port of its own that accepts everything until told otherwise."""
    mailbox = Mailbox()
    with closed_port() as port:
        pass
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    mailbox.port = port
    try:
        yield mailbox
    finally:
        controller.stop()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken but answers nobody: connections to it are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]

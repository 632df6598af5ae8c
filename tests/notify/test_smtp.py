"""The dialogue with a mail server: encryption, login, and what is said of failures."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from wattline.model.errors import Invalid
from wattline.notify.smtp import SmtpSettings, SmtpTransport, Unreachable

from .mailbox import Mailbox, mail_server

SENDER = "alerts@wattline.example"
OPERATOR = "operator@utility.example"
PASSWORD = "correct horse battery"


async def handed() -> None:
    """Nothing to remember."""


def letter() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "[Wattline] test"
    message["Message-ID"] = "<1@wattline.example>"
    message.set_content("Größe\n.\nfrom a line with a dot\n")
    return message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"wattline", PASSWORD.encode()), handled=False)


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[Mailbox]:
    """A server that speaks only over TLS and only to those who log in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with mail_server(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True) as mailbox:
        yield mailbox


def settings(mailbox: Mailbox, certificate: tuple[Path, Path] | None = None, **words: object) -> SmtpSettings:
    chosen = {"username": "wattline", "password": PASSWORD, "timeout": 5, **words}
    ca_file = certificate[0] if certificate else None
    return SmtpSettings("localhost", SENDER, mailbox.port, ca_file=ca_file, **chosen)  # type: ignore[arg-type]


async def test_starttls_and_login(secure: Mailbox, certificate: tuple[Path, Path]) -> None:
    transport = SmtpTransport(settings(secure, certificate))
    await transport.send(letter(), OPERATOR, handed)
    await transport.close()
    (mail,) = secure.arrived
    assert mail.message.get_content() == "Größe\n.\nfrom a line with a dot\n"


async def test_an_unknown_certificate_is_not_trusted(secure: Mailbox) -> None:
    with pytest.raises(Unreachable):
        await SmtpTransport(settings(secure)).send(letter(), OPERATOR, handed)
    assert secure.arrived == []


async def test_a_server_without_starttls_gets_no_password(mailbox: Mailbox) -> None:
    with pytest.raises(Unreachable):
        await SmtpTransport(settings(mailbox)).send(letter(), OPERATOR, handed)
    assert mailbox.arrived == []


async def test_a_wrong_password_is_trouble_and_is_told_without_it(secure: Mailbox, certificate: tuple[Path, Path]) -> None:
    wrong = settings(secure, certificate, password="hunter2")
    with pytest.raises(Unreachable) as failure:
        await SmtpTransport(wrong).send(letter(), OPERATOR, handed)
    assert "hunter2" not in str(failure.value)
    assert len(str(failure.value)) <= 200


async def test_a_connection_that_died_between_two_mails_is_made_again(mailbox: Mailbox) -> None:
    transport = SmtpTransport(SmtpSettings("127.0.0.1", SENDER, mailbox.port, security="none", timeout=5))
    await transport.send(letter(), OPERATOR, handed)
    assert transport._client is not None
    transport._client.close()
    await transport.send(letter(), OPERATOR, handed)
    await transport.close()
    assert len(mailbox.arrived) == 2


def test_the_password_is_not_in_the_repr() -> None:
    assert PASSWORD not in repr(SmtpSettings("h", SENDER, username="u", password=PASSWORD))


@pytest.mark.parametrize(
    "words", [{"timeout": 0}, {"timeout": 26}, {"sender": "nobody"}, {"sender": "a@b\r\nRCPT TO:<c@d>"}, {"sender": "a b@c"}]
)
def test_settings_out_of_range_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        SmtpSettings(**{"host": "h", "sender": SENDER, **words})  # type: ignore[arg-type]

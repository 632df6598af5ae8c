"""Where a broker is, from its URL; and the name of our session there."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from wattline.model.errors import Invalid

PORTS = {"mqtt": 1883, "mqtts": 8883}
SESSION_FILE = "mqtt-session"


@dataclass(frozen=True, slots=True)
class Address:
    """A broker; the credentials are in no representation of it."""

    host: str
    port: int
    tls: bool
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_url(url: str) -> Address:
    """The address that `mqtt(s)://[USER[:PASSWORD]@]HOST[:PORT]` names. Raises `Invalid`; the text repeats no credential."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("not an address of an MQTT broker: mqtt://USER:PASSWORD@HOST:1883", "mqtt_url") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or port == 0:
        raise Invalid("not an address of an MQTT broker: mqtt://USER:PASSWORD@HOST:1883", "mqtt_url")
    if parts.password and not parts.username:
        raise Invalid("MQTT 3.1.1 has no password without a user name", "mqtt_url")
    return Address(
        parts.hostname,
        port or PORTS[parts.scheme],
        parts.scheme == "mqtts",
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def is_loopback(host: str) -> bool:
    """Whether every address that the host stands for can be reached from this machine alone."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)


def session_name(directory: Path) -> str:
    """The client id that belongs to a data directory: the same at every start, so that the broker keeps what we missed."""
    path = directory / SESSION_FILE
    try:
        known = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        known = ""
    if not known:
        known = f"wattline-{secrets.token_hex(8)}"
        path.write_text(known + "\n", encoding="ascii")
    return known

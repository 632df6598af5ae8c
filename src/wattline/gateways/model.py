"""What a message is, who handles it, and how a broker is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

MOST_PAYLOAD = 65_536
"""Bytes of the largest message that the embedded broker takes."""

USUAL_PORT = 1883
"""Where devices look for a broker."""

Category = Literal["PARSE_ERROR", "TOPIC_ERROR", "SENSOR_UNKNOWN", "VALUE_ERROR", "INTERNAL_ERROR"]
CATEGORIES: tuple[Category, ...] = ("PARSE_ERROR", "TOPIC_ERROR", "SENSOR_UNKNOWN", "VALUE_ERROR", "INTERNAL_ERROR")


class Message(NamedTuple):
    """One message as it came. `retained` marks what the broker kept from before we subscribed.

    `tenant` is whose it is: that of the key which sent it to the embedded broker, or the one configured for an external broker.
    `key_id` is the id of that key; None where an external broker knows who sent it. `user` are the user properties of MQTT 5.
    """

    topic: str
    payload: bytes
    tenant: str
    qos: int = 0
    retained: bool = False
    key_id: str | None = None
    user: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Sequence[Message]], Awaitable[None]]
"""Takes messages in the order they came. Once it returns they are durable; `Unavailable`, `StorageFull` mean: again later."""

Take = Callable[[Message, object], None]
"""Where a link puts a message, with the receipt that it wants back when the message may be acknowledged."""


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """How messages come in.

    With a `url` (`mqtt://USER:PASSWORD@HOST:1883` or `mqtts://...`) from that broker, as `tenant`; its certificate is
    checked against `ca_file` or the system's authorities, and it is shown `client_cert` with `client_key` where it asks for
    one. Without a `url` the embedded broker listens on `host` and `port` (0: a free one; None: 1883, or a free one where
    that is taken), with TLS where `tls_cert` and `tls_key` are given, and asks for API keys unless `open`.
    `client_id` names our session at an external broker and must stay the same (see `session_name`).
    `most_pending` messages may wait for their handler; then nothing more is read from the network.
    """

    url: str | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    client_id: str = "wattline"
    host: str = "127.0.0.1"
    port: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    open: bool = False
    tenant: str = "default"
    prefix: str = "microlink"
    most_pending: int = 20_000
    retry_seconds: float = 1.0
    """The first pause after a handler could not do its work; each later one doubles, up to `retry_longest`."""
    retry_longest: float = 10.0
    reconnect_seconds: float = 1.0
    reconnect_longest: float = 30.0
    publish_seconds: float = 10.0
    """How long `publish` waits for the broker's acknowledgement."""
    sweep_seconds: float = 2.0
    """How often the embedded broker looks whether the keys of those connected still hold."""


@dataclass(slots=True)
class Health:
    """How the gateway is. `since` is when the connection came or went, in us; counts are since the start."""

    broker: str = ""
    """Where the messages come from, without credentials: `mqtt://host:port`."""
    connected: bool = False
    since: int | None = None
    error: str | None = None
    """Why there is no connection, where there is none."""
    held_up: str | None = None
    """Why messages wait, where their handler could not do its work."""
    received: int = 0
    acknowledged: int = 0
    retried: int = 0
    poisoned: int = 0
    """Messages whose handler failed on them alone."""
    pending: int = 0
    published: int = 0
    clients: int = 0
    """Devices connected to the embedded broker."""
    refused: int = 0
    """Connections and messages that the embedded broker did not allow."""
    dropped: int = 0
    """Messages that the embedded broker had no room to keep for a slow or absent subscriber."""

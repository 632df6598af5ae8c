"""One client's connection: framing, the order of packets, and how fast it may send."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, cast

from wattline.gateways.broker import packets
from wattline.gateways.broker.packets import Connect, Kind, Malformed, Publish, Reason
from wattline.gateways.broker.session import Outgoing, Session
from wattline.gateways.model import MOST_PAYLOAD
from wattline.model.errors import Forbidden, Unauthenticated, WattlineError

if TYPE_CHECKING:
    from wattline.gateways.broker.service import Broker

log = logging.getLogger(__name__)

MOST_PACKET = MOST_PAYLOAD + packets.MOST_HEADER
CONNECT_SECONDS = 10.0
MOST_UNSETTLED = 1000
"""Publications of one client that wait to become durable; then nothing more is read from it."""
WRITE_BUFFER = 1 << 20
GREETING = b"\x10"
"""The first byte of CONNECT."""
PATIENCE = 1.5
"""A client is lost after one and a half times its keep-alive, section 3.1.2.10."""


class Receipt(NamedTuple):
    """What a publication is acknowledged by."""

    connection: Connection
    packet_id: int
    qos: int


class Connection(asyncio.Protocol):
    """From CONNECT to the end. Methods are called on the event loop."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._level = packets.V3
        self._session: Session | None = None
        self._connect: Connect | None = None
        self._admitting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._loop.time()
        self._unsettled = 0
        self._held = False
        self._graceful = False
        self.congested = False

    @property
    def password(self) -> bytes | None:
        """What the client showed when it connected."""
        return None if self._connect is None else self._connect.password

    @property
    def username(self) -> str | None:
        """Who the client said that it is."""
        return None if self._connect is None else self._connect.username

    @property
    def session(self) -> Session | None:
        """Whose connection this is, once it is admitted."""
        return self._session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        if not self._broker.joined(self):
            self.end()
            return
        self._timer = self._loop.call_later(CONNECT_SECONDS, self._expire)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._rest = self._rest + data if self._rest else data
        self._go_on()

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._admitting is not None:
            self._admitting.cancel()
        session, self._session = self._session, None
        expiry = 0 if self._connect is None else self._connect.expiry
        will = None if self._graceful or self._connect is None else self._connect.will
        self._broker.left(self, session, expiry, will)

    def _go_on(self) -> None:
        """Handle the packets that are there, unless the client has to wait."""
        data, at = self._rest, 0
        try:
            if self._connect is None and data[:1] not in (b"", GREETING):
                # Before there is enough of it to be a packet: whoever speaks another protocol would wait for an answer.
                raise Malformed("a client says CONNECT first", Reason.PROTOCOL_ERROR)
            while self._transport is not None and self._admitting is None:
                packet = _framed(data, at)
                if packet is None:
                    break
                first, body, at = packet
                self._handle(first >> 4, first & 0x0F, body)
        except Malformed as error:
            self._rest = b""
            self._refuse(error)
            return
        self._rest = data[at:]
        self.regulate()

    def regulate(self) -> None:
        """Read from the client, or leave what it sends in the network until there is room for it."""
        if self._transport is None or self._transport.is_closing():
            return
        hold = self._admitting is not None or self._broker.paused or self._unsettled >= MOST_UNSETTLED
        if hold and not self._held:
            self._held = True
            self._transport.pause_reading()
        elif self._held and not hold and self._unsettled <= MOST_UNSETTLED // 2:
            self._held = False
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def _handle(self, kind: int, flags: int, body: bytes) -> None:
        if kind == Kind.PUBLISH and self._session is not None:
            self._on_publish(packets.read_publish(flags, body, self._level), self._session)
            return
        if (kind == Kind.CONNECT) != (self._connect is None):
            raise Malformed("a client says CONNECT first, and once", Reason.PROTOCOL_ERROR)
        if flags != (2 if kind in (Kind.PUBREL, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE) else 0):
            raise Malformed("reserved flags are set")
        if kind == Kind.CONNECT:
            self._connect = packets.read_connect(body)
            self._level = self._connect.level
            self._admitting = self._loop.create_task(self._admit(self._connect))
            return
        session = self._session
        if session is None:
            return
        if kind == Kind.PUBACK:
            session.acknowledged(packets.read_acknowledgement(body))
        elif kind == Kind.PUBREL:
            packet_id = packets.read_acknowledgement(body)
            session.received.discard(packet_id)
            self._write(packets.acknowledgement(Kind.PUBCOMP, self._level, packet_id))
        elif kind == Kind.SUBSCRIBE:
            self._on_subscribe(session, body)
        elif kind == Kind.UNSUBSCRIBE:
            packet_id, patterns = packets.read_unsubscribe(body, self._level)
            known = [self._broker.unsubscribe(session, pattern) for pattern in patterns]
            reasons = [Reason.SUCCESS if found else Reason.NO_SUBSCRIPTION for found in known]
            self._write(packets.unsuback(self._level, packet_id, reasons))
        elif kind == Kind.PINGREQ:
            self._write(packets.PINGRESP)
        elif kind == Kind.DISCONNECT:
            # MQTT 5 lets a client ask for its will all the same.
            self._graceful = body[:1] != b"\x04"
            self.end()
        else:
            raise Malformed(f"a client does not send packets of type {kind}", Reason.PROTOCOL_ERROR)

    async def _admit(self, connect: Connect) -> None:
        try:
            principal = await self._broker.access.authenticate(connect.password, connect.username)
        except Unauthenticated:
            self._turn_away(Reason.BAD_CREDENTIALS)
        except Forbidden:
            self._turn_away(Reason.NOT_AUTHORISED)
        except WattlineError:
            self._turn_away(Reason.UNAVAILABLE)
        else:
            if self._transport is None or self._transport.is_closing():
                return
            session, present, assigned = self._broker.admit(self, connect, principal)
            self._session = session
            most = MOST_PACKET
            self._write(packets.connack(self._level, Reason.SUCCESS, present, assigned, most))
            session.resume(self)
        self._admitting = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if connect.keep_alive and self._session is not None:
            self._timer = self._loop.call_later(connect.keep_alive * PATIENCE, self._expire)
        self._go_on()

    def _turn_away(self, reason: Reason) -> None:
        self._broker.count_refusal()
        self._graceful = True
        self._write(packets.connack(self._level, reason))
        self.end()

    def _refuse(self, error: Malformed) -> None:
        """End a connection that does not keep to the protocol, with a word where the protocol has one."""
        log.debug("an MQTT client is cut off: %s", error)
        self._broker.count_refusal()
        if self._session is not None:
            self._write(packets.disconnect(self._level, error.reason))
        elif self._connect is None:
            self._write(packets.connack(self._level, error.reason))
        self.end()

    def _expire(self) -> None:
        """Nothing was heard for too long, or the CONNECT did not come."""
        if self._session is None or self._connect is None:
            self.end()
            return
        patience = self._connect.keep_alive * PATIENCE
        silence = 0.0 if self._held else self._loop.time() - self._heard
        if silence >= patience:
            self.cut(Reason.KEEP_ALIVE)
            return
        self._timer = self._loop.call_later(patience - silence, self._expire)

    def _on_publish(self, message: Publish, session: Session) -> None:
        if len(message.payload) > MOST_PAYLOAD:
            raise Malformed("a message is too large", Reason.TOO_LARGE)
        if message.qos == 2:
            if message.packet_id in session.received:
                # Sent again because our PUBREC was lost. What is not durable yet is taken again: its time keeps it single.
                self._write(packets.acknowledgement(Kind.PUBREC, self._level, message.packet_id))
                return
            if len(session.received) >= MOST_UNSETTLED:
                raise Malformed("too many publications of QoS 2 without PUBREL", Reason.QUOTA)
        if message.qos:
            self._unsettled += 1
        self._broker.published(self, session, message)

    def settled(self, packet_id: int, qos: int, reason: Reason = Reason.SUCCESS) -> None:
        """A publication is durable, or refused for good."""
        if not qos or self._transport is None:
            return
        self._unsettled -= 1
        # MQTT 5 sends no PUBREL after a refusal: the identifier is free for another publication.
        if qos == 2 and self._session is not None and not (reason and self._level == packets.V5):
            self._session.received.add(packet_id)
        self._write(packets.acknowledgement(Kind.PUBACK if qos == 1 else Kind.PUBREC, self._level, packet_id, reason))
        if self._held:
            self.regulate()

    def _on_subscribe(self, session: Session, body: bytes) -> None:
        packet_id, wanted = packets.read_subscribe(body, self._level)
        known = set(session.subscriptions)
        reasons = [self._broker.subscribe(session, pattern, qos) for pattern, qos, _ in wanted]
        self._write(packets.suback(self._level, packet_id, reasons))
        for (pattern, _, handling), granted in zip(wanted, reasons, strict=True):
            # Retain handling of MQTT 5: 1 is "only for a new subscription", 2 is "never".
            if granted <= 1 and handling != 2 and not (handling == 1 and pattern in known):
                self._broker.send_retained(session, pattern, granted)

    def send(self, message: Outgoing, packet_id: int, duplicate: bool) -> None:
        """Send a PUBLISH."""
        self._write(
            packets.publish(self._level, message.topic, message.payload, message.qos, message.retain, packet_id, duplicate)
        )

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def cut(self, reason: Reason) -> None:
        """End the connection from our side."""
        if self._session is not None:
            self._write(packets.disconnect(self._level, reason))
        self.end()

    def end(self) -> None:
        """Close when what was written is sent; a client that reads nothing is dropped."""
        if self._transport is not None:
            if self.congested:
                self._transport.abort()
            else:
                self._transport.close()


def _framed(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """The packet that begins at `at`: its first byte, what follows its length, where the next begins. None if not all there."""
    size, length, shift = len(data), 0, 0
    where = at + 1
    while True:
        if where >= size:
            return None
        byte = data[where]
        length |= (byte & 0x7F) << shift
        where += 1
        if byte < 0x80:
            break
        shift += 7
        if shift > 21:
            raise Malformed("a packet length has more than four bytes")
    if length > MOST_PACKET:
        raise Malformed("a packet is too large", Reason.TOO_LARGE)
    end = where + length
    return None if end > size else (data[at], data[where:end], end)

"""The broker: its listener, its sessions, who hears what, and when a publication is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Callable, Sequence

from wattline.gateways.address import is_loopback
from wattline.gateways.broker.access import Access
from wattline.gateways.broker.connection import Connection, Receipt
from wattline.gateways.broker.packets import Connect, Publish, Reason, Will
from wattline.gateways.broker.retained import Retained
from wattline.gateways.broker.session import MOST_SUBSCRIPTIONS, WINDOW, Outgoing, Session, SessionKey
from wattline.gateways.filters import Tree, is_filter, is_topic, matches
from wattline.gateways.model import USUAL_PORT, Health, Message, MqttOptions, Take
from wattline.model.clock import Clock
from wattline.model.errors import Forbidden, Invalid, Unauthenticated, Unavailable, WattlineError
from wattline.model.principal import Principal

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 2000
MOST_SESSIONS = 5000
LONGEST_ABSENCE = 86_400.0
"""Seconds that an absent client is remembered."""
STOP_SECONDS = 5.0

Refused = Callable[[Message, str], None]
"""Told of a message that its key was not allowed to send, and why."""


class Broker:
    """A `Link` to the gateway on one side, an MQTT server on the other; both on the running event loop."""

    def __init__(
        self, access: Access, options: MqttOptions, clock: Clock, take: Take, refused: Refused, health: Health
    ) -> None:
        self.access = access
        self.paused = False
        self.port = 0
        """Where it listens, once it does."""
        self._options = options
        self._clock = clock
        self._take = take
        self._refused = refused
        self._health = health
        self._filters: Sequence[str] = ()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.Task[None] | None = None
        self._connections: set[Connection] = set()
        self._sessions: dict[SessionKey, Session] = {}
        self._trees: dict[str, Tree[SessionKey]] = {}
        self._retained: dict[str, Retained] = {}

    async def start(self, filters: Sequence[str]) -> None:
        """Listen. Raises `Unavailable` where the address is taken, `Invalid` where the certificate cannot be used, or where
        keys and readings would cross a network unprotected.
        """
        self._filters = filters
        options = self._options
        if not is_loopback(options.host):
            if options.open:
                raise Invalid("MQTT without credentials is for a loopback address", "mqtt_host")
            if options.tls_cert is None:
                raise Invalid(f"{options.host} is a public address: MQTT needs tls_cert and tls_key there", "mqtt_host")
        try:
            context = _context(options)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"cannot use the certificate of the MQTT broker: {error}", "tls_cert") from error
        self._server = await self._listen(context)
        self.port = int(self._server.sockets[0].getsockname()[1])
        host = f"[{options.host}]" if ":" in options.host else options.host
        self._health.broker = f"{'mqtt' if context is None else 'mqtts'}://{host}:{self.port}"
        self._health.connected, self._health.since = True, self._clock.micros()
        self._sweep = asyncio.create_task(self._keep_out(), name="mqtt keys")
        log.info("the MQTT broker listens on %s", self._health.broker)

    async def _listen(self, context: ssl.SSLContext | None) -> asyncio.Server:
        host, port = self._options.host, self._options.port
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: Connection(self), host, USUAL_PORT if port is None else port, ssl=context)
        except OSError as error:
            if port is not None:
                raise Unavailable(f"cannot listen on {host} port {port} for MQTT: {error.strerror}") from error
        log.warning("port %d is taken: the MQTT broker takes a free one", USUAL_PORT)
        return await loop.create_server(lambda: Connection(self), host, 0, ssl=context)

    async def stop(self) -> None:
        """End every connection and the listener."""
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.wait({self._sweep})
        if self._server is not None:
            self._server.close()
            for connection in [*self._connections]:
                connection.cut(Reason.SHUTTING_DOWN)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), STOP_SECONDS)
        self._health.connected = False

    async def _keep_out(self) -> None:
        """Cut off clients whose key was revoked or has expired, and forget those who stay away."""
        while True:
            await asyncio.sleep(self._options.sweep_seconds)
            for connection in [*self._connections]:
                if connection.session is None:
                    continue
                try:
                    principal = await self.access.authenticate(connection.password, connection.username)
                except (Unauthenticated, Forbidden):
                    connection.cut(Reason.NOT_AUTHORISED)
                    self.count_refusal()
                except WattlineError:
                    # A store that is away says nothing about a key.
                    break
                else:
                    if connection.session is not None and principal != connection.session.principal:
                        connection.cut(Reason.NOT_AUTHORISED)
            now = asyncio.get_running_loop().time()
            for session in [s for s in self._sessions.values() if s.expires is not None and s.expires <= now]:
                self._forget(session)

    # -- what connections call ---------------------------------------------------------------------------------------------

    def joined(self, connection: Connection) -> bool:
        """A client has connected; False where there is no room for it."""
        if len(self._connections) >= MOST_CONNECTIONS:
            self.count_refusal()
            return False
        self._connections.add(connection)
        self._health.clients = len(self._connections)
        return True

    def count_refusal(self) -> None:
        """A client, or something it wanted, was refused."""
        self._health.refused += 1

    def admit(self, connection: Connection, connect: Connect, principal: Principal) -> tuple[Session, bool, str | None]:
        """The session of a client whose key is good, whether it was there before, and the client id that we gave it."""
        assigned = None if connect.client_id else f"auto-{secrets.token_hex(8)}"
        key = (principal.tenant, principal.key_id, connect.client_id or assigned or "")
        former = self._sessions.get(key)
        if former is not None and isinstance(former.wire, Connection):
            former.wire.cut(Reason.TAKEN_OVER)
            former.wire = None
        if former is not None and connect.clean:
            self._forget(former)
            former = None
        session = former or Session(key, principal)
        session.principal = principal
        session.window = min(WINDOW, connect.at_once)
        self._sessions[key] = session
        return session, former is not None, assigned

    def left(self, connection: Connection, session: Session | None, expiry: float | None, will: Will | None) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        self._health.clients = len(self._connections)
        if session is None:
            return
        if will is not None and is_topic(will.topic):
            self._route(session, Publish(will.topic, will.payload, min(will.qos, 1), will.retain, False, 0), None)
        if session.wire is not connection:
            return
        session.wire = None
        if expiry == 0 or len(self._sessions) > MOST_SESSIONS:
            self._forget(session)
        else:
            absence = LONGEST_ABSENCE if expiry is None else min(expiry, LONGEST_ABSENCE)
            session.expires = asyncio.get_running_loop().time() + absence

    def _forget(self, session: Session) -> None:
        if self._sessions.get(session.key) is session:
            del self._sessions[session.key]
        for pattern in [*session.subscriptions]:
            self.unsubscribe(session, pattern)

    def subscribe(self, session: Session, pattern: str, qos: int) -> int:
        """What SUBACK says: the QoS that is granted, at most 1, or why not."""
        if not is_filter(pattern):
            return Reason.BAD_FILTER
        if not self.access.may_subscribe(session.principal, pattern):
            self.count_refusal()
            return Reason.NOT_AUTHORISED
        if len(session.subscriptions) >= MOST_SUBSCRIPTIONS and pattern not in session.subscriptions:
            return Reason.QUOTA
        granted = min(qos, 1)
        session.subscriptions[pattern] = granted
        self._trees.setdefault(session.key[0], Tree()).add(pattern, session.key, granted)
        return granted

    def unsubscribe(self, session: Session, pattern: str) -> bool:
        """Whether there was such a subscription."""
        if session.subscriptions.pop(pattern, None) is None:
            return False
        self._trees[session.key[0]].remove(pattern, session.key)
        return True

    def send_retained(self, session: Session, pattern: str, qos: int) -> None:
        """Give a new subscriber what is retained."""
        kept = self._retained.get(session.key[0])
        for topic, (payload, kept_qos) in [] if kept is None else kept.matching(pattern):
            self._deliver(session, Outgoing(topic, payload, min(qos, kept_qos), True))

    def published(self, connection: Connection, session: Session, message: Publish) -> None:
        """A client has published."""
        if not is_topic(message.topic):
            self.count_refusal()
            self._refused(Message(message.topic, message.payload, session.key[0], message.qos), "not a topic to publish to")
            connection.settled(message.packet_id, message.qos, Reason.BAD_TOPIC)
        else:
            self._route(session, message, connection)

    # -- the ways of a message ---------------------------------------------------------------------------------------------

    def _route(self, session: Session, message: Publish, connection: Connection | None) -> None:
        """Retain it, send it to subscribers, and to the gateway, which acknowledges it when it is durable."""
        tenant = session.principal.tenant
        key_id = session.principal.key_id
        whole = Message(message.topic, message.payload, tenant, message.qos, key_id=key_id, user=message.user)
        if not self.access.may_publish(session.principal, message.topic):
            self.count_refusal()
            self._refused(whole, "this key may not publish to this topic")
            # 3.1.1 cannot say no; an acknowledgement at least ends the client's attempts (section 3.3.5).
            if connection is not None:
                connection.settled(message.packet_id, message.qos, Reason.NOT_AUTHORISED)
            return
        self._fan_out(tenant, message.topic, message.payload, message.qos, message.retain)
        if any(matches(pattern, message.topic) for pattern in self._filters):
            self._take(whole, None if connection is None else Receipt(connection, message.packet_id, message.qos))
        elif connection is not None:
            connection.settled(message.packet_id, message.qos)

    def _fan_out(self, tenant: str, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        if retain and not self._retained.setdefault(tenant, Retained()).keep(topic, payload, min(qos, 1)):
            self._health.dropped += 1
        tree = self._trees.get(tenant)
        if tree is None:
            return
        for key, granted in tree.match(topic).items():
            self._deliver(self._sessions[key], Outgoing(topic, payload, min(qos, granted), False))

    def _deliver(self, session: Session, message: Outgoing) -> None:
        if not session.deliver(message):
            self._health.dropped += 1

    # -- the link to the gateway -------------------------------------------------------------------------------------------

    def acknowledge(self, receipts: Sequence[object]) -> None:
        """The publications of these receipts are durable."""
        for receipt in receipts:
            if isinstance(receipt, Receipt):
                receipt.connection.settled(receipt.packet_id, receipt.qos)

    async def publish(self, tenant: str, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Send to the tenant's clients. Raises `Unavailable` when stopped."""
        if not self._health.connected:
            raise Unavailable("the MQTT broker does not run")
        self._fan_out(tenant, topic, payload, qos, retain)

    def pause(self) -> None:
        """Read from no client."""
        self.paused = True
        self._regulate()

    def resume(self) -> None:
        """Read again."""
        self.paused = False
        self._regulate()

    def _regulate(self) -> None:
        for connection in [*self._connections]:
            connection.regulate()


def _context(options: MqttOptions) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context

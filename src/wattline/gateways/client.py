"""The connection to an external broker: MQTT 3.1.1 with a persistent session, by paho-mqtt, on our event loop.

3.1.1 because every broker speaks it, and because a persistent session is then simply one that is not clean. Connecting blocks
(name look-up, TLS), so it happens on a thread; everything else is driven by the readiness of the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from wattline.gateways.address import Address
from wattline.gateways.model import Health, Message, MqttOptions, Take
from wattline.model.clock import Clock
from wattline.model.errors import Unavailable

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 60
CONNECT_SECONDS = 5.0
BURST = 500
"""Messages read before anything else gets its turn."""
FAREWELL_SECONDS = 2.0
SUBACK_FAILURE = 0x80


class BrokerLink:
    """Reconnects for ever, after pauses that double; the broker keeps what comes meanwhile, as far as it is set to."""

    def __init__(self, address: Address, options: MqttOptions, clock: Clock, take: Take, health: Health) -> None:
        self._address = address
        self._options = options
        self._clock = clock
        self._take = take
        self._health = health
        health.broker = address.shown
        self._filters: Sequence[str] = ()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mqtt-connect")
        self._client = self._made(address, options)
        self._tasks: list[asyncio.Task[None]] = []
        self._socket: socket.socket | None = None
        self._session = 0
        self._seen = 0
        self._paused = False
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop
        self._ended = asyncio.Event()
        self._ended.set()
        self._published: dict[int, asyncio.Future[None]] = {}

    def _made(self, address: Address, options: MqttOptions) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if address.tls:
            context = ssl.create_default_context(cafile=options.ca_file)
            if options.client_cert is not None:
                context.load_cert_chain(options.client_cert, options.client_key)
            client.tls_set_context(context)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        client.connect_timeout = CONNECT_SECONDS
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_socket_open = self._on_loop(self._opened)
        client.on_socket_close = self._on_loop(self._closed)
        client.on_socket_register_write = self._on_loop(self._wants_to_write)
        client.on_socket_unregister_write = self._on_loop(self._has_written)
        return client

    def _on_loop(self, function: Callable[[socket.socket], None]) -> Callable[[paho.Client, Any, Any], None]:
        """The same as a callback of paho: on the event loop, also when the thread that connects calls it."""

        def called(_client: paho.Client, _data: Any, sock: Any) -> None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                # Where the loop has been closed meanwhile, nobody waits for this connection.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(function, sock)
            else:
                function(sock)

        return called

    async def start(self, filters: Sequence[str]) -> None:
        """Begin to connect."""
        self._filters = filters
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            asyncio.create_task(self._stay_connected(), name="mqtt connection"),
            asyncio.create_task(self._keep_alive(), name="mqtt keep-alive"),
        ]

    async def stop(self) -> None:
        """Say good-bye, and give up the connection."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._session += 1
        if self._socket is not None:
            self.resume()
            self._client.disconnect()
            self._client.loop_write()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), FAREWELL_SECONDS)
        # A connection that is being opened ends within its time-out; the executor then closes with it.
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._socket is not None:
            self._client.loop_misc()
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
        self._lost("stopped")
        self._health.connected = False

    async def _stay_connected(self) -> None:
        pause = self._options.reconnect_seconds
        while True:
            self._ended.clear()
            try:
                await self._loop.run_in_executor(self._thread, self._open)
            except (OSError, ValueError) as error:
                self._ended.set()
                self._say(f"cannot reach the MQTT broker: {error}")
            else:
                await self._ended.wait()
            if self._health.connected:
                self._health.connected = False
                pause = self._options.reconnect_seconds
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._options.reconnect_longest)

    def _open(self) -> None:
        self._client.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            # While we read nothing on purpose, an answer to a ping could not be seen.
            if self._socket is not None and not self._paused:
                self._client.loop_misc()

    def _say(self, problem: str) -> None:
        """Log a new problem once, not at every attempt."""
        if self._health.error != problem:
            log.warning("%s (%s)", problem, self._address.shown)
        self._health.error = problem

    def _opened(self, sock: socket.socket) -> None:
        if self._stopped:
            sock.close()
            return
        self._socket = sock
        if not self._paused:
            self._loop.add_reader(sock, self._readable)

    def _closed(self, sock: socket.socket) -> None:
        self._loop.remove_reader(sock)
        if sock is self._socket:
            self._socket = None

    def _wants_to_write(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock, self._client.loop_write)

    def _has_written(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _readable(self) -> None:
        """Read what is there, message by message: paho reads one packet a call and does not tell whether there is another."""
        sock = self._socket
        for _ in range(BURST):
            before = self._seen
            if self._paused or self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or self._socket is not sock:
                return
            if self._seen == before:
                break
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            # Decrypted already, so the socket itself will not become readable for it.
            self._loop.call_soon(self._readable)

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say(f"the MQTT broker refuses us: {reason}")
            return
        self._session += 1
        # paho would now send again what it has no acknowledgement of; whoever published it was told that it failed.
        client.drop_out_messages()
        if self._filters:
            client.subscribe([(pattern, 1) for pattern in self._filters])

    def _on_subscribe(self, client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.value >= SUBACK_FAILURE for reason in reasons):
            # Only another connection shows whether that has changed.
            self._say("the MQTT broker does not let us subscribe")
            client.disconnect()
            return
        if any(reason.value < 1 for reason in reasons):
            log.warning("the MQTT broker grants QoS 0 only: what it has sent and we could not store is lost")
        self._health.connected = True
        self._health.since = self._clock.micros()
        self._health.error = None
        log.info("connected to %s", self._address.shown)

    def _on_disconnect(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._lost(str(reason))

    def _lost(self, reason: str) -> None:
        self._session += 1
        if self._health.connected:
            self._health.since = self._clock.micros()
            if not self._stopped:
                self._say(f"the connection to the MQTT broker ended: {reason}")
        for waiting in self._published.values():
            if not waiting.done():
                waiting.set_exception(Unavailable("the connection to the MQTT broker ended"))
        self._published.clear()
        self._ended.set()

    def _on_message(self, _client: paho.Client, _data: Any, got: paho.MQTTMessage) -> None:
        self._seen += 1
        try:
            topic = got.topic
        except UnicodeDecodeError:
            topic = got._topic.decode("utf-8", "backslashreplace")
        receipt = (self._session, got.mid, got.qos) if got.qos else None
        self._take(Message(topic, bytes(got.payload), self._options.tenant, got.qos, bool(got.retain)), receipt)

    def acknowledge(self, receipts: Sequence[object]) -> None:
        """Send a PUBACK for each: of this connection only, since packet identifiers begin anew with the next."""
        session = self._session
        for receipt in receipts:
            if isinstance(receipt, tuple) and receipt[0] == session:
                self._client.ack(receipt[1], receipt[2])

    async def publish(self, tenant: str, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Send as the one tenant that this broker serves. Raises `Unavailable`; nothing is kept to be sent later."""
        if tenant != self._options.tenant:
            raise Unavailable("the MQTT broker serves another tenant")
        if not self._health.connected:
            raise Unavailable("there is no connection to the MQTT broker")
        info = self._client.publish(topic, payload, qos, retain)
        if qos == 0:
            return
        done = self._published[info.mid] = self._loop.create_future()
        try:
            await asyncio.wait_for(done, self._options.publish_seconds)
        except TimeoutError:
            raise Unavailable("the MQTT broker did not acknowledge in time") from None
        finally:
            self._published.pop(info.mid, None)

    def _on_publish(self, _client: paho.Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        waiting = self._published.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def pause(self) -> None:
        """Leave what comes in the socket."""
        self._paused = True
        if self._socket is not None:
            self._loop.remove_reader(self._socket)

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._socket is not None:
            self._loop.add_reader(self._socket, self._readable)
            # The socket does not become readable for what TLS has decrypted already.
            self._loop.call_soon(self._readable)

"""Serve an ASGI application over HTTP(S) in this process: what may be listened on, when it is ready, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator

import uvicorn
from starlette.types import ASGIApp

from wattline.framing import framed
from wattline.gateways.address import is_loopback
from wattline.model.errors import Invalid, Unavailable
from wattline.settings import Settings

BACKLOG = 4096
MESSAGE_BYTES = 2**21
"""Of a message of a WebSocket, whoever sends it: twice what the largest of a contract may be. More closes it (1009)."""
# Longer than the usual idle time of a reverse proxy's pool, so that it is never the server that hangs up first.
KEEP_ALIVE_SECONDS = 75


def check_exposure(settings: Settings) -> None:
    """Raise `Invalid` where what was asked for would show readings or credentials to a network unprotected."""
    local = is_loopback(settings.host)
    if settings.open and (not local or settings.behind_proxy):
        raise Invalid("--open asks for no credentials, so it is for a loopback address without --behind-proxy", "open")
    if not local and settings.tls_cert is None and not settings.behind_proxy:
        raise Invalid(
            f"{settings.host} is a public address: give --tls-cert and --tls-key, or --behind-proxy where a proxy ends TLS",
            "host",
        )


class Listener:
    """A bound address. Nothing is accepted before the server listens, so an early caller is refused, not kept waiting."""

    def __init__(self, host: str, port: int, *, tls: bool) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            # A name with addresses of both kinds, such as localhost, is served where most clients look first.
            family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
            self.socket = socket.socket(family, kind, protocol)
        except OSError as error:
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(address)
        except OSError as error:
            self.socket.close()
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
        self.host = host
        self.port = int(self.socket.getsockname()[1])
        self.tls = tls

    @property
    def url(self) -> str:
        """The base URL a caller on this machine uses; an address that means every interface is shown as loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def close(self) -> None:
        """Give the address back."""
        self.socket.close()


class _Uvicorn(uvicorn.Server):
    """Leaves the signals of the process alone, says when it accepts, and tells the application before it drains."""

    def __init__(self, config: uvicorn.Config, accepting: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._accepting = accepting
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._accepting()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)


class Server:
    """One application on one listener. `stopping` is called once, before the drain, so that endless responses can end.

    Answers of the paths in `for_devices` are framed for devices with fixed readers.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: Listener,
        settings: Settings,
        stopping: Callable[[], None],
        for_devices: Collection[str] = (),
    ) -> None:
        self.url = listener.url
        self.accepting = asyncio.Event()
        self.ended = asyncio.Event()
        self._listener = listener
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=framed(for_devices),
            ws="websockets-sansio",
            ws_max_size=MESSAGE_BYTES,
            # Live frames are small and sent to many: compressing each for each client costs more than it saves.
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=settings.drain_seconds,
            proxy_headers=settings.behind_proxy,
            forwarded_allow_ips=settings.trusted_proxies,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"cannot use tls_cert {settings.tls_cert} and tls_key {settings.tls_key}: {error}", "tls_cert"
            ) from error
        self._server = _Uvicorn(config, self.accepting.set, stopping)

    async def run(self) -> None:
        """Serve until `stop`, then finish what is in flight."""
        try:
            await self._server.serve(sockets=[self._listener.socket])
        finally:
            self.ended.set()

    def stop(self) -> None:
        """Accept nothing more, and end when the requests in flight are answered."""
        self._server.should_exit = True

    def abandon(self) -> None:
        """Stop without waiting for the requests in flight."""
        self._server.force_exit = self._server.should_exit = True

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve in the background for the length of the block; gives the base URL."""
        task = asyncio.create_task(self.run(), name="server")
        ready = asyncio.create_task(self.accepting.wait())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        try:
            if task.done():
                await task
            yield self.url
        finally:
            self.stop()
            await task

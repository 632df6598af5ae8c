"""One server process from its first check to its exit: bind, open the platform, serve, drain, close."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvloop

from wattline.app import create_app
from wattline.logs import configure_logs
from wattline.platform import Platform
from wattline.server import Listener, Server, check_exposure
from wattline.settings import Settings, unknown_variables

Companion = Callable[[Platform, str], Awaitable[None]]
"""What runs beside the server once it is ready, given the platform and the base URL; its failure stops the server."""


@contextlib.contextmanager
def _stop_signals(asked: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Stop:
    """What a signal does: gives up an unfinished start, ends a running server, and the second time does not wait."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.asked = False
        self._starting = asyncio.current_task()

    def __call__(self) -> None:
        if self.server is not None:
            (self.server.abandon if self.asked else self.server.stop)()
        elif self._starting is not None and not self.asked:
            self._starting.cancel()
        self.asked = True


async def _accompany(server: Server, companion: Awaitable[None]) -> None:
    """Until the server has ended; a companion that returns early is no reason to stop, one that fails is."""
    beside, ended = asyncio.ensure_future(companion), asyncio.create_task(server.ended.wait())
    try:
        await asyncio.wait({beside, ended}, return_when=asyncio.FIRST_COMPLETED)
        if beside.done():
            await beside
            await ended
    finally:
        beside.cancel()
        ended.cancel()
        await asyncio.gather(beside, ended, return_exceptions=True)


async def _serve(settings: Settings, listener: Listener, stop: _Stop, companion: Companion | None) -> None:
    async with Platform.open(settings) as platform:
        server = Server(create_app(platform), listener, settings, stopping=platform.begin_stop)
        stop.server = server
        async with server.serving() as url:
            sys.stdout.write(f"ready {url}\n")
            sys.stdout.flush()
            if companion is None:
                await server.ended.wait()
            else:
                await _accompany(server, companion(platform, url))
    structlog.get_logger("wattline").info("stopped", data=str(settings.data))


async def _main(settings: Settings, companion: Companion | None) -> None:
    stop = _Stop()
    log = structlog.get_logger("wattline")
    with (
        _stop_signals(stop),
        contextlib.closing(Listener(settings.host, settings.port, tls=settings.tls_cert is not None)) as listener,
    ):
        log.info("starting", data=str(settings.data), telemetry=settings.telemetry_url, state=settings.state_url)
        for name in unknown_variables():
            log.warning("unknown setting ignored", variable=name)
        try:
            await _serve(settings, listener, stop, companion)
        except asyncio.CancelledError:
            if not stop.asked:
                raise


def run(settings: Settings, companion: Companion | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises `Invalid` before anything is opened, and what a store raises on opening."""
    check_exposure(settings)
    configure_logs(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(settings, companion))

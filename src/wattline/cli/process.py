"""One server process from its first check to its exit: bind, open the platform, serve, drain, close."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvloop

from wattline.app import create_app
from wattline.lean import without_pandas
from wattline.logs import configure_logs
from wattline.platform import Platform
from wattline.server import Listener, Server, check_exposure
from wattline.settings import Settings, unknown_variables

COLLECT = (10_000, 20, 50)
"""Allocations between two young collections, and how many of each generation make one of the next."""

Step = Callable[[Platform, str], Awaitable[None]]
"""Something done with the opened platform and the base URL of the server."""


class _Stop:
    """What a signal does: gives up an unfinished start, ends a running server, and the second time does not wait for it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.server: Server | None = None
        self._starting = asyncio.current_task()

    def __call__(self) -> None:
        if self.asked.is_set():
            if self.server is not None:
                self.server.abandon()
        elif self.server is None and self._starting is not None:
            self._starting.cancel()
        self.asked.set()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Called on SIGTERM and SIGINT for the length of the block."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def _until_stopped(stop: _Stop, server: Server, beside: Awaitable[None] | None) -> None:
    """A step beside the server is ended while the server still answers; if it fails, that is the end of the server too."""
    waits = [asyncio.create_task(stop.asked.wait()), asyncio.create_task(server.ended.wait())]
    step = None if beside is None else asyncio.ensure_future(beside)
    try:
        await asyncio.wait([*waits, *([step] if step else [])], return_when=asyncio.FIRST_COMPLETED)
        if step is not None and step.done():
            await step
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        tasks = [*waits, *([step] if step else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _settle_memory() -> None:
    """Take what the start made out of the garbage collector's sight.

    Modules, schemas and routes live as long as the process. Walking them takes the collector some 100 ms each time, during
    which no request is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    gc.enable()


async def _serve(settings: Settings, listener: Listener, stop: _Stop, prepare: Step | None, beside: Step | None) -> None:
    async with Platform.open(settings) as platform:
        app = create_app(platform)
        await platform.open_gates()
        if prepare is not None:
            await prepare(platform, listener.url)
        stop.server = server = Server(app, listener, settings, platform.begin_stop, app.for_devices)
        async with server.serving() as url:
            _settle_memory()
            sys.stdout.write(f"ready {url}\n")
            sys.stdout.flush()
            await _until_stopped(stop, server, None if beside is None else beside(platform, url))


async def _main(settings: Settings, prepare: Step | None, beside: Step | None) -> None:
    stop = _Stop()
    log = structlog.get_logger("wattline")
    listener = Listener(settings.host, settings.port, tls=settings.tls_cert is not None)
    with stop.on_signals(), contextlib.closing(listener):
        log.info("starting", data=str(settings.data), telemetry=settings.telemetry_url, state=settings.state_url)
        for name in unknown_variables():
            log.warning("unknown setting ignored", variable=name)
        try:
            await _serve(settings, listener, stop, prepare, beside)
        except asyncio.CancelledError:
            if not stop.asked.is_set():
                raise
        log.info("stopped")


def run(settings: Settings, *, prepare: Step | None = None, beside: Step | None = None) -> None:
    """Serve until SIGTERM or SIGINT; `prepare` is done before the first request, `beside` while requests are served.

    Raises `Invalid` before anything is opened, `Unavailable` where the address is taken, `StoreLocked` where another
    process works on the data directory, and what a store raises on opening.
    """
    without_pandas()
    check_exposure(settings)
    configure_logs(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(settings, prepare, beside))

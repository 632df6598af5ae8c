"""The jobs of one process: registered before the launch, run until the stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from wattline.jobs.address import records_url
from wattline.jobs.model import JobFailed, Tick, Workflow, check_key, check_name, slot_at
from wattline.jobs.periodic import Periodic
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Invalid

if TYPE_CHECKING:
    from wattline.jobs.engine import Engine

FORGET_EVERY = 3600
_SLOTS = "periodic."


class Jobs:
    """Durable workflows and periodic jobs, recorded with the state at `database_url`.

    Records of what ended are kept for `keep_days`: within that time a repeated `start` of the same key does nothing.
    Every `rescue_seconds` the unfinished work of processes that died is looked for. `sleep` waits for so many seconds
    or fewer.
    """

    def __init__(
        self,
        database_url: sa.URL | str,
        clock: Clock,
        *,
        keep_days: int = 30,
        rescue_seconds: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = sa.make_url(database_url)
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._rescue_seconds = rescue_seconds
        self._sleep = sleep
        self._workflows: dict[str, Workflow] = {}
        self._periodics: dict[str, Periodic] = {}
        self._engine: Engine | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._launched = False

    @property
    def periodics(self) -> tuple[Periodic, ...]:
        """The periodic jobs, with their counts."""
        return tuple(self._periodics.values())

    def workflow(self, name: str, function: Workflow) -> None:
        """Register `async def function(payload) -> result`, both JSON values, before the launch.

        The function may be run again from its start after a crash, so it does nothing but decide: whatever reads or
        changes the world is a `step`, and the order of steps follows from the payload and earlier results alone.
        It runs on a loop of its own; only steps run on the loop of `launch`. Its name and its steps' names are stored.
        """
        self._register(check_name(name), function)

    def periodic(
        self, name: str, every_seconds: float, function: Tick, *, durable: bool = False, catch_up: bool = False
    ) -> Periodic:
        """Register `async def function(slot)`, called at every multiple of `every_seconds` since 1970, before the launch.

        `slot` is that multiple in microseconds. One run at a time: a slot that begins during a run waits, and of several
        missed ones only the newest is run. An error is logged and counted, and the next slot comes.

        With `durable`, all processes on one database together run a slot once, and a run that died with its process is
        run again. With `catch_up` too, no slot is left out, not even those missed while no process ran.
        """
        self._still_open()
        every = round(every_seconds * SECOND)
        if every < 1:
            raise Invalid("a period is longer than nothing", "every_seconds")
        if catch_up and not durable:
            raise Invalid("only a durable job knows what it missed", "catch_up")
        if name in self._periodics:
            raise Invalid(f"there is a job of this name: {name}", "name")
        job = Periodic(check_name(name), every, function, durable=durable, catch_up=catch_up)
        if durable:

            async def run(slot: Any) -> None:
                await self.step("run", job.run, slot)

            self._register(_SLOTS + name, run)
        self._periodics[name] = job
        return job

    async def launch(self) -> None:
        """Start. Work that an earlier process left unfinished is taken up now; without any workflow no record is opened."""
        self._launched = True
        if self._workflows:
            # Loading DBOS takes 0.4 s and 27 MB, so a process without durable work does without.
            from wattline.jobs.engine import Engine  # noqa: PLC0415

            self._engine = Engine(records_url(self._url), self._workflows, self._rescue_seconds)
            try:
                await self._engine.launch()
            except BaseException:
                self._engine = None
                self._launched = False
                raise
            forget = Periodic("forget", FORGET_EVERY * SECOND, self._forget, durable=False, catch_up=False)
            self._follow(forget, forget.attempt, slot_at(self._clock.micros(), forget.every))
        for job in self._periodics.values():
            fire = self._fire_durable(job) if job.durable else job.attempt
            self._follow(job, fire, await self._done(job))

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Stop. Running workflows have `grace_seconds` to end; the rest is taken up at the next launch."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop(grace_seconds)
        self._launched = False

    async def start(self, name: str, key: str, payload: object = None) -> None:
        """Run a workflow once for this key, however often this is called. When it returns, the work survives a crash.

        The first payload counts. Raises `Invalid` on a name that was not registered or a key that is not one.
        """
        if name not in self._workflows:
            raise Invalid(f"no such workflow: {name}", "name")
        await self._durable.start(name, check_key(key), payload)

    async def result(self, name: str, key: str) -> Any:
        """Wait for a workflow and give its result. Raises `NotFound` if none was started, `JobFailed` if it failed."""
        return await self._durable.result(await self._durable.find(name, key))

    async def step(self, name: str, function: Callable[..., Any], *args: Any, attempts: int = 1, backoff: float = 1.0) -> Any:
        """Within a workflow: call `function(*args)` on the loop of `launch`, record what it returns (a JSON value), give it.

        Once recorded it is not called again; if the process dies between the call and the record, it is. After an error
        it is tried again, up to `attempts` times in all, after `backoff` seconds and then twice as long each time;
        then `JobFailed`.
        """
        return await self._durable.step(name, function, args, attempts, backoff)

    @property
    def _durable(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the jobs are not launched")
        return self._engine

    def _still_open(self) -> None:
        if self._launched:
            raise RuntimeError("jobs are registered before the launch")

    def _register(self, name: str, function: Workflow) -> None:
        self._still_open()
        if name in self._workflows:
            raise Invalid(f"there is a workflow of this name: {name}", "name")
        self._workflows[name] = function

    def _follow(self, job: Periodic, fire: Callable[[int], Awaitable[None]], done: int) -> None:
        work = job.follow(self._clock, self._sleep, fire, done)
        self._tasks.append(asyncio.create_task(work, name=f"periodic {job.name}"))

    def _fire_durable(self, job: Periodic) -> Callable[[int], Awaitable[None]]:
        async def fire(slot: int) -> None:
            handle = await self._durable.start(_SLOTS + job.name, str(slot), slot)
            # Whoever runs it has counted and told its failure.
            with suppress(JobFailed):
                await self._durable.result(handle)

        return fire

    async def _done(self, job: Periodic) -> int:
        """The slot to count as done at the launch (us)."""
        now = slot_at(self._clock.micros(), job.every)
        newest = await self._durable.newest_key(_SLOTS + job.name) if job.catch_up else None
        return now if newest is None else int(newest)

    async def _forget(self, _slot: int) -> None:
        # A job with a long period needs the record of its newest slot, so that it knows what it missed.
        longest = max((job.every for job in self._periodics.values()), default=0)
        keep = max(self._keep, timedelta(microseconds=2 * longest))
        await self._durable.forget(self._clock.now() - keep)

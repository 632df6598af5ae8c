"""Durable execution by DBOS, kept on a thread and an event loop of its own.

DBOS is one per process, blocks while it starts and stops, and takes over the thread pool of the event loop it is used
on. None of that may touch the loop that serves requests: calls come over to the engine's loop, and only the body of a
step goes back to the caller's.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import uuid
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandleAsync
from dbos import error as dbos_error

from wattline.jobs.address import SCHEMA, prepare
from wattline.jobs.model import JobFailed, Workflow
from wattline.jobs.rescue import Rescue
from wattline.model.errors import NotFound

T = TypeVar("T")
Handle: TypeAlias = WorkflowHandleAsync[str]

# Part of what is stored: work begun by one release is finished by the next, so it does not follow the release.
VERSION = "1"
# How often a process that did not run a workflow itself looks whether it has ended, in seconds.
RESULT_POLL = 0.5
FORGET_BATCH = 500
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

_log = logging.getLogger(__name__)
# DBOS would silently share its one instance with a second engine.
_only_one = threading.Lock()
_in_workflow: contextvars.ContextVar[bool] = contextvars.ContextVar("in_workflow", default=False)


class Engine:
    """Runs registered workflows from the records at `url`; made once, launched once, stopped once."""

    def __init__(self, url: sa.URL, workflows: Mapping[str, Workflow], rescue_seconds: float) -> None:
        self._url = url
        self._rescue_seconds = rescue_seconds
        self._workflows = dict(workflows)
        self._worker = uuid.uuid4().hex
        self._registered: dict[str, Callable[[str], Coroutine[Any, Any, str]]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._app: asyncio.AbstractEventLoop
        self._loop: asyncio.AbstractEventLoop
        self._ending: asyncio.Event
        self._thread: threading.Thread | None = None
        self._grace = 0.0

    async def launch(self) -> None:
        """Open the records, take up what an earlier life left unfinished. Raises what the database raises."""
        if not _only_one.acquire(blocking=False):
            raise RuntimeError("durable work is already launched in this process")
        self._app = asyncio.get_running_loop()
        ready: Future[None] = Future()
        self._gone: Future[None] = Future()
        # A daemon: a process that ends without a stop ends all the same, and its work is taken up like a dead one's.
        self._thread = threading.Thread(target=self._live, args=(ready, self._gone), name="wattline-jobs", daemon=True)
        self._thread.start()
        try:
            await asyncio.wrap_future(ready)
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    async def stop(self, grace: float) -> None:
        """Let running workflows end for `grace` seconds; what then still runs is taken up at the next launch."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._grace = grace
        self._loop.call_soon_threadsafe(self._ending.set)
        try:
            await asyncio.wrap_future(self._gone)
        finally:
            thread.join()

    async def start(self, name: str, key: str, payload: object) -> Handle:
        """Start once per key; when this returns the work is recorded."""
        text = msgspec.json.encode(payload).decode()
        return await self._here(self._start(name, _identity(name, key), text))

    async def find(self, name: str, key: str) -> Handle:
        """A workflow that was started, here or elsewhere. Raises `NotFound`."""
        return await self._here(self._find(_identity(name, key)))

    async def result(self, handle: Handle) -> Any:
        """Wait for the result. Raises `JobFailed` if the workflow ended in an error."""
        try:
            return msgspec.json.decode(await self._here(handle.get_result(polling_interval_sec=RESULT_POLL)))
        except dbos_error.DBOSException as error:
            raise JobFailed(str(error)) from error

    async def step(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], attempts: int, backoff: float) -> Any:
        """Run once and record, or give what was recorded; see `service.Jobs.step`."""
        if not _in_workflow.get():
            raise RuntimeError("a step belongs in a workflow")

        async def body() -> str:
            try:
                return msgspec.json.encode(await self._there(function, args)).decode()
            except Exception as error:
                raise JobFailed(f"step {name}: {_described(error)}") from error

        try:
            recorded = await DBOS.run_step_async(
                {"name": name, "retries_allowed": attempts > 1, "max_attempts": attempts, "interval_seconds": backoff}, body
            )
        except dbos_error.DBOSMaxStepRetriesExceeded as error:
            raise error.errors[-1] from None
        return msgspec.json.decode(recorded)

    async def newest_key(self, name: str) -> str | None:
        """The key of the workflow of this name that was started last, if its record is still kept."""
        found = await self._here(
            DBOS.list_workflows_async(name=name, limit=1, sort_desc=True, load_input=False, load_output=False)
        )
        return found[0].workflow_id.partition("/")[2] if found else None

    async def forget(self, before: datetime) -> int:
        """Delete the records of workflows that ended before this time, and count them."""
        return await self._here(self._forget(before.isoformat()))

    # From here on everything runs on the engine's own thread.

    def _live(self, ready: Future[None], gone: Future[None]) -> None:
        try:
            asyncio.run(self._serve(ready))
        finally:
            _only_one.release()
            gone.set_result(None)

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        # What blocks must not stop this loop, and not run on DBOS's own threads either.
        with ThreadPoolExecutor(1, "wattline-jobs-clerk") as clerk:
            quiet = logging.NullHandler()
            logging.getLogger("dbos").addHandler(quiet)
            rescue = Rescue(self._url, self._worker)
            try:
                await self._loop.run_in_executor(clerk, prepare, self._url)
                await self._loop.run_in_executor(clerk, rescue.claim)
                dbos = DBOS(config=self._config())
                for name, function in self._workflows.items():
                    self._registered[name] = DBOS.workflow(name=name)(self._workflow(function))
                DBOS.launch()
                await self._loop.run_in_executor(clerk, rescue.look, dbos)
                ready.set_result(None)
                await self._rescue_until_end(clerk, rescue, dbos)
                await self._let_end()
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)
            finally:
                await self._loop.run_in_executor(clerk, _destroy)
                await self._loop.run_in_executor(clerk, rescue.release)
                logging.getLogger("dbos").removeHandler(quiet)

    def _config(self) -> DBOSConfig:
        return {
            "name": "wattline",
            "system_database_url": self._url.render_as_string(hide_password=False),
            "dbos_system_schema": SCHEMA,
            "application_version": VERSION,
            "executor_id": self._worker,
            "log_level": "WARNING",
            "enable_otlp": False,
            "sys_db_pool_size": 8,
            # Nothing here waits for notifications, and listening would wake a thread a hundred times a second.
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.5,
            "scheduler_polling_interval_sec": 3600.0,
            "max_executor_threads": 32,
        }

    def _workflow(self, function: Workflow) -> Callable[[str], Coroutine[Any, Any, str]]:
        async def run(payload: str) -> str:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            _in_workflow.set(True)
            try:
                return msgspec.json.encode(await function(msgspec.json.decode(payload))).decode()
            except (JobFailed, dbos_error.DBOSException):
                raise
            except Exception as error:
                raise JobFailed(_described(error)) from error

        return run

    async def _start(self, name: str, identity: str, payload: str) -> Handle:
        with SetWorkflowID(identity):
            return await DBOS.start_workflow_async(self._registered[name], payload)

    async def _find(self, identity: str) -> Handle:
        try:
            return await DBOS.retrieve_workflow_async(identity)
        except dbos_error.DBOSNonExistentWorkflowError:
            raise NotFound("no such job") from None

    async def _forget(self, before: str) -> int:
        forgotten = 0
        while True:
            ended = await DBOS.list_workflows_async(
                status=ENDED, completed_before=before, limit=FORGET_BATCH, load_input=False, load_output=False
            )
            await DBOS.delete_workflows_async([record.workflow_id for record in ended])
            forgotten += len(ended)
            if len(ended) < FORGET_BATCH:
                return forgotten

    async def _rescue_until_end(self, clerk: ThreadPoolExecutor, rescue: Rescue, dbos: DBOS) -> None:
        while not self._ending.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._rescue_seconds)
                return
            try:
                await self._loop.run_in_executor(clerk, rescue.look, dbos)
            except Exception:
                _log.exception("could not look for work of dead workers; trying again in %g s", self._rescue_seconds)

    async def _let_end(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._grace)
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _here(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on the engine's loop from whichever loop this is."""
        if self._thread is None:
            work.close()
            raise RuntimeError("durable work is not launched")
        return await _across(work, self._loop)

    async def _there(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Await the body of a step on the loop that serves requests."""

        async def call() -> Any:
            result = function(*args)
            return await result if inspect.isawaitable(result) else result

        return await _across(call(), self._app)


def _identity(name: str, key: str) -> str:
    return f"{name}/{key}"


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def _across(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    # In an empty context: what DBOS keeps in its own must not follow a step's body home, and come back from there.
    future = contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, loop)
    return await asyncio.wrap_future(future)


def _destroy() -> None:
    DBOS.destroy(destroy_registry=True)
    for thread in threading.enumerate():
        # DBOS tells its pool to end and does not wait for it.
        if thread.name.startswith("dbos-executor-"):
            thread.join(timeout=10)

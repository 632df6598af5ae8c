"""Requests made up from an OpenAPI document, sent to a server that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PATIENCE = 60
Started = TypeVar("Started")
Key = TypeVar("Key")


@contextmanager
def served_elsewhere(
    serve: Callable[[Future[Started], Future[None]], Coroutine[Any, Any, None]],
) -> Iterator[Started]:
    """What `serve` puts into the first future; it serves in a thread until the second is done: the clients here block."""
    started: Future[Started] = Future()
    stop: Future[None] = Future()

    def run() -> None:
        try:
            asyncio.run(serve(started, stop))
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    yield started.result(PATIENCE)
    stop.set_result(None)
    thread.join(PATIENCE)
    assert not thread.is_alive()


def try_out(operations: Iterable[Any], ask: Callable[[Case, bool, Key], object], keys: Sequence[Key], examples: int) -> None:
    """Call `ask` with so many good and as many bad requests for every operation, whether to name what there is, and a key."""
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode), named=st.booleans(), key=st.sampled_from(keys))
            def holds(case: Case, named: bool, key: Key) -> None:
                ask(case, named, key)

            # What takes no parameters cannot be asked wrongly.
            with contextlib.suppress(Unsatisfiable):
                holds()

"""What goes wrong on demand: the endpoint's behaviour under test, changed from outside while requests run."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MODES = ("normal", "slow", "refuse", "hang", "lose_answer")


@dataclass(frozen=True, slots=True)
class Fault:
    """`only` narrows the fault to statements that begin with this word (INSERT, SELECT ...); None means all."""

    mode: str = "normal"
    seconds: float = 0.0
    code: int = 241
    status: int = 500
    only: str | None = None

    def concerns(self, sql: bytes) -> bool:
        return self.only is None or sql.lstrip()[: len(self.only)].upper() == self.only.upper().encode()


class Faults:
    """The present fault, and a count of the requests seen, both safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._fault = Fault()
        self._requests = 0

    def set(self, fault: Fault) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def seen(self) -> int:
        with self._changed:
            return self._requests

    def wait_seen(self, requests: int, timeout: float) -> bool:
        """Whether so many requests arrived within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._requests >= requests, timeout)

    def meet(self, sql: bytes) -> Fault:
        """Count a request and give the fault it meets, after waiting as long as that fault says."""
        with self._changed:
            self._requests += 1
            self._changed.notify_all()
            fault = self._fault
            if not fault.concerns(sql):
                return Fault()
            if fault.mode == "hang":
                self._changed.wait_for(lambda: self._fault.mode != "hang")
                return Fault()
            if fault.mode == "slow":
                self._changed.wait_for(lambda: self._fault is not fault, fault.seconds)
            return fault

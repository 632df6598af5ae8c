"""A request that was let in, and what is checked of it in the same order whatever it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from wattline.contracts.flux.caller import Caller, Policy
from wattline.contracts.flux.errors import invalid_preferences
from wattline.contracts.flux.read.answer import View
from wattline.contracts.flux.syntax import prefer, ranges
from wattline.contracts.flux.syntax.ast import Query, Window
from wattline.contracts.flux.syntax.prefer import Preferences
from wattline.model.clock import Clock


@dataclass(frozen=True)
class Asked:
    """`query` is the query string as it stands in the URL, without the key; `headers` are by lower-case name."""

    caller: Caller
    method: str
    schema: str
    query: str
    headers: Mapping[str, str]
    prefer: tuple[str, ...]
    content: bytes

    @property
    def accept(self) -> str | None:
        """The forms that the caller takes."""
        return self.headers.get("accept")

    @property
    def head(self) -> bool:
        """Whether only the headers of the answer are wanted."""
        return self.method == "HEAD"

    @cached_property
    def preferences(self) -> Preferences:
        """What the caller prefers."""
        return prefer.parse(self.prefer)

    def window(self, parsed: Query) -> Window:
        """The rows that the Range header of a GET asks for. Raises `Refusal` PGRST103, also where the limit leaves none."""
        header = ranges.parse(self.headers.get("range")) if self.method == "GET" else Window()
        ranges.intersect(header, next((window for path, window in parsed.windows if not path), Window()))
        return header

    def check_preferences(self) -> None:
        """Raise `Refusal` PGRST122 for what is not known, where that is to be told."""
        if self.preferences.handling == "strict" and self.preferences.unknown:
            raise invalid_preferences(self.preferences.unknown)

    @property
    def heeded(self) -> Preferences:
        """Those of the preferences that have a meaning for rows that are only read."""
        said = self.preferences
        return Preferences(count=said.count, handling=said.handling, timezone=said.timezone)


class Views:
    """Makes the view of a caller: what is there for whom, and when."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self.policy = policy
        self._clock = clock

    def of(self, asked: Asked) -> View:
        """The view of who asks, now."""
        caller = asked.caller

        def visible(relation: str) -> bool:
            self.policy.check(caller, "select", relation)
            return self.policy.sees(caller, "select", relation)

        named = asked.preferences.timezone
        return View(caller.tenant, self._clock.micros(), None if named is None else ZoneInfo(named), visible)

"""The words of this package, and the arithmetic of slots. Pure."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from wattline.model.errors import Invalid, WattlineError

# What crosses a restart is JSON: None, bool, int, float, str, and lists and dicts of these.
Workflow: TypeAlias = Callable[[Any], Awaitable[Any]]
Tick: TypeAlias = Callable[[int], Awaitable[object]]

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_KEY_LENGTH = 200


class JobFailed(WattlineError):
    """A workflow, or a step of one after its last attempt, ended in an error; the text names the error and its message."""


def check_name(name: str) -> str:
    """Names are short and plain because they are part of what is stored. Raises `Invalid`."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"not a name of a job: {name!r}", "name")
    return name


def check_key(key: str) -> str:
    """Any text that is not blank, of at most 200 characters. Raises `Invalid`."""
    if not key.strip() or len(key) > _KEY_LENGTH:
        raise Invalid("a key has 1 to 200 characters", "key")
    return key


def slot_at(now: int, every: int) -> int:
    """The newest slot that has begun: the greatest multiple of `every` since 1970 that is not after `now` (both us)."""
    return now - now % every


def due_slot(done: int, now: int, every: int, *, catch_up: bool) -> int:
    """The slot to run next after `done` (us): each in turn with `catch_up`, else the newest that has begun."""
    following = done + every
    return following if catch_up else max(following, slot_at(now, every))

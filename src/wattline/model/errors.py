"""What can go wrong in the domain. Each contract maps these to its own error bodies in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class WattlineError(Exception):
    """Any failure that the domain names. `str(error)` is safe to show to a caller: it never holds a secret."""


class Invalid(WattlineError):
    """The input is well formed but not acceptable; `field` names the offending part."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Fault(NamedTuple):
    """One thing that is wrong with a document: where (a JSON pointer, RFC 6901), a stable code, and in words."""

    pointer: str
    code: str
    detail: str


class Faulty(Invalid):
    """A document with one or more faults, each named."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        super().__init__(f"{first.pointer or 'the document'}: {first.detail}", first.pointer.removeprefix("/") or None)
        self.faults = tuple(faults)


class Ambiguous(Invalid):
    """A short name that several things bear; the message says how to name one of them in full."""


class Conflict(WattlineError):
    """What was asked does not fit the present state of the thing."""


class Stale(Conflict):
    """The thing was changed since the caller read it."""


class NotFound(WattlineError):
    """No such thing, or it belongs to another tenant: the two are never told apart."""


class Forbidden(WattlineError):
    """The principal is known, and its scopes or sites do not allow this."""


class Unauthenticated(WattlineError):
    """No credential, or one that is not valid now."""


class Unavailable(WattlineError):
    """A store cannot answer now; `retry_after` is a hint in seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(Unavailable):
    """The journal has reached its configured size; nothing of the request was written."""


class StorageFull(WattlineError):
    """The disk has no room; nothing of the request was written."""


class StoreLocked(WattlineError):
    """Another process works on this data directory."""

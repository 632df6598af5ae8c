"""What every bus does, whether messages stay in this process or cross a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from wattline.model.errors import Invalid

Overflow = Literal["drop_oldest", "close"]
OVERFLOWED = "overflow"
SHUT_DOWN = "shutdown"


class Delivery(NamedTuple):
    """One message as a reader gets it. `lost` counts the messages dropped just before it because the reader was slow."""

    topic: str
    message: object
    lost: int


class Subscription(Protocol):
    """An asynchronous iterator of `Delivery`, for one task of the event loop. Closes at the end of its `with` block.

    Iteration ends when the subscription is closed and what it still held has been read; `reason` then says why.
    """

    @property
    def dropped(self) -> int:
        """How many messages were lost to overflow since the subscription began."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it was closed: `overflow`, `shutdown`, or what `close` was given; None while open."""
        ...

    def close(self, reason: str = "closed") -> None:
        """Take no more messages. Closing again changes nothing."""
        ...

    def __aiter__(self) -> AsyncIterator[Delivery]: ...

    async def __anext__(self) -> Delivery: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Bus(Protocol):
    """Topics are dotted names such as `alarm.raised`. A message is any value that msgspec can encode; nobody changes it."""

    def publish(self, topic: str, message: object) -> None:
        """Hand the message to every present subscription. Returns at once; call it on the event loop's thread only."""
        ...

    def publish_threadsafe(self, topic: str, message: object) -> None:
        """The same from any other thread: the event loop publishes it when it comes to it."""
        ...

    def subscribe(self, topics: Iterable[str], *, size: int, overflow: Overflow = "drop_oldest") -> Subscription:
        """Follow topics from now on: exact names, `prefix.*` for everything below a prefix, `*` for everything.

        A message that matches several of them comes once. `size` is how many messages may wait to be read; one more and
        `drop_oldest` loses the oldest and counts it, `close` closes the subscription. Raises `Invalid` on a bad topic.
        """
        ...


def check_pattern(pattern: str) -> str:
    """Give the pattern back, or raise `Invalid`: segments are not empty, and a `*` is a whole last segment."""
    segments = pattern.split(".")
    if not all(segments) or any("*" in segment for segment in segments[:-1]) or ("*" in segments[-1] and segments[-1] != "*"):
        raise Invalid(f"not a topic: {pattern!r}", "topic")
    return pattern


def matches(pattern: str, topic: str) -> bool:
    """Whether a checked pattern covers a topic; `a.*` covers `a.b` and `a.b.c`, and not `a`."""
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == topic

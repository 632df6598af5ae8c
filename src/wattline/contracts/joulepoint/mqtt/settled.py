"""Messages of a group that were seen through although the group was not: when it comes again, they are passed over.

A group comes again as a whole where a store was away or full. Without this, a reading that has no time would be stored again,
as of another moment, and a refusal told again, at every attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattline.gateways.model import Message


class Settled:
    """Knows messages as the objects that they are: two devices may send the same, and one the same twice."""

    def __init__(self) -> None:
        # The messages are held so that nothing else can take the place of one in memory.
        self._done: dict[int, Message] = {}

    def add(self, message: Message) -> None:
        """A message needs nothing more."""
        self._done[id(message)] = message

    def rest(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Those that are still to be seen through."""
        return [message for message in messages if id(message) not in self._done] if self._done else messages

    def forget(self, messages: Iterable[Message]) -> None:
        """The group is seen through: it does not come again."""
        for message in messages:
            self._done.pop(id(message), None)

"""When rows are received, for readers who go through them in that order: every row later than all that were committed before.

The clock of a machine may be set back, and a row may wait for its commit; a reader that has read up to some instant must still
never find a new row before it.
"""

from __future__ import annotations

from collections.abc import Collection

from wattline.model.clock import Clock

MARK = "received"
"""Where the newest instant that was given is kept in the journal."""


class Receipts:
    """Gives each row of streams with these layouts an instant of its own, that of its receipt, as its commit begins.

    On the event loop.
    """

    def __init__(self, clock: Clock, layouts: Collection[str] = ()) -> None:
        self.layouts = frozenset(layouts)
        self._clock = clock
        self._last = 0
        self._begun: int | None = None

    def resume(self, last: int) -> None:
        """What was given before the last stop is past."""
        self._last = max(self._last, last)

    def begin(self) -> None:
        """A commit begins: its rows are next. Whatever came before is committed, however long ago the last row came."""
        self._last = max(self._last, self._clock.micros() - 1)
        self._begun = self._last

    def next(self) -> int:
        """The instant (us) of the next row of this commit."""
        self._last = max(self._last + 1, self._clock.micros())
        return self._last

    @property
    def given(self) -> int | None:
        """The newest instant given in this commit, None where it has none of these rows."""
        return None if self._begun in (None, self._last) else self._last

    def end(self) -> None:
        """The commit ended, whether it succeeded or not."""
        self._begun = None

    @property
    def horizon(self) -> int:
        """An instant (us): every row received until then is committed, and none will come."""
        if self._begun is not None:
            return self._begun
        self._last = max(self._last, self._clock.micros())
        return self._last

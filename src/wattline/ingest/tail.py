"""The newest committed blocks, for one reader that goes through them in order; from the file where it lags behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from wattline.ingest.journal import Block

MOST_ROWS = 100_000
"""Rows taken in one step, and twice this kept in memory; what is beyond waits in the journal's file alone."""


class Tail:
    """`read(after, most_rows)` gives the blocks after a sequence number from the journal's file, in order.

    One step takes `most_rows` rows, or the rows of one block where that has more.
    """

    def __init__(self, read: Callable[[int, int], Awaitable[list[Block]]], most_rows: int | None = None) -> None:
        self._read = read
        self._most = MOST_ROWS if most_rows is None else most_rows
        self._blocks: deque[Block] = deque()
        self._buffered = 0
        self._spilled = True
        self._from_file = False
        self.committed = 0
        """The sequence of the newest block there is."""

    def add(self, block: Block) -> None:
        """A block was committed; called on the loop, in order of sequence."""
        self.committed = block.sequence
        if not self._spilled:
            if self._buffered > 2 * MOST_ROWS:
                self._spilled = True
            else:
                self._blocks.append(block)
                self._buffered += len(block.rows)

    @property
    def held(self) -> Sequence[Block] | None:
        """Every block that the reader is not through with, in order; None where the file alone has some of them."""
        return None if self._spilled or self._from_file else [*self._blocks]

    async def next(self, after: int) -> list[Block]:
        """The blocks that follow `after`, for one step (at least one block where there is any)."""
        # What a step that failed had read from the file is in the file alone.
        if self._blocks and not self._from_file:
            taken, rows = [], 0
            for block in self._blocks:
                taken.append(block)
                rows += len(block.rows)
                if rows >= self._most:
                    break
            return taken
        self._from_file = True
        blocks = await self._read(after, self._most)
        self._from_file = bool(blocks)
        if after >= self.committed or (blocks and blocks[-1].sequence >= self.committed):
            self._spilled = False
        return blocks

    def done(self, upto: int) -> None:
        """The reader is through with the blocks up to this one."""
        self._from_file = False
        while self._blocks and self._blocks[0].sequence <= upto:
            self._buffered -= len(self._blocks.popleft().rows)
        if upto >= self.committed:
            self._spilled = False

"""A place in a text that is being parsed, and what to say when the text does not go on as it must."""

from __future__ import annotations

import re

from wattline.contracts.flux.errors import Refusal, not_parsed

DEPTH = 50
"""How deep parentheses may nest: embeds in embeds, logic in logic. Deeper is refused: stacks end."""
SPACES = re.compile(r"\s*+")


class Cursor:
    """Reads `text` from left to right. `what` and `shown` are what a refusal calls and quotes."""

    __slots__ = ("depth", "position", "shown", "text", "what")

    def __init__(self, what: str, text: str, shown: str | None = None) -> None:
        self.what = what
        self.text = text
        self.shown = text if shown is None else shown
        self.position = 0
        self.depth = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self.position >= len(self.text)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern finds here; the cursor moves behind it."""
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def take(self, token: str) -> bool:
        """Whether this token comes next; the cursor moves behind it."""
        if self.text.startswith(token, self.position):
            self.position += len(token)
            return True
        return False

    def spaces(self) -> None:
        """Move behind white space."""
        self.match(SPACES)

    def expect(self, token: str, expecting: str) -> None:
        """Move behind this token, or refuse."""
        if not self.take(token):
            raise self.refusal(expecting)

    def finish(self, expecting: str = "end of input") -> None:
        """Refuse if anything is left."""
        if not self.done:
            raise self.refusal(expecting)

    def enter(self) -> None:
        """Go one parenthesis deeper."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self.refusal(f"at most {DEPTH} levels of parentheses")

    def leave(self) -> None:
        """Come back from one."""
        self.depth -= 1

    def refusal(self, expecting: str, at: int | None = None) -> Refusal:
        """PGRST100 for what stands here, or at another position."""
        where = self.position if at is None else at
        found = quoted(self.text[where]) if where < len(self.text) else "end of input"
        return not_parsed(self.what, self.shown, where + 1, f"unexpected {found} expecting {expecting}")


def quoted(character: str) -> str:
    """A character as a refusal shows it."""
    return '"' + character.replace("\\", "\\\\").replace('"', '\\"') + '"'

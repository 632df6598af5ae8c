"""What a process does without.

Arrow imports pandas wherever it is installed, at the first array that is made; it is installed because chDB asks for it, and
nothing here uses it. That costs a fifth of a second of every start and some 35 MB for as long as the process lives. structlog
imports Rich, and Rich its painter of source code, for tracebacks that nobody here is to see: they print local variables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Without(MetaPathFinder):
    """Finds no module of one name, nor any below it, whoever has it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError` for the module; for all others leave it to the next finder."""
        if fullname.partition(".")[0] == self._name:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def without_pandas() -> None:
    """Let nothing import pandas from now on; to be called before the first array is made. Once is enough."""
    if "pandas" not in sys.modules and not any(isinstance(finder, _Without) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Without("pandas"))


@contextmanager
def without_rich() -> Iterator[None]:
    """Let nothing import Rich within the block; what imports it later gets it."""
    finder = _Without("rich")
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)

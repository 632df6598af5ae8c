"""What a process does without: packages that others import wherever they are installed, and that nothing here uses.

Arrow imports pandas at the first array that is made (chDB asks for it): a fifth of a second of every start, and some 35 MB for
as long as the process lives. Rich and Mako import Pygments, to colour source code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Without(MetaPathFinder):
    """Finds no module of one name, nor any below it, whoever has it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError` for the module; for all others leave it to the next finder."""
        if fullname.partition(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def without(name: str) -> None:
    """Let nothing import this package from now on; to be called before anything has. Once is enough."""
    hidden = (finder.name for finder in sys.meta_path if isinstance(finder, _Without))
    if name not in sys.modules and name not in hidden:
        sys.meta_path.insert(0, _Without(name))

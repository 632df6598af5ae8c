"""Where tests keep what is gone after them: in memory, where there is room. There, to reach the disk costs nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2**31


def quick_place() -> Path:
    """A directory in memory, or where temporary files are usually kept."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())

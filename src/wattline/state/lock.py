"""One process per data directory: an advisory lock that the operating system drops with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from types import TracebackType

from wattline.model.errors import StoreLocked


def _describe(holder: str) -> str:
    """Who holds the lock, from what that process wrote; it may not have written yet."""
    pid, _, command = holder.partition("\n")
    if not pid.isdecimal():
        return "another process"
    command = "".join(letter for letter in command.strip() if letter.isprintable())
    return f"process {pid} ({command})" if command else f"process {pid}"


class DirectoryLock:
    """Holds `DIRECTORY/lock` (flock) from `acquire` to `release`, or for the length of a `with` block.

    The file names the holder (process id, command) and stays behind, empty, after the release: removing it would let
    two processes lock two different files of that name. A killed process leaves its name in the file and no lock.
    """

    def __init__(self, directory: Path, command: str | None = None) -> None:
        self._directory = directory
        self._command = command if command is not None else Path(sys.argv[0]).name
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once, making the directory if need be, or raise `StoreLocked` naming who has it."""
        if self._descriptor is not None:
            raise StoreLocked(f"{self._directory} is already locked by this object")
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n{self._command}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, 4096, 0).decode(errors="replace")
            os.close(descriptor)
            raise StoreLocked(f"{self._directory} is in use by {_describe(holder)}") from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> DirectoryLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

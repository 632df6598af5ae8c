"""Files that were made on request, below a directory, and signed links to them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from wattline.metering.export.text import Pieces
from wattline.model.clock import SECOND
from wattline.model.errors import StorageFull, Unavailable

CHUNK = 1 << 16
NO_ROOM = 28
"""The number of the error of a full disk (ENOSPC)."""


class Files:
    """A file has the name of its export, and another one until it is whole."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, number: str) -> Path:
        """Where the whole file of an export is."""
        return self._directory / f"{number}.csv"

    async def write(self, number: str, pieces: Pieces) -> tuple[int, int]:
        """Write a file; how many lines without the header, and how many bytes. Raises `StorageFull`, `Unavailable`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        part = self._directory / f"{number}.part"
        rows = size = 0
        try:
            with part.open("wb") as file:
                async with aclosing(pieces) as found:
                    async for piece in found:
                        await asyncio.to_thread(file.write, piece.text)
                        rows += piece.rows
                        size += len(piece.text)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            part.replace(self.path(number))
        except OSError as error:
            part.unlink(missing_ok=True)
            raise (StorageFull("no room for the export") if error.errno == NO_ROOM else Unavailable("cannot write")) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return rows, size

    async def read(self, number: str) -> AsyncGenerator[bytes, None]:
        """A whole file, in pieces."""
        with self.path(number).open("rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK):
                yield piece

    def remove(self, number: str) -> None:
        """Let a file go, if it is there."""
        self.path(number).unlink(missing_ok=True)
        (self._directory / f"{number}.part").unlink(missing_ok=True)


def signature(secret: str, number: str, expires: int) -> str:
    """What a link to an export is signed with until a moment (s since 1970): HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(secret.encode(), f"{number}.{expires}".encode(), hashlib.sha256).hexdigest()


def holds(secret: str, number: str, expires: int, given: str, now: int) -> bool:
    """Whether a link is one of ours and has not run out at a moment (us)."""
    told = signature(secret, number, expires).encode()
    return hmac.compare_digest(told, given.encode("utf-8", "replace")) and now < expires * SECOND

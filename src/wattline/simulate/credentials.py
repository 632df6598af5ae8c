"""The demo's credentials file: DATA/credentials.json, readable by its owner alone, replaced in one step."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "credentials.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the server is and the working credential of each contract."""

    base_url: str
    hop_api_key: str

    def write(self, directory: Path) -> Path:
        """Store as DIRECTORY/credentials.json with mode 0600; a reader sees the old file or the new one, never a part."""
        content = {"base_url": self.base_url, "hop": {"api_key": self.hop_api_key}}
        handle, name = tempfile.mkstemp(prefix=".credentials-", dir=directory)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                json.dump(content, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            target = directory / FILE_NAME
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    @classmethod
    def read(cls, path: Path) -> Credentials | None:
        """What the file says; None where there is none or it cannot be understood."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            base_url, key = content["base_url"], content["hop"]["api_key"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(base_url, key) if isinstance(base_url, str) and isinstance(key, str) else None

"""The command line as a person uses it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Result = subprocess.CompletedProcess[str]
LIMIT = 120


def environment(**extra: str) -> dict[str, str]:
    """The environment of this test without any setting of ours; wide, so that tables are not folded."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("WATTLINE_")}
    return {**kept, "COLUMNS": "200", **extra}


@pytest.fixture
def wattline(tmp_path: Path) -> Callable[..., Result]:
    """Run `wattline ARGUMENTS` in an empty directory to its end."""

    def run(*arguments: str, **settings: str) -> Result:
        command = [sys.executable, "-c", "from wattline.cli import main; main()", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment(**settings), capture_output=True, text=True, timeout=LIMIT, check=False
        )

    return run

"""docs/reference is what the code says; a stale page is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIMIT = 180


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "reference.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_the_reference_is_up_to_date() -> None:
    checked = generate("--check")
    assert checked.returncode == 0, checked.stderr


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reference")
    made = generate("--into", str(directory))
    assert made.returncode == 0, made.stderr
    return directory


@pytest.mark.parametrize("name", ["settings.md", "metrics.md", "routes.md", "commands.md"])
def test_a_stale_page_is_found(written: Path, name: str) -> None:
    page = written / name
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("\n", "\nstale\n", 1), encoding="utf-8")
    checked = generate("--check", "--into", str(written))
    page.write_text(text, encoding="utf-8")
    assert checked.returncode == 1
    assert checked.stderr == f"out of date, run `make docs`: {name}\n"

"""docs/reference is what the code says; a stale page is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LIMIT = 180


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "reference.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_the_reference_is_up_to_date() -> None:
    checked = generate("--check")
    assert checked.returncode == 0, checked.stderr


def test_stale_and_missing_pages_are_found(tmp_path: Path) -> None:
    made = generate("--into", str(tmp_path))
    assert made.returncode == 0, made.stderr
    for name in ("commands.md", "settings.md", "routes.md"):
        page = tmp_path / name
        page.write_text(page.read_text(encoding="utf-8").replace("\n", "\nstale\n", 1), encoding="utf-8")
    (tmp_path / "metrics.md").unlink()
    checked = generate("--check", "--into", str(tmp_path))
    assert checked.returncode == 1
    assert checked.stderr == "out of date, run `make docs`: commands.md, metrics.md, routes.md, settings.md\n"

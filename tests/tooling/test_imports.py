"""The import rules notice what they are there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LINT = Path(sys.executable).parent / "lint-imports"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "src", directory / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copyfile(ROOT / "pyproject.toml", directory / "pyproject.toml")
    return directory


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(directory / "src")}
    command = [str(LINT), "--no-cache"]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_house_keeps_its_rules(copy: Path) -> None:
    checked = lint(copy)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("where", "line", "rule"),
    [
        ("model/place.py", "import wattline.state.database", "The layers of the house"),
        ("telemetry/reader.py", "import wattline.ingest.service", "The layers of the house"),
        ("events/service.py", "import wattline.contracts.hop", "The layers of the house"),
        ("contracts/hop/times.py", "import wattline.telemetry.reader", "A contract touches no store"),
        ("contracts/hop/times.py", "import wattline.bus.memory", "A contract touches no store"),
        ("contracts/hop/times.py", "import clickhouse_connect", "Only telemetry speaks ClickHouse"),
        ("outages/service.py", "import chdb", "Only telemetry speaks ClickHouse"),
        ("registry/store.py", "import sqlite3", "Only state opens SQLite and PostgreSQL"),
        ("jobs/service.py", "import psycopg", "Only state opens SQLite and PostgreSQL"),
    ],
)
def test_a_forbidden_import_is_found(copy: Path, where: str, line: str, rule: str) -> None:
    path = copy / "src" / "wattline" / where
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")
    try:
        checked = lint(copy)
    finally:
        path.write_text(text, encoding="utf-8")
    assert checked.returncode == 1
    assert f"{rule} BROKEN" in checked.stdout


def test_contracts_know_nothing_of_each_other(copy: Path) -> None:
    other = copy / "src" / "wattline" / "contracts" / "other"
    other.mkdir()
    (other / "__init__.py").write_text("import wattline.contracts.hop.times\n", encoding="utf-8")
    try:
        checked = lint(copy)
    finally:
        shutil.rmtree(other)
    assert checked.returncode == 1
    assert "A contract knows nothing of another contract BROKEN" in checked.stdout

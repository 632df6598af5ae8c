"""A directory whose state database is migrated already, so that a household opens quickly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.clickhouse.fixture import clickhouse, clickhouse_server

__all__ = ["clickhouse", "clickhouse_server"]


@pytest.fixture
def directory(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """Where a spine keeps its files."""
    shutil.copyfile(migrated_sqlite, tmp_path / "state.db")
    return tmp_path

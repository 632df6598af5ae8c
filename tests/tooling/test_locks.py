"""The lock files: complete, hashed, of one mind, and free of this machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ENTRY = re.compile(
    r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)( ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
LOCKS = ("requirements.lock", "requirements-test.lock")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> set[tuple[str, str]]:
    return {(entry[0], entry[1]) for entry in ENTRY.findall((ROOT / name).read_text(encoding="utf-8"))}


def asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) == len(ENTRY.findall(text)) > 50
    assert "://" not in text


def test_everything_that_is_asked_for_is_locked() -> None:
    told = project()
    runtime = asked(told["project"]["dependencies"]) | asked(told["dependency-groups"]["build"])
    assert runtime <= {name for name, _ in locked("requirements.lock")}
    test = asked(told["project"]["optional-dependencies"]["test"])
    assert runtime | test <= {name for name, _ in locked("requirements-test.lock")}


def test_the_tests_run_on_what_is_shipped() -> None:
    assert locked("requirements.lock") <= locked("requirements-test.lock")

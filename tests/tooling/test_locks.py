"""The lock files: complete, hashed, of one mind, and free of this machine."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ENTRY = re.compile(
    r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)( ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
LOCKS = {"requirements.lock": 50, "requirements-test.lock": 50, "requirements-clients.lock": 20, "requirements-train.lock": 12}
"""The lock files, and how many entries each has at least."""


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> set[tuple[str, str]]:
    return {(entry[0], entry[1]) for entry in ENTRY.findall((ROOT / name).read_text(encoding="utf-8"))}


def asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize(("name", "least"), LOCKS.items())
def test_every_entry_has_hashes_and_no_address(name: str, least: int) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) == len(ENTRY.findall(text)) > least
    assert "://" not in text


def test_everything_that_is_asked_for_is_locked() -> None:
    told = project()
    runtime = asked(told["project"]["dependencies"]) | asked(told["dependency-groups"]["build"])
    assert runtime <= {name for name, _ in locked("requirements.lock")}
    test = asked(told["project"]["optional-dependencies"]["test"])
    assert runtime | test <= {name for name, _ in locked("requirements-test.lock")}
    for group in ("clients", "train"):
        assert asked(told["dependency-groups"][group]) <= {name for name, _ in locked(f"requirements-{group}.lock")}


def test_every_npm_package_has_a_hash_and_no_address() -> None:
    directory = ROOT / "tests" / "contracts" / "flux" / "clients" / "node"
    wanted = json.loads((directory / "package.json").read_text(encoding="utf-8"))["dependencies"]
    text = (directory / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert {f"node_modules/{name}" for name in wanted} <= set(packages)
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def test_the_tests_run_on_what_is_shipped() -> None:
    assert locked("requirements.lock") <= locked("requirements-test.lock")


def test_features_are_measured_in_training_with_the_numpy_of_the_server() -> None:
    shipped, trained = (
        {one for one in locked(name) if one[0] == "numpy"} for name in ("requirements.lock", "requirements-train.lock")
    )
    assert trained == shipped

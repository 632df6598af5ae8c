"""The list of promises names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.contracts.hop.test_openapi import ADDED, PUBLISHED

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "contracts" / "hop.md"


def named() -> set[str]:
    """The tests that the page names."""
    return set(re.findall(r"`(test_\w+\.py::test_\w+)`", PAGE.read_text()))


def existing() -> set[str]:
    """The tests that there are."""
    return {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_page_names_exists() -> None:
    assert named() - existing() == set()
    assert len(named()) > 100


def test_every_row_of_the_page_names_a_test() -> None:
    rows = [
        line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not re.match(r"\| (Promise|Status) ", line)
    ]
    assert [row for row in rows if "::test_" not in row] == []


def test_every_endpoint_is_on_the_page() -> None:
    text = PAGE.read_text()
    assert [path for path in PUBLISHED | ADDED if path.removeprefix("/api") not in text] == []

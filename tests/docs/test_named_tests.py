"""Every test that a page about a contract names in full exists; and the register of faults is whole."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs" / "contracts").glob("*.md"))
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
SHORT = re.compile(r"`((?:\w+/)?test_\w+\.py)::(\w+)`")
"""A test below the directory of the page's contract."""
FAULTS = 42


@cache
def known_in(path: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def missing(text: str, contract: str = "mcs") -> list[str]:
    """The tests, or files of tests, that a text names and that are not there."""
    found = []
    short = [
        (f"tests/contracts/{contract}/{file}", name) for file, name in SHORT.findall(text) if not file.startswith("tests/")
    ]
    for file, name in [*NAMED.findall(text), *short]:
        path = ROOT / file
        if not path.is_file() or (name and name not in known_in(path)):
            found.append(f"{file}::{name}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert missing(page.read_text(encoding="utf-8"), page.stem) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    here = "tests/docs/test_named_tests.py"
    assert missing(f"`{here}::test_a_test_that_is_not_there_is_noticed` `{here}`") == []
    assert missing(f"`{here}::test_of_nothing` `tests/nowhere.py::test_a`") == [
        f"{here}::test_of_nothing",
        "tests/nowhere.py::test_a",
    ]


def test_every_fault_of_the_register_has_its_tests() -> None:
    text = (ROOT / "docs" / "contracts" / "mcs.md").read_text(encoding="utf-8")
    section = text.partition("## Faults that are not repeated\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, FAULTS + 1))
    assert [row for row in rows if not NAMED.search(row)] == []

"""The documentation against the tree: links lead somewhere, lists are complete, nothing is named that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), target


def architecture_tree() -> set[str]:
    """What the tree at the top of ARCHITECTURE.md says is in src/wattline."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = text.partition("src/wattline/\n")[2].partition("```")[0]
    return {name.rstrip("/") for line in block.splitlines() if line.startswith("  ") for name in line.split("  ")[1].split()}


def test_the_architecture_shows_the_packages_that_exist() -> None:
    source = ROOT / "src" / "wattline"
    exist = {path.parent.name for path in source.glob("*/__init__.py")} | {path.name for path in source.glob("[!_]*.py")}
    shown = {name.partition("/")[0] for name in architecture_tree()}
    assert shown == exist


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements}


def documented(section: str) -> set[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    body = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return {line.split("|")[1].strip() for line in body.splitlines() if line.startswith("|")} - {"package", "---"}


def test_every_dependency_has_its_reason() -> None:
    told = project()
    assert documented("At run time") == names(told["project"]["dependencies"])
    assert documented("To build") == names(told["dependency-groups"]["build"])
    assert documented("For checks and tests") == names(told["project"]["optional-dependencies"]["test"])
    assert documented("Clients that tests drive") == names(told["dependency-groups"]["clients"])
    assert documented("To train models") == names(told["dependency-groups"]["train"])


def test_every_variable_that_a_page_names_is_a_setting() -> None:
    from wattline.settings import PREFIX, Settings

    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for page in PAGES:
        for variable in re.findall(r"\bWATTLINE_[A-Z0-9_]+\b", page.read_text(encoding="utf-8")):
            assert variable in known, f"{page.name}: {variable}"


def test_every_metric_that_a_page_names_exists() -> None:
    from wattline.metrics import Metrics

    known = {family.name for family in Metrics().families()}
    for page in PAGES:
        for metric in re.findall(
            r"\bwattline_[a-z0-9_]+(?:_total|_seconds|_bytes|_rows|_subscribers)\b", page.read_text("utf-8")
        ):
            assert metric in known, f"{page.name}: {metric}"

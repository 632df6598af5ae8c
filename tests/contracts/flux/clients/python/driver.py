"""Plays scenarios: a JSON line in says which and with what, a JSON line out says how it went."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import traceback

from project import Project


def play(scenario: str, context: dict[str, str]) -> str | None:
    """Play one; what went wrong, if anything did."""
    module, name = scenario.split(".")
    function = getattr(importlib.import_module(f"scenarios.{module}"), name)
    project = Project(**context)
    try:
        if inspect.iscoroutinefunction(function):
            asyncio.run(function(project))
        else:
            function(project)
    except Exception:
        return traceback.format_exc()
    return None


# Standard output belongs to the answers.
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    asked = json.loads(line)
    error = play(asked["scenario"], asked["context"])
    answers.write(json.dumps({"scenario": asked["scenario"], "error": error}) + "\n")
    answers.flush()

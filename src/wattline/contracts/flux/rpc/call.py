"""Requests at a function, step by step: of several faults the first is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wattline.contracts.flux import answers
from wattline.contracts.flux.answers import Answer
from wattline.contracts.flux.asked import Asked, Views
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.answer import Rows, View
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.rpc.arguments import Argument, Arguments
from wattline.contracts.flux.rpc.functions import Function, Functions
from wattline.contracts.flux.syntax import accept, query
from wattline.contracts.flux.syntax.accept import Format
from wattline.contracts.flux.syntax.ast import Query, Window
from wattline.contracts.flux.syntax.prefer import Preferences
from wattline.contracts.flux.write import payload
from wattline.contracts.flux.write.plain import MISSING

ALLOW = "OPTIONS,POST"
NO_RANGE = "0-0/*"
"""Content-Range of a function that returns nothing: to a database that is one row."""


class Calls:
    """Answers requests at every function."""

    def __init__(self, functions: Functions, reader: Reader, views: Views) -> None:
        self._functions = functions
        self._reader = reader
        self._views = views

    async def answer(self, asked: Asked, name: str) -> Answer:
        """The answer to a request at the function of a name. Raises `Refusal`."""
        if asked.method == "OPTIONS":
            if name not in self._functions.by_name:
                self._functions.find(name, (), body=False)
            return Answer(200, {"Allow": ALLOW})
        parsed = query.parse(asked.query, function=asked.method != "POST")
        window = asked.window(parsed)
        given = _given(asked, parsed)
        asked.check_preferences()
        function = self._functions.find(name, tuple(given), body=asked.method == "POST")
        view = self._views.of(asked)
        form = await self._form(asked, function, view, parsed)
        seen = self._check_rights(asked, function, view)
        arguments = Arguments(given, view.now, view.zone, read_only=asked.method != "POST")
        source = await function.call(view, arguments)
        if function.returns is None or source is None:
            return Answer(204, answers.with_preferences({"Content-Range": NO_RANGE}, asked.heeded))
        count = asked.preferences.count is not None
        rows = source if seen else function.returns.schema.empty_table()
        found = await self._reader.of(view, function.returns, rows, parsed, window=window, count=count, head=asked.head)
        answers.single(found, form)
        _check_most(asked, found)
        headers = {
            "Content-Type": answers.MEDIA[form],
            "Content-Range": answers.content_range(found),
            "Content-Profile": asked.schema,
        }
        body = None if asked.head else await answers.encoded(found, form, view)
        return Answer(206 if found.partial else 200, answers.with_preferences(headers, _heeded(asked)), body)

    async def _form(self, asked: Asked, function: Function, view: View, parsed: Query) -> Format:
        """The form of the answer; a fault of the query itself is told before that of the form."""
        if function.returns is None and _limits(asked):
            message = "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"
            raise Refusal(400, "PGRST128", message)
        try:
            return accept.choose(asked.accept)
        except Refusal:
            if function.returns is not None:
                none = replace(parsed, windows=(((), Window(limit=0)),))
                await self._reader.of(view, function.returns, function.returns.schema.empty_table(), none)
            raise

    def _check_rights(self, asked: Asked, function: Function, view: View) -> bool:
        """Whether there are rows for the caller. Raises `Refusal` 42501: a function has the rights of who calls it."""
        policy = self._views.policy
        policy.check(asked.caller, "execute", function.name)
        seen = not [relation for relation in function.reads if not view.visible(relation)]
        for relation in function.inserts:
            policy.check(asked.caller, "insert", relation)
        return seen


def _given(asked: Asked, parsed: Query) -> Mapping[str, Argument]:
    """The arguments by name. Raises `Refusal` PGRST102."""
    if asked.method != "POST":
        return dict(parsed.arguments)
    if not asked.content:
        return {}
    first = payload.parse(asked.content, asked.headers.get("content-type"), parsed.columns).first
    found: dict[str, Any] = {name: values[0] for name, values in first.values.items() if first.count}
    return {name: value for name, value in found.items() if value is not MISSING}


def _limits(asked: Asked) -> bool:
    return asked.preferences.handling == "strict" and asked.preferences.max_affected is not None


def _heeded(asked: Asked) -> Preferences:
    return replace(asked.heeded, max_affected=asked.preferences.max_affected if _limits(asked) else None)


def _check_most(asked: Asked, found: Rows) -> None:
    most = asked.preferences.max_affected
    if _limits(asked) and most is not None and found.returned > most:
        details = f"The query affects {found.returned} rows"
        raise Refusal(400, "PGRST124", "Query result exceeds max-affected preference constraint", details)

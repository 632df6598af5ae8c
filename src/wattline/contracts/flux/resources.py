"""Requests at a relation, step by step: of several faults the first is told.

Query string, range, payload, preferences, relation, columns, form of the answer; then it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pyarrow as pa

from wattline.contracts.flux import answers
from wattline.contracts.flux.answers import Answer
from wattline.contracts.flux.asked import Asked, Views
from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.answer import View
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.syntax import accept, query
from wattline.contracts.flux.syntax.accept import Format
from wattline.contracts.flux.syntax.ast import Query, Window
from wattline.contracts.flux.write import checks, matched, rows
from wattline.contracts.flux.write.deleting import delete
from wattline.contracts.flux.write.inserting import insert
from wattline.contracts.flux.write.model import Options, Request, Written
from wattline.contracts.flux.write.putting import put
from wattline.contracts.flux.write.updating import update

WRITES: Mapping[str, Callable[[Request], Awaitable[Written]]] = {"POST": insert, "PATCH": update, "PUT": put, "DELETE": delete}


class Resources:
    """Answers requests at every relation."""

    def __init__(self, reader: Reader, views: Views, options: Options) -> None:
        self._reader = reader
        self._views = views
        self._options = options

    async def answer(self, asked: Asked, name: str) -> Answer:
        """The answer to a request at the relation of a name. Raises `Refusal`."""
        match asked.method:
            case "GET" | "HEAD":
                return await self._read(asked, name)
            case "OPTIONS":
                return Answer(200, {"Allow": allowed(self._reader.relations.named(name).type)})
            case _:
                return await self._write(asked, name)

    async def _read(self, asked: Asked, name: str) -> Answer:
        parsed = query.parse(asked.query)
        window = asked.window(parsed)
        asked.check_preferences()
        self._reader.relations.named(name)
        view = self._views.of(asked)
        form = await self._form(asked, view, name, parsed)
        found = await self._reader.read(
            view, name, parsed, window=window, count=asked.preferences.count is not None, head=asked.head
        )
        answers.single(found, form)
        headers = {
            "Content-Type": answers.MEDIA[form],
            "Content-Range": answers.content_range(found),
            "Content-Location": answers.content_location(f"/{name}", asked.query),
            "Content-Profile": asked.schema,
        }
        body = None if asked.head else await answers.encoded(found, form, view)
        return Answer(206 if found.partial else 200, answers.with_preferences(headers, asked.heeded), body)

    async def _form(self, asked: Asked, view: View, name: str, parsed: Query) -> Format:
        """The form of an answer with rows; a fault of the query itself is told before that of the form."""
        try:
            return accept.choose(asked.accept)
        except Refusal:
            await self._reader.read(view, name, _no_rows(parsed))
            raise

    async def _write(self, asked: Asked, name: str) -> Answer:
        parsed = query.parse(asked.query)
        asked.window(parsed)
        view = self._views.of(asked)
        try:
            form = accept.choose(asked.accept)
        except Refusal:
            self._check(self._request(asked, name, parsed, view, Format("array")))
            raise
        written = await WRITES[asked.method](self._request(asked, name, parsed, view, form))
        return answers.of_write(written, name, form, asked.schema)

    def _request(self, asked: Asked, name: str, parsed: Query, view: View, form: Format) -> Request:
        async def represent(affected: pa.Table) -> list[bytes]:
            kind = self._reader.relations.named(name).type
            return await answers.encoded(await self._reader.represent(view, kind, affected, parsed), form, view)

        return Request(
            self._reader.relations,
            self._views.policy,
            asked.caller,
            name,
            parsed,
            asked.preferences,
            asked.content,
            asked.headers.get("content-type"),
            view.now,
            form.kind == "object",
            represent,
            self._options,
        )

    def _check(self, request: Request) -> None:
        """What is looked at before the form of the answer is. Raises `Refusal`."""
        payload = checks.payload_of(request) if request.body else None
        relation = checks.relation_of(request)
        if payload is not None:
            rows.named(relation.type, payload)
        matched.condition(request, relation)


def _no_rows(parsed: Query) -> Query:
    windows = tuple(part for part in parsed.windows if part[0])
    return replace(parsed, windows=(*windows, ((), Window(limit=0))))


def allowed(kind: RelationType) -> str:
    """The methods of a relation."""
    methods = ["OPTIONS", "GET", "HEAD"]
    if kind.writable:
        methods += ["POST", *(["PUT"] if kind.primary is not None else []), "PATCH", "DELETE"]
    return ",".join(methods)

"""A whole query string, as it stands in the URL, to an `ast.Query`."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.syntax.ast import Embed, Item, Order, Path, Query, Tree, Window
from wattline.contracts.flux.syntax.logic import tree
from wattline.contracts.flux.syntax.names import embed_path, listed, tree_path
from wattline.contracts.flux.syntax.operators import filtered
from wattline.contracts.flux.syntax.order import orders
from wattline.contracts.flux.syntax.select import selected

INTEGER = re.compile(r"\s*+(-?[0-9]++)\s*+\Z")
BIGINT = 2**63 - 1
KEPT = 1024
"""How many parsed queries are remembered; of at most `LONG` characters each, so that their memory is bounded."""
LONG = 2048
ALL = selected("")


def parse(query: str, *, function: bool = False) -> Query:
    """Parse a raw, percent-encoded query string. Equal strings give the same object.

    With `function` (a GET of a function) a parameter whose value is no `op.value` is an argument; without, it is refused.
    Raises `Refusal`: PGRST100, 22021 for what is no UTF-8, 22003 for a limit beyond bigint, 42601 for an empty quoted name.
    """
    return _kept(query, function) if len(query) <= LONG else _parse(query, function)


def _parse(query: str, function: bool) -> Query:
    reader = _Reader(function)
    for part in query.split("&"):
        key, equals, value = part.partition("=")
        if equals:
            reader.parameter(_decoded(key), _decoded(value))
    return reader.query()


_kept = lru_cache(maxsize=KEPT)(_parse)


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        if "\0" not in text:
            return text
        raw = text.encode()
    else:
        raw = unquote_to_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        decoded = raw.decode()
    except UnicodeDecodeError as error:
        raise _no_text(raw[error.start : error.end]) from None
    if "\0" in decoded:
        raise _no_text(b"\0")
    return decoded


def _no_text(raw: bytes) -> Refusal:
    shown = " ".join(f"0x{byte:02x}" for byte in raw)
    return sql(400, "22021", f'invalid byte sequence for encoding "UTF8": {shown}')


class _Reader:
    """Gathers what the parameters say, in the order in which they come."""

    def __init__(self, function: bool) -> None:
        self.function = function
        self.select: tuple[Item | Embed, ...] | None = None
        self.columns: tuple[str, ...] | None = None
        self.on_conflict: tuple[str, ...] | None = None
        self.filters: list[tuple[Path, Tree]] = []
        self.orders: dict[Path, tuple[Order, ...]] = {}
        self.windows: dict[Path, Window] = {}
        self.arguments: list[tuple[str, str]] = []

    def parameter(self, key: str, value: str) -> None:
        """Take one parameter, decoded."""
        start, dot, last = key.rpartition(".")
        if last == "order":
            self._order(embed_path(start) if dot else (), value)
        elif last in ("limit", "offset"):
            self._window(embed_path(start) if dot else (), last, value)
        elif last in {"and", "or"}:
            self._logic(embed_path(start) if dot else (), last, value)
        elif key == "select":
            self.select = selected(value) if self.select is None else self.select
        elif key == "columns":
            self.columns = tuple(dict.fromkeys(listed("columns parameter", value))) if self.columns is None else self.columns
        elif key == "on_conflict":
            self.on_conflict = listed("on_conflict parameter", value) if self.on_conflict is None else self.on_conflict
        else:
            self._filter(key, value)

    def query(self) -> Query:
        """All of it."""
        return Query(
            ALL if self.select is None else self.select,
            tuple(self.filters),
            tuple(self.orders.items()),
            tuple(self.windows.items()),
            self.columns,
            self.on_conflict,
            tuple(self.arguments),
        )

    def _filter(self, key: str, value: str) -> None:
        try:
            path, field = tree_path(key)
            self.filters.append((path, filtered(field, value)))
        except Refusal:
            if not self.function:
                raise
            self.arguments.append((key, value))

    def _logic(self, path: Path, kind: str, value: str) -> None:
        negated = bool(path) and path[-1] == "not"
        self.filters.append((path[:-1] if negated else path, tree("and" if kind == "and" else "or", negated, value)))

    def _order(self, path: Path, value: str) -> None:
        terms = orders(value)
        self.orders.setdefault(path, terms)

    def _window(self, path: Path, last: str, value: str) -> None:
        if INTEGER.match(value) is None:
            return
        # More digits than a bigint has are not worth converting, and Python refuses to from 4,300 on.
        number = int(value) if len(value) <= 40 else BIGINT + 1
        if abs(number) > BIGINT:
            raise sql(400, "22003", f'value "{value.strip()}" is out of range for type bigint')
        window = self.windows.get(path, Window())
        self.windows[path] = replace(window, limit=number) if last == "limit" else replace(window, offset=max(number, 0))

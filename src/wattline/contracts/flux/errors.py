"""Failures as PostgREST tells them: a status and four keys, always all four.

`Refusal` is the one exception of the contract. The functions here make those that several parts raise; each part makes its own
of what only it can find wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec


class Refusal(Exception):
    """An answer that is not what was asked for. `headers` are added to the response."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: str | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The four keys, as JSON."""
        return msgspec.json.encode({"code": self.code, "details": self.details, "hint": self.hint, "message": self.message})


def not_parsed(what: str, text: str, column: int, details: str) -> Refusal:
    """PGRST100: a part of the query string does not parse. `column` counts from 1; `details` begins with `unexpected`."""
    return Refusal(400, "PGRST100", f'"failed to parse {what} ({text})" (line 1, column {column})', details)


def bad_payload(message: str) -> Refusal:
    """PGRST102."""
    return Refusal(400, "PGRST102", message)


def invalid_preferences(names: Iterable[str]) -> Refusal:
    """PGRST122: words of a `Prefer` header with `handling=strict` that mean nothing."""
    details = f"Invalid preferences: {', '.join(names)}"
    return Refusal(400, "PGRST122", "Invalid preferences given with handling=strict", details)


def denied(message: str, anonymous: bool) -> Refusal:
    """42501: what the caller's role may not do; an anonymous caller may log in and try again."""
    headers = {"WWW-Authenticate": "Bearer"} if anonymous else None
    return Refusal(401 if anonymous else 403, "42501", message, headers=headers)


def sql(status: int, state: str, message: str, details: str | None = None, hint: str | None = None) -> Refusal:
    """A failure that PostgreSQL itself would have found; `state` is its SQLSTATE."""
    return Refusal(status, state, message, details, hint)


def bad_literal(type_name: str, text: str) -> Refusal:
    """22P02 (22007 for times): text that is no value of a type."""
    state = "22007" if type_name.startswith(("timestamp", "date", "time")) else "22P02"
    return sql(400, state, f'invalid input syntax for type {type_name}: "{text}"')


def no_column(relation: str, name: str, hint: str | None = None) -> Refusal:
    """42703: a filter, select or order names a column that is not there."""
    return sql(400, "42703", f"column {relation}.{name} does not exist", hint=hint)


def null_violation(relation: str, column: str, row: str) -> Refusal:
    """23502; `row` is the failing row as PostgreSQL prints it, without its parentheses."""
    message = f'null value in column "{column}" of relation "{relation}" violates not-null constraint'
    return sql(400, "23502", message, f"Failing row contains ({row}).")


def duplicate(constraint: str, columns: str, values: str) -> Refusal:
    """23505: the columns and the values of the key as PostgreSQL prints them."""
    message = f'duplicate key value violates unique constraint "{constraint}"'
    return sql(409, "23505", message, f"Key ({columns})=({values}) already exists.")

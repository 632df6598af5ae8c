"""LIKE and POSIX regular expressions on text, run by RE2."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.evaluate.compare import always
from wattline.contracts.flux.evaluate.posix import literal, translate
from wattline.contracts.flux.expression import Pattern


@lru_cache(maxsize=512)
def like(pattern: str) -> str:
    """A LIKE pattern in RE2's language: `%` any text, `_` any character, a backslash before what is meant literally."""
    parts, at = [], 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
            if at == len(pattern):
                raise sql(400, "22025", "LIKE pattern must not end with escape character")
            parts.append(literal(pattern[at]))
        elif letter == "%":
            # One run of any text is as good as several, and much less to search.
            if not parts or parts[-1] != ".*":
                parts.append(".*")
        else:
            parts.append("." if letter == "_" else literal(letter))
        at += 1
    return rf"(?s)\A{''.join(parts)}\z"


def compiled(operator: Pattern, pattern: str) -> str:
    """What RE2 is to search for. Refuses (2201B) what is no regular expression, or one that RE2 cannot run."""
    text = like(pattern) if operator in ("like", "ilike") else translate(pattern)
    probe(text)
    return text


@lru_cache(maxsize=512)
def probe(text: str) -> None:
    """Refuse (2201B) what RE2 cannot run, because it is no expression of its or would be too large."""
    try:
        pc.match_substring_regex(pa.scalar(""), text)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise sql(400, "2201B", f"invalid regular expression: {reason}") from None


def match(column: pa.Array, operator: Pattern, patterns: Sequence[str], every: bool) -> pa.BooleanArray:
    """Whether any or every pattern matches; of no pattern as of no value."""
    if not patterns:
        return always(len(column), every)
    join = pc.and_kleene if every else pc.or_kleene
    found = None
    for pattern in dict.fromkeys(patterns):
        mine = _one(column, operator, pattern)
        found = mine if found is None else join(found, mine)
    return found


def _one(column: pa.Array, operator: Pattern, pattern: str) -> pa.BooleanArray:
    return pc.match_substring_regex(column, compiled(operator, pattern), ignore_case=operator in ("ilike", "imatch"))

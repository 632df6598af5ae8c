"""Full text, read simply: words are runs of letters, digits and underscores, in lower case, without stems or stop words.

That is PostgreSQL's `simple` configuration, except that its parser also knows numbers with signs, hosts and e-mail addresses as
single words. A query is turned into regular expressions over the whole text, one for each word or phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.evaluate.compare import constant
from wattline.contracts.flux.evaluate.pattern import probe
from wattline.contracts.flux.evaluate.posix import literal

WORD = re.compile(r"\w+")
LETTER = r"[\pL\pM\pN_]"
OTHER = r"[^\pL\pM\pN_]"
TOKEN = re.compile(r"\s*(?:([&|!()])|<(-|\d{1,5})>|'((?:[^']|'')*)'|([^\s&|!()<>':*]+))(?::(\*?[A-Da-d]*\*?))?")
WEB = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')
FARTHEST = 64
LONGEST = 64
"""Words of a phrase, those between its words included: what RE2 makes of each is large."""
LANGUAGES = frozenset({"simple"})


@dataclass(frozen=True, slots=True)
class Words:
    """Words one after another; `gaps[i]` places from word i to the next. `prefix`: which words may go on."""

    words: tuple[str, ...]
    gaps: tuple[int, ...] = ()
    prefix: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Both of two, or either."""

    kind: Literal["&", "|"]
    left: Query
    right: Query


@dataclass(frozen=True, slots=True)
class Without:
    """Not this."""

    part: Query


Query: TypeAlias = Words | Joined | Without


def search(column: pa.Array, query: Query | None) -> pa.BooleanArray:
    """Whether each text matches; of a query without a word, none does."""
    if query is None:
        return constant(column, False)
    return _evaluate(pc.utf8_lower(column), query)


def _evaluate(lowered: pa.Array, query: Query) -> pa.BooleanArray:
    match query:
        case Words():
            return pc.match_substring_regex(lowered, _expression(query))
        case Without(part):
            return pc.invert(_evaluate(lowered, part))
        case Joined(kind, left, right):
            join = pc.and_ if kind == "&" else pc.or_
            return join(_evaluate(lowered, left), _evaluate(lowered, right))


def _expression(phrase: Words) -> str:
    parts = [rf"(?s)(?:\A|{OTHER})"]
    for place, word in enumerate(phrase.words):
        if place:
            parts.append(rf"{OTHER}+(?:{LETTER}+{OTHER}+){{{phrase.gaps[place - 1] - 1}}}")
        parts.append("".join(map(literal, word)))
        if phrase.prefix and phrase.prefix[place]:
            parts.append(f"{LETTER}*")
    return f"{''.join(parts)}(?:{OTHER}|\\z)"


@lru_cache(maxsize=256)
def parse(kind: str, text: str, language: str | None) -> Query | None:
    """A query as `to_tsquery`, `plainto_tsquery`, `phraseto_tsquery` or `websearch_to_tsquery` reads it.

    Raises `Refusal` 42601 for what does not parse; 2201B, 54000 and 54001 for what is too large; PGRST127 for what is not
    offered.
    """
    if language is not None and language.lower() not in LANGUAGES:
        details = f'the text search configuration "{language}"; only "simple" is'
        raise Refusal(400, "PGRST127", "Feature not implemented", details)
    try:
        query = _read(kind, text)
        _check(query)
    except RecursionError:
        raise sql(400, "54001", "stack depth limit exceeded") from None
    return query


def _read(kind: str, text: str) -> Query | None:
    match kind:
        case "fts":
            return _Tokens(text).whole()
        case "plfts":
            return _all([Words((word,)) for word in _words(text)])
        case "phfts":
            return _phrase(_words(text))
        case _:
            return _web(text)


def _check(query: Query | None) -> None:
    match query:
        case Words(_, gaps):
            if 1 + sum(gaps) > LONGEST:
                raise sql(400, "54000", f"a phrase may have at most {LONGEST} words, those between its words included")
            probe(_expression(query))
        case Without(part):
            _check(part)
        case Joined(_, left, right):
            _check(left)
            _check(right)


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _phrase(words: list[str], prefix: bool = False) -> Words | None:
    if not words:
        return None
    return Words(tuple(words), (1,) * (len(words) - 1), (*(False,) * (len(words) - 1), prefix))


def _all(parts: list[Query]) -> Query | None:
    whole: Query | None = None
    for part in parts:
        whole = _join("&", whole, part)
    return whole


def _join(kind: Literal["&", "|"], left: Query | None, right: Query | None) -> Query | None:
    if left is None or right is None:
        return left or right
    return Joined(kind, left, right)


def _web(text: str) -> Query | None:
    """Words are all meant, `or` between them is either, a quoted part is a phrase, a leading dash is without."""
    whole: Query | None = None
    together: Query | None = None
    text = text.rstrip()
    for found in WEB.finditer(text):
        dash, quoted, word = found.groups("")
        if word.lower() == "or" and not dash and together is not None and found.end() < len(text):
            whole, together = _join("|", whole, together), None
            continue
        part: Query | None = _phrase(_words(quoted or word))
        if part is not None:
            together = _join("&", together, Without(part) if dash else part)
    return _join("|", whole, together)


class _Tokens:
    """`& | ! <->` and parentheses; a word may be quoted and, with `:*`, go on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._split(text))
        self.at = 0

    def _wrong(self) -> Refusal:
        return sql(400, "42601", f'syntax error in tsquery: "{self.text}"')

    def _split(self, text: str) -> Iterator[tuple[str, str, bool]]:
        at, text = 0, text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found or (found[5] is not None and not (found[3] or found[4])):
                raise self._wrong()
            at = found.end()
            if found[1]:
                yield found[1], "", False
            elif found[2]:
                yield "<", found[2], False
            else:
                yield "word", (found[3] or "").replace("''", "'") or found[4] or "", "*" in (found[5] or "")

    def _next(self, kind: str) -> tuple[str, str, bool] | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == kind:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def whole(self) -> Query | None:
        if not self.tokens:
            return None
        query = self._either()
        if self.at < len(self.tokens):
            raise self._wrong()
        return query

    def _either(self) -> Query | None:
        query = self._both()
        while self._next("|"):
            query = _join("|", query, self._both())
        return query

    def _both(self) -> Query | None:
        query = self._followed()
        while self._next("&"):
            query = _join("&", query, self._followed())
        return query

    def _followed(self) -> Query | None:
        query = self._one()
        while step := self._next("<"):
            after = self._one()
            if query is None or after is None:
                query = query or after
                continue
            gap = 1 if step[1] == "-" else int(step[1])
            if not isinstance(query, Words) or not isinstance(after, Words) or not 1 <= gap <= FARTHEST:
                details = f"<-> of anything but words, or of words more than {FARTHEST} apart"
                raise Refusal(400, "PGRST127", "Feature not implemented", details)
            prefix = (query.prefix or (False,) * len(query.words)) + (after.prefix or (False,) * len(after.words))
            query = Words(query.words + after.words, (*query.gaps, gap, *after.gaps), prefix)
        return query

    def _one(self) -> Query | None:
        if self._next("!"):
            part = self._one()
            return None if part is None else Without(part)
        if self._next("("):
            query = self._either()
            if not self._next(")"):
                raise self._wrong()
            return query
        if found := self._next("word"):
            return _phrase(_words(found[1]), prefix=found[2])
        raise self._wrong()

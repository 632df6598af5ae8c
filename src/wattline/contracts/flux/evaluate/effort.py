"""What it may cost to match patterns: RE2 takes a time that grows with the size of a pattern times that of the text.

That is little for what people write, and minutes for a pattern of many thousand steps on a text of a megabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import pyarrow as pa

from wattline.contracts.flux.errors import sql
from wattline.contracts.flux.evaluate.pattern import compiled
from wattline.contracts.flux.expression import Both, Either, Expression, Match, Not

FEW_STEPS = 64
"""A filter whose patterns have no more steps together may look at any text."""
MOST_EFFORT = 500_000_000
"""Steps times bytes of text: a second or two."""
TOKEN = re.compile(
    r"(?P<atom>\\x\{[^}]*\}|\\[pP](?:\{\^?\w+\}|.)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\x\{[^}]*\}|\\.|[^\]\\])*\])"
    r"|\{(?P<least>\d+)(?P<comma>,?)(?P<most>\d*)\}"
    r"|(?P<flags>\(\?[a-zA-Z-]+\))|(?P<open>\((?:\?[a-zA-Z-]*:)?)|(?P<close>\))|(?P<other>.)",
    re.DOTALL,
)


@lru_cache(maxsize=512)
def steps(pattern: str) -> int:
    """About how many steps RE2's program for a pattern of its language has: repetitions are written out."""
    sizes, last = [0], 0
    for found in TOKEN.finditer(pattern):
        if found["open"]:
            sizes.append(0)
            continue
        if found["close"]:
            last = (sizes.pop() if len(sizes) > 1 else 0) + 2
        elif found["least"]:
            times = max(int(found["least"]) + bool(found["comma"] and not found["most"]), int(found["most"] or 0), 1)
            sizes[-1] += last * (times - 1)
            last *= times
            continue
        elif found["flags"]:
            continue
        else:
            last = 1
        sizes[-1] += last
    return sum(sizes)


def check(table: pa.Table, expression: Expression) -> None:
    """Refuse (54000) a filter whose patterns would take far too long on these rows."""
    total = effort = 0
    for match in _matches(expression):
        size = sum(steps(compiled(match.operator, pattern)) for pattern in match.patterns)
        total += size
        effort += size * table.column(match.ref.column).nbytes
    if total > FEW_STEPS and effort > MOST_EFFORT:
        raise sql(400, "54000", "the patterns are too large for the text that they are matched against")


def costly(expression: Expression | None) -> bool:
    """Whether a filter has patterns of many steps."""
    sizes = (steps(compiled(match.operator, pattern)) for match in _matches(expression) for pattern in match.patterns)
    return sum(sizes) > FEW_STEPS


def _matches(expression: Expression | None) -> Iterator[Match]:
    match expression:
        case Match():
            yield expression
        case Not(part):
            yield from _matches(part)
        case Both(parts) | Either(parts):
            for part in parts:
                yield from _matches(part)
        case _:
            return

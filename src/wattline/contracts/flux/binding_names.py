"""Columns by name; for a name that is no column, those that PostgreSQL would propose instead."""

from __future__ import annotations

from wattline.contracts.flux.catalog import Column, RelationType
from wattline.contracts.flux.errors import no_column

NEAR = 3
"""How many letters a proposed name may differ in."""


def column(relation: RelationType, name: str) -> Column:
    """The column of this name or alias. Raises `Refusal` 42703."""
    found = relation.by_name.get(name)
    if found is None:
        raise no_column(relation.name, name, _hint(relation, name))
    return found


def _hint(relation: RelationType, name: str) -> str | None:
    nearest = NEAR + 1
    names: list[str] = []
    for known in relation.columns:
        distance = _distance(name, known.name, nearest)
        if distance > min(nearest, NEAR, len(name.encode()) // 2):
            continue
        if distance < nearest:
            nearest, names = distance, []
        names.append(f'the column "{relation.name}.{known.name}"')
    if not names or len(names) > 2:
        return None
    return f"Perhaps you meant to reference {' or '.join(names)}."


def _distance(one: str, other: str, most: int) -> int:
    """How many letters have to be put in, taken out or changed; something above `most` where it is more than that."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for position, counterpart in enumerate(other, 1):
            changed = above[position - 1] + (letter != counterpart)
            here.append(min(changed, above[position] + 1, here[-1] + 1))
        above = here
        if min(above) > most:
            return most + 1
    return above[-1]

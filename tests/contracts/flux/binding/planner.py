"""What a real PostgreSQL says of a filter when it plans it."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from wattline.contracts.flux.catalog import Column, RelationType, Type
from wattline.contracts.flux.syntax.ast import Condition, Field

TYPES = RelationType("samples", tuple(Column(f"c_{kind.value}", kind) for kind in Type))
"""A relation with a column of every type."""
LITERALS = {
    Type.TIMESTAMPTZ: "2024-01-01 00:00:00+00",
    Type.UUID: "123e4567-e89b-12d3-a456-426614174000",
    Type.BOOL: "true",
    Type.TEXT: "a",
    Type.JSONB: "{}",
}
OPERATORS = {
    **{"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "isdistinct": "IS DISTINCT FROM"},
    **{"like": "LIKE", "ilike": "ILIKE", "match": "~", "imatch": "~*", "cs": "@>", "cd": "<@", "ov": "&&"},
    **{"sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>", "adj": "-|-"},
}
SEARCHES = {"fts": "to_tsquery", "plfts": "plainto_tsquery", "phfts": "phraseto_tsquery", "wfts": "websearch_to_tsquery"}

Verdict = tuple[str, str, str | None]
"""SQLSTATE, message and hint."""


def quoted(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def expression(field: Field, kind: Type | None = None) -> str:
    """A column and the path into it, in SQL; with the type of a document, as the document that full text is searched in."""
    path = ""
    for step in field.path:
        key = step.key if step.key.lstrip("-").isdigit() else quoted(step.key)
        path += ("->>" if step.text else "->") + key
    document = kind in (Type.TEXT, Type.JSONB)
    name = '"' + field.name.replace('"', '""') + '"'
    return f"to_tsvector({name}{path})" if document else name + path


def sql(condition: Condition, kind: Type) -> str:
    """A condition as a part of WHERE. `kind` is the type of its field."""
    subject = expression(condition.field)
    if condition.operator == "is":
        made = f"{subject} IS {condition.values[0].replace('_', ' ')}"
    elif condition.operator in SEARCHES:
        made = f"{expression(condition.field, kind)} @@ {SEARCHES[condition.operator]}({quoted(condition.values[0])})"
    elif condition.operator == "in":
        inner = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in condition.values)
        made = f"{subject} = ANY ({quoted('{' + inner + '}')})"
    elif condition.quantifier is not None:
        made = f"{subject} {OPERATORS[condition.operator]} {condition.quantifier} ({quoted(condition.values[0])})"
    else:
        made = f"{subject} {OPERATORS[condition.operator]} {quoted(condition.values[0])}"
    return f"NOT ({made})" if condition.negated else made


class Planner:
    """A connection to a database with the tables of some relations, all empty unless a test fills them."""

    def __init__(self, url: sa.URL, *relations: RelationType) -> None:
        self.connection = psycopg.connect(host=str(url.query["host"]), dbname=url.database, user=url.username, autocommit=True)
        for relation in relations:
            columns = ", ".join(f'"{column.name}" {column.type.value}' for column in relation.columns)
            self.connection.execute(f'CREATE TABLE "{relation.name}" (row int, {columns})'.encode())

    def verdict(self, relation: str, where: str, select: str = "1") -> Verdict | None:
        """What is wrong with a query, if anything is."""
        try:
            self.connection.execute(f'SELECT {select} FROM "{relation}" WHERE {where}'.encode())
        except psycopg.Error as error:
            return str(error.sqlstate), str(error.diag.message_primary), error.diag.message_hint
        return None

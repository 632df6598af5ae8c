"""What the OpenAPI document says there is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

PREFIXES = ("/api/energy", "/api/events", "/api/integrations", "/oauth")
REFERENCES = ("_id", "_ids")
ENDS = ("/source", "/target", "/target/id")


class Operation(NamedTuple):
    """A method of a path: the parameters of its query, those that it needs, those that are one of a few words, the schema of
    its body, whether it asks for a token."""

    method: str
    path: str
    query: tuple[str, ...]
    required: tuple[str, ...]
    words: tuple[str, ...]
    body: dict[str, Any]
    is_secured: bool


def operations_of(document: dict[str, Any]) -> list[Operation]:
    """Every operation of the contract."""
    found = []
    for path, methods in document["paths"].items():
        if path.startswith(PREFIXES):
            for method, said in methods.items():
                query = [each for each in said.get("parameters", ()) if each["in"] == "query"]
                content = said.get("requestBody", {}).get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                names, needed = tuple(p["name"] for p in query), tuple(p["name"] for p in query if p.get("required"))
                words = tuple(p["name"] for p in query if "enum" in p["schema"])
                secured = any("JoulepointOAuth2" in each for each in said.get("security", ()))
                found.append(Operation(method.upper(), path, names, needed, words, schema, secured))
    return found


def references(schema: dict[str, Any], but: Collection[str]) -> set[str]:
    """The pointers of what is the id of something, in a body of this schema that is no list of several."""
    found = set()
    for pointer, said in _properties(schema):
        name = pointer.rpartition("/")[2]
        is_object = said.get("type") == "object"
        if (
            name not in but
            and not pointer.startswith("/-/")
            and not is_object
            and (name.endswith(REFERENCES) or pointer in ENDS)
        ):
            found.add(pointer)
    return found


def _properties(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, said in (schema.get("properties") or {}).items():
        yield f"{at}/{name}", said
        yield from _properties(said, f"{at}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from _properties(schema["items"], f"{at}/-")
    for kind in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(kind, ()):
            yield from _properties(each, at)

"""Which relationship an embed means."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from wattline.contracts.flux.catalog import Relationship
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.plan import Join
from wattline.contracts.flux.syntax.ast import Embed

ALIKE = 0.75


def join(relationships: Sequence[Relationship], parent: str, embed: Embed) -> Join:
    """The one that fits an embed's name and hint. Raises `Refusal` PGRST200 for none and PGRST201 for several."""
    found = [link for link in relationships if _fits(link, parent, embed)]
    if not found:
        raise _none(relationships, parent, embed)
    if len(found) > 1:
        raise _several(found, parent, embed)
    link = found[0]
    if _to_one(link, parent, embed):
        return Join(link.column, link.target, link.target_column, to_one=True)
    return Join(link.target_column, link.source, link.column, to_one=False)


def _to_one(link: Relationship, parent: str, embed: Embed) -> bool:
    """The many side may also name the relationship or its own column instead of the other relation."""
    return link.source == parent and embed.name in (link.target, link.name, link.column)


def _fits(link: Relationship, parent: str, embed: Embed) -> bool:
    related = _to_one(link, parent, embed) or (link.target == parent and embed.name == link.source)
    return related and embed.hint in (None, link.name, link.column, link.target_column)


def _none(relationships: Sequence[Relationship], parent: str, embed: Embed) -> Refusal:
    neighbours = {link.target for link in relationships if link.source == parent}
    neighbours |= {link.source for link in relationships if link.target == parent}
    close = difflib.get_close_matches(embed.name, sorted(neighbours), 1, ALIKE)
    hint = f"Perhaps you meant '{close[0]}' instead of '{embed.name}'." if close and close[0] != embed.name else None
    using = "" if embed.hint is None else f" using the hint '{embed.hint}'"
    return Refusal(
        400,
        "PGRST200",
        f"Could not find a relationship between '{parent}' and '{embed.name}' in the schema cache",
        f"Searched for a foreign key relationship between '{parent}' and '{embed.name}'{using} in the schema 'flux', "
        "but no matches were found.",
        hint,
    )


def _several(found: Sequence[Relationship], parent: str, embed: Embed) -> Refusal:
    choices = ", ".join(f"'{embed.name}!{link.name}'" for link in found)
    return Refusal(
        300,
        "PGRST201",
        f"Could not embed because more than one relationship was found for '{parent}' and '{embed.name}'",
        "; ".join(f"{link.name} using {link.source}({link.column}) and {link.target}({link.target_column})" for link in found),
        f"Try changing '{embed.name}' to one of the following: {choices}. Find the desired relationship in the 'details' key.",
    )

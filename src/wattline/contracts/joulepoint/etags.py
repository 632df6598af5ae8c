"""Versions of resources as ETags, and the conditions on them (RFC 9110, 13.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wattline.model.errors import Stale

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
MOVED_ON = "this was changed since it was read, or was never as If-Match says"


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def expected(headers: Mapping[str, str], version: int) -> int | None:
    """The version that a change must find: the present one where `If-Match` names it, None where nothing is asked.

    To be given to `Writer.replace` or `remove`, which look again within their transaction. Raises `Stale` (412) where none of
    the tags is the present one; a weak tag is none. `If-None-Match` on a change is heeded likewise.
    """
    refused = headers.get("if-none-match")
    if refused is not None and _names(refused, version, weak=True):
        raise Stale(f"its version is {version}, which If-None-Match excludes")
    asked = headers.get("if-match")
    if asked is None:
        return None
    if not _names(asked, version, weak=False):
        raise Stale(f"{MOVED_ON}: its version is {version}")
    return version


def unchanged(headers: Mapping[str, str], version: int) -> bool:
    """Whether `If-None-Match` names this version, so that the answer is 304."""
    asked = headers.get("if-none-match")
    return asked is not None and _names(asked, version, weak=True)


def _names(text: str, version: int, *, weak: bool) -> bool:
    if text.strip() == "*":
        return True
    at = 0
    found = False
    while at < len(text):
        match = _TAG.match(text, at)
        if match is None:
            return False  # a list that cannot be read names nothing
        found = found or (match[2] == str(version) and (weak or match[1] is None))
        at = match.end()
    return found

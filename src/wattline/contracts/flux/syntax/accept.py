"""The `Accept` header (RFC 9110): in which form to answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from wattline.contracts.flux.errors import Refusal

Kind = Literal["array", "object", "csv", "openapi"]
ANY: tuple[str, ...] = ("*/*", "application/*", "application/json")
ROWS: dict[str, Kind] = {
    **dict.fromkeys(ANY, "array"),
    "application/vnd.pgrst.array+json": "array",
    "application/vnd.pgrst.array": "array",
    "application/vnd.pgrst.object+json": "object",
    "application/vnd.pgrst.object": "object",
    "text/csv": "csv",
    "text/*": "csv",
}
DOCUMENT: dict[str, Kind] = dict.fromkeys((*ANY, "application/openapi+json"), "openapi")
QUALITY = re.compile(r"[01](?:\.[0-9]*)?\Z")


@dataclass(frozen=True, slots=True)
class Format:
    """The form of an answer. `nulls_stripped`: keys whose value is null are left out."""

    kind: Kind
    nulls_stripped: bool = False


def choose(header: str | None, *, root: bool = False) -> Format:
    """The best form that the caller takes: by quality, then in the order of the header. No header is anything.

    The root has the OpenAPI document instead of rows. Raises `Refusal` PGRST107 where none of the types is to be had.
    """
    return _choose(header, root)


@lru_cache(maxsize=256)
def _choose(header: str | None, root: bool) -> Format:
    listed = [_media(text) for text in (header or "").split(",") if text.strip()] or [("*/*", {})]
    wanted = [(_quality(parameters), media, parameters) for media, parameters in listed]
    for _, media, parameters in sorted(wanted, key=lambda entry: -entry[0]):
        made = _format(media, parameters, root)
        if made is not None and _quality(parameters) > 0:
            return made
    shown = ", ".join(_shown(media, parameters) for media, parameters in listed)
    raise Refusal(406, "PGRST107", f"None of these media types are available: {shown}")


def _media(text: str) -> tuple[str, dict[str, str]]:
    media, *rest = (part.strip() for part in text.split(";"))
    pairs = (part.partition("=") for part in rest)
    return media.lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}


def _quality(parameters: dict[str, str]) -> float:
    text = parameters.get("q", "1")
    return min(float(text), 1.0) if QUALITY.match(text) else 1.0


def _format(media: str, parameters: dict[str, str], root: bool) -> Format | None:
    kind = (DOCUMENT if root else ROWS).get(media)
    if kind is None:
        return None
    return Format(kind, "vnd.pgrst." in media and parameters.get("nulls") == "stripped")


def _shown(media: str, parameters: dict[str, str]) -> str:
    return media + "".join(f";{key}={value}" for key, value in parameters.items() if key != "q")

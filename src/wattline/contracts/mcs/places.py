"""GET /sites and /blocks."""

from __future__ import annotations

from fastapi import APIRouter

from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.gate import Gate
from wattline.platform import Platform


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    return APIRouter(tags=["MCS places"])

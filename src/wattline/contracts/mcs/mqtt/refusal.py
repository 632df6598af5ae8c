"""Why a message is not taken."""

from __future__ import annotations

from wattline.gateways.model import Category


class Refused(Exception):
    """The message becomes a dead letter of this category; the text says what is wrong with it."""

    def __init__(self, category: Category, text: str) -> None:
        super().__init__(text)
        self.category = category

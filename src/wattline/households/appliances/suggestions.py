"""From what the recogniser guesses of a peak to the categories that are suggested for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from wattline.households.appliances.categories import BY_NAME
from wattline.households.recognition.model import Guess

LEAST_CONFIDENCE = 0.5
"""A category is suggested where it is likelier than all others and the unknown together: a wrong suggestion costs the household
more than none. Confidences are calibrated, so at least every second suggestion at this limit is right."""


def suggested(guesses: Iterable[Guess]) -> list[tuple[str, float]]:
    """The categories to suggest with their confidence, most likely first. Classes of one category count together; the unknown,
    and a class that is no household category, is nothing to suggest."""
    total: dict[str, float] = {}
    for guess in guesses:
        if guess.category is not None and guess.category in BY_NAME:
            total[guess.category] = total.get(guess.category, 0.0) + guess.confidence
    likely = [(category, confidence) for category, confidence in total.items() if confidence >= LEAST_CONFIDENCE]
    return sorted(likely, key=lambda pair: (-pair[1], pair[0]))

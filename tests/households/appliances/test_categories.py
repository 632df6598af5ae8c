"""The kinds of appliances."""

from __future__ import annotations

from collections import Counter

import pytest

from wattline.households.appliances.categories import ALL, BY_NAME, Category, Rating


def test_twenty_seven_in_eight_groups() -> None:
    assert len(BY_NAME) == len(ALL) == 27
    assert Counter(each.group for each in ALL) == {
        "kitchen": 11,
        "cleaning": 4,
        "personal": 2,
        "climate": 4,
        "entertainment": 2,
        "lighting": 1,
        "mobility": 2,
        "others": 1,
    }


@pytest.mark.parametrize("category", ALL, ids=lambda each: each.name)
def test_a_category_has_a_plausible_range_and_titles(category: Category) -> None:
    assert 0 < category.min_w < category.typical_w < category.max_w <= 22_000
    assert category.title_de.strip()
    assert category.title_en.strip()
    assert len(category.name) <= 40


def test_no_two_have_the_same_title() -> None:
    assert len({each.title_de for each in ALL}) == len({each.title_en for each in ALL}) == 27


@pytest.mark.parametrize(
    ("power_w", "rating"),
    [(1199, Rating.VERY_FRUGAL), (1200, 2), (1633, 2), (1634, 3), (2066, 3), (2067, 4), (2500, 4), (2501, Rating.HIGH)],
)
def test_the_rating_of_a_kettle(power_w: float, rating: int) -> None:
    """Below the range, its three thirds, above it."""
    assert BY_NAME["kettle"].rate(power_w) == rating

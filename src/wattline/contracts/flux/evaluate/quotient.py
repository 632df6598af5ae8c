"""Division of whole numbers as PostgreSQL's numeric does it: how many digits there are behind the point, and the last one."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

SIGNIFICANT = 16
BASE_DIGITS = 4
GREATEST_SCALE = 1000


def quotient(total: Decimal | None, count: int) -> str | None:
    """`total / count` as text; null of nothing."""
    if total is None or not count:
        return None
    weight, first = _leading(abs(int(total)))
    other_weight, other_first = _leading(count)
    # Numeric counts in digits of base 10,000; the scale makes sixteen decimal digits significant.
    weight -= other_weight + (first <= other_first)
    scale = min(max(SIGNIFICANT - weight * BASE_DIGITS, 0), GREATEST_SCALE)
    context = Context(prec=100, rounding=ROUND_HALF_UP)
    exact = context.divide(total, Decimal(count))
    rounded = exact.quantize(Decimal(1).scaleb(-scale), context=context)
    return format(rounded if rounded else abs(rounded), "f")


def _leading(number: int) -> tuple[int, int]:
    """The place of the first digit in base 10,000, and the digit."""
    weight = 0
    while number >= 10**BASE_DIGITS:
        number //= 10**BASE_DIGITS
        weight += 1
    return weight, number

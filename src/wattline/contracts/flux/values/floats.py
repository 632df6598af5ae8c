"""float4 and float8 as PostgreSQL prints them: the shortest text that reads back as the same value.

Plain where the decimal exponent is from -4 to 5 (float4) or 14 (float8), else like `1.5e+06`. Arrow's text has the same digits
but for one case: PostgreSQL does not take a text that lies exactly halfway to the next value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.values.columns import raw_values

_LIMIT = {4: 1e6, 8: 1e15}
"""From here on PostgreSQL writes an exponent, by the bytes of a value."""
_ARROW_PLAIN = 1e10
"""From here on Arrow does."""
_BITS = {4: 24, 8: 53}
_WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def text(array: pa.Array) -> pa.StringArray:
    """The texts; null stays null, what is not finite is NaN, Infinity or -Infinity."""
    strings = array.cast(pa.string())
    values = raw_values(array)
    if not len(values):
        return strings
    size = np.abs(values)
    limit = _LIMIT[values.itemsize]
    as_is = (size >= 1e-4) & (size < min(limit, _ARROW_PLAIN))
    as_is |= values == 0
    if as_is.all():
        return strings
    if array.null_count:
        as_is |= ~np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
    if values.itemsize == 4:
        millions = ~as_is & (size >= limit) & (size < 2**25)
        if millions.any():
            as_is |= millions
            strings = _replace(strings, millions, _millions(values[millions]))
    if as_is.all():
        return strings
    return _replace(strings, ~as_is, _others(values[~as_is], limit))


def finite(array: pa.Array) -> bool:
    """Whether no value is NaN or infinite."""
    values = raw_values(array)
    return bool(np.isfinite(values).all()) or bool(pc.all(pc.is_finite(array.drop_null())).as_py())


def _replace(strings: pa.StringArray, where: npt.NDArray[np.bool_], texts: pa.StringArray) -> pa.StringArray:
    return pc.replace_with_mask(strings, pa.array(where), texts)


def _millions(values: npt.NDArray[np.float32]) -> pa.StringArray:
    """Counters beyond a million: Arrow's digits, with the point moved behind the first."""
    size = np.abs(values)
    digits = pc.ascii_rtrim(pc.replace_substring(pa.array(size).cast(pa.string()), ".", ""), "0")
    first, rest = pc.utf8_slice_codeunits(digits, 0, 1), pc.utf8_slice_codeunits(digits, 1)
    rest = pc.if_else(pc.equal(rest, ""), "", pc.binary_join_element_wise(".", rest, ""))
    power = np.where(size >= 1e7, "e+07", "e+06")
    sign = np.where(values < 0, "-", "")
    return pc.binary_join_element_wise(pa.array(sign), first, rest, pa.array(power), "")


def _others(values: npt.NDArray[np.floating[Any]], limit: float) -> pa.StringArray:
    """One by one, each different value once."""
    bits, place = np.unique(values.view(f"i{values.itemsize}"), return_inverse=True)
    distinct = bits.view(values.dtype)
    arrow = pa.array(distinct).cast(pa.string()).to_pylist()
    printed = [_one(value, text, limit) for value, text in zip(distinct, arrow, strict=True)]
    return pa.array(printed, pa.string()).take(pa.array(place))


def _one(value: np.floating[Any], arrow: str, limit: float) -> str:
    if arrow in _WORDS:
        return _WORDS[arrow]
    sign = "-" if arrow[0] == "-" else ""
    mantissa, _, power = arrow.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = (whole + fraction).lstrip("0")
    exponent = len(written) - len(fraction) - 1 + int(power or 0)
    digits = written.rstrip("0")
    if abs(value) >= 2.0 ** (_BITS[value.itemsize] + 1):
        digits, exponent = _strictly(value, digits, exponent)
    if -5 < exponent < len(str(int(limit))) - 1:
        return sign + _plain(digits, exponent)
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{exponent:+03d}"


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return whole + ("." + digits[exponent + 1 :] if len(digits) > exponent + 1 else "")


def _strictly(value: np.floating[Any], digits: str, exponent: int) -> tuple[str, int]:
    """The shortest digits strictly nearer to a value than to the next ones, for values so large that all are whole."""
    exact = int(abs(value))
    step = exact.bit_length() - _BITS[value.itemsize]
    half = 1 << (step - 1)
    # Below a power of two values lie twice as close.
    below = half // 2 if exact == 1 << (exact.bit_length() - 1) else half
    for count in range(len(digits), 20):
        unit = 10 ** max(exponent + 1 - count, 0)
        floor = exact // unit * unit
        inside = [number for number in (floor, floor + unit) if exact - below < number < exact + half]
        if inside:
            best = str(min(inside, key=lambda number: (abs(number - exact), number // unit % 2)))
            return best.rstrip("0"), len(best) - 1
    return digits, exponent

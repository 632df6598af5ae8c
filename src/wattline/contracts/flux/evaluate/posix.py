"""PostgreSQL's regular expressions (AREs) in RE2's language, as far as RE2 has what they say.

The two agree on most; what is told here is the rest: `.` and `^ $` know no lines, `\\y \\m \\M` are the ends of words, `\\b` is
a backspace, brackets have escapes and classes. What a matcher without backtracking cannot do (back references, looking
around) is refused as 2201B, never matched in another sense.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn

from wattline.contracts.flux.errors import sql

CLASSES = frozenset(
    {"alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "graph", "print", "cntrl", "xdigit", "word"}
)
CONTROLS = {"a": 7, "b": 8, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "0": 0}
ENDS = {"A": r"\A", "Z": r"\z", "y": r"\b", "Y": r"\B"}
SHORT_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": r"[0-9A-Za-z_]", "W": r"[^0-9A-Za-z_]", "s": r"[\s\x0b]", "S": r"[^\s\x0b]"}
INSIDE_BRACKETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\s\x0b"}
BOUND = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")
HEXADECIMAL = {"x": re.compile("[0-9A-Fa-f]+"), "u": re.compile("[0-9A-Fa-f]{4}"), "U": re.compile("[0-9A-Fa-f]{8}")}
GREATEST_BOUND = 255
LAST_CHARACTER = 0x10FFFF


def literal(letter: str) -> str:
    """One character that stands for itself."""
    return letter if letter.isalnum() or ord(letter) > 127 else f"\\x{{{ord(letter):x}}}"


def invalid(reason: str) -> NoReturn:
    """2201B."""
    raise sql(400, "2201B", f"invalid regular expression: {reason}")


@lru_cache(maxsize=512)
def translate(pattern: str) -> str:
    """A pattern of `~` in RE2's language."""
    flags = {"s"}
    if pattern.startswith("***="):
        return "".join(map(literal, pattern[4:]))
    pattern = pattern.removeprefix("***:")
    if options := re.match(r"\(\?([a-z]+)\)", pattern):
        pattern = pattern[options.end() :]
        for option in options[1]:
            match option:
                case "i":
                    flags.add("i")
                case "c":
                    flags.discard("i")
                case "n" | "m":
                    flags = (flags - {"s"}) | {"m"}
                case "s":
                    flags = (flags - {"m"}) | {"s"}
                case "q":
                    return f"{_flags(flags)}{''.join(map(literal, pattern))}"
                case "t":
                    pass
                case _:
                    invalid(f"embedded option {option} is not supported")
    return f"{_flags(flags)}{_Translation(pattern, lines='m' in flags).whole()}"


def _flags(flags: set[str]) -> str:
    return f"(?{''.join(sorted(flags))})" if flags else ""


class _Translation:
    """One walk over a pattern. `operand`: whether a quantifier may follow what was last written."""

    def __init__(self, pattern: str, lines: bool) -> None:
        self.pattern = pattern
        self.at = 0
        self.lines = lines
        self.depth = 0
        self.operand = False
        self.word_before = False

    def whole(self) -> str:
        parts = []
        while self.at < len(self.pattern):
            before, self.word_before = self.at, self._word_before()
            parts.append(self._atom(self.pattern[self.at]))
            assert self.at > before
        if self.depth:
            invalid("parentheses () not balanced")
        return "".join(parts)

    def _word_before(self) -> bool:
        """Whether the last thing is one letter, digit or underscore that certainly was matched."""
        last = self.pattern[self.at - 1 : self.at]
        return self.operand and (last == "_" or last.isalnum()) and self.pattern[self.at - 2 : self.at - 1] != "\\"

    def _take(self, count: int, operand: bool) -> str:
        taken = self.pattern[self.at : self.at + count]
        self.at += count
        self.operand = operand
        return taken

    def _atom(self, letter: str) -> str:  # noqa: PLR0911 - one return a kind of atom
        match letter:
            case "\\":
                return self._escape()
            case "[":
                return self._brackets()
            case "(":
                return self._group()
            case ")":
                if not self.depth:
                    invalid("parentheses () not balanced")
                self.depth -= 1
                return self._take(1, operand=True)
            case "*" | "+" | "?":
                return self._quantifier(self._take(1, self.operand))
            case "{" if self.pattern[self.at + 1 : self.at + 2].isdecimal():
                return self._bound()
            case "." | "^" | "$" | "|":
                return self._take(1, operand=letter == ".")
            case _:
                return literal(self._take(1, operand=True))

    def _quantifier(self, text: str) -> str:
        if not self.operand:
            invalid("quantifier operand invalid")
        self.operand = False
        if self.pattern[self.at : self.at + 1] == "?":
            self.at += 1
        return text

    def _bound(self) -> str:
        found = BOUND.match(self.pattern, self.at)
        if not found:
            invalid("invalid repetition count(s)")
        least, greatest = int(found[1]), int(found[3] or found[1])
        if max(least, greatest) > GREATEST_BOUND or greatest < least:
            invalid("invalid repetition count(s)")
        self.at = found.end()
        return self._quantifier(found[0])

    def _group(self) -> str:
        rest = self.pattern[self.at :]
        if rest.startswith("(?#"):
            end = rest.find(")")
            if end < 0:
                invalid("parentheses () not balanced")
            self.at += end + 1
            return ""
        if rest.startswith(("(?=", "(?!", "(?<")):
            invalid("lookahead and lookbehind constraints are not supported")
        if rest.startswith("(?") and not rest.startswith("(?:"):
            invalid("quantifier operand invalid")
        self.depth += 1
        self._take(3 if rest.startswith("(?:") else 1, operand=False)
        return "(?:"

    def _escape(self) -> str:
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter in ("m", "M"):
            return self._word_end(letter)
        if letter in ENDS:
            self._take(2, operand=False)
            return ENDS[letter]
        if letter in SHORT_CLASSES:
            self._take(2, operand=True)
            return SHORT_CLASSES[letter]
        return literal(self._character())

    def _word_end(self, which: str) -> str:
        """`\\m` and `\\M` are `\\b` where a letter stands beside them; elsewhere RE2 has no word for them."""
        after = self.pattern[self.at + 2 : self.at + 3]
        certain = self.pattern[self.at + 3 : self.at + 4] not in ("*", "?", "{")
        beside = (after == "_" or after.isalnum()) and certain if which == "m" else self.word_before
        if not beside:
            invalid(f"\\{which} is supported only next to a letter, a digit or an underscore")
        self._take(2, operand=False)
        return r"\b"

    def _character(self) -> str:
        """The one character that an escape means; the place moves past it."""
        letter = self.pattern[self.at + 1 : self.at + 2]
        self._take(2, operand=True)
        if not letter:
            invalid("invalid escape \\ sequence")
        if not letter.isascii() or not letter.isalnum():
            return letter
        if letter == "B":
            return "\\"
        if letter == "c" and self.at < len(self.pattern):
            return chr(ord(self._take(1, operand=True)) & 0x1F)
        if letter in CONTROLS:
            return chr(CONTROLS[letter])
        if letter in HEXADECIMAL and (digits := HEXADECIMAL[letter].match(self.pattern, self.at)):
            self.at = digits.end()
            number = int(digits[0], 16)
            if number <= LAST_CHARACTER:
                return chr(number)
        if letter.isdecimal():
            invalid("back references are not supported")
        invalid("invalid escape \\ sequence")

    def _brackets(self) -> str:
        if word := re.compile(r"\[\[:([<>]):\]\]").match(self.pattern, self.at):
            self.pattern = f"{self.pattern[: self.at]}\\{'m' if word[1] == '<' else 'M'}{self.pattern[word.end() :]}"
            return self._escape()
        self._take(1, operand=True)
        parts = ["["]
        if self.pattern[self.at : self.at + 1] == "^":
            parts.append("^\\n" if self.lines else "^")
            self.at += 1
        first = True
        while first or self.pattern[self.at : self.at + 1] != "]":
            if self.at >= len(self.pattern):
                invalid("brackets [] not balanced")
            parts.append(self._member())
            first = False
        self.at += 1
        return "".join((*parts, "]"))

    def _member(self) -> str:
        rest = self.pattern[self.at :]
        if rest.startswith("[:"):
            name, closed, _ = rest[2:].partition(":]")
            if not closed or name not in CLASSES:
                invalid("invalid character class")
            self.at += len(name) + 4
            return f"[:{name}:]"
        if rest.startswith(("[.", "[=")):
            invalid("collating elements and equivalence classes are not supported")
        if rest.startswith("\\") and rest[1:2] in INSIDE_BRACKETS:
            self.at += 2
            return INSIDE_BRACKETS[rest[1]]
        low = self._bracket_character()
        if self.pattern[self.at : self.at + 1] != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return literal(low)
        self.at += 1
        high = self._bracket_character()
        if high < low:
            invalid("invalid character range")
        return f"{literal(low)}-{literal(high)}"

    def _bracket_character(self) -> str:
        if self.pattern[self.at : self.at + 1] == "\\":
            return self._character()
        if self.pattern.startswith(("[:", "[.", "[="), self.at):
            invalid("invalid character range")
        return self._take(1, operand=True)

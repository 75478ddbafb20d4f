"""How numbers and names are written, the same in every face of the report."""

from __future__ import annotations

import math
import re

MINUS = "−"
MISSING = "–"


def percent(change: float | None, digits: int = 1) -> str:
    """A relative change as signed percent, without the percent sign.

    Examples
    --------
    >>> percent(-0.0612), percent(0.125), percent(-0.0001), percent(None)
    ('−6.1', '+12.5', '0.0', '–')
    """
    if change is None or not math.isfinite(change):
        return MISSING
    text = f"{100 * change:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text[1:]


def share(fraction: float | None, digits: int = 1) -> str:
    """A fraction as unsigned percent with its sign.

    Examples
    --------
    >>> share(0.5908)
    '59.1 %'
    """
    return MISSING if fraction is None else f"{100 * fraction:.{digits}f} %"


def bits(value: float | None, digits: int = 2) -> str:
    """Bits to two decimals.

    >>> bits(0.0912), bits(-0.001), bits(-0.25), bits(None)
    ('0.09', '0.00', '−0.25', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text.removeprefix("-")


def bits_range(low: float | None, high: float | None) -> str:
    """An interval of bits.

    >>> bits_range(0.021, 0.16), bits_range(None, None)
    ('0.02 to 0.16', 'no interval')
    """
    return "no interval" if low is None or high is None else f"{bits(low)} to {bits(high)}"


def probability(value: float | None) -> str:
    """A p or q value, never zero.

    >>> probability(0.0312), probability(0.0004), probability(1e-30), probability(None)
    ('0.031', '< 0.001', '< 0.001', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def q_value(value: float | None) -> str:
    """A q value with its name.

    >>> q_value(0.003), q_value(1e-9)
    ('q = 0.003', 'q < 0.001')
    """
    text = probability(value)
    return f"q {text}" if text.startswith("<") else f"q = {text}"


def quantity(value: float | None, digits: int = 3) -> str:
    """A quantity to some significant digits, never with an exponent between 1e-4 and 1e7.

    Examples
    --------
    >>> quantity(0.41234), quantity(1234.5), quantity(0.0), quantity(2.5e-9)
    ('0.412', '1,234', '0', '2.50e−9')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 7:
        return f"{value:,.{max(0, digits - 1 - exponent)}f}".replace("-", MINUS)
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(power)}".replace("-", MINUS)


def signed(value: float | None, digits: int = 3) -> str:
    """A difference of quantities with its sign.

    >>> signed(0.0123), signed(-0.5), signed(0.0)
    ('+0.0123', '−0.500', '0')
    """
    text = quantity(value, digits)
    return f"+{text}" if value is not None and value > 0 else text


def count(number: int | None) -> str:
    """A whole number with thousands separators."""
    return MISSING if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    """A number and its noun.

    Examples
    --------
    >>> plural(1, "seed"), plural(1200, "seed")
    ('1 seed', '1,200 seeds')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: list[str]) -> str:
    """Names as a phrase.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def printable(text: str) -> str:
    """Text in one line without control characters (which could reorder or cut what surrounds them).

    Examples
    --------
    >>> printable("a\\n b\\u202ec")
    'a b\N{REPLACEMENT CHARACTER}c'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def typeset(text: str) -> str:
    """A sentence with minus signs before numbers and an unbreakable space before percent.

    >>> typeset("-0.3% of error, mp-149, 1-2, 5 %").replace("\\u00a0", "_")
    '−0.3_% of error, mp-149, 1-2, 5_%'
    """
    text = re.sub(r"(?<![^\s(\[])-(?=\d)", MINUS, text)
    return re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", text)


def hyphenated(label: str) -> str:
    """A label whose long words may be broken between syllables, roughly: before a consonant and a vowel.

    >>> hyphenated("total magnetization").replace("\\u00ad", "|")
    'total magne|ti|za|tion'
    """

    def broken(word: re.Match[str]) -> str:
        return re.sub(
            r"(?i)(?<=\w{2}[aeiou])(?=[bcdfghjklmnprstvwz][aeiou]\w{2})", "\N{SOFT HYPHEN}", word[0]
        )

    return re.sub(r"\w{9,}", broken, label)


def brief(text: str, width: int = 48) -> str:
    """Text cut to a width."""
    return text if len(text) <= width else text[: width - 1] + "…"

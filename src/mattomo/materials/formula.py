"""Chemical formulas: parsing, and the reduced formula that is the identity of a composition."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from mattomo.materials.quarantine import RowProblem

_PERIODIC_TABLE = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu
Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr
Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""

SYMBOLS: tuple[str, ...] = tuple(_PERIODIC_TABLE.split())
"""Symbols of the elements; ``SYMBOLS[Z - 1]`` has atomic number Z."""

MAX_Z = 103
"""Heaviest element with tabulated features."""

ATOMIC_NUMBERS: dict[str, int] = {symbol: Z for Z, symbol in enumerate(SYMBOLS, start=1)} | {"D": 1, "T": 1}
"""Atomic number of each symbol; the hydrogen isotopes D and T count as H."""

_SMALLEST, _LARGEST, _LONGEST = 1e-4, 1e6, 1000

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉．•⋅∙‧*−–", "0123456789.·····--")
_SUPERSCRIPT_CHARGE = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]*[⁺⁻]")
_TOTAL_CHARGE = re.compile(r"(?:\^\s*|\s+)\{?(?:[0-9]*[+-]|[+-][0-9]+)\}?$|(?<=[A-Za-z])[+-]$")
_DECORATED = re.compile(r"([A-Z][a-z]?)([0-9]*)([+-])([0-9]*(?:\.[0-9]+)?)\s*")
_WATER = re.compile(r"\.((?:[0-9]+(?:\.[0-9]+)?)?(?:H2O|D2O|\(H2O\)))")
_LETTER_DOT = re.compile(r"\.(?=[A-Z(\[{])")
_UNCLEAR_DOT = re.compile(r"[A-Za-z)\]}]\.[0-9]")
_PLAIN = re.compile(r"(?:[A-Z][a-z]?(?:[0-9]+(?:\.[0-9]+)?)?)+")
_PLAIN_TOKEN = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_TOKEN = re.compile(r"([A-Z][a-z]?|[()\[\]{}])([0-9]+(?:\.[0-9]+)?)?")
_LEADING = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CLOSERS = {")": "(", "]": "[", "}": "{"}


class FormulaError(RowProblem):
    """A text that is no usable formula."""


class Composition(NamedTuple):
    """A reduced formula.

    Attributes
    ----------
    formula : str
        Symbols in alphabetical order with their integer amounts, 1 left out.
    Z : tuple of int
        Atomic numbers, ascending.
    amounts : tuple of int
        Amount of each element, without a common divisor.
    """

    formula: str
    Z: tuple[int, ...]
    amounts: tuple[int, ...]


def parse(text: str) -> dict[int, float]:
    """Amount of each element in a formula as written.

    Brackets of all kinds nest; amounts may be decimal; parts joined by a hydrate dot (``·``, ``*``, or a
    plain ``.`` before a letter or before ``nH2O``) may have a leading multiplier; subscripts may be unicode;
    D and T are H. Charges are dropped where they can only be charges (``SO4^2-``, ``Fe³⁺₂O²⁻₃``,
    ``Fe3+2O2-3``) and refused where digits could be amounts as well (``VO2+``).

    Parameters
    ----------
    text : str

    Returns
    -------
    dict of int to float
        Atomic number to amount.

    Raises
    ------
    FormulaError
        Not a formula, an unknown element, one beyond Z = 103, or an amount that cannot be meant.

    Examples
    --------
    >>> parse("Ca(OH)2")
    {20: 1.0, 8: 2.0, 1: 2.0}
    >>> parse("CuSO4·5H2O") == parse("CuSO4.5H2O") == parse("CuSO9H10")
    True
    """
    if len(text) > _LONGEST:
        raise FormulaError(f"{len(text):,} characters are too long for a formula")
    if not (text.isascii() and text.isalnum()):
        text = _undecorated(text)
    if not text:
        raise FormulaError("the formula is empty", "Fill in a formula such as Fe2O3.")
    amounts: dict[int, float] = {}
    for part in text.split("·"):
        for Z, amount in _parse_part(part).items():
            amounts[Z] = amounts.get(Z, 0.0) + amount
    for Z, amount in amounts.items():
        if not _SMALLEST <= amount <= _LARGEST:
            raise FormulaError(
                f"{amount:g} atoms of {SYMBOLS[Z - 1]} are outside {_SMALLEST:g} to {_LARGEST:,.0f}",
                "Check the amounts.",
            )
    return amounts


def reduce(amounts: Mapping[int, float]) -> dict[int, int]:
    """Integer amounts without a common divisor, in ascending order of atomic number.

    A decimal that is a fraction with a denominator up to 12, rounded or cut to three or four digits, is that
    fraction (0.333, 0.667 and 0.6666 are thirds); any other is taken as written, to four digits.

    >>> reduce({3: 0.5, 27: 1.0, 8: 2.0})
    {3: 1, 8: 4, 27: 2}
    """
    elements = sorted(amounts)
    if all(float(amounts[Z]).is_integer() for Z in elements):
        whole = [int(amounts[Z]) for Z in elements]
    else:
        fractions = [_fraction(amounts[Z]) for Z in elements]
        common = math.lcm(*(fraction.denominator for fraction in fractions))
        whole = [int(fraction * common) for fraction in fractions]
    divisor = math.gcd(*whole)
    return {Z: amount // divisor for Z, amount in zip(elements, whole, strict=True)}


def composition(amounts: Mapping[int, float]) -> Composition:
    """The reduced composition of any amounts: one and the same for every way to write it.

    >>> composition({3: 0.5, 27: 1.0, 8: 2.0}).formula
    'Co2LiO4'
    """
    reduced = reduce(amounts)
    pairs = sorted((SYMBOLS[Z - 1], amount) for Z, amount in reduced.items())
    formula = "".join(symbol if amount == 1 else f"{symbol}{amount}" for symbol, amount in pairs)
    return Composition(formula, tuple(reduced), tuple(reduced.values()))


@lru_cache(maxsize=65536)
def read_formula(text: str) -> Composition:
    """The reduced composition of a formula text (see :func:`parse`)."""
    return composition(parse(text))


def reduced_formula(text: str) -> str:
    """The reduced formula of a formula text, symbols in alphabetical order.

    The order is the alphabet's, not the chemist's, so that it depends on nothing but the composition.

    Raises
    ------
    FormulaError
        See :func:`parse`.

    Examples
    --------
    >>> reduced_formula("Li0.5CoO2") == reduced_formula("O4 Co2 Li") == "Co2LiO4"
    True
    """
    return read_formula(text).formula


def element(symbol: str) -> int:
    """Atomic number of a symbol.

    Raises
    ------
    FormulaError
        No element, or one beyond Z = 103.
    """
    Z = ATOMIC_NUMBERS.get(symbol)
    if Z is None:
        raise FormulaError(
            f"{symbol!r} is no element", "Symbols have a capital and at most one small letter, such as Co."
        )
    if Z > MAX_Z:
        raise FormulaError(
            f"element {symbol} (Z = {Z}) is beyond Z = {MAX_Z}", "The element table ends with lawrencium."
        )
    return Z


def _fraction(amount: float) -> Fraction:
    simple = Fraction(amount).limit_denominator(12)
    last_digit = 1e-3 if abs(amount * 1000 - round(amount * 1000)) < 1e-6 else 1e-4
    if simple and abs(float(simple) - amount) < 0.7 * last_digit:
        return simple
    return Fraction(max(round(amount * 10_000), 1), 10_000)


def _undecorated(text: str) -> str:
    """The formula with ASCII digits, ``·`` for hydrate dots, and without blanks and charges."""
    text = _SUPERSCRIPT_CHARGE.sub("", text.translate(_SUBSCRIPTS)).strip()
    if "+" in text or "-" in text:
        text = _without_charges(text)
    if re.search(r"[0-9.]\s+[0-9.]", text):
        raise FormulaError("a blank divides two numbers", "Write the formula without blanks.")
    text = "".join(text.split())
    if "." in text:
        text = _LETTER_DOT.sub("·", _WATER.sub(r"·\1", text))
        if _UNCLEAR_DOT.search(text):
            raise FormulaError(
                "the dot before a number may be a decimal point or join two parts",
                "Write 0.5 for an amount, · between parts.",
            )
    return text


def _without_charges(text: str) -> str:
    found = _DECORATED.findall(text)
    if found and _DECORATED.sub("", text) == "":
        total = sum(int(sign + (charge or "1")) * float(amount or "1") for _, charge, sign, amount in found)
        if abs(total) < 1e-6 or len(found) == 1:
            return "".join(symbol + amount for symbol, _, _, amount in found)
    stripped = _TOTAL_CHARGE.sub("", text).strip()
    if "+" in stripped or "-" in stripped:
        raise FormulaError(
            "the charges in the formula cannot be told from amounts",
            "Leave charges out, or write them as in SO4^2-; amounts such as 1-x must be numbers.",
        )
    return stripped


def _parse_part(part: str) -> dict[int, float]:
    if _PLAIN.fullmatch(part):
        plain: dict[int, float] = {}
        for symbol, amount in _PLAIN_TOKEN.findall(part):
            Z = element(symbol)
            plain[Z] = plain.get(Z, 0.0) + (_amount(amount, symbol) if amount else 1.0)
        return plain
    leading = _LEADING.match(part)
    factor = _amount(leading.group(), "the leading multiplier") if leading else 1.0
    position = leading.end() if leading else 0
    stack: list[dict[int, float]] = [{}]
    opened: list[str] = []
    while position < len(part):
        match = _TOKEN.match(part, position)
        if match is None:
            raise FormulaError(
                f"{part[position]!r} cannot stand in a formula",
                "Use symbols such as Fe, numbers and brackets; amounts such as x must be numbers.",
            )
        token, number = match.groups()
        position = match.end()
        if token in "([{":
            if number:
                raise FormulaError(f"a number follows {token!r}", "Amounts stand after the closing bracket.")
            opened.append(token)
            stack.append({})
            continue
        if token in _CLOSERS:
            if not opened or opened.pop() != _CLOSERS[token]:
                raise FormulaError(f"{token!r} closes no bracket", "Check the brackets.")
            inner = stack.pop()
        else:
            inner = {element(token): 1.0}
        times = _amount(number, token) if number else 1.0
        for Z, amount in inner.items():
            stack[-1][Z] = stack[-1].get(Z, 0.0) + amount * times
    if opened:
        raise FormulaError(f"{opened[-1]!r} is never closed", "Check the brackets.")
    if not stack[0]:
        raise FormulaError("no element in the formula", "Fill in a formula such as Fe2O3.")
    return {Z: amount * factor for Z, amount in stack[0].items()}


def _amount(number: str, after: str) -> float:
    amount = float(number)
    if amount == 0:
        raise FormulaError(f"the amount of {after} is zero", "Leave out what is not there.")
    return amount

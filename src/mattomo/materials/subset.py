"""A subset of a table by a condition in words: ``elements has O and band_gap > 0``.

A small language of its own, parsed by hand and never evaluated as code:

- ``band_gap >= 1.5``, ``1 < band_gap < 3``, ``crystal_system == "cubic"``, ``spacegroup_number != 225``;
- ``crystal_system in (cubic, hexagonal)``, ``band_gap is missing``, ``band_gap is not missing``;
- ``elements has O``, ``elements within (Ba, Ti, O)`` (no others), ``n_elements == 2``, ``n_sites <= 20``;
- ``formula == TiO2``, ``formula like ABX3``: letters that are no element, and A, B, C, stand for any element,
  different letters for different ones; ``formula like ABO3`` asks for oxygen;
- ``and``, ``or``, ``not`` and brackets. A column whose name is no plain word stands between backquotes.

A comparison with a missing value is neither true nor false, and neither is its ``not``: such a row is left
out unless another part of the condition decides.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.materials.formula import ATOMIC_NUMBERS, FormulaError, reduced_formula
from mattomo.materials.registry import ALIASES, PropertyInfo, nearest
from mattomo.materials.table import Column, Materials

Flags = NDArray[np.bool_]

#: Words that are no column, unless the table has one of that name.
_COMPUTED = ("n_elements", "n_sites", "id")
_KEYWORDS = ("and", "or", "not", "in", "is", "missing", "has", "within", "like")
#: Single letters that are elements in a pattern; B and C are placeholders, as in ABX3 and ABC.
_ELEMENT_LETTERS = frozenset("HNOFPSKVYIWU")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z_]))
    |(?P<text>"[^"]*"|'[^']*')|(?P<quoted>`[^`]*`)|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:[-./][A-Za-z0-9_]+)*)
    |(?P<sign><=|>=|==|!=|<|>|=|\(|\)|,))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[NDArray[np.float64], float], Flags]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Token(NamedTuple):
    """A piece of a condition: its kind, its text, and where it starts (1-based)."""

    kind: str
    text: str
    at: int


class Truth(NamedTuple):
    """Rows where a condition holds, and rows where it is known whether it does; shapes (n,)."""

    true: Flags
    known: Flags


def subset(materials: Materials, condition: str) -> Materials:
    """The materials that meet a condition, in the order of the table.

    Parameters
    ----------
    materials : Materials
    condition : str
        See the module.

    Returns
    -------
    Materials
        With a notice that says how many of how many they are.

    Raises
    ------
    InputError
        The condition cannot be read (the message says at which character), names a column that is not there,
        compares a column with a value it cannot have, or no material meets it.

    Examples
    --------
    >>> import mattomo as mt
    >>> len(subset(mt.load("mp1000"), "formula like ABX3 and elements has O"))
    23
    """
    kept = np.flatnonzero(rows_where(materials, condition))
    if not len(kept):
        raise InputError(
            "no material meets this condition",
            file=materials.source,
            column="where",
            value=condition,
            hint="Widen it; missing values meet no comparison.",
        )
    notice = f"where {condition}: {len(kept):,} of {len(materials):,} materials"
    return replace(materials.take(kept), notices=(*materials.notices, notice))


def rows_where(materials: Materials, condition: str) -> Flags:
    """Which materials meet a condition, shape (n,); raises as `subset`, but any number may meet it."""
    return _Parser(materials, condition).whole().true


class _Parser:
    """Reads a condition from left to right, and says of every part where it holds."""

    def __init__(self, materials: Materials, condition: str) -> None:
        self.materials, self.condition = materials, condition
        self.tokens = self._tokens()
        self.place = 0

    def _tokens(self) -> list[Token]:
        text, at = self.condition, 0
        found: list[Token] = []
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                wrong = Token("", text[start : start + 12], start + 1)
                self.refuse("this cannot be read", wrong, "Texts stand between quotes.")
            kind = str(match.lastgroup)
            piece = match[kind]
            if kind == "text":
                piece = piece[1:-1]
            if kind == "sign" and piece == "=":
                piece = "=="
            found.append(Token(kind, piece, match.start(kind) + 1))
            at = match.end()
        found.append(Token("end", "the end", len(text) + 1))
        return found

    def refuse(self, problem: str, token: Token, hint: str | None = None) -> NoReturn:
        where = "at the end" if token.kind == "end" else f"at character {token.at} ({token.text!r})"
        raise InputError(f"{problem} {where}", column="where", value=self.condition, hint=hint)

    def peek(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.tokens[self.place]
        self.place += token.kind != "end"
        return token

    def taken(self, *words: str) -> bool:
        """Take the next token if it is one of these words or signs."""
        token = self.peek()
        if token.kind in ("word", "sign") and token.text.lower() in words:
            self.place += 1
            return True
        return False

    def expect(self, word: str, hint: str | None = None) -> None:
        if not self.taken(word):
            self.refuse(f"{word!r} is missing", self.peek(), hint)

    def whole(self) -> Truth:
        found = self.either()
        if self.peek().kind != "end":
            self.refuse("the condition goes on unexpectedly", self.peek(), "Join conditions by and, or.")
        return found

    def either(self) -> Truth:
        found = self.both()
        while self.taken("or"):
            other = self.both()
            true = found.true | other.true
            found = Truth(true, true | (found.known & other.known))
        return found

    def both(self) -> Truth:
        found = self.negated()
        while self.taken("and"):
            other = self.negated()
            false = (found.known & ~found.true) | (other.known & ~other.true)
            found = Truth(found.true & other.true, false | (found.known & other.known))
        return found

    def negated(self) -> Truth:
        if self.taken("not"):
            found = self.negated()
            return Truth(found.known & ~found.true, found.known)
        if self.taken("("):
            found = self.either()
            self.expect(")")
            return found
        return self.comparison()

    def comparison(self) -> Truth:
        token = self.next()
        if token.kind == "number":
            return self.range(token)
        if token.kind not in ("word", "quoted") or (token.kind == "word" and token.text in _KEYWORDS):
            self.refuse("a property is missing", token, "E.g. band_gap > 0, or elements has O.")
        if token.kind == "word" and token.text == "elements":
            return self.elements()
        if token.kind == "word" and token.text == "formula":
            return self.formula()
        column = self.column(token)
        if self.taken("is"):
            negative = self.taken("not")
            self.expect("missing", "A property `is missing` or `is not missing`.")
            true = ~column.missing if negative else column.missing
            return Truth(true, np.ones(len(true), dtype=bool))
        if self.taken("in"):
            return self.one_of(column)
        operator = self.operator(f"{token.text} is compared with nothing")
        return self.compare(column, operator, self.value())

    def range(self, low: Token) -> Truth:
        """``1 < band_gap`` and ``1 < band_gap < 3``."""
        operator = self.operator("a number is compared with nothing")
        column = self.column(self.next())
        found = self.compare(column, _MIRRORED[operator], low)
        if self.peek().kind == "sign" and self.peek().text in _COMPARE:
            other = self.compare(column, self.next().text, self.value())
            return Truth(found.true & other.true, found.known)
        return found

    def operator(self, problem: str) -> str:
        token = self.next()
        if token.kind != "sign" or token.text not in _COMPARE:
            self.refuse(problem, token, "There are <, <=, >, >=, ==, !=, in, and is missing.")
        return token.text

    def value(self) -> Token:
        token = self.next()
        if token.kind not in ("number", "text", "word"):
            self.refuse("a value is missing", token)
        return token

    def values(self) -> list[Token]:
        self.expect("(", "E.g. in (cubic, hexagonal).")
        found = [self.value()]
        while self.taken(","):
            found.append(self.value())
        self.expect(")")
        return found

    def one_of(self, column: Column) -> Truth:
        parts = [self.compare(column, "==", value) for value in self.values()]
        return Truth(np.any([part.true for part in parts], axis=0), parts[0].known)

    def compare(self, column: Column, operator: str, value: Token) -> Truth:
        known = ~column.missing
        numbers = column.values
        if column.info.kind == "category":
            if operator in ("==", "!="):
                same = column.values.astype(np.str_) == self.level(column, value)
                return Truth(known & (same == (operator == "==")), known)
            numbers = self.ordered(column, value)
        try:
            right = float(value.text)
        except ValueError:
            right = math.nan
        if not math.isfinite(right):
            self.refuse(f"{column.info.name} holds numbers, and this is none", value)
        left = np.where(known, numbers, 0).astype(np.float64)
        return Truth(known & _COMPARE[operator](left, right), known)

    def level(self, column: Column, value: Token) -> str:
        """The class a value means, whatever its case."""
        if column.info.name == "id":
            return value.text
        levels = sorted(set(column.values[~column.missing].astype(str).tolist()))
        for level in levels:
            if level.lower() == value.text.lower():
                return str(level)
        self.refuse(f"{column.info.name} has no such class", value, nearest(value.text, levels))

    def ordered(self, column: Column, value: Token) -> NDArray[np.float64]:
        """Classes that are whole numbers have an order."""
        levels = column.values.astype(str).tolist()
        if not all(level.isdigit() for level in levels if level):
            self.refuse(f"classes of {column.info.name} have no order", value, "Use == or in.")
        return np.array([float(level) if level else 0.0 for level in levels])

    def column(self, token: Token) -> Column:
        name = token.text.strip("`")
        columns, materials = self.materials.columns, self.materials
        for candidate in (name, *ALIASES.get(name, ())):
            if candidate in columns:
                return columns[candidate]
        n = len(materials)
        nothing = np.zeros(n, dtype=bool)
        if name == "n_elements":
            counts = np.diff(materials.compositions.offsets).astype(np.float64)
            return Column(PropertyInfo(name, "number of elements"), counts, nothing)
        if name == "n_sites":
            sites = materials.structures.sites
            return Column(PropertyInfo(name, "sites"), sites.astype(np.float64), sites == 0)
        if name == "id":
            return Column(PropertyInfo(name, "identifier", kind="category"), materials.ids, nothing)
        self.refuse("no such property", token, nearest(name, [*columns, "elements", "formula", *_COMPUTED]))

    def elements(self) -> Truth:
        c = self.materials.compositions
        n = len(c.formulas)
        owner = np.repeat(np.arange(n), np.diff(c.offsets))
        if self.taken("has"):
            true = np.bincount(owner[self.element(self.value()) == c.Z], minlength=n) > 0
        elif self.taken("within"):
            allowed = [self.element(value) for value in self.values()]
            true = np.bincount(owner[~np.isin(c.Z, allowed)], minlength=n) == 0
        else:
            self.refuse("elements are followed by has or within", self.peek(), "E.g. elements has O.")
        return Truth(true, np.ones(n, dtype=bool))

    def element(self, token: Token) -> int:
        if token.text not in ATOMIC_NUMBERS:
            self.refuse("this is no element", token, nearest(token.text, list(ATOMIC_NUMBERS)))
        return ATOMIC_NUMBERS[token.text]

    def formula(self) -> Truth:
        formulas = self.materials.compositions.formulas
        known = np.ones(len(formulas), dtype=bool)
        if self.taken("like"):
            return Truth(self.matching(self.value()), known)
        if self.taken("in"):
            return Truth(np.isin(formulas, [self.reduced(value) for value in self.values()]), known)
        if self.taken("=="):
            return Truth(formulas == self.reduced(self.value()), known)
        if self.taken("!="):
            return Truth(formulas != self.reduced(self.value()), known)
        self.refuse("formula is followed by ==, !=, in or like", self.peek(), "E.g. formula like ABX3.")

    def reduced(self, token: Token) -> str:
        try:
            return reduced_formula(token.text)
        except FormulaError as error:
            self.refuse(f"not a formula: {error}", token)

    def matching(self, token: Token) -> Flags:
        """Materials whose reduced formula a pattern describes."""
        pieces = re.findall(r"([A-Z][a-z]?)([0-9]*)", token.text)
        if "".join(symbol + amount for symbol, amount in pieces) != token.text or not pieces:
            self.refuse("this is no pattern of a formula", token, "E.g. ABX3, or ABO3 for oxides.")
        amounts: Counter[str] = Counter()
        for symbol, amount in pieces:
            amounts[symbol] += int(amount or 1)
        if min(amounts.values()) < 1:
            self.refuse("an amount is zero", token)
        divisor = math.gcd(*amounts.values())
        fixed, free = {}, []
        for symbol, amount in amounts.items():
            if len(symbol) == 2 or symbol in _ELEMENT_LETTERS:
                fixed[self.element(token._replace(text=symbol))] = amount // divisor
            else:
                free.append(amount // divisor)
        wanted = sorted(free)
        c = self.materials.compositions
        found = np.zeros(len(c.formulas), dtype=bool)
        sizes = np.diff(c.offsets)
        for i in np.flatnonzero(sizes == len(amounts)).tolist():
            own = dict(
                zip(
                    c.Z[c.offsets[i] : c.offsets[i + 1]].tolist(),
                    c.amounts[c.offsets[i] : c.offsets[i + 1]].tolist(),
                    strict=True,
                )
            )
            rest = [own.pop(Z, 0.0) == amount for Z, amount in fixed.items()]
            found[i] = all(rest) and sorted(own.values()) == wanted
        return found

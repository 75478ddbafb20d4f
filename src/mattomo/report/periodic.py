"""Where the elements stand in the periodic table."""

from __future__ import annotations

from mattomo.materials.formula import ATOMIC_NUMBERS

_PERIODS = (2, 10, 18, 36, 54, 86, 118)
"""Last atomic number of each row."""

_F_BLOCKS = ((57, 71), (89, 103))
"""First and last of the lanthanides and of the actinides, drawn below the table."""


def place(symbol: str) -> tuple[int, int]:
    """Column (0 to 17) and row of an element; lanthanides in row 8, actinides in row 9.

    >>> place("H"), place("He"), place("O"), place("Fe"), place("Hf"), place("Og")
    ((0, 0), (17, 0), (15, 1), (7, 3), (3, 5), (17, 6))
    >>> place("La"), place("Lu"), place("U")
    ((2, 8), (16, 8), (5, 9))
    """
    Z = ATOMIC_NUMBERS[symbol]
    for row, (first, last) in enumerate(_F_BLOCKS, start=8):
        if first <= Z <= last:
            return Z - first + 2, row
    row = next(row for row, last in enumerate(_PERIODS) if last >= Z)
    before_end = _PERIODS[row] - Z
    after_start = Z - (_PERIODS[row - 1] if row else 0) - 1
    # Up to two columns from the left in every row, the others from the right.
    return (after_start if after_start < 2 and before_end else 17 - before_end), row

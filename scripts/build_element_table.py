"""Generate ``src/mattomo/projections/data/elements.csv`` from the PyPI package mendeleev.

Run ``python scripts/build_element_table.py`` with the extra ``mattomo[scripts]`` installed.
The meaning, unit and source of each column: ``src/mattomo/projections/data/README.md``.
"""

from __future__ import annotations

import argparse
import csv
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "src/mattomo/projections/data/elements.csv"
COLUMNS = (
    "Z",
    "symbol",
    "group",
    "period",
    "block",
    "electronegativity",
    "covalent_radius",
    "valence_electrons",
    "first_ionisation_energy",
    "electron_affinity",
    "atomic_volume",
)
N_ELEMENTS = 103


def provenance() -> str:
    """First line of the CSV: which release of which package the numbers come from."""
    import mendeleev

    return f"# mendeleev {mendeleev.__version__} (MIT licence) through scripts/build_element_table.py"


def rows() -> Iterator[tuple[str, ...]]:
    """One row of text per element, in the order of ``COLUMNS``; unknown values are empty."""
    with warnings.catch_warnings():  # deprecations inside mendeleev are not ours to fix
        warnings.simplefilter("ignore")
        from mendeleev import element

        for Z in range(1, N_ELEMENTS + 1):
            e = element(Z)
            volume = None if e.density is None else e.atomic_weight / e.density
            yield (
                str(Z),
                e.symbol,
                "" if e.group_id is None else str(e.group_id),
                str(e.period),
                e.block,
                number(e.en_pauling),
                number(e.covalent_radius_cordero),
                str(e.nvalence()),
                number(e.ionenergies.get(1)),
                number(e.electron_affinity),
                number(volume, digits=6),
            )


def number(value: float | None, digits: int = 10) -> str:
    """``value`` to ``digits`` significant digits: enough for every source, too few for binary noise."""
    return "" if value is None else f"{value:.{digits}g}"


def build() -> str:
    """The whole CSV file as text."""
    text = io.StringIO()
    text.write(provenance() + "\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate the element table from mendeleev.")
    parser.add_argument("--out", type=Path, default=TARGET)
    out = parser.parse_args().out
    out.write_bytes(build().encode())
    print(f"wrote {out}")


if __name__ == "__main__":
    main()

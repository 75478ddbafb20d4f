"""Account for every CIF of a collection: read, composition only, or refused, and why.

    python scripts/check_cif_collection.py FOLDER --pymatgen --list differences.csv

FOLDER is searched with its subfolders for files that end in .cif. The counts of the three classes add up to
the number of files (the script fails if they do not). With ``--pymatgen`` the composition of each file is
compared with the one pymatgen reads, where it reads one; agreement is to 0.2 % of the atoms.

A public collection to try it on: the Debian package libavogadro-data (about 500 CIFs, public domain),

    apt-get download libavogadro-data && dpkg -x libavogadro-data_*.deb collection
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mattomo.materials import SYMBOLS, StructureError
from mattomo.materials.readers.cif import cif_structures
from mattomo.materials.readers.files import FileProblem, read_text

TOLERANCE = 2e-3  # of the share of an element


@dataclass(frozen=True)
class Account:
    """What became of one file; ``amounts`` are those of its first block with atoms."""

    path: Path
    outcome: str  # "read", "composition only" or "refused"
    reason: str
    amounts: dict[str, float] | None
    sites: int
    blocks: int


def account(path: Path) -> Account:
    """What our reader makes of a file."""
    try:
        blocks = cif_structures(read_text(path))
    except (FileProblem, StructureError) as problem:
        return Account(path, "refused", str(problem), None, 0, 0)
    found = blocks[0][1]
    amounts = found.amounts
    named = {SYMBOLS[Z - 1]: amount for Z, amount in amounts.items()} if amounts else None
    if isinstance(found, StructureError):
        return Account(path, "composition only" if named else "refused", found.reason, named, 0, len(blocks))
    return Account(path, "read", found.note, named, len(found.Z), len(blocks))


def kind_of(reason: str) -> str:
    """A reason without the names and numbers of the one file."""
    for pattern, kind in (
        (r"malformed CIF", "malformed CIF"),
        (r"disordered", "disordered: a site is partly occupied"),
        (r"hydrogens without places", "hydrogens without places"),
        (r"Å apart", "sites nearer than 0.3 Å"),
        (r"^the sites are", "the sites are not the formula stated"),
        (r"no number$", "a number is missing"),
        (r"does not have the symmetry", "the cell does not have the symmetry stated"),
        (r"may be|names no element|is no element", "which element a site holds is unclear"),
        (r"two origins|settings$", "the setting of the space group is unclear"),
        (r"space group", "unknown space group"),
        (r"occupancy", "an occupancy outside 0 to 1"),
    ):
        if re.search(pattern, reason):
            return kind
    return reason


def pymatgen_amounts(path: Path) -> tuple[dict[str, float] | None, int, str]:
    """Composition and number of sites as pymatgen reads them, or its error."""
    from pymatgen.io.cif import CifParser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser = CifParser.from_str(read_text(path))
            found = parser.parse_structures(primitive=False, on_error="raise")[0]
    except Exception as error:  # whatever it raises, the file is one it does not read
        return None, 0, f"{type(error).__name__}: {error}".splitlines()[0][:120]
    amounts: dict[str, float] = {}
    for element, amount in found.composition.element_composition.items():
        symbol = "H" if element.symbol in ("D", "T") else element.symbol
        amounts[symbol] = amounts.get(symbol, 0.0) + amount
    return amounts, len(found), ""


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two compositions have the same shares of atoms."""
    a, b = sum(one.values()), sum(other.values())
    return all(abs(one.get(s, 0) / a - other.get(s, 0) / b) <= TOLERANCE for s in one.keys() | other.keys())


def text(amounts: dict[str, float] | None) -> str:
    return " ".join(f"{symbol}{amount:g}" for symbol, amount in sorted((amounts or {}).items()))


def compare(accounts: list[Account]) -> list[tuple[str, Account, str, str]]:
    """How each file compares with pymatgen: kind, account, pymatgen's composition, its error."""
    compared = []
    for each in accounts:
        amounts, sites, error = pymatgen_amounts(each.path)
        if amounts is None:
            kind = "pymatgen reads nothing" + (", we read it" if each.amounts else ", nor do we")
        elif each.amounts is None:
            kind = "only pymatgen reads it"
        elif not same(each.amounts, amounts):
            kind = f"another composition ({each.outcome})"
        elif each.outcome == "read" and sites != each.sites:
            kind = "the same composition, another number of sites"
        else:
            kind = "the same composition"
        compared.append((kind, each, text(amounts), error))
    return compared


def table(title: str, counts: Counter[str]) -> None:
    print(f"\n| {title} | files |\n|---|---|")
    for name, count in counts.most_common():
        print(f"| {name} | {count:,} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pymatgen", action="store_true", help="compare compositions with pymatgen's")
    parser.add_argument("--list", type=Path, help="write one line a file to this CSV")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*.cif") if not path.is_symlink())
    if not paths:
        sys.exit(f"there is no .cif file below {arguments.folder}")
    start = time.process_time()
    accounts = [account(path) for path in paths]
    seconds = time.process_time() - start
    outcomes = Counter(each.outcome for each in accounts)
    print(f"{len(paths):,} files, {len(paths) / seconds:,.0f} a second (processor time)")
    table("outcome", outcomes)
    for outcome in ("read", "composition only", "refused"):
        reasons = Counter(
            kind_of(each.reason) or "nothing to note" for each in accounts if each.outcome == outcome
        )
        if reasons:
            table(outcome, reasons)
    if sum(outcomes.values()) != len(paths):
        sys.exit("the outcomes do not add up to the number of files")
    lines = [("", each, "", "") for each in accounts]
    if arguments.pymatgen:
        lines = compare(accounts)
        table("compared with pymatgen", Counter(kind for kind, *_ in lines))
    if arguments.list:
        with open(arguments.list, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                ("file", "outcome", "reason", "composition", "sites", "compared", "pymatgen", "error")
            )
            for kind, each, other, error in lines:
                writer.writerow(
                    (each.path, each.outcome, each.reason, text(each.amounts), each.sites, kind, other, error)
                )


if __name__ == "__main__":
    main()

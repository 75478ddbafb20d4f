"""Speed of the CIF reader against gemmi alone and pymatgen, on the example set written as CIF files.

python benchmarks/cif.py --files 5000

All are timed in one run as CPU time of one process. gemmi alone parses and expands the sites and does
nothing else; ours reads the file, expands, checks, and gives arrays. With pymatgen installed its parser is
timed on a subset, and a second set is written with the symmetry found by spglib (few sites, many operations).
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import gemmi
import numpy as np

import mattomo as mt
from mattomo.materials import SYMBOLS, Materials
from mattomo.materials.readers.cif import from_cif


def p1_cif(materials: Materials, i: int) -> str:
    """All sites of the cell and no symmetry but the identity."""
    s = materials.structures
    cell = gemmi.UnitCell()
    a, b, c = s.lattice[i]
    lengths = [float(np.linalg.norm(v)) for v in (a, b, c)]
    angles = [
        float(np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))))
        for u, v in ((b, c), (a, c), (a, b))
    ]
    cell.set(*lengths, *angles)
    part = slice(s.offsets[i], s.offsets[i + 1])
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"data_{materials.ids[i]}", "_symmetry_space_group_name_H-M 'P 1'"]
    lines += [f"_cell_{name} {value:.8f}" for name, value in zip(names, (*lengths, *angles), strict=True)]
    lines += ["loop_", "_symmetry_equiv_pos_site_id", "_symmetry_equiv_pos_as_xyz", "1 'x, y, z'", "loop_"]
    lines += [f"_atom_site_{name}" for name in ("type_symbol", "label", "symmetry_multiplicity")]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"] + ["_atom_site_occupancy"]
    for k, (Z, xyz) in enumerate(zip(s.Z[part].tolist(), s.frac_coords[part].tolist(), strict=True)):
        symbol = SYMBOLS[Z - 1]
        lines.append(f"{symbol} {symbol}{k} 1 {xyz[0]:.8f} {xyz[1]:.8f} {xyz[2]:.8f} 1")
    return "\n".join(lines) + "\n"


def symmetric_cif(text: str) -> str:
    """The same crystal with its space group, by pymatgen and spglib."""
    from pymatgen.io.cif import CifParser, CifWriter

    structure = CifParser.from_str(text).parse_structures(primitive=False)[0]
    return str(CifWriter(structure, symprec=0.01))


def ours(path: Path) -> int:
    return len(from_cif(path.read_text()).Z)


def gemmi_alone(path: Path) -> int:
    small = gemmi.make_small_structure_from_block(gemmi.cif.read_string(path.read_text()).sole_block())
    return len(small.get_all_unit_cell_sites())


def pymatgen(path: Path) -> int:
    from pymatgen.io.cif import CifParser

    return len(CifParser.from_str(path.read_text()).parse_structures(primitive=False)[0])


def rate(read: Callable[[Path], int], paths: Sequence[Path]) -> tuple[float, list[int]]:
    """Files per CPU second, and the number of sites of each."""
    read(paths[0])
    start = time.process_time()
    sites = [read(path) for path in paths]
    return len(paths) / (time.process_time() - start), sites


def compare(title: str, paths: Sequence[Path], subset: int) -> None:
    print(f"{title}: {len(paths):,} files")
    mine, sites = rate(ours, paths)
    bare, bare_sites = rate(gemmi_alone, paths)
    differing = sum(a != b for a, b in zip(sites, bare_sites, strict=True))
    print(f"  ours         {mine:8,.0f} files/s   {np.mean(sites):.1f} sites a file")
    print(f"  gemmi alone  {bare:8,.0f} files/s   ours takes {bare / mine:.2f} times as long")
    print(f"  files with another number of sites than gemmi's: {differing}")
    try:
        slow, slow_sites = rate(pymatgen, paths[:subset])
    except ImportError:
        print("  pymatgen is not installed")
        return
    differing = sum(a != b for a, b in zip(sites, slow_sites, strict=False))
    print(f"  pymatgen     {slow:8,.0f} files/s   ours is {mine / slow:.1f} times as fast")
    print(f"  files with another number of sites than pymatgen's: {differing} of {len(slow_sites)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--subset", type=int, default=200, help="files for pymatgen")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    materials = mt.load("mp1000")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{i}.cif" for i in range(arguments.files)]
        for i, path in enumerate(paths):
            path.write_text(p1_cif(materials, i % len(materials)))
        compare("all sites listed (P 1)", paths, arguments.subset)
        start = time.process_time()
        read, quarantine = mt.read(folder)
        seconds = time.process_time() - start
        speed = f"  mt.read      {len(paths) / seconds:8,.0f} files/s"
        print(f"{speed}   {len(read):,} materials, {len(quarantine)} refused")
        try:
            for i, path in enumerate(paths[: len(materials)]):
                path.write_text(symmetric_cif(p1_cif(materials, i)))
        except ImportError:
            return
        compare("with symmetry", paths[: len(materials)], arguments.subset)


if __name__ == "__main__":
    main()

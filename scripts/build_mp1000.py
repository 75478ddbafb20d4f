"""Rebuild the example set ``src/mattomo/materials/data/mp1000.parquet`` from its public source package.

    pip download --no-deps matgraphdb==0.3.0
    python scripts/build_mp1000.py --wheel matgraphdb-0.3.0-py3-none-any.whl

The columns, their units and the rules behind them: ``src/mattomo/materials/data/README.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TARGET = Path(__file__).resolve().parents[1] / "src/mattomo/materials/data/mp1000.parquet"
WHEEL_SHA256 = "96924364e18f78a6b5345458ff643ee7cde2b8cde77874cebfceb28cbf2e1e65"
MEMBER = "matgraphdb/utils/chem_utils/resources/materials.parquet"
SOURCE = "matgraphdb 0.3.0 wheel (Materials Project, CC-BY-4.0)"

COPIED = {
    "material_id": "core.material_id",
    "formula": "core.formula_pretty",
    "nelements": "core.nelements",
    "nsites": "core.nsites",
    "band_gap": "electronic_structure.band_gap",
    "efermi": "electronic_structure.efermi",
    "cbm": "electronic_structure.cbm",
    "vbm": "electronic_structure.vbm",
    "is_gap_direct": "core.is_gap_direct",
    "is_metal": "core.is_metal",
    "is_magnetic": "core.is_magnetic",
    "is_stable": "core.is_stable",
    "density": "core.density",
    "volume": "core.volume",
    "volume_per_atom": "core.density_atomic",
    "energy_per_atom_raw": "core.energy_per_atom",
    "e_above_hull": "thermo.energy_above_hull",
    "formation_energy_per_atom": "thermo.formation_energy_per_atom",
    "total_magnetization": "magnetism.total_magnetization",
    "magnetic_ordering": "magnetism.ordering",
    "num_magnetic_sites": "magnetism.num_magnetic_sites",
    "spacegroup_number": "symmetry.number",
    "spacegroup_symbol": "symmetry.symbol",
    "crystal_system": "symmetry.crystal_system",
    "point_group": "symmetry.point_group",
    "bulk_modulus_vrh": "elasticity.k_vrh",
    "shear_modulus_vrh": "elasticity.g_vrh",
    "poisson_ratio": "elasticity.homogeneous_poisson",
    "elastic_anisotropy": "elasticity.universal_anisotropy",
    "debye_temperature": "elasticity.debye_temperature",
    "dielectric_total": "dielectric.e_total",
    "dielectric_electronic": "dielectric.e_electronic",
    "refractive_index": "dielectric.n",
}
LARGEST_MODULUS = 1000.0  # GPa; twice that of diamond, above it a fit has failed
HUBBARD_METALS = frozenset({"Co", "Cr", "Fe", "Mn", "Mo", "Ni", "V", "W"})
LONGEST_OH_BOND = 1.2  # Å


def build(source: pa.Table) -> pa.Table:
    """The example set from the source package's table of materials."""
    columns = {name: plain(source[origin]) for name, origin in COPIED.items()}
    for modulus in ("bulk_modulus_vrh", "shear_modulus_vrh"):
        values = columns[modulus]
        physical = pc.and_(pc.greater_equal(values, 0.0), pc.less_equal(values, LARGEST_MODULUS))
        columns[modulus] = pc.if_else(physical, values, None)

    mixed = pc.is_valid(plain(source["thermo.uncorrected_energy_per_atom"]))
    energy = pc.if_else(mixed, None, columns["energy_per_atom_raw"])
    columns["energy_per_atom"] = energy
    columns["energy"] = pc.multiply(energy, pc.cast(columns["nsites"], pa.float64()))
    columns["energy_mixed_functional"] = mixed

    lattice = np.array(plain(source["core.lattice"]).to_pylist()).reshape(-1, 9)
    species = source["core.species"].to_pylist()
    frac_coords = [np.ravel(sites) for sites in source["core.frac_coords"].to_pylist()]
    columns["is_hubbard_derived"] = pa.array([is_hubbard(symbols) for symbols in species])
    columns["oxide_type_derived"] = pa.array(
        [oxide_type(*crystal) for crystal in zip(lattice, species, frac_coords, strict=True)]
    )
    columns["lattice"] = pa.array(list(lattice))
    columns["species"] = pa.array(species)
    columns["frac_coords"] = pa.array(frac_coords)
    columns["source"] = pa.array([SOURCE] * len(source))
    return pa.table(columns)


def plain(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, tensors as the lists they are stored as."""
    array = column.combine_chunks()
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def is_hubbard(species: list[str]) -> bool:
    """Whether the Materials Project applies +U: an oxide or fluoride of one of eight metals."""
    elements = set(species)
    return bool(elements & {"O", "F"}) and bool(elements & HUBBARD_METALS)


def oxide_type(lattice: np.ndarray, species: list[str], frac_coords: np.ndarray) -> str:
    """``"None"`` without O, ``"hydroxide"`` with an O–H bond, else ``"oxide"``."""
    symbols = np.array(species)
    if "O" not in symbols:
        return "None"
    sites = frac_coords.reshape(-1, 3)
    shift = sites[symbols == "O", None] - sites[symbols == "H"]
    shift -= np.round(shift)
    images = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), axis=-1).reshape(-1, 3)
    distance = np.linalg.norm((shift[..., None, :] + images) @ lattice.reshape(3, 3), axis=-1)
    return "hydroxide" if (distance < LONGEST_OH_BOND).any() else "oxide"


def read_wheel(path: Path) -> pa.Table:
    """The table of materials inside the source package's wheel, after checking that it is the right wheel."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(
            f"{path}: sha256 is {found}, expected {WHEEL_SHA256}. "
            "Get the wheel with: pip download --no-deps matgraphdb==0.3.0"
        )
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        return pq.read_table(io.BytesIO(wheel.read(MEMBER)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Rebuild the example set from the wheel of matgraphdb 0.3.0 "
        "(pip download --no-deps matgraphdb==0.3.0)."
    )
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    table = build(read_wheel(arguments.wheel))
    pq.write_table(table, arguments.out, compression="zstd", compression_level=19)
    print(f"wrote {arguments.out}: {table.num_rows} rows, {table.num_columns} columns")


if __name__ == "__main__":
    main()

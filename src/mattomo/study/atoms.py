"""Properties that a study adds inside the atoms: where they come from, and what the models get of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mattomo.errors import InputError
from mattomo.keyed import generator
from mattomo.materials.readers.atoms import by_element, read_element_table
from mattomo.materials.registry import PropertyInfo, nearest
from mattomo.materials.table import AtomColumn, Materials
from mattomo.projections.atoms import mean_column, values_of
from mattomo.projections.elements import element_table
from mattomo.projections.graphs import Graphs
from mattomo.projections.structure import crystal_graphs
from mattomo.study.config import StudyConfig
from mattomo.study.controls import ATOMS

#: Properties of the elements that come with the package, and their units.
BUILT_IN: dict[str, str] = {
    "group": "",
    "period": "",
    "electronegativity": "Pauling",
    "covalent_radius": "pm",
    "valence_electrons": "",
    "first_ionisation_energy": "eV",
    "electron_affinity": "eV",
    "atomic_volume": "cm³/mol",
}


def with_atoms(materials: Materials, atoms: Mapping[str, str]) -> Materials:
    """The materials with the properties of the atoms that a study names, and their means as columns.

    Parameters
    ----------
    materials : Materials
    atoms : mapping of str to str
        Name and source: ``"element"``, the table of the elements that comes with mattomo (`BUILT_IN`);
        ``"site"``, a column of the data with a list of numbers, one a site; ``"element:NAME"`` and
        ``"site:NAME"``, the same under another name; or the path of a table by element
        (`mattomo.materials.readers.atoms.read_element_table`).

    Raises
    ------
    InputError
        A source that is not there, or a name that a column of the table has.
    """
    found = dict(materials.atoms)
    for name, source in atoms.items():
        if name in materials.columns:
            raise InputError(
                "the table has a column of this name",
                file=materials.source,
                column=name,
                hint='Name the property of the atoms otherwise, e.g. radius = "element:covalent_radius".',
            )
        kind, _, other = source.partition(":")
        if kind == "element":
            found[name] = _built_in(name, other or name)
        elif kind == "site":
            found[name] = _of_sites(materials, name, other or name)
        elif Path(source).exists():
            found[name] = read_element_table(source, name)
        else:
            raise InputError(
                f"no such source of the property of the atoms {name!r}",
                column="atoms",
                value=source,
                hint='It is "element", "site", one of them with a name (site:magmom), or a path.',
            )
    # Where one number of a material is needed, the mean over its atoms stands for the property.
    means = {name: mean_column(found[name], materials) for name in atoms}
    return replace(materials, atoms=found, columns={**materials.columns, **means})


def _built_in(name: str, of: str) -> AtomColumn:
    if of not in BUILT_IN:
        hint = nearest(of, list(BUILT_IN))
        raise InputError("no such property in the table of the elements", column="atoms", value=of, hint=hint)
    table = element_table()
    values = np.concatenate([[np.nan], table[of].to_numpy(np.float64, na_value=np.nan)])
    return AtomColumn(by_element(PropertyInfo(name, of.replace("_", " "), BUILT_IN[of]), name), values)


def _of_sites(materials: Materials, name: str, of: str) -> AtomColumn:
    known = [key for key, column in materials.atoms.items() if column.info.atoms == "site"]
    if of not in known:
        if of in materials.columns:
            hint = "This column holds one value a row: add it as a property, without naming it here."
        else:
            hint = nearest(of, known) if known else "A column of lists, as long as the structures have sites."
        raise InputError(
            "no such column with a number for every site", file=materials.source, column=of, hint=hint
        )
    column = materials.atoms[of]
    return replace(column, info=replace(column.info, name=name))


def shuffled(column: AtomColumn, materials: Materials) -> AtomColumn:
    """The control `mattomo.study.controls.ATOMS`: a property of the atoms whose values change places.

    By element, among the elements of the materials; by site, among all of their sites. The same for all
    seeds, because every choice of values has graphs of its own.
    """
    by_site = column.info.atoms == "site"
    places = np.arange(len(column.values)) if by_site else np.unique(materials.compositions.Z)
    values = column.values.copy()
    values[places] = column.values[generator("control", "atoms").permutation(places)]
    label = f"placebo in the atoms (shuffled {column.info.label})"
    return AtomColumn(PropertyInfo(ATOMS, label, column.info.unit, atoms=column.info.atoms), values)


def atom_graphs(
    materials: Materials,
    representation: str,
    base: Graphs,
    columns: Sequence[AtomColumn],
    config: StudyConfig,
) -> Graphs:
    """Graphs of a base representation whose nodes have the values of some properties of the atoms.

    Parameters
    ----------
    materials : Materials
        n materials.
    representation : {"composition", "structure"}
    base : Graphs
        Those of the representation alone.
    columns : sequence of v AtomColumn
    config : StudyConfig

    Returns
    -------
    Graphs
        Sites with different values are different nodes; with values by element alone, the nodes are those of
        ``base``.
    """
    if representation == "composition":
        return replace(base, values=values_of(columns, materials, sites=False))
    if all(column.info.atoms == "element" for column in columns):
        return replace(base, values=np.stack([column.values[base.Z] for column in columns], axis=1))
    return crystal_graphs(
        materials.structures,
        neighbours=config.neighbours,
        radius=config.radius,
        ties=config.ties,
        values=values_of(columns, materials, sites=True),
    )


#: Why a property of the atoms has no swap test, by what gives its values; and why their placebo has none.
NO_SWAP: dict[str, str] = {
    "element": "it is given by element, so a placebo drawn given the composition is the value itself",
    "site": "sites have no conditional placebos",
    "control": "it is a placebo itself",
}


def atom_notices(columns: Sequence[AtomColumn]) -> list[str]:
    """What a reader of the results should know of properties added inside the atoms."""
    by = {"element": list[str](), "site": list[str]()}
    for column in columns:
        by[column.info.atoms or "site"].append(column.info.label)
    notices = []
    if by["element"]:
        notices.append(
            f"given by element, inside the atoms: {', '.join(by['element'])}. Composition and structure "
            "determine it: a gain is convenience, and there is no swap test, for a placebo drawn given the "
            "composition is the value itself"
        )
    if by["site"]:
        notices.append(
            f"given by site, inside the atoms: {', '.join(by['site'])}. The composition is told the mean "
            "over the sites of each element; there is no swap test, for sites have no conditional placebos"
        )
    if columns:
        notices.append(
            "where one number of a material is needed (decomposition, mutual information, relations), the "
            "mean over its atoms stands for a property of the atoms"
        )
    return notices

"""mattomo: materials tomography.

Which extra property tells something about a target that the composition, or the structure, of a material
does not already hold? See `Study` for the analysis and ``mattomo --help`` for the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mattomo.errors import InputError
from mattomo.materials import Materials, PropertyInfo, Quarantine, load, one_to_one_share, read
from mattomo.version import __version__

if TYPE_CHECKING:
    from mattomo import figures
    from mattomo.front import Study
    from mattomo.materials.readers.python_objects import from_structures
    from mattomo.results import Results

__all__ = [
    "InputError",
    "Materials",
    "PropertyInfo",
    "Quarantine",
    "Results",
    "Study",
    "__version__",
    "figures",
    "from_structures",
    "load",
    "one_to_one_share",
    "read",
]


def __getattr__(name: str) -> Any:
    # JAX and matplotlib take a second to import: reading a table should not wait for them.
    if name == "Study":
        from mattomo.front import Study

        return Study
    if name == "Results":
        from mattomo.results import Results

        return Results
    if name == "figures":
        return import_module("mattomo.figures")
    if name == "from_structures":
        from mattomo.materials.readers.python_objects import from_structures

        return from_structures
    raise AttributeError(f"module 'mattomo' has no attribute {name!r}")

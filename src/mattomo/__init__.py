"""mattomo: materials tomography.

Which extra property tells something about a target that the composition, or the structure, of a material
does not already hold? See `mattomo.Study` for the analysis and ``mattomo --help`` for the command line.
"""

from mattomo.errors import InputError
from mattomo.materials import Materials, PropertyInfo, Quarantine, load, one_to_one_share, read

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "Materials",
    "PropertyInfo",
    "Quarantine",
    "load",
    "one_to_one_share",
    "read",
]

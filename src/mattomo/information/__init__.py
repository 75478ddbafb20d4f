"""What an added property tells about a target: pure functions of arrays and tables, never of files."""

from mattomo.information.agreement import agreement
from mattomo.information.analysis import Analysis, analyse, cells, decompositions, seed_bits
from mattomo.information.bits import (
    calibrated_cross_entropy,
    cap,
    categorical_bits,
    density_bits,
    laplace_bits,
)
from mattomo.information.broja import broja
from mattomo.information.candidates import compatible
from mattomo.information.controls import calibration, planted_bits
from mattomo.information.convenience import gain_curves
from mattomo.information.decomposition import decompose, decompose_columns, decompose_nested
from mattomo.information.floor import polymorph_floor
from mattomo.information.gain import (
    CHANGES,
    CRITERIA,
    Criterion,
    chance_all_below,
    contrasts,
    frequency,
    gains,
    mae_changes,
    structure_already_holds,
)
from mattomo.information.identification import identification
from mattomo.information.identity import identity
from mattomo.information.inference import (
    benjamini_hochberg,
    clustered,
    nadeau_bengio,
    paired_contrast,
    swap_test,
)
from mattomo.information.pairwise import mutual_information, mutual_information_matrix
from mattomo.information.parts import Decomposition, Part, decompose_joint
from mattomo.information.relations import deterministic_pairs, relations
from mattomo.information.scores import Scored, score, score_all
from mattomo.information.screen import residual_information
from mattomo.information.symmetry import symmetry_residuals

__all__ = [
    "CHANGES",
    "CRITERIA",
    "Analysis",
    "Criterion",
    "Decomposition",
    "Part",
    "Scored",
    "agreement",
    "analyse",
    "benjamini_hochberg",
    "broja",
    "calibrated_cross_entropy",
    "calibration",
    "cap",
    "categorical_bits",
    "cells",
    "chance_all_below",
    "clustered",
    "compatible",
    "contrasts",
    "decompose",
    "decompose_columns",
    "decompose_joint",
    "decompose_nested",
    "decompositions",
    "density_bits",
    "deterministic_pairs",
    "frequency",
    "gain_curves",
    "gains",
    "identification",
    "identity",
    "laplace_bits",
    "mae_changes",
    "mutual_information",
    "mutual_information_matrix",
    "nadeau_bengio",
    "paired_contrast",
    "planted_bits",
    "polymorph_floor",
    "relations",
    "residual_information",
    "score",
    "score_all",
    "seed_bits",
    "structure_already_holds",
    "swap_test",
    "symmetry_residuals",
]

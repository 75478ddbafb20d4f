"""What all figures share: journal widths, colours, text sizes, and files that two runs write alike."""

from __future__ import annotations

import io
import os
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mattomo.atomic import write_bytes
from mattomo.errors import InputError
from mattomo.report.numbers import MINUS, brief, printable

Width = Literal["single", "double"]

WIDTHS: dict[str, float] = {"single": 89.0, "double": 183.0}
"""Width of one column and of two columns of a journal, in mm."""

TEXT, SMALL = 7.0, 6.0
"""Sizes of text in points: journals ask for 5 to 7."""

INK, QUIET, PALE, MISSING_COLOUR = "#1d2733", "#5b6875", "#c3cbd3", "#e4e7ea"
CLAIM, CAUTION = "#1f6ea8", "#c98a1b"

PART_COLOURS = {"unique_R": "#9aa7b4", "redundant": "#cfd8e0", "unique_A": CLAIM, "synergy": CAUTION}
PART_NAMES = {
    "unique_R": "only the representation",
    "redundant": "either",
    "unique_A": "only the added property",
    "synergy": "only both together",
}

# Blue: the error falls. White at zero, as bright on one side as on the other, darker outwards.
DIVERGING = LinearSegmentedColormap.from_list(
    "gain",
    ["#12446b", "#2f7fb8", "#8fc0de", "#d5e6f1", "#ffffff", "#fbe0d3", "#f2aa8b", "#d2604d", "#96172c"],
).with_extremes(bad=MISSING_COLOUR)

_MM = 1 / 25.4
_FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {},
}


def figure(width: Width | float = "single", height: float | None = None) -> Figure:
    """An empty figure of a journal's width, whose layout keeps all labels inside.

    Parameters
    ----------
    width : {"single", "double"} or float
        89 or 183 mm, or a width in mm.
    height : float, optional
        In mm; two thirds of the width by default.

    Returns
    -------
    matplotlib Figure
        Free of pyplot's global state; ``figure(...).subplots(1, 2)`` gives axes to draw into.

    Raises
    ------
    InputError
        No such width.

    Examples
    --------
    >>> made = figure("double", 60)
    >>> (25.4 * made.get_size_inches()).round().tolist()
    [183.0, 60.0]
    """
    across = _millimetres(width)
    made = Figure(
        figsize=(across * _MM, (across * 2 / 3 if height is None else height) * _MM), layout="constrained"
    )
    FigureCanvasAgg(made)
    return made


def save(
    drawn: Axes | Figure,
    path: str | os.PathLike[str],
    *,
    formats: Sequence[str] | None = None,
    width: Width | float | None = None,
    height: float | None = None,
    dpi: float = 300,
) -> list[Path]:
    """Write a figure as SVG, PDF or PNG; two runs write the same bytes, without dates.

    Text stays text in SVG and PDF (TrueType fonts are embedded in the PDF).

    Parameters
    ----------
    drawn : matplotlib Axes or Figure
        What any function of this module returned.
    path : path
        ``fig.svg`` writes one file; ``fig`` with ``formats`` writes several. Missing folders are made.
    formats : sequence of {"svg", "pdf", "png"}, optional
        By default that of the path, or all three if it names none.
    width, height : {"single", "double"} or float, optional
        New size in mm, as for `figure`; the height keeps its ratio. Text keeps its size.
    dpi : float
        Of the PNG.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        No such format or width.
    """
    whole = cast(Figure, drawn.get_figure(root=True) if isinstance(drawn, Axes) else drawn)
    path = Path(path)
    suffix = path.suffix.lower().removeprefix(".")
    if formats is None:
        formats = [suffix] if suffix else list(_FORMATS)
    stem = path.with_suffix("") if suffix in formats else path
    unknown = [name for name in formats if name not in _FORMATS]
    if unknown:
        hint = "Known are svg, pdf and png."
        raise InputError("no such format of a figure", file=str(path), value=unknown[0], hint=hint)
    if width is not None or height is not None:
        before = whole.get_size_inches()
        across = before[0] if width is None else _millimetres(width) * _MM
        whole.set_size_inches(across, across * before[1] / before[0] if height is None else height * _MM)
    if whole.get_layout_engine() is None:
        whole.set_layout_engine("constrained")
    engine, written = whole.get_layout_engine(), []
    try:
        for kind in formats:
            written.append(write_bytes(stem.with_name(f"{stem.name}.{kind}"), rendered(whole, kind, dpi)))
            whole.set_layout_engine("none")  # the layout is the same for all
    finally:
        whole.set_layout_engine(engine)
    return written


def rendered(whole: Figure, kind: str, dpi: float) -> bytes:
    """A figure as the content of a file."""
    buffer = io.BytesIO()
    files = mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mattomo", "pdf.fonttype": 42})
    with files, warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes in the PNG and is whole in the SVG.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")
        whole.savefig(buffer, format=kind, dpi=dpi, facecolor="white", **_FORMATS[kind])
    return buffer.getvalue()


def new_axes(width: Width | float, height: float) -> Axes:
    """Axes alone in a new figure, mm."""
    return figure(width, height).add_subplot()


def points(ax: Axes) -> tuple[float, float]:
    """Width and height of the figure that axes are in, in points."""
    width, height = cast(Figure, ax.get_figure(root=True)).get_size_inches() * 72
    return float(width), float(height)


def dressed(
    ax: Axes,
    title: str = "",
    x: str = "",
    y: str = "",
    *,
    note: str = "",
    above: float = 0.0,
    room: float | None = None,
) -> Axes:
    """Thin lines and small text, no frame above and on the right; all text is plain text.

    Title and note stand over the axes, broken into lines as wide as ``room`` points (by default, the axes);
    ``above`` points are left free below them.
    """
    ax.tick_params(labelsize=SMALL, labelcolor=INK, color=QUIET, width=0.5, length=2)
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set(linewidth=0.5, color=QUIET)
    room = ax.get_position().width * points(ax)[0] if room is None else room
    if note:
        lines = _broken(note, room, SMALL)
        style: dict[str, Any] = {"fontsize": SMALL, "color": QUIET, "va": "bottom", "parse_math": False}
        # Out of the layout, which would make room for it beside the axes; the title keeps its room above.
        ax.annotate(
            "\n".join(lines),
            (0.0, 1.0),
            xytext=(0, above + 2),
            xycoords="axes fraction",
            textcoords="offset points",
            in_layout=False,
            annotation_clip=False,
            **style,
        )
        above += 1.45 * SMALL * len(lines)
    if title:
        words = "\n".join(_broken(brief(printable(title), 100), room, TEXT))
        ax.set_title(words, fontsize=TEXT, color=INK, loc="left", pad=above + 4, parse_math=False)
    if x:
        ax.set_xlabel(x, fontsize=TEXT, color=INK, parse_math=False)
    if y:
        ax.set_ylabel(y, fontsize=TEXT, color=INK, parse_math=False)
    return ax


def signed(ax: Axes, which: Literal["x", "y", "both"] = "both") -> None:
    """Ticks as short numbers with the minus of the report."""
    plain = FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", MINUS))
    if which in ("x", "both"):
        ax.xaxis.set_major_formatter(plain)
    if which in ("y", "both"):
        ax.yaxis.set_major_formatter(plain)


def legend(ax: Axes, **options: Any) -> None:
    """The legend in small text without a frame."""
    made = ax.legend(fontsize=SMALL, frameon=False, handlelength=1.4, borderpad=0.2, **options)
    for text in made.get_texts():
        text.set(color=INK, parse_math=False)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as a gap allows, in the same order of values, between two ends.

    >>> spread([1.0, 1.1, 5.0], 1.0, 0.0, 10.0)
    [0.55, 1.55, 5.0]
    """
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    blocks: list[tuple[float, list[int]]] = []  # centre and members of labels that touch
    for k in order:
        members, centre = [k], min(max(wanted[k], low), high)
        while blocks and blocks[-1][0] + gap * (len(blocks[-1][1]) + len(members)) / 2 > centre + 1e-12:
            members = blocks.pop()[1] + members
            half = gap * (len(members) - 1) / 2
            mean = sum(wanted[m] for m in members) / len(members)
            centre = max(min(mean, high - half), low + half)
        blocks.append((centre, members))
    places = [0.0] * len(wanted)
    for centre, members in blocks:
        for rank, k in enumerate(members):
            places[k] = round(centre + gap * (rank - (len(members) - 1) / 2), 9)
    return places


def _millimetres(width: Width | float) -> float:
    if isinstance(width, str):
        if width not in WIDTHS:
            hint = "Give single (89 mm), double (183 mm) or a number of mm."
            raise InputError("no such width of a figure", value=width, hint=hint)
        return WIDTHS[width]
    if not 10 <= width <= 2000:
        raise InputError("a figure is 10 to 2000 mm wide", value=width)
    return float(width)


def _broken(text: str, room: float, size: float) -> list[str]:
    """Lines of text that fit into so many points, by the mean width of a letter."""
    return textwrap.wrap(text, max(int(room / (0.58 * size)), 12))

"""The one kind of error a user meets: it names the file, row, column and value, and says what to do."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, in one sentence without a full stop.
    file, row, column, value : optional
        Where. ``row`` is 1-based and counts data rows (the header is not a row).
    hint : str, optional
        What to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
        hint: str | None = None,
    ) -> None:
        self.problem, self.file, self.row, self.column, self.value, self.hint = (
            problem,
            file,
            row,
            column,
            value,
            hint,
        )
        place = [
            part
            for part in (
                file,
                None if row is None else f"row {row}",
                None if column is None else f"column {column!r}",
                None if value is None else f"value {shorten(value)}",
            )
            if part is not None
        ]
        text = (", ".join(place) + ": " if place else "") + problem + "."
        if hint:
            text += f" {hint}"
        super().__init__(text)


def shorten(value: object, width: int = 80) -> str:
    """``repr`` of a value cut to ``width`` characters, safe to show."""
    text = repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"

"""The names of cells in a camera's spreadsheet, such as A2: :func:`split_cell`."""

from __future__ import annotations

import re
from typing import Final, Literal, cast

from tcpcomm.errors import CodecError

Column = Literal[
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
]  # fmt: skip
"""The column of a cell."""

_CELL: Final = re.compile(r"([A-Za-z])([0-9]+)")
_LAST_ROW: Final = 399


def split_cell(cell: str) -> tuple[Column, int] | None:
    """
    Return the column and the row of a cell such as ``A2`` or ``A002``, or None for a symbolic tag.

    Raises:
        CodecError: it is neither a cell nor the name of a tag.
    """
    found = _CELL.fullmatch(cell) if isinstance(cell, str) else None
    if found is None:
        if not isinstance(cell, str) or not cell or re.search(r"\s", cell):
            raise CodecError(f"cell: {cell!r} is neither a cell such as A2 nor a tag without blanks")
        return None
    if len(found[2]) > 3 or int(found[2]) > _LAST_ROW:
        raise CodecError(f"cell: {cell} does not exist: the cells are A0 to Z{_LAST_ROW}")
    return cast("Column", found[1].upper()), int(found[2])

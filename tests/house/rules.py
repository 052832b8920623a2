"""All rules of the source tree, in one list."""

from typing import Final

from tests.house import files, order, privates
from tests.house.source import Check

__all__ = ["RULES"]

RULES: Final[tuple[Check, ...]] = (
    order.one_way,
    order.wings,
    order.circles,
    order.twisted_below,
    order.global_reactor,
    order.wall_clock,
    files.long_files,
    files.crowded_folders,
    files.hidden_names,
    files.folder_sentences,
    privates.private_use,
    privates.private_imports,
    privates.private_overrides,
)

"""
Tests that one process of pytest-xdist runs, because they share something that takes long to make.

The marks of pytest-xdist for this have no effect with pytest 9.2, so the scheduler knows the files.
"""

from __future__ import annotations

from typing import Any, Final

from xdist.scheduler import LoadScopeScheduling

__all__ = ["Groups", "group_of"]

_GROUPS: Final = {
    "source": ("tests/docs/test_contributing.py", "tests/test_house.py", "tests/test_prose.py"),
    "site": ("tests/docs/test_site.py", "tests/system/test_docs_site.py"),
}
"""Files that share what they read or build: all of ``src``, parsed, and the site of the documentation."""

_ONE_PROCESS_A_FILE: Final = ("tests/interop/", "tests/system/", "tests/equipment/test_typing.py")
"""Files in which the tests share a server, or programs, such as a broker or the type checker."""


def group_of(test: str) -> str:
    """Return the group that a test belongs to by its id. Tests of one group run in one process."""
    for group, files in _GROUPS.items():
        if test.startswith(files):
            return group
    return test.partition("::")[0] if test.startswith(_ONE_PROCESS_A_FILE) else test


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # not all versions have types
    """Gives each group of tests to one process."""

    def _split_scope(self, nodeid: Any) -> str:
        return group_of(nodeid)

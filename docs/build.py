"""
Build the site that ``tcpcomm docs`` opens: ``python docs/build.py`` writes it into ``src/tcpcomm/site``.

It needs the extra ``docs``. With a folder as its argument, it writes the site there. A warning is an error.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
sys.path[:0] = [str(HERE), str(PROJECT / "src")]

from sphinx.cmd.build import main as sphinx  # noqa: E402 - the path comes first

from docsite.smaller import shrink  # noqa: E402 - the path comes first
from docsite.staging import stage  # noqa: E402 - the path comes first


def build(target: Path) -> int:
    """Write the site into a folder, in place of an older one. Return the exit code of Sphinx."""
    if target.exists() and any(target.iterdir()) and not (target / "objects.inv").exists():
        print(f"{target} has files that are no older site: name an empty folder", file=sys.stderr)
        return 1
    with TemporaryDirectory(prefix="tcpcomm-site-") as work:
        source, built = Path(work, "source"), Path(work, "site")
        stage(PROJECT, source)
        options = ["-q", "-n", "-W", "--keep-going", "-b", "html", "-j", str(os.cpu_count() or 1)]
        folders = ["-c", str(HERE), "-d", str(Path(work, "doctrees")), str(source), str(built)]
        code = sphinx([*options, *folders])
        if code == 0:
            shrink(built)
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(built, target)
    return code


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "src/tcpcomm/site"
    code = build(folder)
    if code == 0:
        print(f"the site is in {folder}: open {folder / 'index.html'}")
    sys.exit(code)

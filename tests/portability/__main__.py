"""
Run the tests with other Pythons: ``python -m tests.portability PYTHON… [-- OPTIONS OF PYTEST]``.

Each Python gets a new virtual environment, where tcpcomm is installed with all that its tests need. Without
options the quick tests run. The exit code is 1 if a run failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import ROOT

__all__ = ["run_with"]


def run_with(python: str, options: list[str]) -> bool:
    """Run the tests with a Python; return False if one failed, or if the installation failed."""
    with TemporaryDirectory(prefix="tcpcomm-") as folder:
        own = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
        commands = [
            [python, "-m", "venv", folder],
            [str(own), "-m", "pip", "install", "--quiet", f"{ROOT}[test]"],
            [str(own), "-m", "pytest", "-p", "no:cacheprovider", "-q", *(options or ["-m", "quick"])],
        ]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        return all(subprocess.run(command, cwd=ROOT, env=variables).returncode == 0 for command in commands)


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    pythons, options = arguments[:split], arguments[split + 1 :]
    if not pythons:
        print(__doc__)
        return 2
    outcomes = {}
    for python in pythons:
        print(f"=== {python}", flush=True)
        outcomes[python] = run_with(python, options)
    for python, passed in outcomes.items():
        print(f"{'passed' if passed else 'FAILED'}  {python}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command ``python -m tests.fuzz``: fuzz targets, and keep the inputs that fail or reach new code."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tests.conftest import ROOT
from tests.fuzz.source import Target
from tests.fuzz.targets import CORPUS, CRASHES, TARGETS, fewest, kept
from tests.system.figures import table
from tests.system.programs import child_environment

SECONDS: Final = 60.0
PROCESSES: Final = 2
SEED: Final = 1
"""The seed of the random inputs. It is the same in every run, so that no change fails by chance."""
LONGEST_INPUT: Final = 1024
SLOWEST_INPUT: Final = 20
"""Seconds of real time for one input, from which on it is a failure. A usual one takes milliseconds."""

MOST_MEMORY: Final = 1000
"""MiB for one process of a target."""

SHOWN: Final = 40
"""Lines of a failure's output that are printed."""


@frozen
class Result:
    """The result of one target."""

    name: str
    runs: int
    edges: int
    new: list[Path]
    """The inputs that reach code that the kept ones do not reach."""
    crashes: list[Path]
    output: str
    status: int

    @property
    def is_good(self) -> bool:
        return self.status == 0 and not self.crashes


def fuzz(target: Target, seconds: float, folder: Path, *, seed: int = SEED) -> Result:
    """Fuzz one target in a process of its own, and keep each input that fails in ``crashes``."""
    new, seeds, found = folder / "new", folder / "seeds", folder / "found"
    for each in (new, seeds, found):
        each.mkdir(parents=True)
    for data in target.seeds():
        (seeds / _name(data)).write_bytes(data)
    corpora = [new, seeds, *filter(Path.exists, (CORPUS / target.name, CRASHES / target.name))]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.worker", target.name, *map(str, corpora)),
            f"-max_total_time={seconds:.0f}",
            f"-seed={seed}",
            f"-max_len={LONGEST_INPUT}",
            f"-timeout={SLOWEST_INPUT}",
            f"-rss_limit_mb={MOST_MEMORY}",
            f"-artifact_prefix={found}/",
        ],
        cwd=ROOT,
        env={**child_environment(), "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=2 * seconds + 300,
    )
    crashes = []
    for path in sorted(found.iterdir()):
        place = CRASHES / target.name / _name(path.read_bytes())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
        crashes.append(place)
    runs = re.findall(r"^(?:Done |stat::number_of_executed_units: )(\d+)", done.stdout, re.MULTILINE)
    edges = re.findall(r" cov: (\d+)", done.stdout)
    return Result(
        target.name,
        int(runs[-1]) if runs else 0,
        int(edges[-1]) if edges else 0,
        sorted(new.iterdir()),
        crashes,
        done.stdout,
        done.returncode,
    )


def keep(target: Target, result: Result) -> int:
    """Keep the fewest inputs that together reach as much as all known ones. Return their number."""
    candidates = [path.read_bytes() for path in [*kept(CORPUS, target.name), *result.new]]
    folder = CORPUS / target.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chosen = fewest(target, [*target.seeds(), *candidates])
    for data in chosen:
        (folder / _name(data)).write_bytes(data)
    return len(chosen)


def _name(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    about = "\n".join(f"  {target.name:10} {target.about}" for target in TARGETS.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Fuzz all that reads bytes from a peer, with atheris.",
        epilog=f"targets:\n{about}\n\nan input that fails is kept in tests/fuzz/crashes/TARGET",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="what to fuzz (default: all)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each (default: %(default)g)")
    parser.add_argument("--seed", type=int, default=SEED, help="0: by chance (default: %(default)s)")
    parser.add_argument(
        "--processes", type=int, default=PROCESSES, help="targets at once (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep inputs that reach new code, in corpus")
    arguments = parser.parse_args(given)
    unknown = [name for name in arguments.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    return arguments


def main(given: Sequence[str] | None = None) -> None:
    """Fuzz, print a table, and exit with 1 if an input failed."""
    arguments = _arguments(given)
    if find_spec("atheris") is None:
        sys.exit('there is no atheris: pip install -e ".[fuzz]" (for Linux on x86-64)')
    targets = [TARGETS[name] for name in arguments.targets or TARGETS]
    with TemporaryDirectory(prefix="tcpcomm-fuzz-") as folder:
        with ThreadPoolExecutor(arguments.processes) as pool:
            results = [
                *pool.map(
                    lambda each: fuzz(
                        each, arguments.seconds, Path(folder, each.name), seed=arguments.seed
                    ),
                    targets,
                )
            ]
        for target, result in zip(targets, results, strict=True):
            if arguments.keep:
                print(f"{target.name}: {keep(target, result)} inputs are kept", file=sys.stderr)
    head = ["target", "inputs run", "a second", "edges of code", "inputs that failed"]
    rows = [
        [
            each.name,
            f"{each.runs:,}",
            f"{each.runs / arguments.seconds:,.0f}",
            str(each.edges),
            str(len(each.crashes)) if each.is_good or each.crashes else "**it did not run**",
        ]
        for each in results
    ]
    print(table(head, rows), end="")
    for result in results:
        if not result.is_good:
            output = [line for line in result.output.splitlines() if not re.match(r"#\d+\t|INFO:", line)]
            print(f"\n{result.name} failed:", *output[-SHOWN:], *map(_advice, result.crashes), sep="\n")
    sys.exit(0 if all(each.is_good for each in results) else 1)


def _advice(crash: Path) -> str:
    return (
        f"the input is kept as {crash.relative_to(ROOT)}: pytest tests/fuzz runs it again; "
        "commit it with the repair"
    )


if __name__ == "__main__":
    main()

"""Tests that share something run in one process of pytest-xdist."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT
from tests.scheduling import group_of
from tests.system.programs import child_environment


def test_tests_that_share_something_are_one_group() -> None:
    assert "site" == group_of("tests/docs/test_site.py::test_it_is_small")
    assert "site" == group_of("tests/system/test_docs_site.py::test_a_word_is_found[english]")
    assert "source" == group_of("tests/test_prose.py::test_each_habit_is_counted")
    assert "tests/system/test_tls.py" == group_of("tests/system/test_tls.py::TestTls::test_a[x::y]")
    assert "tests/test_lazy.py::test_a" == group_of("tests/test_lazy.py::test_a")


def test_a_run_in_several_processes_keeps_the_groups() -> None:
    files = ["tests/interop/test_binary_headers.py", "tests/docs/test_words.py"]
    options = ["-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=ROOT,
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    ).stdout

    processes = {file: {*re.findall(rf"\[(gw\d)\].*{re.escape(file)}", told)} for file in files}
    assert 1 == len(processes[files[0]]), told

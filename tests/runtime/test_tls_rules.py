"""The files of TLS and keys: their modes, and the dates of certificates."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.psk import read_keys
from tcpcomm.runtime.tls_rules import check_secret_file, date_problem, name_problem, warn_of_dates
from tests.certificates import Authority
from tests.conftest import needs_module, skip
from tests.session.stage import recorded_log


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    if sys.platform == "win32":
        skip("Windows has no modes of files")
    path = tmp_path / "camera.keys"
    path.write_text(f"robot-1 {bytes(range(32)).hex()}\n")
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_a_private_file_is_good(mode: int, secret: Path) -> None:
    secret.chmod(mode)
    with recorded_log() as logged:
        check_secret_file(secret)
        assert [] == logged.lines()


def test_a_file_that_all_can_read_is_told_with_what_to_type(secret: Path) -> None:
    secret.chmod(0o644)
    with recorded_log() as logged:
        read_keys(secret, "camera-1")
        assert [f"every user of this machine can read {secret}: type chmod 600 {secret}"] == logged.lines()


def test_a_file_that_all_can_change_is_refused(secret: Path) -> None:
    secret.chmod(0o666)
    with pytest.raises(ConfigurationError) as refusal:
        read_keys(secret, "camera-1")
    problem = f"every user of this machine can change {secret}: type chmod 600 {secret}"
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("begins", "ends", "problem"),
    [
        (-10, 30, None),
        (-10, 13.5, "expires in 13 days, on "),
        (-10, -1, "expired on "),
        (1, 30, "is not valid before "),
    ],
)
def test_the_dates_of_a_certificate_are_told(
    begins: float, ends: float, problem: str | None, tmp_path: Path
) -> None:
    needs_module("cryptography", "pip install tcpcomm[tls]")
    path = str(Authority(tmp_path).issue(begins=begins, ends=ends).certificate)
    with recorded_log() as logged:
        warn_of_dates(path)
        lines = logged.lines()
    if problem is None:
        assert [] == lines
    else:
        assert lines[0].startswith(f"the certificate in {path} {problem}")
    later = datetime.now(UTC) + timedelta(days=40)
    assert str(date_problem(path, later)).startswith("expired on ")


def test_a_file_without_a_certificate_has_no_dates(secret: Path) -> None:
    assert date_problem(str(secret), datetime.now(UTC)) is None


def test_one_of_the_names_must_be_allowed() -> None:
    assert name_problem(["robot-1", "cell-7"], ["cell-7", "x"]) is None
    text = "the peer's certificate is for {}, which is not among the allowed names"
    assert text.format("robot-1, cell-7") == name_problem(["robot-1", "cell-7", "robot-1"], ["x"])
    assert text.format("nobody") == name_problem([], ["x"])

"""Who may see and change what: the table of all cases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError
from tcpcomm.tools.monitor.access import MOST_WRONG_TOKENS, SHORTEST_TOKEN, Access, Denied

TOKEN = "a-token-of-some-length"


def access(interface: str = "127.0.0.1", **options: object) -> tuple[Access, Clock]:
    clock = Clock()
    return Access(interface, clock.seconds, token=TOKEN, **options), clock  # type: ignore[arg-type]


def status(check: Callable[[], object]) -> int:
    """Return 200, or the status of the refusal."""
    try:
        check()
    except Denied as denied:
        return denied.status if denied.text else 0
    return 200


@pytest.mark.parametrize(
    ("interface", "host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1:8080", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "localhost:9090", 200),
        ("127.0.0.1", "LOCALHOST:8080", 200),
        ("127.0.0.1", "[::1]:8080", 200),
        ("127.0.0.1", "line3.local:8080", 200),
        ("127.0.0.1", "attacker.example:8080", 403),
        ("127.0.0.1", "127.0.0.1.attacker.example", 403),
        ("127.0.0.1", "localhost.attacker.example", 403),
        ("127.0.0.1", "10.0.0.5:8080", 403),
        ("127.0.0.1", "", 403),
        ("127.0.0.1", None, 403),
        ("127.0.0.1", "localhost:8080 x", 403),
        ("127.0.0.1", "user@localhost", 403),
        ("10.0.0.5", "10.0.0.5:8080", 200),
        ("10.0.0.5", "10.0.0.6:8080", 403),
        ("0.0.0.0", "10.0.0.6:8080", 200),
        ("0.0.0.0", "attacker.example:8080", 403),
        ("::", "[fe80::1]:8080", 200),
    ],
)
def test_the_host_must_be_ours(interface: str, host: str | None, expected: int) -> None:
    checked, _ = access(interface, names=["line3.local"])
    assert expected == status(lambda: checked.check_host(host))


@pytest.mark.parametrize(
    ("origin", "fetched_by", "expected"),
    [
        (None, None, 200),
        (None, "none", 200),
        ("http://localhost:8080", "same-origin", 200),
        ("http://localhost:9090", None, 403),
        ("http://attacker.example", None, 403),
        ("null", None, 403),
        (None, "cross-site", 403),
        (None, "same-site", 403),
        ("http://localhost:8080", "cross-site", 403),
    ],
)
def test_another_site_may_ask_nothing(origin: str | None, fetched_by: str | None, expected: int) -> None:
    checked, _ = access()
    assert expected == status(lambda: checked.check_origin(origin, "localhost:8080", fetched_by))


@pytest.mark.parametrize(
    ("interface", "read_only", "token", "reading", "writing"),
    [
        ("127.0.0.1", False, None, 200, 401),
        ("127.0.0.1", False, "wrong", 200, 401),
        ("127.0.0.1", False, TOKEN, 200, 200),
        ("::1", False, None, 200, 401),
        ("localhost", False, None, 200, 401),
        ("127.0.0.1", True, TOKEN, 200, 403),
        ("0.0.0.0", False, None, 401, 401),
        ("10.0.0.5", False, "", 401, 401),
        ("10.0.0.5", False, TOKEN[:-1], 401, 401),
        ("10.0.0.5", False, "한글", 401, 401),
        ("10.0.0.5", False, TOKEN, 200, 200),
        ("10.0.0.5", True, TOKEN, 200, 403),
    ],
)
def test_the_token_is_needed_to_write_and_from_afar_to_read(
    interface: str, read_only: bool, token: str | None, reading: int, writing: int
) -> None:
    checked, _ = access(interface, read_only=read_only)
    assert (reading, writing) == (
        status(lambda: checked.check_reading(token, "10.0.0.9")),
        status(lambda: checked.check_writing(token, "10.0.0.9")),
    )
    assert (writing == 200) == (checked.why_not_writing(token, "10.0.0.9") == "")


def test_too_many_wrong_tokens_lock_their_address_for_a_minute() -> None:
    checked, clock = access()
    for _ in range(MOST_WRONG_TOKENS):
        assert 401 == status(lambda: checked.check_writing("guess", "10.0.0.9"))
    assert 429 == status(lambda: checked.check_writing("guess", "10.0.0.9"))
    assert 429 == status(lambda: checked.check_writing(TOKEN, "10.0.0.9"))
    assert 200 == status(lambda: checked.check_writing(TOKEN, "10.0.0.8"))
    clock.advance(60)
    assert 200 == status(lambda: checked.check_writing(TOKEN, "10.0.0.9"))


def test_each_start_has_another_long_token() -> None:
    made = {Access("127.0.0.1", Clock().seconds).token for _ in range(3)}
    assert 3 == len(made)
    assert all(len(each) >= 32 for each in made)


@pytest.mark.parametrize(
    "token", ["x" * (SHORTEST_TOKEN - 1), "has a space in it", "토큰" * 8], ids=["short", "space", "Korean"]
)
def test_a_token_that_can_be_guessed_or_not_be_typed_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 16 letters and digits"):
        Access("127.0.0.1", Clock().seconds, token=token)


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'line3:8080' is not the name of a machine"):
        Access("127.0.0.1", Clock().seconds, names=["line3:8080"])

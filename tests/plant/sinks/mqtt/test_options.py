"""The configuration of a sink for MQTT: mistakes are told when it is made."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant import Mqtt
from tcpcomm.plant.sinks.mqtt.reasons import connect_failure, publication_refusal, refusal_text
from tcpcomm.plant.sinks.mqtt.topics import topic_problem


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prefix": "a/#"}, "holds '#'"),
        ({"prefix": "/a"}, "empty level"),
        ({"prefix": "a\0"}, "zero character"),
        ({"prefix": "$SYS"}, "for brokers alone"),
        ({"port": 0}, "1 to 65535"),
        ({"version": "3.1"}, 'must be "5" or "3.1.1"'),
        ({"form": "xml"}, "json or sparkplug"),
        ({"password": "x"}, "password needs username"),
        ({"key_file": "x"}, "needs cert_file"),
        ({"keepalive": 0}, "keepalive"),
        ({"qos": 0}, 'only for form = "sparkplug"'),
        ({"qos": 2}, "1 or 0"),
        ({"form": "sparkplug"}, "group"),
        ({"form": "sparkplug", "group": "a/b"}, "one level"),
        ({"form": "sparkplug", "group": "a", "host_id": "+"}, "host_id"),
        ({"host_id": "mes"}, 'only for form = "sparkplug"'),
        ({"client_id": "x" * 200}, "client_id"),
        ({"host": ""}, "host is empty"),
        ({"batch": 0}, "batch must be above 0"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_a_mistake_says_what_to_write(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mqtt(**options)

    assert words in str(caught.value)


def test_the_port_follows_tls() -> None:
    assert (1883, 8883, 8883, 99) == (
        Mqtt().used_port,
        Mqtt(tls=True).used_port,
        Mqtt(ca_file="ca.pem").used_port,
        Mqtt(port=99, tls=True).used_port,
    )


def test_a_file_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ca_file: .*No such file"):
        Mqtt(ca_file=str(tmp_path / "none.pem")).open("scada", None)
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(ConfigurationError, match="cert_file or key_file"):
        Mqtt(cert_file=str(empty)).tls_context()


def test_a_password_is_not_shown() -> None:
    assert "wrong horse" not in repr(Mqtt(username="gateway", password="wrong horse"))


@pytest.mark.parametrize("topic", ["a", "line-3/camera 1/측정", "a/b"])
def test_usual_topics_are_fine(topic: str) -> None:
    assert "" == topic_problem(topic)


def test_a_topic_has_a_limit_and_no_half_characters() -> None:
    assert "allows 65535" in topic_problem("x" * 70_000)
    assert "half a character" in topic_problem("\ud800")


@pytest.mark.parametrize("code", [*range(0x80, 0xA3), 0xFF])
def test_every_reason_of_a_broker_has_words(code: int) -> None:
    text = refusal_text(code, "line-3", "5", "full")

    assert "broker" in text
    assert "{" not in text
    assert "(the broker says: full)" in text


def test_trouble_of_the_broker_is_no_fault_of_a_message() -> None:
    for code in (0x80, 0x88, 0x89, 0x91, 0x97):
        assert publication_refusal(code, "a/b") is None
    for code in (0x83, 0x87, 0x90, 0x99):
        assert "broker" in (publication_refusal(code, "a/b") or "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "no program listens on plc:1883"),
        (TimeoutError(), "cable, power, address and firewall"),
        (ConnectionResetError(), "closed the connection"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "does not speak TLS"),
        (OSError(101, "Network is unreachable"), "cannot be reached"),
    ],
    ids=["refused", "timeout", "reset", "tls", "unreachable"],
)
def test_every_failure_to_connect_says_what_to_check(error: OSError, words: str) -> None:
    assert words in connect_failure(error, "plc", 1883, True)

"""The options of an OPC UA server: each mistake is told in words, and nobody opens it without security."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tcpcomm import ConfigurationError
from tcpcomm.plant import OpcUaOptions
from tcpcomm.plant.opcua.options import DEFAULT_ENDPOINT
from tcpcomm.plant.opcua.security import certificate_uri, check_files
from tcpcomm.plant.secret import Secret

OPEN = "opc.tcp://0.0.0.0:4840/tcpcomm"
KEYS: dict[str, Any] = {"certificate": "c.pem", "private_key": "k.pem"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"endpoint": "tcp:4840"},
            f"endpoint 'tcp:4840' is not an address of OPC UA: write it as {DEFAULT_ENDPOINT}",
        ),
        (
            {"endpoint": "opc.tcp://127.0.0.1/x"},
            f"endpoint 'opc.tcp://127.0.0.1/x' has no port: write it as {DEFAULT_ENDPOINT}",
        ),
        (
            {"endpoint": "opc.tcp://127.0.0.1:99999/x"},
            "endpoint 'opc.tcp://127.0.0.1:99999/x': Port out of range 0-65535: write it as "
            f"{DEFAULT_ENDPOINT}",
        ),
        (
            {"endpoint": "opc.tcp://me@127.0.0.1:4840/x"},
            "endpoint 'opc.tcp://me@127.0.0.1:4840/x' may have a host, a port and a path only: write it as "
            f"{DEFAULT_ENDPOINT}",
        ),
        (
            {"name": "hall 1"},
            "name 'hall 1': letters, digits, dots, dashes and underscores, at most 64, make a name",
        ),
        ({"severity": 0}, "severity must be a whole number from 1 to 1000, not 0"),
        (
            {"severities": {"alarm": 1001}},
            "severities, alarm must be a whole number from 1 to 1000, not 1001",
        ),
        ({"sessions": 0}, "sessions must be a whole number from 1 to 1000, not 0"),
        ({"calls": True}, "calls must be a whole number from 1 to 1000, not True"),
        (
            {"certificate": "c.pem"},
            "certificate and private_key belong together: private_key is missing",
        ),
        (
            {"trusted": "clients"},
            "trusted checks the certificates of clients: give certificate and private_key, too",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "-".join(each),
)
def test_a_mistake_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpcUaOptions(**options)
    assert told == str(caught.value)


@pytest.mark.parametrize("options", [{}, KEYS, {"users": {"scada": "x"}}], ids=str)
@pytest.mark.parametrize(
    "endpoint", [OPEN, "opc.tcp://10.0.0.5:4840/", "opc.tcp://[::]:4840/", "opc.tcp://gateway:4840/"]
)
def test_no_server_is_open_to_others_without_security(endpoint: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="is open to other machines: give certificate and"):
        OpcUaOptions(endpoint=endpoint, **options)


@pytest.mark.parametrize("options", [{"users": {"scada": "x"}}, {"trusted": "clients"}], ids=str)
def test_a_server_with_certificate_and_clients_that_it_knows_may_be_open(options: dict[str, Any]) -> None:
    assert OpcUaOptions(endpoint=OPEN, **KEYS, **options).is_encrypted


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost"])
def test_loopback_needs_no_security(host: str) -> None:
    options = OpcUaOptions(endpoint=f"opc.tcp://{host}:4840/x")

    assert (False, 4840) == (options.is_encrypted, options.port)


def test_the_severity_of_a_link_comes_before_that_of_its_event() -> None:
    options = OpcUaOptions(severity=100, severities={"alarm": 600, "press-1/alarm": 900})

    found = [options.severity_of(*each) for each in [("a", "b"), ("a", "alarm"), ("press-1", "alarm")]]
    assert [100, 600, 900] == found


def test_passwords_are_not_shown() -> None:
    options = OpcUaOptions(users={"scada": "hunter2"}, private_key_password="hunter2")

    assert "hunter2" not in repr(options)
    assert Secret("hunter2") == options.users["scada"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"users": {"scada": "env:TCPCOMM_NO_SUCH_NAME"}},
            "users, scada: the environment variable TCPCOMM",
        ),
        (KEYS, "the certificate c.pem cannot be read: "),
        ({**KEYS, "certificate": "junk.pem"}, "the certificate junk.pem cannot be read: "),
    ],
    ids=["password", "no certificate", "no certificate in the file"],
)
def test_a_file_that_cannot_be_read_is_told_before_the_start(
    options: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("junk.pem").write_text("-----BEGIN nothing")
    with pytest.raises(ConfigurationError) as caught:
        check_files(OpcUaOptions(**options))
    assert str(caught.value).startswith(told)


def test_a_key_and_a_folder_that_are_missing_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.plant.opcua.certificates import write_certificate

    monkeypatch.chdir(tmp_path)
    write_certificate(tmp_path, "server", "urn:server")
    assert "urn:server" == certificate_uri("server.pem")
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"private_key": "no.pem"}, "there is no file no.pem, which private_key names"),
        ({"private_key": "server.key.pem", "trusted": "no"}, "there is no folder no, which trusted names"),
    ]
    for options, told in mistakes:
        with pytest.raises(ConfigurationError) as caught:
            check_files(OpcUaOptions(certificate="server.pem", **options))
        assert told == str(caught.value)

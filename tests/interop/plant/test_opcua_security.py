"""An OPC UA server that only trusted clients with a password can use, and clients that are none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module
from tests.docs.processes import SECONDS
from tests.interop.plant.test_opcua import Plant
from tests.plant.opcua.certificates import write_certificate

needs_module("asyncua", "pip install tcpcomm[opcua]")

from asyncua import Client, ua  # noqa: E402
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256  # noqa: E402

CLIENT = "urn:test:client"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opcua-security")
    (folder / "trusted").mkdir()
    write_certificate(folder, "server", "urn:test:server")
    for name in ("client", "stranger"):
        write_certificate(folder, name, CLIENT)
    (folder / "trusted" / "client.pem").write_bytes((folder / "client.pem").read_bytes())
    return folder


@pytest.fixture(scope="module")
def plant(folder: Path) -> Iterator[Plant]:
    plant = Plant(
        folder,
        certificate=str(folder / "server.pem"),
        private_key=str(folder / "server.key.pem"),
        trusted=str(folder / "trusted"),
        users={"scada": "hunter2"},
    )
    try:
        yield plant
    finally:
        plant.stop()


async def client_of(plant: Plant, folder: Path, name: str, user: str | None, password: str) -> Client:
    client = Client(plant.endpoint, timeout=SECONDS / 3)
    client.application_uri = CLIENT
    if name:
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=str(folder / f"{name}.pem"),
            private_key=str(folder / f"{name}.key.pem"),
            server_certificate=str(folder / "server.pem"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )
    if user is not None:
        client.set_user(user)
        client.set_password(password)
    return client


def read_name(plant: Plant, folder: Path, name: str, user: str | None, password: str) -> Any:
    """Return the name of the link's object, as a client reads it."""

    async def talk() -> Any:
        async with await client_of(plant, folder, name, user, password) as client:
            return (await client.get_node("ns=2;s=press-1").read_browse_name()).Name

    return asyncio.run(asyncio.wait_for(talk(), SECONDS))


def test_a_trusted_client_with_the_password_of_a_user_is_served(plant: Plant, folder: Path) -> None:
    assert "press-1" == read_name(plant, folder, "client", "scada", "hunter2")


@pytest.mark.parametrize(
    ("name", "user", "password"),
    [
        ("client", "scada", "wrong"),
        ("client", "scada", ""),
        ("client", "other", "hunter2"),
        ("client", "admin", ""),
        ("client", None, ""),
        ("stranger", "scada", "hunter2"),
        ("", "scada", "hunter2"),
        ("", None, ""),
    ],
    ids=[
        "wrong password",
        "no password",
        "unknown user",
        "built-in user",
        "no user",
        "unknown certificate",
        "not encrypted",
        "neither",
    ],
)
def test_others_are_refused(plant: Plant, folder: Path, name: str, user: str | None, password: str) -> None:
    with pytest.raises((ua.UaError, ConnectionError, TimeoutError)):
        read_name(plant, folder, name, user, password)


def test_a_stranger_cannot_show_the_certificate_of_another(plant: Plant, folder: Path) -> None:
    async def talk() -> None:
        client = await client_of(plant, folder, "stranger", "scada", "hunter2")
        create = client.uaclient.create_session

        async def create_without_certificate(parameters: Any) -> Any:
            parameters.ClientCertificate = None
            return await create(parameters)

        client.uaclient.create_session = create_without_certificate
        async with client:
            pass

    with pytest.raises(ua.UaError, match="BadUserAccessDenied"):
        asyncio.run(asyncio.wait_for(talk(), SECONDS))

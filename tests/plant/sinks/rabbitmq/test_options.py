"""The configuration of a RabbitMQ sink: what it takes, and how it words each mistake."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from twisted.internet.task import Clock

from tcpcomm import ConfigurationError
from tcpcomm.plant import OutboxMessage, RabbitMq
from tcpcomm.plant.sinks.rabbitmq.address import BrokerAddress


def message(topic: str, source: str) -> OutboxMessage:
    return OutboxMessage(id="a-1", number=1, topic=topic, source=source, body=b"", posted_at=0.0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("amqp://10.0.0.5", BrokerAddress(host="10.0.0.5", port=5672)),
        ("amqp://mes@broker:5673/", BrokerAddress(host="broker", port=5673, user="mes")),
        (
            "amqps://a%40b:c%2fd@broker/plant%2f1",
            BrokerAddress(
                host="broker", port=5671, user="a@b", password="c/d", virtual_host="plant/1", is_secure=True
            ),
        ),
        ("amqp://[::1]/x", BrokerAddress(host="::1", port=5672, virtual_host="x")),
    ],
    ids=["short", "user", "all", "IPv6"],
)
def test_a_url_names_a_broker(url: str, expected: BrokerAddress) -> None:
    found = BrokerAddress.of(url)
    assert expected == found
    assert "c/d" not in repr(found)


def test_an_address_makes_an_endpoint() -> None:
    plain = BrokerAddress.of("amqp://[::1]").endpoint(5.0, None, None, None)
    assert r"tcp:\:\:1:5672:timeout=5" == plain
    secure = BrokerAddress.of("amqps://broker").endpoint(2.5, "c:ca.pem", "own.pem", "own.key")
    assert (
        r"tls:broker:5671:timeout=2.5:caCerts=c\:ca.pem:clientCert=own.pem:privateKey=own.key" == secure
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"urls": []}, "urls must name 1 to 16 brokers, not 0"),
        ({"urls": "broker:5672"}, "must begin with amqp:// or amqps://"),
        ({"urls": "http://broker"}, "must begin with amqp:// or amqps://"),
        ({"urls": "amqp://"}, "names no host"),
        ({"urls": "amqp://broker:port"}, "is not a url"),
        ({"urls": "amqp://broker:99999"}, "is not a url"),
        ({"urls": "amqp://broker/a/b"}, "write each slash in the name of a virtual host as %2f"),
        ({"urls": "amqp://broker/?heartbeat=5"}, "must end after the virtual host"),
        ({"urls": "amqp://mes@broker"}, "the user mes of broker:5672 has no password"),
        ({"queue": ""}, "queue must have 1 to 255 bytes"),
        ({"queue": "amq.x"}, "queue must not begin with amq."),
        ({"commands_queue": "x" * 256}, "commands_queue must have 1 to 255 bytes"),
        ({"exchange": "x" * 256}, "exchange must have at most 255 bytes"),
        ({"routing_key": "{topic"}, "is not a template"),
        ({"routing_key": "{link}"}, "has the field {link}: only {topic} and {source} exist"),
        ({"routing_key": "{topic.upper}"}, "has the field {topic.upper}"),
        ({"max_length": 0}, "max_length must be a number from 1"),
        ({"heartbeat": 1}, "heartbeat must be a number from 2"),
        ({"heartbeat": float("inf")}, "heartbeat must be a number from 2"),
        ({"confirm_timeout": 0}, "confirm_timeout must be a number from 0.1"),
        ({"patience": float("nan")}, "patience must be above 0"),
        ({"ca": "ca.pem"}, "ca and certificate are for TLS: write amqps:// in urls"),
        ({"certificate": "own.pem"}, "certificate and private_key go together"),
    ],
    ids=str,
)
def test_each_mistake_is_told_in_words(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        RabbitMq(**{"urls": "amqp://broker", **more})
    assert words in str(raised.value)


def test_an_error_about_a_url_does_not_repeat_its_password() -> None:
    with pytest.raises(ConfigurationError) as raised:
        RabbitMq(urls="amqp://mes:secret@broker:port")
    assert "'amqp://mes@broker:port' is not a url" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_the_text_of_a_sink_does_not_show_the_password_of_a_url() -> None:
    shown = repr(RabbitMq(urls=["amqp://mes:pa:ss@broker/", "amqp://10.0.0.5"]))

    assert "urls=('amqp://mes@broker/', 'amqp://10.0.0.5')" in shown


def test_a_routing_key_has_dots_in_place_of_slashes() -> None:
    plain = RabbitMq(urls="amqp://broker")
    assert ("", "tcpcomm") == plain.destination(message("a/b", "c"))
    routed = RabbitMq(urls="amqp://broker", exchange="mes", routing_key="plant.{source}.{topic}")
    assert ("mes", "plant.line.1.a.b") == routed.destination(message("a/b", "line/1"))


def test_the_password_of_the_sink_goes_before_that_of_a_url() -> None:
    address = BrokerAddress.of("amqp://mes:old@broker")
    assert "old" == RabbitMq(urls="amqp://mes:old@broker").password_for(address)
    assert "new" == RabbitMq(urls="amqp://mes:old@broker", password="new").password_for(address)
    assert "guest" == RabbitMq(urls="amqp://broker").password_for(BrokerAddress.of("amqp://broker"))


def test_a_sink_without_its_package_or_password_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MES_PASSWORD", raising=False)
    with pytest.raises(ConfigurationError, match="MES_PASSWORD holds no password"):
        RabbitMq(urls="amqp://mes@broker", password="env:MES_PASSWORD").open("mes", Clock())
    monkeypatch.setitem(sys.modules, "pika", None)
    with pytest.raises(ConfigurationError, match=r'RabbitMQ needs pika: pip install "tcpcomm\[rabbitmq\]"'):
        RabbitMq(urls="amqp://broker").open("mes", Clock())

"""The sink for brokers of MQTT: :class:`Mqtt`."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from tcpcomm._lazy import check_package
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.sink import SinkConnection
from tcpcomm.plant.sinks.mqtt.options import SPARKPLUG, MqttOptions


@frozen(kw_only=True)
class Mqtt(MqttOptions):
    """
    A broker of MQTT 5 or 3.1.1, such as Mosquitto, EMQX, HiveMQ, or RabbitMQ with its plugin.

    In the form ``json``, each message goes to ``<prefix>/<topic>``, its body unchanged. In the form
    ``sparkplug``, the gateway is a node of Sparkplug B, and each link is a device.

    Raises:
        ConfigurationError: a value is wrong, or two do not fit together.
    """

    def open(self, name: str, reactor: Any) -> SinkConnection:
        _check_packages(self.form)
        from tcpcomm.plant.sinks.mqtt.connection import MqttConnection  # noqa: PLC0415 - needs paho
        from tcpcomm.plant.sinks.mqtt.plain import PlainForm  # noqa: PLC0415

        self.tls_context()  # a file that cannot be used is told now
        if self.form == SPARKPLUG:
            from tcpcomm.plant.sinks.mqtt.sparkplug.form import SparkplugForm  # noqa: PLC0415 - needs protobuf

            return MqttConnection(self, name, reactor, SparkplugForm(self, name, reactor))
        return MqttConnection(self, name, reactor, PlainForm(self, name, reactor))


def _check_packages(form: str) -> None:
    try:
        check_package("paho.mqtt", "paho-mqtt")
        if form == SPARKPLUG:
            check_package("google.protobuf", "protobuf")
    except ImportError as error:
        raise ConfigurationError(
            f'the sink mqtt needs: pip install "tcpcomm[mqtt]" ({error})'
        ) from None

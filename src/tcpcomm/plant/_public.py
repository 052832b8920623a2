"""
The public names of :mod:`tcpcomm.plant`, and the module that defines each.

Type checkers and editors read the imports. At run time :mod:`tcpcomm._lazy` reads the table.
"""

# ruff: noqa: I001, PLC0414 - an alias says that a name is public, and one line for each would be long

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tcpcomm.plant.errors import (
        CommandRefused as CommandRefused,
        NotTheOwner as NotTheOwner,
        OutboxRefused as OutboxRefused,
        SinkUnavailable as SinkUnavailable,
    )
    from tcpcomm.plant.gateway.configuration.mistakes import (
        Mistake as Mistake,
        PlantMistakes as PlantMistakes,
    )
    from tcpcomm.plant.gateway.configuration.plant_file import read_plant as read_plant
    from tcpcomm.plant.gateway.configuration.settings import (
        DefaultSettings as DefaultSettings,
        GatewaySettings as GatewaySettings,
        LinkSettings as LinkSettings,
        OutboxSettings as OutboxSettings,
        PlantSettings as PlantSettings,
        PolicySettings as PolicySettings,
        PollSettings as PollSettings,
    )
    from tcpcomm.plant.gateway.gateway import Gateway as Gateway
    from tcpcomm.plant.gateway.ownership import Ownership as Ownership
    from tcpcomm.plant.message import OutboxMessage as OutboxMessage
    from tcpcomm.plant.metrics.health_checks import Health as Health
    from tcpcomm.plant.metrics.watcher import Metrics as Metrics
    from tcpcomm.plant.metrics.web_service import MetricsService as MetricsService
    from tcpcomm.plant.opcua.options import OpcUaOptions as OpcUaOptions
    from tcpcomm.plant.opcua.service import OpcUaServer as OpcUaServer
    from tcpcomm.plant.outbox.blocking import BlockingOutbox as BlockingOutbox
    from tcpcomm.plant.outbox.deduplicator import Deduplicator as Deduplicator
    from tcpcomm.plant.outbox.figures import OutboxFigures as OutboxFigures, SinkFigures as SinkFigures
    from tcpcomm.plant.outbox.outbox import Outbox as Outbox
    from tcpcomm.plant.report import Report as Report
    from tcpcomm.plant.secret import Secret as Secret
    from tcpcomm.plant.sink import Sink as Sink, SinkConnection as SinkConnection
    from tcpcomm.plant.sinks.files import Files as Files
    from tcpcomm.plant.sinks.mqtt.configuration import Mqtt as Mqtt
    from tcpcomm.plant.sinks.postgres import Postgres as Postgres
    from tcpcomm.plant.sinks.rabbitmq.configuration import RabbitMq as RabbitMq
    from tcpcomm.plant.sinks.rabbitmq.ownership import RabbitOwnership as RabbitOwnership
    from tcpcomm.plant.sinks.sqlite import Sqlite as Sqlite
    from tcpcomm.plant.values import ValueDescription as ValueDescription, values_of as values_of

DEFINED_IN: Final = {
    "tcpcomm.plant.errors": ["CommandRefused", "NotTheOwner", "OutboxRefused", "SinkUnavailable"],
    "tcpcomm.plant.gateway.configuration.mistakes": ["Mistake", "PlantMistakes"],
    "tcpcomm.plant.gateway.configuration.plant_file": ["read_plant"],
    "tcpcomm.plant.gateway.configuration.settings": [
        "DefaultSettings",
        "GatewaySettings",
        "LinkSettings",
        "OutboxSettings",
        "PlantSettings",
        "PolicySettings",
        "PollSettings",
    ],
    "tcpcomm.plant.gateway.gateway": ["Gateway"],
    "tcpcomm.plant.gateway.ownership": ["Ownership"],
    "tcpcomm.plant.message": ["OutboxMessage"],
    "tcpcomm.plant.metrics.health_checks": ["Health"],
    "tcpcomm.plant.metrics.watcher": ["Metrics"],
    "tcpcomm.plant.metrics.web_service": ["MetricsService"],
    "tcpcomm.plant.opcua.options": ["OpcUaOptions"],
    "tcpcomm.plant.opcua.service": ["OpcUaServer"],
    "tcpcomm.plant.outbox.blocking": ["BlockingOutbox"],
    "tcpcomm.plant.outbox.deduplicator": ["Deduplicator"],
    "tcpcomm.plant.outbox.figures": ["OutboxFigures", "SinkFigures"],
    "tcpcomm.plant.outbox.outbox": ["Outbox"],
    "tcpcomm.plant.report": ["Report"],
    "tcpcomm.plant.secret": ["Secret"],
    "tcpcomm.plant.sink": ["Sink", "SinkConnection"],
    "tcpcomm.plant.sinks.files": ["Files"],
    "tcpcomm.plant.sinks.mqtt.configuration": ["Mqtt"],
    "tcpcomm.plant.sinks.postgres": ["Postgres"],
    "tcpcomm.plant.sinks.rabbitmq.configuration": ["RabbitMq"],
    "tcpcomm.plant.sinks.rabbitmq.ownership": ["RabbitOwnership"],
    "tcpcomm.plant.sinks.sqlite": ["Sqlite"],
    "tcpcomm.plant.values": ["ValueDescription", "values_of"],
}

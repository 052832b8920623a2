"""The rules of a Sparkplug node, held by a host that reads all that it sends."""

from __future__ import annotations

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm.plant.sinks.mqtt.sparkplug.node import Definition, Node, Sample, SparkplugMessage
from tcpcomm.plant.sinks.mqtt.sparkplug.payload import DataType, Metric, Payload, decode, encode
from tests.conftest import needs_module

needs_module("google.protobuf", "pip install tcpcomm[mqtt]")

DEVICES = ("camera-1", "camera-2")
NAMES = ("x", "y", "commands/locate")


@define
class Host:
    """A host that notes what breaks the rules of the standard."""

    seq: int | None = None
    bd_seq: int | None = None
    aliases: dict[int, tuple[str, str]] = field(factory=dict)
    born: set[str] = field(factory=set)
    values: dict[tuple[str, str], object] = field(factory=dict)

    def hear(self, message: SparkplugMessage) -> None:
        namespace, group, kind, node, *rest = message.topic.split("/")
        assert ("spBv1.0", "hall-2", "line-3") == (namespace, group, node)
        device = rest[0] if rest else ""
        payload = decode(message.payload)
        assert payload.timestamp is not None
        if kind == "NDEATH":
            (bd_seq,) = payload.metrics
            assert payload.seq is None
            assert ("bdSeq", self.bd_seq) == (bd_seq.name, bd_seq.value), "the will fits the birth"
            self.born.clear()
            return
        if kind == "NBIRTH":
            assert 0 == payload.seq
            self.aliases.clear()
            self.born = {""}
            self.bd_seq = next(each.value for each in payload.metrics if each.name == "bdSeq")  # type: ignore[assignment]
            assert any(each.name == "Node Control/Rebirth" for each in payload.metrics)
        else:
            assert self.seq is not None
            assert (self.seq + 1) % 256 == payload.seq, "no number is missing"
        self.seq = payload.seq
        if kind == "DBIRTH":
            assert "" in self.born
            self.born.add(device)
        assert device in self.born, f"{kind} outside of a life"
        if kind == "DDEATH":
            self.born.remove(device)
        for each in payload.metrics:
            self.take(kind, device, each)

    def take(self, kind: str, device: str, metric: Metric) -> None:
        assert metric.timestamp is not None
        name = metric.name
        if kind.endswith("BIRTH"):
            assert metric.datatype is not None
            if metric.alias is not None:
                assert metric.alias not in self.aliases or (device, name) == self.aliases[metric.alias]
                self.aliases[metric.alias] = device, name
        else:
            assert not name, "data has the alias alone"
            assert metric.alias is not None
            part, name = self.aliases[metric.alias]
            assert device == part
        self.values[device, name] = metric.value


def node() -> Node:
    definitions = [Definition(name=each, datatype=DataType.INT64) for each in NAMES]
    return Node("hall-2", "line-3", definitions, dict.fromkeys(DEVICES, definitions))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["begin", "birth", "death"]), st.just("")),
        st.tuples(st.sampled_from(["born", "dies"]), st.sampled_from(DEVICES)),
        st.tuples(st.just("data"), st.sampled_from(("", *DEVICES))),
    ),
    max_size=60,
)


@settings(max_examples=50)
@given(STEPS, st.integers(1, 300))
def test_a_host_can_follow_any_life(steps: list[tuple[str, str]], many: int) -> None:
    told, host = node(), Host()
    told.begin()
    host.hear(told.birth(1))
    for now, (step, device) in enumerate(steps, 2):
        if step == "begin":
            told.begin()
            host.hear(told.birth(now))
        elif step == "birth" and told.is_born:
            host.hear(told.birth(now))
        elif step == "death" and told.is_born:
            host.hear(told.death(now))
            told.begin()
            host.hear(told.birth(now))
        elif step == "born":
            host.hear(told.device_birth(device, now))
        elif step == "dies" and told.is_device_born(device):
            host.hear(told.device_death(device, now))
        elif step == "data" and (told.is_device_born(device) if device else told.is_born):
            host.hear(told.data(device, {"x": Sample(value=now, timestamp=now)}, now))
            assert now == host.values[device, "x"]
    for each in range(many):
        host.hear(told.data("", {"y": Sample(value=each, timestamp=each)}, each))


def test_each_connection_has_the_next_bd_seq_and_0_follows_255() -> None:
    told = node()
    numbers = []
    for now in range(258):
        told.begin()
        numbers.append(decode(told.death(now).payload).metrics[0].value)

    assert [*range(256), 0, 1] == numbers


def test_a_new_birth_tells_the_last_values_and_no_older_ones() -> None:
    told = node()
    told.begin()
    told.birth(1)
    told.device_birth("camera-1", 2)
    told.data("camera-1", {"x": Sample(value=7, timestamp=100)}, 100)
    told.data("camera-1", {"x": Sample(value=6, timestamp=50, is_historical=True)}, 101)
    told.birth(200)

    birth = decode(told.device_birth("camera-1", 201).payload)
    x, y, _ = birth.metrics
    assert (7, 100) == (x.value, x.timestamp)
    assert (None, 201) == (y.value, y.timestamp)


def test_a_message_that_is_not_sent_leaves_no_gap() -> None:
    told, host = node(), Host()
    told.begin()
    host.hear(told.birth(1))
    told.data("", {"x": Sample(value=1, timestamp=1)}, 1)
    told.take_back()

    host.hear(told.data("", {"x": Sample(value=2, timestamp=2)}, 2))


def values(datatype: DataType) -> st.SearchStrategy[object]:
    """Return values of a data type, null among them."""
    whole = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
    unsigned = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}
    if datatype in whole:
        half = 1 << (whole[datatype] - 1)
        return st.none() | st.integers(-half, half - 1)
    if datatype in unsigned or datatype is DataType.DATETIME:
        return st.none() | st.integers(0, (1 << unsigned.get(datatype, 64)) - 1)
    if datatype in (DataType.FLOAT, DataType.DOUBLE):
        return st.none() | st.floats(width=32, allow_nan=False)
    if datatype is DataType.BOOLEAN:
        return st.none() | st.booleans()
    return st.none() | (st.binary() if datatype is DataType.BYTES else st.text())


@settings(max_examples=50)
@given(st.data())
def test_a_payload_comes_back_as_it_was(data: st.DataObject) -> None:
    metrics = tuple(
        Metric(
            name=data.draw(st.text()),
            alias=data.draw(st.none() | st.integers(0, 2**63)),
            datatype=datatype,
            value=data.draw(values(datatype)),  # type: ignore[arg-type]
            timestamp=data.draw(st.none() | st.integers(0, 2**63)),
            is_historical=data.draw(st.booleans()),
            is_transient=data.draw(st.booleans()),
            properties=data.draw(
                st.dictionaries(
                    st.text(), st.booleans() | st.text() | st.floats(allow_nan=False), max_size=2
                )
            ),
        )
        for datatype in data.draw(st.lists(st.sampled_from(DataType), max_size=2))
    )
    payload = Payload(metrics=metrics, timestamp=5, seq=data.draw(st.none() | st.integers(0, 255)))

    assert payload == decode(encode(payload))


@given(st.binary(max_size=200))
def test_bytes_of_strangers_are_a_payload_or_a_value_error(content: bytes) -> None:
    try:
        found = decode(content)
    except ValueError:
        return
    assert isinstance(found, Payload)

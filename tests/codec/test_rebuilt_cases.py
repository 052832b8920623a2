"""Codecs that are made from the JSON of ``tcpcomm describe`` write the bytes of all conformance cases."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from tcpcomm.codec import Binary, Dialect, Json, JsonRpc, MessageSpec
from tcpcomm.codec.base import Request
from tcpcomm.errors import CodecError
from tests.codec.binary.declarations import RebuiltBinary
from tests.codec.cases import Case, all_cases
from tests.codec.drawn import Rebuilt
from tests.codec.json.declarations import RebuiltJson
from tests.codec.template.rebuilt import RebuiltTemplates
from tests.codec.test_drawn_declarations import ID, answered, frame_of

NOT_WRITTEN = {
    "binary-mixed": "it has two codecs",
    "template-narrow-faults": "the JSON does not tell what stands for a value without room",
    "binary-nanonis": "the foreign codec does not write a status behind the body",
}
CASES = [each for each in all_cases() if each.name not in NOT_WRITTEN]


def rebuilt(case: Case, dialect: Dialect, spec: MessageSpec) -> Rebuilt:
    if isinstance(case.codec, Json | JsonRpc):
        return RebuiltJson(dialect, spec)
    return (RebuiltBinary if isinstance(case.codec, Binary) else RebuiltTemplates)(dialect, spec)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_json_alone_gives_the_same_bytes(case: Case) -> None:
    """It found that a result with a key of ``success`` stands in another place of a JSON reply."""
    dialect, random = case.dialect, Random(1)
    for spec in case.specs:
        foreign = rebuilt(case, dialect, spec)
        for _ in range(5):
            values = dialect.draw_values(spec.name, random)
            assert frame_of(dialect, spec, values) == foreign.request(values, ID)
            if spec.is_event or spec.reply is None:
                continue
            asked = Request(spec.name, values, ID)
            result = dialect.draw_reply(asked, random)
            assert answered(dialect, asked, result) == foreign.reply(values, result, ID)
            for fault in case.faults:
                with suppress(CodecError):  # this command cannot have it
                    frame = dialect.fault(asked, fault)
                    assert foreign.fault(fault, ID) in (None, frame)

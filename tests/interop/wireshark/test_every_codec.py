"""The dissectors read the messages of every codec, in all shapes that its tests have."""

from __future__ import annotations

import re

import pytest

from tests.codec.cases import all_cases
from tests.interop.wireshark.captured import Captured, captured_talk
from tests.interop.wireshark.cases import declaration_of_case
from tests.interop.wireshark.talk import check, whole

CASES = {
    f"z{re.sub('[^a-z0-9]', '', each.name)}": each for each in all_cases() if "msgspec" not in each.name
}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    declarations = {name: declaration_of_case(name, case) for name, case in CASES.items()}
    return captured_talk(tmp_path_factory.mktemp("codecs"), declarations, {"whole": whole}, seeds=2)


@pytest.mark.parametrize("name", CASES)
def test_each_message_is_shown_field_by_field(name: str, captured: Captured) -> None:
    for said, shown in captured[name, "whole"]:
        check(said, shown)

"""The encoding of captured text, and the doubt about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm.tools.guess.answer import Explanation, Guess, Verdict
from tcpcomm.tools.guess.capture import Capture, CapturedChunk
from tcpcomm.tools.guess.draft.declaration import draft_declaration
from tcpcomm.tools.guess.draft.encodings import encoding_of
from tests.tools.guess.draft.reading import drafted, read_part

LINES = Guess(verdict=Verdict.CONFIDENT, best=Explanation(framings=(r"delimited:\r\n", r"delimited:\r\n")))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("START", "ascii"),
        ("촬영 완료", "utf-8"),
        ("촬영,완료", "cp949"),
        ("확인", "cp949"),
        ("부품 없음", "cp949"),
        ("撮影,完了", "cp932"),
        ("異常,停止", "cp932"),
        ("エラー①", "cp932"),
        ("ｱｲｳ", "cp932"),
        ("温度 25℃", "cp932"),
        ("启动,完成", "gbk"),
        ("温度,25", "gbk"),
        ("25℃", "gbk"),
        ("25.1°C", "latin-1"),
        ("Störung Größe", "latin-1"),
        ("±0.5 µm", "latin-1"),
    ],
)
def test_the_encoding_is_told_by_the_characters(text: str, encoding: str) -> None:
    found = encoding_of([b"OK", text.encode(encoding)])
    assert encoding == found.name
    assert bool(found.doubt) == (encoding not in ("ascii", "utf-8"))


def test_other_encodings_that_fit_are_named_with_what_they_read() -> None:
    assert (
        "the encoding is guessed from '확인'; the same bytes are '犬牢' in gbk and 'ﾈｮﾀﾎ' in cp932"
        == encoding_of(["확인".encode("cp949")]).doubt
    )
    assert "the encoding is guessed from '異常'" == encoding_of(["異常,停止".encode("cp932")[:4]]).doubt


def test_a_draft_in_shift_jis_reads_signs_that_only_windows_has(tmp_path: Path) -> None:
    chunks = []
    for number, word in enumerate(["温度センサー①", "アリョク", "正常", "異常停止"] * 6):
        chunks.append(CapturedChunk(0, f"ST{number % 4}\r\n".encode()))
        chunks.append(CapturedChunk(1, f"{word}\r\n".encode("cp932")))
    capture = Capture(chunks)
    draft = draft_declaration(capture, LINES, name="Drafted")
    assert (
        "    # unsure: the encoding is guessed from '温度センサー①'\n    codec = Template(\"cp932\""
        in draft.text
    )
    with drafted(draft, tmp_path) as found:
        assert 1.0 == read_part(found, capture)

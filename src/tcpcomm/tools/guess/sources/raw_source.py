"""A file that holds the bytes of one side, as they passed: :class:`RawSource`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

from tcpcomm.tools.guess.capture import OPENER, Capture
from tcpcomm.tools.guess.sources.source import MOST_SAMPLED, Sample, Source, StreamInfo


class RawSource(Source):
    """Reads one side. Nothing shows where its chunks ended, so the whole file is one chunk."""

    kind = "the bytes of one side"

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.note("the file is read as the bytes of one side: it shows no chunks, times or directions")

    def streams(self) -> list[StreamInfo]:
        return [StreamInfo(number=1, size=self._file.seek(0, os.SEEK_END), chunks=1)]

    def captures(self, streams: Sequence[StreamInfo]) -> list[Capture]:
        (stream,) = streams
        self._file.seek(0)
        sample = Sample()
        sample.add(OPENER, self._file.read(MOST_SAMPLED + 1), None)
        return [
            Capture(tuple(sample.chunks), notes=(*sample.notes(stream.size), *self.notes), is_bare=True)
        ]

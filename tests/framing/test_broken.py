"""Each framing that is broken on purpose is rejected by the law that names its fault."""

from __future__ import annotations

import pytest
from attrs import evolve

from tcpcomm.framing import Framing
from tcpcomm.testing import LAWS, Law, check_framing_laws
from tcpcomm.testing.laws import fault_laws, frame_laws
from tests.framing.broken import lengths, lines

BROKEN: list[tuple[Framing, Law]] = [
    (lines.WholeLines(kind=lines.QuadraticDecoder), fault_laws.linear_time),
    (lines.WholeLines(kind=lines.SlicingDecoder), fault_laws.linear_time),
    (lines.WholeLines(kind=lines.RejectsSplitMaximumDecoder, max_frame=8), frame_laws.chunk_invariance),
    (lines.WholeLines(kind=lines.RepeatsOversizeDecoder, max_frame=8), fault_laws.oversize_once),
    (lines.WholeLines(kind=lines.NeverResynchronisesDecoder, max_frame=8), fault_laws.resynchronisation),
    (lines.WholeLines(kind=lines.LosesMergedDecoder), frame_laws.round_trip),
    (lines.WholeLines(kind=lines.DecodesFromStartDecoder), frame_laws.round_trip),
    (lines.WholeLines(kind=lines.MissesSplitEndDecoder), frame_laws.promptness),
    (lines.WholeLines(kind=lines.LosesFramesBeforeFaultDecoder, max_frame=8), frame_laws.chunk_invariance),
    (lines.WholeLines(kind=lines.RaisesTwiceDecoder, max_frame=8), fault_laws.progress),
    (lines.WholeLines(kind=lines.RaisesForEverDecoder, max_frame=8), fault_laws.progress),
    (lines.WholeLines(kind=lines.HoldsBackDecoder), frame_laws.promptness),
    (lines.WholeLines(kind=lines.DeliversPartsDecoder), frame_laws.prefix_safety),
    (lines.WholeLines(kind=lines.SilentEndDecoder), frame_laws.truncation),
    (lines.WholeLines(kind=lines.KeepsThroughSilenceDecoder), fault_laws.silence),
    (lines.WholeLines(kind=lines.ForgetsTrailingDecoder), frame_laws.handover),
    (lines.WholeLines(kind=lines.TextOfChunkDecoder, max_frame=8), frame_laws.chunk_invariance),
    (lines.WholeLines(kind=lines.HoardsDecoder), fault_laws.bounded_memory),
    (lines.WholeLines(kind=lines.GivesBuffersDecoder), fault_laws.progress),
    (lines.TruncatingLines(max_frame=8), frame_laws.encoder_refusal),
    (lines.CarelessLines(), frame_laws.encoder_refusal),
    (lines.ForgetfulLines(), frame_laws.round_trip),
    (lengths.WholeLengths(kind=lengths.DropsSplitHeaderDecoder), frame_laws.chunk_invariance),
    (lengths.WholeLengths(kind=lengths.LimitsWrongLengthDecoder, max_frame=20), frame_laws.encoder_refusal),
    (lengths.WholeLengths(kind=lengths.LimitsGenerouslyDecoder, max_frame=20), fault_laws.oversize_once),
    (lengths.WholeLengths(kind=lengths.TrustsLengthDecoder), fault_laws.bounded_memory),
    (lengths.WholeLengths(kind=lengths.ForgivesDecoder, max_frame=20), fault_laws.stickiness),
    (lengths.WholeLengths(kind=lengths.CountsFromChunkDecoder, max_frame=20), frame_laws.chunk_invariance),
    (lengths.WholeLengths(kind=lengths.AlwaysTruncatedDecoder), frame_laws.truncation),
    (lengths.WholeLengths(kind=lengths.CrashesDecoder), fault_laws.progress),
    (lengths.EarlyLengths(kind=lengths.DeliversEarlyDecoder), frame_laws.prefix_safety),
    (lengths.PackedLengths(), frame_laws.encoder_refusal),
    (lengths.PaddedLengths(), frame_laws.encoder_refusal),
]


def name(value: object) -> str:
    kind = getattr(value, "kind", value)
    whole = kind in (lines.LineDecoder, lengths.LengthDecoder)
    return str(getattr(type(value) if whole else kind, "__name__", value))


@pytest.mark.parametrize(("framing", "law"), BROKEN, ids=name)
def test_a_broken_framing_is_rejected_by_the_law_it_breaks(framing: Framing, law: Law) -> None:
    with pytest.raises(AssertionError, match=f"the law of {law.__name__.replace('_', ' ')}\n"):
        check_framing_laws(framing, laws=(law,), max_examples=300)


@pytest.mark.parametrize("framing", [lines.WholeLines(), lengths.WholeLengths()], ids=name)
@pytest.mark.parametrize("max_frame", [1, 8, 1000])
def test_the_base_classes_of_the_broken_framings_obey_the_laws(framing: Framing, max_frame: int) -> None:
    check_framing_laws(evolve(framing, max_frame=max_frame), max_examples=20)


def test_every_law_rejects_something() -> None:
    assert set(LAWS) == {law for _, law in BROKEN}

"""Stems on disk for session tests, and the structural lint that real Pro Tools and Media Composer AAFs pass."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import probe
from stemwright.audio.wav import WavWriter
from stemwright.model import AudioFile, Estimate, Marker, MeterChange, Song, Stem, StemSet, TempoChange


def wav(path: Path, frames: int = 4800, channels: int = 1, rate: int = 48000, start: int | None = None) -> AudioFile:
    """A 24-bit file of noise, the same for the same name."""
    noise = np.random.default_rng(len(path.name)).integers(-(1 << 23), 1 << 23, (channels, frames), dtype=np.int32)
    bext = None if start is None else Bext(time_reference=start)
    with WavWriter(path, rate, channels, bext=bext) as writer:
        writer.write(noise)
    return probe(path)


def song(rate: int = 48000, **changes: Any) -> Song:
    facts: dict[str, Any] = {
        "title": "My Söng",
        "artist": 'The "Band"',
        "sample_rate": rate,
        "bpm": Estimate(93.5, 0.93, "measured"),
        "key": Estimate("F# minor", 0.8, "measured"),
        "downbeat_frame": 24577,
        "markers": (Marker(48000, "Verse 🎤", 9600, "#ff8000"), Marker(60000, "Solo")),
    }
    return Song(**(facts | changes))


def band(folder: Path, rate: int = 48000, **changes: Any) -> StemSet:
    """Mono and stereo stems, two with a TimeReference, odd names, a reference mix."""
    hour = 3600 * rate
    stems = (
        Stem(wav(folder / "Vox.wav", 9600, 2, rate), "vocals.lead", "Lead 'Vox' \"A\"", None, "plate, 1/4 delay"),
        Stem(wav(folder / "Kick_ä_🥁.wav", 4800, 1, rate, hour), "drums.kick", "Kick 🥁", gain_db=-3.0),
        Stem(wav(folder / "Snare.wav", 4000, 1, rate, hour + 2401), "drums.snare", "x" * 200),
        Stem(wav(folder / "Bass.wav", 4801, 2, rate), "bass", "Bass"),
    )  # fmt: skip
    return StemSet(song(rate, **changes), stems, Stem(wav(folder / "Mix.wav", 9600, 2, rate), "mix", "FullMix"))


def moving_song(rate: int = 48000) -> Song:
    """Tempo and metre change."""
    return song(
        rate,
        tempo_map=(TempoChange(Fraction(33), 120.25), TempoChange(Fraction(64), 61.7)),
        meter_map=(MeterChange(Fraction(0), 3, 4), MeterChange(Fraction(33), 7, 8)),
    )


def lint_aaf(path: Path) -> list[str]:
    """What is wrong with the structure of an AAF, by the rules that real exports keep."""
    import aaf2

    wrong: list[str] = []
    with aaf2.open(str(path), "r") as aaf:
        mobs = {mob.mob_id: mob for mob in aaf.content.mobs}
        top = [mob for mob in aaf.content.compositionmobs() if mob.usage == "Usage_TopLevel"]
        if len(top) != 1 or not top[0].name:
            return [f"{len(top)} top-level compositions"]
        slots = list(top[0].slots)
        if len({slot.slot_id for slot in slots}) != len(slots):
            wrong.append("slot ids repeat")
        if not any(slot.media_kind == "Timecode" for slot in slots):
            wrong.append("no timecode slot")
        sound = [slot for slot in slots if slot.media_kind == "Sound"]
        for slot in sound:
            if not slot.name or not slot["PhysicalTrackNumber"].value:
                wrong.append(f"slot {slot.slot_id} has no name or number")
            for segment in _walk(slot.segment):
                wrong += _lint_segment(segment, mobs)
        for slot in slots:
            if type(slot).__name__ == "EventMobSlot":
                for event in slot.segment.components:
                    if not set(event["DescribedSlots"].value) <= {slot.slot_id for slot in sound}:
                        wrong.append("a marker describes no slot")
        for mob in aaf.content.sourcemobs():
            wrong += _lint_descriptor(aaf, mob)
    return wrong


def _walk(segment: Any) -> Any:
    yield segment
    for inner in getattr(segment, "components", getattr(segment, "segments", ())):
        yield from _walk(inner)


def _lint_segment(segment: Any, mobs: Any) -> list[str]:
    kind = type(segment).__name__
    if kind == "Sequence" and segment.length != sum(part.length for part in segment.components):
        return ["a sequence is not as long as its parts"]
    if kind == "OperationGroup" and any(part.length != segment.length for part in segment.segments):
        return ["an operation is not as long as its inputs"]
    chain = []
    while kind == "SourceClip" and segment.mob_id.int:
        mob = mobs.get(segment.mob_id)
        if mob is None or segment.slot_id not in {slot.slot_id for slot in mob.slots}:
            return ["a clip refers to nothing"]
        chain.append(type(mob).__name__)
        segment = mob.slot_at(segment.slot_id).segment
    return [] if kind != "SourceClip" or chain == ["MasterMob", "SourceMob", "SourceMob"] else [f"chain {chain}"]


def _lint_descriptor(aaf: Any, mob: Any) -> list[str]:
    descriptor = mob.descriptor
    kind = type(descriptor).__name__
    if kind == "TapeDescriptor":
        return []
    wrong = [] if "ContainerFormat" in descriptor and "SampleRate" in descriptor else [f"{kind} is incomplete"]
    if kind == "PCMDescriptor":
        got = {
            n: descriptor[n].value for n in ("Channels", "QuantizationBits", "BlockAlign", "SequenceOffset", "Locked")
        }
        if got != {"Channels": 1, "QuantizationBits": 24, "BlockAlign": 3, "SequenceOffset": 0, "Locked": False}:
            wrong.append(f"PCM is {got}")
        if len(aaf.content.essencedata[mob.mob_id].open("r").read()) != 3 * descriptor["Length"].value:
            wrong.append("essence and its length differ")
    else:
        summary, url = bytes(descriptor["Summary"].value), descriptor["Locator"].value[0]["URLString"].value
        if summary[:4] != b"RIFF" or b"fmt " not in summary or b"data" not in summary:
            wrong.append("summary is no WAVE header")
        if not url.startswith("file:///") or any(c == " " or ord(c) > 126 for c in url):
            wrong.append(f"URL {url}")
    return wrong

"""Where a delivery's stems come from: a mix is split, or a folder of stems is taken as it is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from stemwright.audio.chunks import Bext
from stemwright.audio.probe import probe, require_whole
from stemwright.audio.stream import blocks, open_audio
from stemwright.audio.take import common_gain
from stemwright.audio.take import take as take_file
from stemwright.audio.wav import WavWriter
from stemwright.errors import InputError
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Ledger
from stemwright.model import AudioFile, Output, Progress, Song, Stem, StemSet
from stemwright.naming import guess_role, label, safe_name
from stemwright.safety import writable
from stemwright.units import db
from stemwright.workflows.steps import Made, Workflow

BITS = 24


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """What a user can ask of a split."""

    model: str = "htdemucs"
    device: str = "auto"
    offline: bool = False
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    two_stems: str | None = None
    sum_exact: bool = True
    preview_s: float | None = None
    """Only the loudest stretch of this many seconds."""


def song_file(path: Path) -> AudioFile:
    """The probed input of a split. Raises InputError and its kin, also when the file lost its end."""
    file = probe(path)
    require_whole(file)
    return file


def split_parts(inputs: Any, song: Song, options: SplitOptions) -> list[Any]:
    """Everything that split stems depend on; the device is left out, because it is no choice about the result."""
    from stemwright.separate.models import card

    chosen = card(options.model)
    weights = [file.sha256 for member in chosen.members for file in member.files]
    asked = [options.only, options.without, options.two_stems, options.sum_exact, options.preview_s]
    return [inputs, song.title, chosen.name, weights, asked]


def is_done(ledger: Ledger, inputs: Any, song: Song, options: SplitOptions) -> bool:
    """Whether an earlier run made these very stems."""
    return ledger.done("stems", manifest.key("stems", split_parts(inputs, song, options))) is not None


def ready(options: SplitOptions) -> Workflow[tuple[Path, ...]]:
    """Make sure that a split can run, before anything is written: packages, device, stems asked for, weights.

    Returns the weights files. Raises MissingExtra, SettingsError, WeightsError.
    """
    from stemwright import separate
    from stemwright.separate import models, weights
    from stemwright.separate.split import selection

    card = models.card(options.model)
    selection(card, options.only, options.without, options.two_stems)
    separate.require()
    separate.choose_device(options.device)
    return (yield from weights.pull(card, offline=options.offline))


def split(file: AudioFile, song: Song, options: SplitOptions, folder: Path) -> Workflow[Made]:
    """Split a mix into `folder`: stems and `Song_FullMix.wav`, 24-bit, at the source's rate and length."""
    from stemwright import separate
    from stemwright.separate import models
    from stemwright.separate.split import MIX, REST, selection
    from stemwright.separate.split import split as split_file

    paths = yield from ready(options)
    card = models.card(options.model)
    keys = selection(card, options.only, options.without, options.two_stems)
    yield Progress("load model", 0, 0)
    loaded = separate.engines()[card.engine].load(card, paths, separate.choose_device(options.device))
    named = {key: _named(key, song.title, folder, REST) for key in (*keys, MIX)}
    form = file.format

    def writer(key: str, path: Path) -> AbstractContextManager[WavWriter]:
        # The source's date, not today's: making a stem again must give the same bytes.
        made = datetime.fromtimestamp(file.path.stat().st_mtime)
        bext = Bext(
            f"{song.title} - {named[key][1]}",
            date=made.strftime("%Y-%m-%d"),
            clock=made.strftime("%H:%M:%S"),
            time_reference=file.start_frame or 0,
        )
        return WavWriter(path, form.sample_rate, form.channels, BITS, bext=bext, channel_mask=form.channel_mask)

    result = yield from split_file(
        file,
        loaded,
        {key: path for key, (path, _, _) in named.items()},
        sum_exact=options.sum_exact,
        bits=BITS,
        make_writer=writer,
    )
    outputs = [Output(named[key][0], "mix" if key == MIX else "stem", named[key][2]) for key, _ in result.files]
    facts = SeparationFacts(
        model=result.model,
        weights_sha256=", ".join(sha for _, sha in result.weights),
        terms=card.terms.text,
        device=result.device,
        versions=result.versions,
        gain_db=result.gain_db,
        residual_dbfs=result.residual_dbfs,
        exact_sum=result.sums,
        resampled=form.sample_rate != card.sample_rate,
        calmed_s=result.calmed_frames / form.sample_rate,
    )
    about = {named[key][0].name: {"name": named[key][1], "gain_db": result.gain_db} for key, _ in result.files}
    warnings = []
    if result.gain_db:
        warnings.append(
            f"all stems and the mix were lowered by {-result.gain_db:.2f} dB, because one would have clipped"
        )
    if facts.calmed_s:
        warnings.append(
            f"for {math.ceil(1000 * facts.calmed_s)} ms the network put out nonsense that cancels in the sum; "
            "see the notes"
        )
    done = []
    if options.preview_s:
        done.append(f"This is a preview: only the loudest {file.frames / form.sample_rate:g} s of the song.")
    elif form.encoding == "lossy":
        done.append(f"The mix came as {form.container.upper()}, a lossy format; a WAV of it would give better stems.")
    return outputs, {"stems": about, "separation": facts, "warnings": warnings, "done": done}


def _named(key: str, title: str, folder: Path, rest: str) -> tuple[Path, str, str]:
    """Path, track name and role of an output of a split."""
    of = guess_role(key.removeprefix(rest))
    if not key.startswith(rest):
        role, name = of, label(of)
    else:
        role, name = ("instrumental", label("instrumental")) if of == "vocals" else ("other", f"No{label(of)}")
    return folder / f"{safe_name(title, 36)}_{name}.wav", name, role


def loudest(file: AudioFile, length_s: float, scratch: Path) -> Workflow[AudioFile]:
    """The loudest stretch of a file, as a 32-bit float WAV of the same name and date in `scratch`."""
    rate = file.format.sample_rate
    powers: list[float] = []
    for second, block in enumerate(blocks(file, rate)):
        powers.append(float(np.square(block, dtype=np.float64).sum()))
        yield Progress("preview", second * rate, file.frames, "frames")
    width = max(1, round(length_s))
    sums = np.convolve(powers, np.ones(min(width, len(powers))), "valid")
    start, count = int(np.argmax(sums)) * rate, min(file.frames, round(length_s * rate))
    start = max(0, min(start, file.frames - count))
    target = scratch / f"{file.path.stem}.wav"
    with open_audio(file) as reader, WavWriter(target, rate, file.format.channels, 32, "float") as out:
        skipped = 0
        while skipped < start:
            skipped += reader.read(min(1 << 18, start - skipped)).shape[1]
        while out.frames < count:
            out.write(reader.read(min(1 << 18, count - out.frames)))
    date = file.path.stat().st_mtime
    os.utime(target, (date, date))
    return replace(probe(target), tags=file.tags)


def take_parts(inputs: Any, stems: StemSet, song: Song) -> list[Any]:
    """Everything that taken stems depend on."""
    return [inputs, song.title, [(stem.file.path.name, stem.name, stem.role) for stem in stems.everything]]


def take(stems: StemSet, song: Song, folder: Path) -> Workflow[Made]:
    """Copy a folder's stems into the delivery under clean names.

    Nothing is done to their samples, unless a lossy one would clip as 24-bit: then all get one common gain.
    """
    _refuse_damaged(stems.everything)
    gain = common_gain(stem.file for stem in stems.everything)
    warnings = [f"all stems were lowered by {-db(gain):.2f} dB, because one would have clipped"] if gain < 1 else []
    outputs: list[Output] = []
    about: dict[str, Any] = {}
    used: set[str] = set()
    done: list[str] = []
    for number, stem in enumerate(stems.everything):
        yield Progress("stems", number, len(stems.everything), "files")
        target = folder / f"{_unused(f'{safe_name(song.title, 24)}_{safe_name(stem.name, 24)}', used)}.wav"
        try:
            how = take_file(stem.file, target, gain)
        except OSError as error:
            raise writable(error, target) from error
        kind = "mix" if stem is stems.mix else "stem"
        outputs.append(Output(target, kind, stem.role))
        lossy = stem.file.format.container if stem.file.format.encoding == "lossy" else ""
        about[target.name] = {"name": stem.name, "gain_db": db(gain), "lossy": lossy}
        if how != "copied byte by byte":
            done.append(f"{stem.file.path.name}: {how}.")
    return outputs, {"stems": about, "separation": None, "warnings": warnings, "done": done}


def _unused(name: str, used: set[str]) -> str:
    candidate, number = name, 1
    while candidate.lower() in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate.lower())
    return candidate


def _refuse_damaged(stems: Iterable[Stem]) -> None:
    for stem in stems:
        require_whole(stem.file)
        if not stem.file.frames:
            raise InputError(f"{stem.file.path}: holds no samples", "export it again, or take it out of the folder")

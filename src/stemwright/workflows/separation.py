"""What a user can ask of a split, which stretch of the song is meant, and what must be there before it can run."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stemwright import serial
from stemwright.audio.probe import probe, require_whole
from stemwright.audio.stream import blocks
from stemwright.audio.wav import WavWriter
from stemwright.errors import DamagedAudio, MissingExtra, StemwrightError, WeightsUnavailable, WrongOption
from stemwright.handover import manifest
from stemwright.handover.manifest import Ledger
from stemwright.model import AudioFile, Progress, Song, Workflow
from stemwright.naming import safe_name

if TYPE_CHECKING:
    from stemwright.separate.engine import Engine
    from stemwright.separate.plan import Plan


_WHERE = ("precision", "device", "offline")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """What a user can ask of a split."""

    preset: str = "4_tracks"
    quality: Literal["draft", "good", "best"] = "good"
    model: str = ""
    """All stems of this model, instead of a preset."""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    two_stems: str | None = None
    residual: Literal["spread", "other", "file", "off"] = "spread"
    """Where what the network leaves over goes: to all stems, to `other`, to a file of its own, or nowhere."""
    selection: tuple[float, float] | None = None
    """Only this stretch, from and to in seconds."""
    preview_s: float | None = None
    """Only the loudest stretch of this many seconds."""
    stereo_mode: Literal["stereo", "mono", "mid_sides", "left_right"] = "stereo"
    bit_depth: Literal["16", "24", "32f"] = "24"
    prompt: str = ""
    spans: tuple[tuple[float, float], ...] = ()
    """Where the prompted sound is heard, in seconds."""
    shifts: int = 1
    overlap: float | None = None
    precision: Literal["auto", "exact", "fast", "bf16"] = "auto"
    device: str = "auto"
    offline: bool = False

    @property
    def kind(self) -> str:
        """What the folder of anything but the usual stems is called after: `_2_tracks_draft`, `_vocals_12.5s-42s`."""
        usual = ("4_tracks", "good", "stereo", "24")
        asked = (self.model or self.preset, self.quality, self.stereo_mode, self.bit_depth)
        words = [word for word, plain in zip(asked, usual, strict=True) if word != plain]
        words += [*self.only, *(f"no_{stem}" for stem in self.without), *([self.two_stems] if self.two_stems else [])]
        return "".join(f"_{safe_name(word, 24)}" for word in words) + self.stretch

    @property
    def asked(self) -> tuple[str, ...]:
        """The options, as they are called on the command line, that are not as usual; where it runs is none of them."""
        changed = [f.name for f in fields(self) if f.default != getattr(self, f.name)]
        names = [name.removesuffix("_s").replace("_", "-") for name in changed if name not in _WHERE]
        return tuple(f"--{name}" for name in names if not (self.model and name == "preset"))

    @property
    def stretch(self) -> str:
        """What the folder of a part of a song is called after."""
        if self.selection:
            return f"_{self.selection[0]:g}s-{self.selection[1]:g}s"
        return "_Preview" if self.preview_s else ""


def song_file(path: Path) -> AudioFile:
    """The probed input of a split. Raises InputError and its kin, also when the file lost its end or is empty."""
    file = probe(path)
    require_whole(file)
    if not file.frames:
        raise DamagedAudio(f"{path}: holds no audio", "export it again")
    return file


def plan_of(options: SplitOptions) -> Plan:
    """What is to be run. Raises SettingsError for what no preset or model has."""
    from stemwright.separate import plan as plans

    plan = plans.of_model(options.model) if options.model else plans.choose(options.preset, options.quality)
    plan = replace(plan, prompt=options.prompt or plan.prompt)
    prompted = any(card.prompted for card in plan.cards)
    if prompted and not (plan.prompt or options.spans):
        raise WrongOption("this model listens for what you describe", "say it: --prompt 'acoustic guitar'")
    if (options.prompt or options.spans) and not prompted:
        raise WrongOption("this model takes no prompt and no spans", "use them with --preset custom")
    plan = plans.narrow(plan, options.only, options.without, options.two_stems)
    return plans.with_residual(plan, options.residual) if options.residual in ("other", "file") else plan


def parts(inputs: Any, song: Song, options: SplitOptions) -> list[Any]:
    """Everything that split stems and their tags depend on; the device is no choice about the result."""
    plan = plan_of(options)
    words = ("title", "terms", "metrics", "memory_gb")  # of a card, that change no sample
    cards = [{k: v for k, v in serial.plain(card).items() if k not in words} for card in plan.cards]
    asked = serial.plain(options)
    how = ("selection", "preview_s", "stereo_mode", "bit_depth", "spans", "shifts", "overlap", "precision")
    about = [song.title, song.artist, song.bpm, song.key]
    return [inputs, about, plan, cards, options.residual == "off", [asked[name] for name in how]]


def is_done(ledger: Ledger, inputs: Any, song: Song, options: SplitOptions) -> bool:
    """Whether an earlier run made these very stems."""
    return ledger.done("stems", manifest.key("stems", parts(inputs, song, options))) is not None


def ready(options: SplitOptions) -> Workflow[dict[str, Engine]]:
    """Make sure that a split can run, before anything is written: packages, device, stems asked for, weights.

    Returns the plan's networks in memory, where they stay from song to song. Raises MissingExtra, SettingsError,
    WeightsError; what can be had instead is named, never taken.
    """
    from stemwright import separate
    from stemwright.separate import weights
    from stemwright.separate.engine import resident
    from stemwright.separate.precision import choose_precision

    plan = plan_of(options)
    device = separate.choose_device(options.device)
    precision = choose_precision(options.precision, device)
    found = {}
    with _LOADING:
        for card in plan.cards:
            prompt, spans = (plan.prompt, options.spans) if card.prompted else ("", ())
            try:
                separate.family(card)
                paths = yield from weights.pull(card, offline=options.offline)
                yield Progress("load model", 0, 0)
                found[card.name] = resident(card.name, paths, separate.Setup(device, precision, prompt, spans))
            except (MissingExtra, WeightsUnavailable) as error:
                raise type(error)(error.message, error.hint + _instead(plan, options)) from error
    return found


_LOADING = threading.Lock()
"""Several songs that need the same model must not fetch and load it at the same time."""


def _instead(plan: Plan, options: SplitOptions) -> str:
    """What is here and makes some of the same stems, or the same preset in another quality."""
    from stemwright.separate import models, weights
    from stemwright.separate import plan as plans

    here = weights.ready()
    other = plans.preset(options.preset).plans if not options.model else {}
    found = [f"--quality {q}" for q, made in other.items() if {card.name for card in made.cards} <= set(here)]
    wanted = {stem for card in plan.cards for stem in card.stems}
    found += [f"--model {name}" for name in here if wanted & set(models.card(name).stems)]
    return f"; ready here instead: {' or '.join(found)}" if found else ""


def songs_at_once(options: SplitOptions) -> int:
    """How many songs are best open at once: on a GPU one is read and another written while a third is heard."""
    from stemwright import separate

    try:
        return 3 if separate.choose_device(options.device) == "cuda" else 1
    except StemwrightError:
        return 1  # each song says what is missing, unless there is nothing left to do


def selected(file: AudioFile, options: SplitOptions) -> tuple[int, int]:
    """First frame and length of the selection, or of all. Raises SettingsError for a place that is not there."""
    if not options.selection:
        return 0, file.frames
    rate = file.format.sample_rate
    start, end = (round(seconds * rate) for seconds in options.selection)
    if not 0 <= start < min(end, file.frames):
        raise WrongOption(
            f"{file.path}: has nothing from {options.selection[0]:g} to {options.selection[1]:g} s",
            f"it is {file.frames / rate:.1f} s long; write --selection FROM:TO in seconds",
        )
    return start, min(end, file.frames) - start


def to_fetch(options: SplitOptions) -> tuple[str, ...]:
    """What a run would have to fetch first, a sentence each."""
    from stemwright.separate import weights

    states = [weights.status(card) for card in plan_of(options).cards]
    return tuple(f"{s.name} is not here and would be fetched ({s.bytes / 1e6:.0f} MB)" for s in states if not s.ready)


def stretch(file: AudioFile, options: SplitOptions) -> Workflow[tuple[int, int]]:
    """First frame and length of what is wanted."""
    return (yield from loudest(file, options.preview_s)) if options.preview_s else selected(file, options)


def loudest(file: AudioFile, length_s: float) -> Workflow[tuple[int, int]]:
    """First frame and length of the loudest stretch of a file; it starts on a whole second."""
    rate = file.format.sample_rate
    powers: list[float] = []
    for second, block in enumerate(blocks(file, rate)):
        powers.append(float(np.square(block, dtype=np.float64).sum()))
        yield Progress("preview", second * rate, file.frames, "frames")
    width = max(1, round(length_s))
    sums = np.convolve(powers, np.ones(min(width, len(powers))), "valid")
    start, count = int(np.argmax(sums)) * rate, min(file.frames, round(length_s * rate))
    return max(0, min(start, file.frames - count)), count


def cut_out(file: AudioFile, start: int, frames: int, scratch: Path) -> AudioFile:
    """A stretch of a file as a 32-bit float WAV of the same name, date and tags in `scratch`, to be measured."""
    target = scratch / f"{file.path.stem}.wav"
    with WavWriter(target, file.format.sample_rate, file.format.channels, 32, "float") as out:
        for block in blocks(file, start=start, frames=frames):
            out.write(block)
    date = file.path.stat().st_mtime
    os.utime(target, (date, date))
    return replace(probe(target), tags=file.tags)

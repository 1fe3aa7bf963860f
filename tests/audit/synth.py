"""Builds folders of stems from the descriptions in `tests/cases/*.toml`.

The clean set: Kick, Bass, LeadVox and FullMix (their sum, 6 dB lower), 2 s of 24-bit 48 kHz BWF with half a second of
silence at both ends, one bar at 120 BPM, and notes.txt. No rule fires on it. A case changes it::

    set.bits = 16                       # for every stem and the mix
    stems.Bass = { peak_dbfs = -2.99 }  # for one; the keys are those of `signals.CLEAN` and `wavs.CLEAN`
    mix = "clean"                       # the mix is that of the clean stems; else that of the stems as they are
    files."Thumbs.db" = "x"             # another file in the folder
    links."lyrics.txt" = "notes.txt"    # a symbolic link
    without = ["notes.txt"]             # a file of the clean set that is not there
    rename = ["Bass.aiff", "Bass.wav"]  # a false suffix
    profile = "generic"                 # protools unless said
    select = ["SET014"]                 # only these rules, also where the profile turns them off
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import signals
import wavs

CLEAN = signals.CLEAN | wavs.CLEAN
STEMS = ("Kick", "Bass", "LeadVox")
NOTES = "120 BPM, A minor, {rate:g} kHz, {bits} bit, printed effects: none"


def build(folder: Path, case: dict[str, Any]) -> None:
    """Write the folder that a case describes."""
    folder.mkdir()
    plans = {name: plan_of(case, name) for name in (*STEMS, "FullMix")}
    stems = {name: signals.synthesise(name, plans[name]) for name in STEMS}
    clean = {name: signals.synthesise(name, CLEAN | case.get("set", {})) for name in STEMS}
    for name in STEMS:
        if plans[name]["made_of"]:
            stems[name] = signals.plant(sum(stems[other] for other in plans[name]["made_of"]), plans[name])
    alike = case.get("mix") != "clean" and len({plans[name]["rate"] for name in STEMS}) == 1
    heard = plans["FullMix"]["made_of"] or [name for name in STEMS if readable(plans[name])]
    stems["FullMix"] = signals.mix_of([(stems if alike else clean)[name] for name in heard], plans["FullMix"])
    for name, samples in stems.items():
        write(folder / (plans[name]["file"] or f"{name}.wav"), samples, plans[name])
    for name, text in ({"notes.txt": notes(case)} | case.get("files", {})).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name, target in case.get("links", {}).items():
        (folder / name).symlink_to(target)
    for name in case.get("without", ()):
        (folder / name).unlink()
    if "rename" in case:
        old, new = case["rename"]
        (folder / old).rename(folder / new)


def notes(case: dict[str, Any]) -> str:
    """Notes that tell the truth about the set."""
    plan = CLEAN | case.get("set", {})
    return NOTES.format(rate=plan["rate"] / 1000, bits=32 if plan["float"] else plan["bits"])


def plan_of(case: dict[str, Any], name: str) -> dict[str, Any]:
    """What is wanted of one file."""
    asked = case.get("set", {}) | case.get("stems", {}).get(name, {})
    assert not asked.keys() - CLEAN.keys(), f"a case speaks of {asked.keys() - CLEAN.keys()}"
    return CLEAN | asked


def readable(plan: dict[str, Any]) -> bool:
    """Whether a file holds audio at all; what nobody can read is in no mix either."""
    names = {chunk if isinstance(chunk, str) else chunk["name"] for chunk in plan["chunks"]}
    return not (plan["text"] or plan["empty"] or plan["cut"]) and "data" in names


def write(path: Path, samples: np.ndarray, plan: dict[str, Any]) -> None:
    """One file by its plan; the suffix of the name chooses the container (.wav, .flac, .aiff or .mp3)."""
    if plan["empty"] or plan["text"]:
        path.write_text("" if plan["empty"] else plan["text"])
    elif path.suffix == ".wav":
        data = wavs.wav(samples, plan)
        path.write_bytes(data[: plan["cut"] or None])
        if plan["filler"]:
            os.truncate(path, len(data) + plan["filler"])
    else:
        import soundfile

        subtype = "MPEG_LAYER_III" if path.suffix == ".mp3" else f"PCM_{plan['bits']}"
        soundfile.write(path, samples.T, plan["rate"], subtype=subtype)

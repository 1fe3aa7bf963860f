"""Real music, consolidated to 24 bits with its sum beside it: no error, and no warning but the true ones named here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stemwright import audit
from stemwright.audio.chunks import Bext
from stemwright.audio.folder import read_stems
from stemwright.audio.probe import probe
from stemwright.audio.stream import blocks, quantise
from stemwright.audio.wav import WavWriter
from stemwright.measure.sets import measure_set
from support import finish

SECONDS = 12
TRUE = {
    "ghostpines30": {"SRC002", "LVL005"},  # they are MP3s; the guitar has hardly begun
    "lmms_capdan-reggaetry": {"BIT003", "CHN002", "TIM006"},  # 16-bit renders; a snare in mono; clicks
    "midi_daybreak": {"BIT003"},  # 16-bit renders
    "mdn_boas": {"SRC002", "TIM006"},  # MP3s; a click in the bass
}


def consolidated(source: Path, folder: Path) -> Path:
    """Stems as an engineer would bounce them: one length, faded ends, headroom, 24 bits, BWF, notes and the mix."""
    folder.mkdir()
    files = [probe(path) for path in sorted(source.iterdir()) if path.suffix in (".mp3", ".flac", ".ogg")]
    rate = files[0].format.sample_rate
    made = {}
    for file in files:
        whole = np.concatenate(list(blocks(file, frames=min(file.frames, SECONDS * rate))), axis=1)
        made[file.path.stem] = np.pad(whole, ((0, 0), (0, SECONDS * rate - whole.shape[1])))
    peak = max(np.abs(samples).max() for samples in made.values())
    frames = np.arange(SECONDS * rate)
    fade = np.clip(np.minimum(frames, frames[::-1]) / rate - 0.1, 0, 1) ** 2
    stems = {name: 0.7 * samples / peak * fade for name, samples in made.items() if np.abs(samples).max() > 1e-3}
    total = sum(stems.values())
    stems["FullMix"] = total * min(1.0, 0.9 / np.abs(total).max())
    for name, samples in stems.items():
        clean = "".join(c if c.isalnum() else "_" for c in name).strip("_")
        with WavWriter(folder / f"Song_{clean}.wav", rate, 2, bext=Bext(clean)) as out:
            out.write(quantise(samples))
    notes = f"120 BPM, A minor, {rate} Hz, 24 bit, effects: none"
    (folder / "notes.txt").write_text(notes, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("profile", ["protools", "generic"])
def test_clean_sets_stay_clean(shared: Path, tmp_path: Path, name: str, profile: str) -> None:
    folder = consolidated(shared / "material" / "music" / name, tmp_path / "Song")
    findings = audit.audit(finish(measure_set(read_stems(folder))), profile)
    told = [
        f"{found.severity} {found.rule} {found.subject and found.subject.name}: {found.message}" for found in findings
    ]
    assert not [line for line in told if line.startswith("error")], told
    warned = {found.rule for found in findings if found.severity == "warning"}
    assert warned <= TRUE[name], told

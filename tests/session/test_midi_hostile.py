"""A MIDI file with a key signature that no key has is read without it."""

from __future__ import annotations

import mido
import pytest

from stemwright.session.formats.midi import read
from stemwright.session.media import Roots


@pytest.mark.parametrize(("sharps", "mode"), [(8, 0), (-8, 1), (127, 0), (2, 2), (0, 255), (-128, 7)])
def test_an_illegal_key_signature_is_told_and_passed_over(tmp_path, sharps: int, mode: int) -> None:
    path = tmp_path / "a.mid"
    track = mido.MidiTrack([mido.MetaMessage("key_signature", key="D"), mido.MetaMessage("set_tempo", tempo=500_000)])
    track.append(mido.MetaMessage("marker", text="Verse", time=960))
    mido.MidiFile(ticks_per_beat=960, tracks=[track]).save(path)
    legal = read(path, Roots(tmp_path))
    assert legal.session.song.key and legal.session.song.key.value == "D major" and not legal.warnings
    data = path.read_bytes().replace(b"\xff\x59\x02\x02\x00", b"\xff\x59\x02" + bytes((sharps % 256, mode)))
    path.write_bytes(data)
    opened = read(path, Roots(tmp_path))
    assert opened.session.song.key is None and opened.session.song.bpm and opened.session.song.bpm.value == 120
    assert [marker.at for marker in opened.session.markers] == [24_000]
    assert any("key signature" in sentence for sentence in opened.warnings)

"""The project in a fake REAPER is read, judged and rendered by the real reapy client; its settings stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stemwright import live
from stemwright.errors import AlreadyThere, HostError, SessionError
from stemwright.live import Asked, Calls
from stemwright.live.reaper import rendering
from stemwright.live.reaper.link import Reaper
from stemwright.model import Marker, Plugin, RenderSettings
from stemwright.workflows import live as work
from stemwright.workflows.audit import AuditOptions
from support import finish, tone, write_wav

REAPER = live.host("reaper")


@pytest.fixture
def project(tmp_path: Path) -> dict[str, Any]:
    """Three tracks in a folder, media beside it, effects on the master, render settings that no engineer wants."""
    media = tmp_path / "Media"
    media.mkdir()
    kick = write_wav(media / "Kick.wav", tone(60, 1.0))
    vox = write_wav(media / "Vox.wav", tone(440, 2.0), bits=16)
    return {
        "path": str(tmp_path / "Song.rpp"),
        "master": [{"name": "VST: Limiter"}, {"name": "JS: Off", "enabled": False}],
        "markers": [
            {"region": False, "at": 0.5, "end": 0.0, "name": "Verse"},
            {"region": True, "at": 1.0, "end": 2.0, "name": "Cho\trus\\n"},
        ],
        "tracks": [
            {"name": "Band", "I_FOLDERDEPTH": 1},
            {"name": "Kick", "I_SELECTED": 1, "items": [{"file": str(kick), "at": 0.25, "length": 1.0, "name": "k"}]},
            {"name": "Vox", "I_FOLDERDEPTH": -1, "items": [{"file": str(vox), "length": 2.0}, {"at": 3.0}]},
            {"name": "Gone", "B_MUTE": 1, "items": [{"file": str(media / "gone.wav"), "length": 1.0}]},
            {"name": "Keys", "items": [{"file": "x.mid", "length": 1.0}]},
            {"name": "Reverb", "receives": 2, "I_FXEN": 0, "fx": [{"name": "ReaVerb"}]},
        ],
    }


def test_state(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[project])
    with REAPER.connect(Asked(fake.port)) as link:
        state = REAPER.state(link)
    band, kick, vox, gone, keys, reverb, master = state.tracks
    assert (state.host, state.name) == ("REAPER 7.41/linux-x86_64", "Song.rpp")
    assert (state.sample_rate, state.length) == (48_000, 192_000)
    assert [track.kind for track in state.tracks] == ["folder", "audio", "audio", "audio", "midi", "aux", "master"]
    assert [track.parent for track in (band, kick, vox, gone)] == [None, "Band", "Band", None]
    assert (kick.muted, gone.muted) == (False, True)
    (clip,) = kick.clips
    assert (clip.name, clip.at, clip.length, clip.missing, clip.sample_rate) == ("k", 12_000, 48_000, False, 48_000)
    assert clip.file == tmp_path / "Media" / "Kick.wav"
    assert len(vox.clips) == 1  # the other item holds no take
    assert gone.clips[0].missing
    assert keys.clips[0].file is None
    assert reverb.plugins == (Plugin("ReaVerb", True),)
    assert master.plugins == (Plugin("VST: Limiter", False), Plugin("JS: Off", True))
    assert state.markers == (Marker(24_000, "Verse"), Marker(48_000, "Cho\trus\\n", 48_000))
    assert (state.render.format, state.render.bits, state.render.sample_rate) == ("wav", 16, 22_050)
    assert (state.render.dither, state.render.noise_shaping) == (True, True)
    assert state.render.processing == ("normalised", "trimmed at the start")
    assert (state.render.imports_after, state.render.source, state.render.whole) == (True, "master", False)
    assert fake.state()["calls"].count("GetSetProjectInfo_String") == 1  # and nothing was set
    assert not any(call.startswith("Set") for call in fake.state()["calls"])


def test_folders_that_close_more_than_is_open(fake_reaper: Callable) -> None:
    steps = {"A": 1, "B": 1, "C": -3, "D": 0}
    tracks = [{"name": name, "I_FOLDERDEPTH": step} for name, step in steps.items()]
    with REAPER.connect(Asked(fake_reaper(projects=[{"tracks": tracks}]).port)) as link:
        assert [track.parent for track in REAPER.state(link).tracks] == [None, "A", "B", None, None]


@pytest.mark.parametrize(("used", "rate"), [(1, 96_000), (0, 44_100)])
def test_rate_of_the_project_or_the_device(fake_reaper: Callable, used: int, rate: int) -> None:
    fake = fake_reaper(projects=[{"info": {"PROJECT_SRATE": 96_000, "PROJECT_SRATE_USE": used}}])
    with REAPER.connect(Asked(fake.port)) as link:
        assert REAPER.state(link).sample_rate == rate


def test_audit_before_the_render(fake_reaper: Callable, project: dict) -> None:
    fake = fake_reaper(projects=[project])
    audited = finish(work.audit_open("reaper", Asked(fake.port), AuditOptions(remember=False))).result
    found = {finding.rule for finding in audited.findings}
    assert {"SES007", "SES012", "SES021", "SES022", "SES023", "SES024", "SES026", "SES028"} <= found
    assert "FMT003" in found  # Vox.wav has 16 bits
    assert not any(code.startswith(("SET", "NAM", "PKG", "TIM")) for code in found)
    assert audited.fails("error")
    bare = finish(work.audit_open("reaper", Asked(fake.port), AuditOptions(select=("SES",)), False)).result
    assert {finding.rule[:3] for finding in bare.findings} == {"SES"}


def test_audit_of_a_project_that_is_fine(fake_reaper: Callable, tmp_path: Path) -> None:
    tracks = []
    noise = np.random.default_rng(1).normal(0, 0.05, (2, 2, 48_000)).astype(np.float32)
    for name, heard in zip(("Kick", "Bass"), noise * tone(0.25, 1.0, level=1.0), strict=True):
        file = write_wav(tmp_path / f"{name}.wav", heard)
        tracks.append({"name": name, "items": [{"file": str(file), "name": name}]})
    info = {"RENDER_SETTINGS": 3, "RENDER_BOUNDSFLAG": 1, "RENDER_CHANNELS": 2, "RENDER_SRATE": 0, "RENDER_DITHER": 0}
    info |= {"RENDER_ADDTOPROJ": 0, "RENDER_NORMALIZE": 0, "RENDER_TAILMS": 2000}
    fake = fake_reaper(projects=[{"tracks": tracks, "info": info, "text": {"RENDER_FORMAT": "ZXZhdxgAAQ=="}}])
    audited = finish(work.audit_open("reaper", Asked(fake.port), AuditOptions(remember=False))).result
    assert not audited.fails("warning"), audited.findings


def settings(fake: Any, number: int = 0) -> Any:
    held = fake.state()["projects"][number]
    return held["info"], held["text"], [track["I_SELECTED"] for track in held["tracks"]]


def test_export(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[{**project, "info": {"RENDER_SETTINGS": 16}}])
    before = settings(fake)
    options = work.ExportOptions(out=tmp_path / "Stems", tracks=("Kick", "Vox"))
    outcome = finish(work.export("reaper", Asked(fake.port), options))
    assert settings(fake) == before
    (used,) = fake.state()["rendered"]
    assert {name: value for name, value in used.items() if name.startswith("RENDER_") and name != "RENDER_FILE"} == {
        "RENDER_SETTINGS": 3 | 16,
        "RENDER_BOUNDSFLAG": 0,
        "RENDER_STARTPOS": 0,
        "RENDER_ENDPOS": 4.0,
        "RENDER_CHANNELS": 2,
        "RENDER_SRATE": 0,
        "RENDER_TAILFLAG": 1,
        "RENDER_TAILMS": 500,
        "RENDER_ADDTOPROJ": 0,
        "RENDER_DITHER": 0,
        "RENDER_NORMALIZE": 0,
        "RENDER_PATTERN": "$track",
        "RENDER_FORMAT": "ZXZhdxgAAQ==",
        "RENDER_FORMAT2": "",
    }
    assert [output.path.name for output in outcome.outputs] == ["Kick.wav", "Vox.wav"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Media", "Stems"]  # nothing else is left
    for name, at in (("Kick", 12_000), ("Vox", 0)):
        info = soundfile.info(tmp_path / "Stems" / f"{name}.wav")
        assert (info.subtype, info.samplerate, info.frames) == ("PCM_24", 48_000, 192_000 + 24_000)
        made, _ = soundfile.read(tmp_path / "Stems" / f"{name}.wav")
        source, _ = soundfile.read(tmp_path / "Media" / f"{name}.wav")
        assert np.array_equal(made[at : at + len(source)], source)
    assert outcome.result.files == 2
    assert not {finding.rule for finding in outcome.result.findings} & {"FMT003", "SET003", "BIT012", "LVL001"}


def test_what_the_session_does_to_the_stems_is_told(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    project["tracks"][2]["I_SOLO"] = 2
    fake = fake_reaper(projects=[project])
    made = finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "Stems"))).result
    found = {finding.rule for finding in made.findings}
    assert "SES009" in found  # a soloed track
    assert "SES007" not in found  # effects on the master: stems do not go through it
    assert not {code for code in found if "SES020" <= code <= "SES029"}  # settings that were not used
    assert (made.session, made.files) == ("Song.rpp", 1)


def test_export_of_the_selected_or_all_that_sound(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[project])
    done = finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "One")))
    assert [output.path.stem for output in done.outputs] == ["Kick"]
    project["tracks"] = [{**track, "I_SELECTED": 0} for track in project["tracks"][:4]]
    fake = fake_reaper(projects=[project])
    done = finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "All")))
    assert [output.path.stem for output in done.outputs] == ["Kick", "Vox"]


@pytest.mark.parametrize(("name", "known", "file"), [("Take", "Take", "Take"), ("", "Track", "untitled")])
def test_tracks_of_one_name_or_none_get_their_numbers(
    fake_reaper: Callable, project: dict, tmp_path: Path, name: str, known: str, file: str
) -> None:
    project["tracks"] = [{**track, "name": name} for track in project["tracks"][1:3]]
    fake = fake_reaper(projects=[{**project, "tracks": [{**t, "I_SELECTED": 1} for t in project["tracks"]]}])
    done = finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "Stems")))
    assert [output.path.stem for output in done.outputs] == [f"1-{file}", f"2-{file}"]
    with REAPER.connect(Asked(fake.port)) as link:
        assert all(track.name.startswith(known) for track in REAPER.state(link).tracks[:2])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"fail": {"Main_OnCommandEx": 1}}, "REAPER refused Main_OnCommandEx"),
        ({"render_only": 1}, "rendered 1 of 2 stems"),
        ({"fail": {"GetSetProjectInfo_String": 6}}, "REAPER refused GetSetProjectInfo_String"),
    ],
)
def test_a_failed_render_leaves_nothing(
    fake_reaper: Callable, project: dict, tmp_path: Path, broken: dict, said: str
) -> None:
    fake = fake_reaper(projects=[project], **broken)
    before = settings(fake)
    with pytest.raises(HostError, match=said):
        finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "S", tracks=("Kick", "Vox"))))
    assert settings(fake) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Media"]


def test_reaper_dies_while_it_renders(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[project], die={"Main_OnCommandEx": 1})
    with pytest.raises(HostError, match=r"render settings of Song\.rpp could not be put back") as caught:
        finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "Stems")))
    assert "reopen the project without saving" in caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Media"]


def test_what_cannot_be_exported(fake_reaper: Callable, project: dict, tmp_path: Path) -> None:
    fake = fake_reaper(projects=[project, {"path": "/x/Empty.rpp"}])
    (tmp_path / "Full").mkdir()
    (tmp_path / "Full" / "notes.txt").write_text("mine")
    with pytest.raises(AlreadyThere):
        finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "Full")))
    with pytest.raises(SessionError, match="has no track called 'Tuba'"):
        finish(work.export("reaper", Asked(fake.port), work.ExportOptions(out=tmp_path / "S", tracks=("Tuba",))))
    with pytest.raises(SessionError, match="no track plays anything"):
        finish(work.export("reaper", Asked(fake.port, "Empty"), work.ExportOptions(out=tmp_path / "S")))
    assert not (tmp_path / "S").exists()


@given(st.sampled_from([8, 16, 24, 32]))
def test_render_format_round_trip(bits: int) -> None:
    assert rendering.decoded(rendering.encoded(bits)) == ("wav", bits)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("ZXZhdxgAAQ==", ("wav", 24)),  # as REAPER 7 writes it
        ("ZXZhdyAAAQ==", ("wav", 32)),
        ("ZmZpYRgA", ("aiff", 24)),
        ("bDNwbQABAAA=", ("mp3", None)),
        ("IHBkZAA=", ("ddp ", None)),
        ("evaw", (None, None)),
        ("", (None, None)),
        ("not base64!", (None, None)),
    ],
)
def test_render_format(code: str, meaning: tuple) -> None:
    assert rendering.decoded(code) == meaning


@given(st.text())
def test_render_format_survives_anything(code: str) -> None:
    kind, bits = rendering.decoded(code)
    assert kind or bits is None


def settings_of(markers: tuple[str, ...] = (), **numbers: int) -> RenderSettings:
    """What is read of these numbers; all others are 0, all texts empty."""
    link = Reaper(Calls())
    link.api = SimpleNamespace(
        __all__=["GetSetProjectInfo", "GetSetProjectInfo_String"],
        GetSetProjectInfo=lambda project, name, value, is_set: float(numbers.get(name, 0)),
        GetSetProjectInfo_String=lambda project, name, value, is_set: (True, project, name, "", is_set),
    )
    link.client = SimpleNamespace(_socket=SimpleNamespace())
    return rendering.settings(link, markers)


@pytest.mark.parametrize(
    ("source", "flags", "dither", "shaping"),
    [(0, 1, True, False), (0, 4, False, False), (3, 3, False, False), (3, 4, True, False), (2, 8, False, True),
     (1, 4, True, False), (0, 1 | 16, False, False), (3, 4 | 8 | 16, False, False)],
)  # fmt: skip
def test_dither_counts_for_what_is_rendered(source: int, flags: int, dither: bool, shaping: bool) -> None:
    made = settings_of(RENDER_SETTINGS=source, RENDER_DITHER=flags)
    assert (made.dither, made.noise_shaping) == (dither, shaping)


@pytest.mark.parametrize(
    ("bounds", "flags", "tail_s", "whole", "words"),
    [(1, 2, 1.5, True, "whole project"), (1, 4, 0.0, True, "whole project"), (2, 4, 1.5, False, "time selection"),
     (6, 8, 1.5, False, "all markers"), (9, 255, 0.0, None, None)],
)  # fmt: skip
def test_tail_counts_for_what_is_rendered(
    bounds: int, flags: int, tail_s: float, whole: bool | None, words: str | None
) -> None:
    made = settings_of(RENDER_BOUNDSFLAG=bounds, RENDER_TAILFLAG=flags, RENDER_TAILMS=1500)
    assert (made.tail_s, made.whole, made.bounds) == (tail_s, whole, words)


@pytest.mark.parametrize(
    ("flags", "source", "via_master"),
    [(0, "master", True), (1, "stems and master", False), (3 | 16, "stems", False), (32, "selected items", False),
     (128, "tracks via master", True), (64, "selected items via master", True), (8, "region matrix", None)],
)  # fmt: skip
def test_source_of_the_render(flags: int, source: str, via_master: bool | None) -> None:
    made = settings_of(RENDER_SETTINGS=flags)
    assert (made.source, made.via_master, made.per_track) == (source, via_master, source != "master")


@pytest.mark.parametrize(
    ("flags", "words"),
    [(0, ()), (1 | 4 | 32, ("normalised",)), (64 | 128, ("limited",)), (512 | 1024, ("faded in", "faded out")),
     (1 << 14 | 1 << 15, ("trimmed at the start", "trimmed at the end")), (1 | 64 | 1 << 18, ()),
     (1 << 16 | 1 << 17, ("padded at the start", "padded at the end"))],
)  # fmt: skip
def test_what_the_render_does_to_files(flags: int, words: tuple[str, ...]) -> None:
    assert settings_of(RENDER_NORMALIZE=flags).processing == words


def test_a_whole_project_ends_at_its_markers() -> None:
    made = settings_of(("Verse", "=END"), RENDER_BOUNDSFLAG=1)
    assert (made.whole, made.bounds) == (False, "to the markers =END")
    assert settings_of(("=END",), RENDER_BOUNDSFLAG=2).bounds == "time selection"

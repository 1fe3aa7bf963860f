"""Every rule over an open session fires on what it is for, alone, and is silent just inside its limit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stemwright import audit, resources
from stemwright.errors import SettingsError
from stemwright.model import DawSession, DawTrack, Marker, PlacedClip, Plugin, RenderSettings

RATE = 48_000
LONG = 10 * RATE


def clip(at: int = 0, length: int = LONG, **changes: Any) -> PlacedClip:
    return PlacedClip(**({"name": "clip", "at": at, "length": length, "sample_rate": RATE} | changes))


def track(name: str = "Vox", *clips: PlacedClip, **changes: Any) -> DawTrack:
    return DawTrack(**({"name": name, "clips": clips or (clip(),), "plugins": ()} | changes))


MASTER = DawTrack("Master", "master", plugins=())
RENDER = RenderSettings(
    format="wav",
    bits=24,
    sample_rate=RATE,
    dither=False,
    noise_shaping=False,
    processing=(),
    interleaved=True,
    channels=2,
    tail_s=2.0,
    imports_after=False,
    per_track=True,
    via_master=True,
    whole=True,
)
CLEAN = DawSession(
    host="Test",
    name="Song",
    sample_rate=RATE,
    bits=24,
    interleaved=True,
    tracks=(track("Kick"), track("Bass"), track(), MASTER),
    markers=(Marker(0, "Verse"),),
    length=LONG,
    render=RENDER,
)


def tracks(*changed: DawTrack, master: DawTrack = MASTER) -> dict[str, Any]:
    return {"tracks": (track("Kick"), track("Bass"), *changed, master)}


def render(**changes: Any) -> dict[str, Any]:
    return {"render": replace(RENDER, **changes)}


EQ = Plugin("EQ3", False)
FIRES: dict[str, list[tuple[dict[str, Any], str | None]]] = {  # what is changed, and the track that is meant
    "SES001": [({"sample_rate": 50_000, "render": RenderSettings(), "tracks": (DawTrack("Kick"),)}, None)],
    "SES002": [({"bits": 16}, None)],
    "SES003": [(tracks(track("Vox", clip(0, 100), clip(200, LONG - 200))), "Vox")],
    "SES004": [
        (tracks(track("Vox", clip(2401, LONG - 2401))), "Vox"),
        (tracks(track("Vox", clip(-2401, LONG + 2401))), "Vox"),
        ({"tracks": (track("Kick", clip(2401)), track("Bass", clip(2401)))}, None),
    ],
    "SES005": [(tracks(track("Vox", clip(0, LONG - 2401))), "Vox")],
    "SES006": [(tracks(track(plugins=(EQ,))), "Vox"), (tracks(track(plugins=(Plugin("EQ3"),))), "Vox")],
    "SES007": [
        (tracks(master=replace(MASTER, plugins=(Plugin("L2"),))), "Master"),
        (tracks(master=replace(MASTER, plugins=(Plugin("L2", False),))), "Master"),
    ],
    "SES008": [(tracks(track("Audio 1")), "Audio 1"), (tracks(track("Track 3")), "Track 3")],
    "SES009": [(tracks(track(soloed=True)), None)],
    "SES010": [(tracks(track(**{state: True})), "Vox") for state in ("muted", "inactive", "hidden")],
    "SES011": [(tracks(track("Vox", clip(), clip(0, 10, muted=True))), "Vox")],
    "SES012": [(tracks(track("Vox", clip(missing=True, file=Path("/a/Vox.wav")))), "Vox")],
    "SES013": [({"markers": ()}, None)],
    "SES014": [({"plugins": (Plugin("POW-r Dither", False),)}, None)],
    "SES015": [(tracks(track("Vox", clip(sample_rate=44_100))), "Vox")],
    "SES016": [(tracks(track("KICK")), "KICK")],
    "SES020": [(render(format="mp3"), None)],
    "SES021": [(render(bits=16), None)],
    "SES022": [(render(sample_rate=44_100), None)],
    "SES023": [(render(dither=True), None), (render(noise_shaping=True), None)],
    "SES024": [(render(processing=("normalised", "limited")), None)],
    "SES025": [
        (render(interleaved=False), None),
        ({"interleaved": False}, None),
        (tracks(track(channels=2)) | render(channels=1), None),
    ],
    "SES026": [(render(imports_after=True), None)],
    "SES027": [(render(tail_s=0.49), None)],
    "SES028": [(render(whole=False, bounds="time selection"), None)],
    "SES029": [(render(per_track=False, source="master"), None)],
}
SILENT: dict[str, list[dict[str, Any]]] = {
    "SES001": [{"sample_rate": 44_100, "render": RenderSettings()}, {"sample_rate": None}],
    "SES002": [{"bits": 32}, {"bits": None}],
    "SES003": [tracks(track("Vox", clip(), clip(0, 10, muted=True))), tracks(track("V", clip(), clip(5), muted=True))],
    "SES004": [tracks(track("Vox", clip(2400, LONG - 2400))), {"tracks": (track("Kick", clip(2400)),)}],
    "SES005": [tracks(track("Vox", clip(0, LONG - 2400)))],
    "SES006": [tracks(track(plugins=(Plugin("EQ3", True),))), tracks(track(plugins=None))],
    "SES007": [
        tracks(master=replace(MASTER, plugins=(Plugin("L2", True),))),
        tracks(master=replace(MASTER, plugins=(Plugin("L2", False),))) | render(via_master=False),
    ],
    "SES008": [tracks(track("Audio_Guitar")), tracks(DawTrack("Audio 1"))],
    "SES009": [tracks(track(soloed=None))],
    "SES010": [tracks(DawTrack("Old", muted=True, inactive=True))],
    "SES011": [tracks(track("Vox", clip(muted=True), muted=True))],
    "SES012": [tracks(track("Vox", clip(missing=True), inactive=True))],
    "SES013": [{"markers": None}],
    "SES014": [{"plugins": (Plugin("POW-r Dither", True), Plugin("EQ3", False))}],
    "SES015": [tracks(track("Vox", clip(sample_rate=None))), {"sample_rate": None}],
    "SES016": [tracks(DawTrack("Kick"))],
    "SES020": [render(format="RF64"), render(format=None)],
    "SES021": [render(bits=32), render(bits=None)],
    "SES022": [render(sample_rate=None)],
    "SES023": [render(dither=None)],
    "SES024": [render(processing=None)],
    "SES025": [render(interleaved=None), tracks(track(channels=1)) | render(channels=1)],
    "SES026": [render(imports_after=None)],
    "SES027": [render(tail_s=0.5), render(tail_s=None)],
    "SES028": [render(whole=None)],
    "SES029": [render(per_track=None)],
}
CODES = [code for code, rule in audit.catalogue().items() if rule.of_session]


def judge(changes: dict[str, Any], **how: Any) -> list[tuple[str, str | None]]:
    found = audit.audit(replace(CLEAN, **changes), **how)
    return [(finding.rule, str(finding.subject) if finding.subject else None) for finding in found]


def test_the_clean_session_is_clean() -> None:
    assert judge({}) == []


def test_a_host_that_tells_nothing_is_not_accused() -> None:
    assert audit.audit(DawSession("Test", "Song")) == ()
    assert audit.audit(DawSession("Test", "Song", tracks=(DawTrack("Kick"),))) == ()


@pytest.mark.parametrize("code", CODES)
def test_each_rule_fires_alone_on_what_it_is_for(code: str) -> None:
    for changes, subject in FIRES[code]:
        assert judge(changes) == [(code, subject)], changes
    for changes in SILENT[code]:
        assert code not in [rule for rule, _ in judge(changes)], changes


@pytest.mark.parametrize("code", CODES)
def test_each_rule_is_explained_and_in_a_profile(code: str) -> None:
    rule = audit.catalogue()[code]
    assert tuple(rule.sections()) == audit.HEADINGS and all(rule.sections().values()) and rule.title.endswith(".")
    assert rule.check.__module__.rpartition(".")[2].startswith(f"{code.lower()}_")
    assert code in resources.load("profiles", "protools")["rules"]
    assert audit.explain(code).startswith(f"{code} (")
    assert "Pro Tools" in rule.sections()["Fix"] or rule.daw or code in ("SES013",)


def test_findings_carry_number_limit_and_repair() -> None:
    (found,) = audit.audit(replace(CLEAN, **tracks(track("Vox", clip(2401, LONG - 2401)))))
    assert (found.severity, found.message) == ("warning", "begins 0.050 s after the other tracks")
    assert found.evidence and (found.evidence.measured, found.evidence.limit, found.evidence.unit) == (
        2401,
        0,
        "frames",
    )
    assert found.fix and "Consolidate Clip" in found.fix.summary
    (found,) = audit.audit(replace(CLEAN, **render(bits=16)))
    assert (found.severity, found.message) == ("error", "would be rendered with 16 bits; 24 are asked for")


def test_that_all_begin_alike_is_only_mentioned() -> None:
    (found,) = audit.audit(replace(CLEAN, tracks=(track("Kick", clip(RATE)), track("Bass", clip(RATE)))))
    assert (found.severity, found.message) == ("info", "all tracks begin 1.000 s after the session's start")


def test_what_is_not_known_of_a_master_plug_in_is_said() -> None:
    told = [audit.audit(replace(CLEAN, **changes))[0].message for changes, _ in FIRES["SES007"]]
    assert told == [
        "prints its plug-ins into every stem, if they are not bypassed: L2",
        "prints its plug-ins into every stem: L2",
    ]


def test_dither_is_found_on_its_track() -> None:
    changes = tracks(track("Vox", plugins=(Plugin("MBIT+ Dither"),)))
    assert ("SES014", "Vox") in judge(changes | {"plugins": (Plugin("MBIT+ Dither", False),)})
    assert len([rule for rule, _ in judge(changes) if rule == "SES014"]) == 1


def test_profiles_and_baselines_hold_for_sessions_too() -> None:
    profile = audit.Profile("mine", {"SES003": "error", "SES008": "off"}, {"SES021": {"bits": 16}})
    changes = tracks(track("Audio 1", clip(0, 5), clip(5, LONG - 5))) | render(bits=16)
    found = audit.audit(replace(CLEAN, **changes), profile)
    assert [(finding.rule, finding.severity) for finding in found] == [("SES003", "error")]
    assert audit.audit(replace(CLEAN, **changes), profile, baseline=[("SES003", "Audio 1")])[0].waived
    assert audit.audit(replace(CLEAN, **changes), profile, ignore=["SES"]) == ()
    with pytest.raises(SettingsError):
        audit.audit(CLEAN, select=["XYZ"])


def test_stems_and_sessions_have_rules_of_their_own() -> None:
    profile = audit.load_profile("protools")
    ours = {rule.code for rule in profile.rules(of_session=True)}
    assert ours == set(CODES) and not ours & {rule.code for rule in profile.rules()}

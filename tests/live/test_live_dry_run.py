"""A dry run of every action prints the calls that a host gets in the real run, in order, and needs no host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright import live
from support import tone, write_stems

ACTIONS = {
    "reaper": ("build", "build --into", "audit", "export", "export --track Kick", "doctor"),
    "protools": ("build", "audit", "export", "export --track Kick", "verify", "doctor"),
}
UNSAID = {
    "GetAudioDeviceInfo",  # asked when the project has no rate of its own
    "EnumProjects",  # asked until there are no more
    "GET",  # by REAPER's web interface, not by a call
    *("HostReadyCheck", "GetResourcePath"),  # the clients' own
}


@pytest.fixture
def typed(run: Callable[..., Any], tmp_path: Path) -> Callable[..., list[str]]:
    """The lines that an action prints; stems, and an AAF of them, lie in the folder."""
    stems = write_stems(tmp_path / "Stems", {"Kick": tone(60)}, 48_000)
    song = ("--bpm", 120, "--key", "Am")
    assert run("session", stems, "--to", "aaf", "-o", tmp_path, *song).exit_code == 0

    def act(host: str, action: str, *more: object) -> list[str]:
        name, *own = action.split()
        given = {
            "build": (stems, *song, "--force"),
            "export": ("-o", tmp_path / "Out", "--fail-on", "never"),
            "audit": ("--fail-on", "never"),
            "verify": tuple(tmp_path.rglob("*.aaf")),
            "doctor": ("-o", tmp_path / "report.txt"),
        }
        made = run("live", host, name, *given[name], *own, *more)
        assert made.exit_code == 0, (made.stdout, made.stderr)
        return [line for line in made.stdout.splitlines() if "(" in line]

    return act


def names(calls: list[str]) -> list[str]:
    found = [call.partition("(")[0] for call in calls]
    return [name for name in found if name not in UNSAID]


@pytest.mark.parametrize(("host", "action"), [(host, action) for host, some in ACTIONS.items() for action in some])
def test_nothing_is_sent_or_written(typed: Callable, tmp_path: Path, host: str, action: str) -> None:
    assert {action.split()[0] for action in ACTIONS[host]} == set(live.actions(host)) - {"setup"}
    before = sorted(tmp_path.rglob("*"))
    calls = typed(host, action, "--dry-run", "--port", 1)
    assert calls and all(call.endswith(")") for call in calls)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("action", ACTIONS["reaper"])
def test_reaper(typed: Callable, fake_reaper: Callable, tmp_path: Path, action: str) -> None:
    track = {"name": "Kick", "items": [{"file": str(tmp_path / "Stems/Song_Kick.wav")}], "fx": [{"name": "EQ"}]}
    tracks = [] if "--into" in action else [track]
    projects = [{"path": f"/x/{name}.rpp", "tracks": tracks, "master": [{"name": "EQ"}]} for name in ("One", "Two")]
    fake = fake_reaper(projects=projects)
    where = ("--project", "Two") if action not in ("build", "doctor") else ()
    dry = names(typed("reaper", action, *where, "--dry-run"))
    typed("reaper", action, *where, "--port", fake.port)
    assert dry == names(fake.state()["calls"])


@pytest.mark.parametrize("action", ACTIONS["protools"])
def test_pro_tools(typed: Callable, tmp_path: Path, action: str) -> None:
    pytest.importorskip("ptsl")
    from fake_protools import FakeProTools, FakeSession, running

    dry = names(typed("protools", action, "--dry-run"))
    fake = FakeProTools()
    if action.split()[0] in ("audit", "export", "doctor"):
        fake.session = FakeSession("Song", tmp_path / "song")
        fake.session.add(tmp_path / "Stems/Song_Kick.wav", name="Kick")
    with running(fake) as port:
        typed("protools", action, "--port", port)
    assert dry == names(fake.commands())

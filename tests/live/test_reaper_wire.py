"""The real reapy client reaches a fake REAPER over real sockets, or says in one line why it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright import live
from stemwright.errors import HostError, MissingExtra
from stemwright.live import Asked
from stemwright.live.reaper import link as links
from stemwright.live.reaper import wire

REAPER = live.host("reaper")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def failure(port: int) -> HostError:
    with pytest.raises(HostError) as caught, REAPER.connect(Asked(port)):
        pass
    return caught.value


def test_no_reaper() -> None:
    pytest.importorskip("reapy")
    error = failure(free_port())
    assert "no REAPER answers" in error.message
    assert "live reaper setup" in error.hint


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ({"web": "stranger"}, "is not REAPER"),
        ({"web": "bare"}, "not set up"),
        ({"web": "dead"}, "does not answer"),
        ({"version": "5.99/x64"}, "REAPER 5.99/x64 is too old"),
        ({"die": {"GetAppVersion": 1}}, "closed the connection"),
    ],
)
def test_unfit_reaper(fake_reaper: Callable, configuration: dict, said: str) -> None:
    error = failure(fake_reaper(**configuration).port)
    assert said in error.message
    assert error.hint


def test_server_is_started_when_it_does_not_run(fake_reaper: Callable) -> None:
    with REAPER.connect(Asked(fake_reaper(web="later").port)) as link:
        assert link.version.startswith("7.")


def test_server_that_never_starts_is_not_waited_for(fake_reaper: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "START_S", 0.3)
    assert "did not start" in failure(fake_reaper(web="never").port).message


def test_reapy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "reapy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "reapy", None)
    with pytest.raises(MissingExtra) as caught, REAPER.connect(Asked()):
        pass
    assert caught.value.hint == "pip install 'stemwright[reaper]'"


def test_quiet_without_reaper() -> None:
    pytest.importorskip("reapy")
    program = [sys.executable, "-W", "error", "-m", "stemwright", "live", "reaper", "audit", "--port"]
    path = os.pathsep.join(filter(None, (str(Path(live.__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [*program, str(free_port()), "-q"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "  help"]


def test_long_answers_arrive_whole(fake_reaper: Callable) -> None:
    name = "Kick " * 200_000
    with REAPER.connect(Asked(fake_reaper(projects=[{"tracks": [{"name": name}]}]).port)) as link:
        assert REAPER.state(link).tracks[0].name == name


def test_unknown_function(fake_reaper: Callable) -> None:
    with REAPER.connect(Asked(fake_reaper(missing=["GetProjectLength"]).port)) as link:
        with pytest.raises(HostError, match="knows no GetProjectLength"):
            REAPER.state(link)
        assert link.call("CountTracks", link.project) == 0  # it is held no more


def test_late_answer_is_waited_for_before_it_is_let_go(fake_reaper: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ANSWER_S", 0.3)
    fake = fake_reaper(hang={"GetProjectLength": [1, 1.0]}, projects=[{"tracks": [{"name": "Kick"}]}])
    with REAPER.connect(Asked(fake.port)) as link:
        with pytest.raises(HostError, match=r"did not answer within 0\.3 s"):
            REAPER.state(link)
        assert REAPER.state(link).tracks[0].name == "Kick"


def test_several_projects(fake_reaper: Callable) -> None:
    fake = fake_reaper(projects=[{"path": "/a/One.rpp"}, {"path": "/a/Two.RPP"}, {"path": "/b/two.rpp"}], front=1)
    with REAPER.connect(Asked(fake.port)) as link:
        assert link.name == "Two.RPP"
    with REAPER.connect(Asked(fake.port, "one")) as link:
        assert link.name == "One.rpp"
        assert fake.state()["front"] == 0
    assert fake.state()["front"] == 1
    for name, said in (("two", "more than one open project is called 'two'"), ("three", "no open project")):
        with pytest.raises(HostError, match=said) as caught, REAPER.connect(Asked(fake.port, name)):
            pass
        assert "One.rpp, Two.RPP, two.rpp" in caught.value.hint


def test_a_proxy_of_the_system_is_not_asked(fake_reaper: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with REAPER.connect(Asked(fake_reaper().port)) as link:
        assert REAPER.state(link).tracks


def test_the_web_interface_does_not_answer_while_reaper_is_held(fake_reaper: Callable) -> None:
    marker = {"region": False, "at": 0.5, "end": 0.0, "name": "Verse"}
    with REAPER.connect(Asked(fake_reaper(projects=[{"markers": [marker]}]).port)) as link:
        with link.held(), pytest.raises(HostError, match="no REAPER answers"):
            link.names()
        assert link.names() == {(False, 1): "Verse"}

"""Templates are found by name, the user's own before ours, and a wrong one is named with its line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stemwright import registry, resources
from stemwright.errors import SettingsError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path / "own")
    (tmp_path / "own" / "names").mkdir(parents=True)
    return tmp_path / "own" / "names"


def test_the_users_own_comes_first(own: Path) -> None:
    packaged = resources.find("names", "roles")
    assert own not in packaged.parents and "roles" in resources.names("names")
    (own / "roles.toml").write_text('[mine]\nlabel = "Mine"\nwords = []')
    (own / "extra.toml").touch()
    assert resources.find("names", "roles") == own / "roles.toml"
    assert list(resources.load("names", "roles")) == ["mine"]
    assert {"extra", "roles"} <= set(resources.names("names"))


def test_a_path_is_taken_as_it_is(own: Path, tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text("a = 1")
    assert resources.load("names", str(tmp_path / "here.toml")) == {"a": 1}


@pytest.mark.parametrize("name", ["nothing", "", "../names/roles", "..\\roles", "missing.toml", "a\0b"])
def test_an_unknown_name_lists_the_known_ones(own: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="there is no name called") as caught:
        resources.find("names", name)
    assert "roles" in caught.value.hint and str(own) in caught.value.hint


@pytest.mark.parametrize("data", [b"a = 1\nb = \n", b"\xff", b"a = " + b"[" * 100_000])
def test_a_wrong_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"a\.toml") as caught:
        resources.load_toml(path)
    assert ("line 2" in caught.value.message) == (data[:1] == b"a" and len(data) < 99)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        resources.load_toml(tmp_path / "gone.toml")


def test_every_template_of_ours_is_toml() -> None:
    folder = resources.roots()[-1]
    found = sorted(folder.rglob("*.toml"))
    assert found and all(tomllib.loads(path.read_text(encoding="utf-8")) for path in found)


def test_modules_are_discovered_and_private_ones_left_out() -> None:
    names = registry.module_names("stemwright.audio")
    assert {"probe", "stream", "wav"} <= set(names) and "__init__" not in names
    found = registry.discover("stemwright.audio")
    assert tuple(found) == names and callable(found["probe"].probe)
    assert not any(name.startswith("_") for name in registry.module_names("stemwright.session.formats"))

"""How a medium is found that a session names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from session_kit import wav

from stemwright.session.media import Roots, find_media, read_media, relative


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """`upper/home`, with a file in each folder, in `home/Takes/01` and outside of `upper`."""
    home = tmp_path.resolve() / "upper" / "home"
    (home / "Takes" / "01").mkdir(parents=True)
    for folder in (home, home.parent, home.parent.parent, home / "Takes" / "01"):
        wav(folder / f"{folder.name if folder.name in ('home', 'upper', '01') else 'out'}.wav", 100)
    return home


def literal(home: Path, *allowed: Path) -> Roots:
    return Roots(home, allowed, search=False)


def test_names_mean_what_they_say(home: Path) -> None:
    roots = literal(home)
    for name in ("home.wav", "./home.wav", "../home/home.wav", str(home / "home.wav"), (home / "home.wav").as_uri()):
        assert find_media(name, roots) == home / "home.wav", name
    assert find_media("Takes\\01\\01.wav", roots) == find_media("Takes/01/01.wav", roots) is not None
    assert find_media("../upper.wav", roots) == find_media("..\\upper.wav", roots) == home.parent / "upper.wav"
    for name in ("01.wav", "01/01.wav", "no/home.wav", "C:\\home.wav", "", ".", "..", "Takes", "a\0b", "x" * 5000):
        assert find_media(name, roots) is None, name


def test_nothing_outside_is_opened(home: Path) -> None:
    out = home.parent.parent / "out.wav"
    (home / "link.wav").symlink_to(out)
    (home / "folder").symlink_to(out.parent)
    for search in (False, True):
        for name in ("../../out.wav", str(out), out.as_uri(), "link.wav", "folder/out.wav", "x/../../../out.wav"):
            assert find_media(name, Roots(home, (), search)) is None, name
        file, told = read_media(str(out), Roots(home, (), search), sample_rate=48000, frames=7)
        assert told and (file.frames, file.bytes) == (7, 0)
    assert find_media("link.wav", literal(home, out.parent)) == home / "link.wav"
    assert find_media("folder/out.wav", literal(home, out.parent)) == out
    assert find_media(str(home.parent / "upper.wav"), literal(home)) is None  # above only for a name with `..`


def test_the_folder_above_is_never_the_whole_disk() -> None:
    name = Path(__file__).resolve()
    assert find_media(f"..{name}", literal(Path("/home"))) is None


def test_what_was_moved_is_found_by_its_name_and_told(home: Path) -> None:
    for name, found in (
        ("/Volumes/Disk/Takes/01/01.wav", "Takes/01/01.wav"),
        ("C:\\Songs\\home.wav", "home.wav"),
        ("HOME.WAV", "home.wav"),
        ("D:/takes/01/01.WAV", "Takes/01/01.wav"),
    ):
        assert find_media(name, literal(home)) is None
        file, told = read_media(name, Roots(home), sample_rate=48000, frames=1)
        assert file.path == home / found and f"{found} has its name" in told
    wav(home / "Home.wav", 50)  # now the case decides, and nothing does for HOME.WAV
    assert find_media("Home.wav", literal(home)) == home / "Home.wav"
    assert find_media("HOME.WAV", Roots(home)) is None


def test_letters_may_be_composed_in_another_way(home: Path) -> None:
    wav(home / "Cafe\u0301.wav", 10)
    assert find_media("Caf\u00e9.wav", Roots(home)) == home / "Cafe\u0301.wav"


def test_two_media_are_never_one_file(home: Path) -> None:
    roots = Roots(home)
    first, _ = read_media("/a/01/home.wav", roots, sample_rate=48000, frames=5)
    other, told = read_media("/a/02/home.wav", roots, sample_rate=48000, frames=5)
    assert first.path == home / "home.wav" and not other.bytes
    assert told == "a/02/home.wav: is not there, and home.wav stands for a/01/home.wav"
    again, _ = read_media("HOME.WAV", roots, sample_rate=48000, frames=5)
    assert again == first  # which may well be the same


def test_what_is_missing_stays_where_it_was_named(home: Path) -> None:
    for name in ("gone/a.wav", "../gone/a.wav", "a.wav", "/Volumes/Disk/a.wav", "C:/Users/Ann/a.wav"):
        for search in (False, True):
            file, told = read_media(name, Roots(home, (), search), sample_rate=48000, frames=5)
            assert told and relative(file.path, home) == name
    file, _ = read_media("../gone/a.wav", Roots(home), sample_rate=48000, frames=5)
    assert relative(file.path, home / "deeper" / "still") == "../../../gone/a.wav"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "/", "\\", "C:", "file:", "//", "a", "home.wav", "\0", "%2e", "\ud800"])))
def test_any_name_is_survived_and_leads_nowhere(home: Path, parts: list[str]) -> None:
    for name in ("".join(parts), "/".join(parts)):
        for search in (False, True):
            roots = Roots(home, (), search)
            found = find_media(name, roots)
            assert found is None or found.is_relative_to(home.parent)
            file, told = read_media(name, roots, sample_rate=48000, frames=5)
            assert (file.bytes == 0) <= bool(told) and relative(file.path, home)
            assert file.path.name

from __future__ import annotations

import io
import re
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from session_kit import BYTES, band, cut, damaged, odd_values, refused, song, wav

from stemwright.errors import InputError, SessionError
from stemwright.model import Clip, Session, Track
from stemwright.session.arrange import arrange
from stemwright.session.filling.match import Filled
from stemwright.session.filling.proof import prove_filled
from stemwright.session.formats import fill_template, read_session
from stemwright.session.formats.xml import insert, parse

OWN = """<?xml version='1.0' encoding='UTF-8' standalone='no' ?>
<!-- Größe: <Clips id="no"/> -->
<Project version="1.0">
  <Application name='Some DAW' version="6 &gt; 5"/>
  <Transport><Tempo id="t" unit="bpm" value="150" min="20" max="666"/>
    <TimeSignature id="ts" numerator="4" denominator="4"/></Transport>
  <Structure>
    <Track contentType="tracks" id="g" name="DRUMS">
      <Channel role="master" id="gc" destination="mc"><Devices>
        <Vst3Plugin deviceRole="audioFX" deviceName="Böhm &amp; Co" id="v">
          <State path="plugins/x.vstpreset"/></Vst3Plugin></Devices></Channel>
      <Track contentType="audio" id="k" name="KICK IN"><Channel role="regular" id="kc" destination="gc"/></Track>
      <Track contentType="audio" id="s" name="Snare"  ><Channel role="regular" id="sc" destination="gc"/></Track>
    </Track>
    <Track contentType="notes" id="b0" name="Bass"><Channel role="regular" id="b0c" destination="mc"/></Track>
    <Track contentType="audio" id="b" name="E. Bass 🎸"><Channel role="regular" id="bc" destination="mc"/></Track>
    <Track contentType="audio" id="x" name="Plate"><Channel role="effect" id="xc" destination="mc"/></Track>
    <Track contentType="audio" id="u" name="Lead Vox used"><Channel role="regular" id="uc" destination="mc"/></Track>
    <Track contentType="audio" id="l" name="LEAD VOX"><Channel role="regular" id="lc" destination="mc"/></Track>
    <Track contentType="audio notes" id="m" name="Master"><Channel role="master" id="mc"/></Track>
  </Structure>
  <Arrangement id="arr">
    <Lanes timeUnit="beats" id="lanes">
      <Lanes track="k" id="k1"><Clips id="k2"/></Lanes>
      <Lanes track="s" id="s1"><Clips id="stem0"  >
      </Clips></Lanes>
      <Lanes track="u" id="u1"><Points id="p"><Target parameter="t"/></Points><Clips id="u2">
        <Clip time="0.0" duration="1.0"><Audio channels="1" duration="1" sampleRate="48000" id="a">
          <File path="audio/Vox.wav"/></Audio></Clip></Clips></Lanes>
      <Clips track="b" timeUnit="seconds" id="b1"></Clips>
    </Lanes>
    <TempoAutomation unit="bpm" timeUnit="beats" id="ta"><Target parameter="t"/>
      <RealPoint time="0.0" value="150" interpolation="hold"/>
      <RealPoint time="0.2" value="75" interpolation="hold"/></TempoAutomation>
  </Arrangement>
  <Scenes/>
</Project>
"""

ENTRIES = {
    "metadata.xml": b"<MetaData><Title>Mix template</Title><Comment>mine</Comment></MetaData>",
    "plugins/x.vstpreset": bytes(range(256)) * 40,
    "audio/Vox.wav": b"not the stem of this name",
    "größe.txt": b"",
}


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("unpacked")))


def own(folder: Path, body: str | bytes = OWN, name: str = "own.dawproject") -> Path:
    """The template as another DAW zips it: deflated, sizes behind the data, dates, a comment."""
    target = io.BytesIO()

    class Stream(io.RawIOBase):  # no seeking: sizes stand behind the data
        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            return target.write(data)

    with zipfile.ZipFile(Stream(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"by hand"
        for entry, data in {"project.xml": body, **ENTRIES}.items():
            info = zipfile.ZipInfo(entry, (2021, 3, 4, 5, 6, 8))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(info, data)
    (folder / name).write_bytes(target.getvalue())
    return folder / name


def fill(folder: Path, session: Session, body: str | bytes = OWN, **mapping: str) -> tuple[Filled, str]:
    """What was filled, and the new project.xml."""
    template = own(folder, body)
    before = template.read_bytes()
    filled = fill_template(template, session, folder / "filled.dawproject", mapping)
    assert template.read_bytes() == before
    with zipfile.ZipFile(folder / "filled.dawproject") as archive:
        return filled, archive.read("project.xml").decode()


def packed(path: Path) -> dict[str, tuple[bytes, object]]:
    """The packed bytes and what the directory says of every entry."""
    found: dict[str, tuple[bytes, object]] = {}
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert info.filename not in found
            name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
            start = info.header_offset + 30 + name + extra
            facts = (info.date_time, info.compress_type, info.external_attr, info.CRC, info.file_size)
            found[info.filename] = data[start : start + info.compress_size], facts
    return found


def test_only_clips_and_audio_are_added(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    filled, after = fill(tmp_path, session)
    ours = {track.role: track for track in session.tracks if not track.is_group}
    expected = {"KICK IN": "drums.kick", "Snare": "drums.snare", "E. Bass 🎸": "bass", "LEAD VOX": "vocals.lead"}
    assert dict(filled.placed) == {ours[role].name: name for name, role in expected.items()}
    assert list(filled.unmatched) == ["FullMix"] and filled.unfilled == ()
    assert len(filled.warnings) == 2 and "75 BPM" in filled.warnings[0] and "bar 1" in filled.warnings[1]
    # The XML: new elements taken out by hand, every other byte is there.
    new = [e for e in etree.fromstring(after.encode()).iter("Clip") if e.getparent().get("id") in ("k2", "stem0", "b1")]
    assert len(new) == 3 and after.count("<Clip ") == OWN.count("<Clip ") + 7  # the bass is raw: one Clip, not two
    rest = after
    rest = re.sub(r'(?<=<Clips id="k2")>.*?</Clips>(?=</Lanes>\n      <Lanes track="s")', "/>", rest, flags=re.DOTALL)
    rest = re.sub(r'(<Clips id="stem0"  >\n      ).*?(?=</Clips></Lanes>\n      <Lanes track="u")', r"\1", rest)
    rest = re.sub(r'(<Clips track="b" timeUnit="seconds" id="b1">).*?(?=</Clips>\n)', r"\1", rest)
    rest = re.sub(r'(?<=\n    )<Lanes track="l".*?</Lanes>(?=</Lanes>\n    <TempoAutomation)', "", rest)
    assert rest == OWN
    # The zip: packed bytes, dates and rights of every other entry; the stems bit for bit beside them.
    before, now = packed(tmp_path / "own.dawproject"), packed(tmp_path / "filled.dawproject")
    assert all(now[name] == entry for name, entry in before.items() if name != "project.xml")
    added = now.keys() - before.keys()
    assert added == {"audio/Vox_2.wav", "audio/Kick_ä_🥁.wav", "audio/Snare.wav", "audio/Bass.wav"}
    assert now["audio/Vox_2.wav"][0] == (tmp_path / "Vox.wav").read_bytes()
    with zipfile.ZipFile(tmp_path / "filled.dawproject") as archive:
        assert archive.comment == b"by hand"
    # Read back: every clip at its frame in spite of the template's tempo change, its gain beside the template's.
    read = {track.name: track for track in read_session(tmp_path / "filled.dawproject", tmp_path).session.tracks}
    for name, role in expected.items():
        (clip,) = read[name].clips  # its file may have another name in the zip
        assert replace(clip, file=ours[role].clips[0].file) == ours[role].clips[0] and read[name].gain_db == 0
        assert clip.file.path.read_bytes() == ours[role].clips[0].file.path.read_bytes()
    assert read["KICK IN"].clips[0].gain_db == 3.0 and len(read["Lead Vox used"].clips) == 1
    assert prove_filled(tmp_path / "filled.dawproject", session, filled).ok
    ids = [element.get("id") for element in etree.fromstring(after.encode()).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    filled_again, same = fill(tmp_path, session)
    assert (filled_again, same) == (filled, after)


def test_the_result_is_valid_where_the_template_is(tmp_path: Path, shared: Path) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "schemas" / "Project.xsd"))
    schema.assertValid(etree.fromstring(OWN.encode()))
    _, after = fill(tmp_path, arrange(band(tmp_path)))
    schema.assertValid(etree.fromstring(after.encode()))
    with zipfile.ZipFile(tmp_path / "filled.dawproject") as archive:
        meta = etree.fromstring(archive.read("metadata.xml"))
    etree.XMLSchema(etree.parse(shared / "schemas" / "MetaData.xsd")).assertValid(meta)


def test_a_project_that_bitwig_wrote(tmp_path: Path, shared: Path) -> None:
    text = (shared / "material/sessions/dawproject/bitwig/README.md").read_text(encoding="utf-8")
    body = text[text.index("<?xml") : text.index("</Project>") + len("</Project>")]
    schema = etree.XMLSchema(etree.parse(shared / "schemas" / "Project.xsd"))
    session = arrange(band(tmp_path))
    filled, after = fill(tmp_path, session, body, Bass="Drumloop")
    assert filled.placed == (("Bass", "Drumloop"),)
    start = next(n for n, (a, b) in enumerate(zip(body, after, strict=False)) if a != b)
    assert body == after[:start] + after[start + len(after) - len(body) :]  # one piece, inserted
    if schema.validate(etree.fromstring(body.encode())):
        schema.assertValid(etree.fromstring(after.encode()))
    read = read_session(tmp_path / "filled.dawproject", tmp_path).session
    bass = next(track for track in session.tracks if track.name == "Bass")
    assert bass.clips[0] in next(track for track in read.tracks if track.name == "Drumloop").clips


@pytest.mark.parametrize(
    "bare",
    [
        lambda text: re.sub(r"    <Lanes timeUnit.*?</Lanes>\n    (?=<TempoA)", "", text, flags=re.DOTALL),
        lambda text: re.sub(r"  <Arrangement.*?</Arrangement>\n", "", text, flags=re.DOTALL),
        lambda text: re.sub(r"<Arrangement.*?</Arrangement>", '<Arrangement id="arr"/>', text, flags=re.DOTALL),
        lambda text: re.sub(r"<Lanes timeUnit.*?</Lanes>(?=\n    <TempoA)", "<Lanes id='q' />", text, flags=re.DOTALL),
    ],
    ids=["no lanes", "no arrangement", "empty arrangement", "empty lanes"],
)
def test_templates_without_an_arrangement(tmp_path: Path, shared: Path, bare: Callable[[str], str]) -> None:
    session, body = arrange(band(tmp_path)), bare(OWN)
    assert body != OWN and "stem0" not in body
    filled, after = fill(tmp_path, session, body)
    assert len(filled.placed) == 4
    etree.XMLSchema(etree.parse(shared / "schemas" / "Project.xsd")).assertValid(etree.fromstring(after.encode()))
    assert prove_filled(tmp_path / "filled.dawproject", session, filled).ok


def test_nothing_that_fits_leaves_every_byte_of_the_xml(tmp_path: Path) -> None:
    session = Session(song(), (Track("Kazoo", clips=(Clip(wav(tmp_path / "k.wav", 9), 0, 9),)),), 48000, 9)
    filled, after = fill(tmp_path, session)
    assert after == OWN and list(filled.unmatched) == ["Kazoo"]
    assert filled.unfilled == ("KICK IN", "Snare", "E. Bass 🎸", "LEAD VOX")


numbers = st.integers(0, 400_000)
CLIPS = st.lists(st.tuples(numbers, st.integers(1, 90_000), numbers, numbers), min_size=1, max_size=3)


@settings(max_examples=30, deadline=None)
@given(CLIPS, st.sampled_from(["Snare", "E. Bass 🎸"]), st.sampled_from([0.0, -7.5]))
def test_every_frame_of_any_clip_survives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, ...]], track: str, gain: float
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fill frames"
    folder.mkdir(exist_ok=True)
    file = wav(folder / "Long.wav", 100_000)
    clips = []
    for at, wanted, source, fade in rows:
        source = min(source, 99_999)
        length = min(wanted, file.frames - source)
        clips.append(Clip(file, at, length, source, gain, min(fade, length), min(fade // 2, length)))
    session = Session(song(), (Track("A", clips=tuple(clips)),), 48000, 1)
    filled, _ = fill(folder, session, A=track)
    read = read_session(folder / "filled.dawproject").session
    back = next(t for t in read.tracks if t.name == track).clips
    assert sorted(back, key=str) == sorted(clips, key=str)
    assert prove_filled(folder / "filled.dawproject", session, filled).ok


def test_large_media_take_no_memory(tmp_path: Path) -> None:
    file = wav(tmp_path / "Kick.wav", 100)
    with file.path.open("r+b") as grown:
        grown.truncate(100 << 20)
    session = Session(song(), (Track("Kick", "drums.kick", (Clip(file, 0, 100),)),), 48000, 100)
    once = own(tmp_path)
    fill_template(once, session, tmp_path / "big.dawproject", {})  # and now 100 MB in the template as well
    tracemalloc.start()
    try:
        fill_template(tmp_path / "big.dawproject", session, tmp_path / "filled.dawproject", {"Kick": "LEAD VOX"})
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
    with zipfile.ZipFile(tmp_path / "filled.dawproject") as archive:
        assert {"audio/Kick.wav", "audio/Kick_2.wav"} <= set(archive.namelist()) and archive.testzip() is None


def test_insertion_finds_its_place_in_any_markup(tmp_path: Path) -> None:
    data = (
        b"<?xml version='1.0'?><!-- <b/> --><a q='>' r=\"'/>\"><![CDATA[<b>]]><b\n/><?p <b/> ?>text/><b x='1'></b>"
        b"<c>1</c></a >"
    )
    root = parse(data, tmp_path)
    made = insert(data, root, [(root[0], 0, etree.Element("n")), (root[1], 0, etree.Element("m", v="ü"))], tmp_path)
    assert made == data.replace(b"<b\n/>", b"<b\n><n/></b>").replace(b"'1'>", b"'1'><m v=\"&#252;\"/>")
    made = insert(data, root, [(root, 2, etree.Element("n")), (root, 3, etree.Element("m"))], tmp_path)
    assert made == data.replace(b"<c>", b"<n/><c>").replace(b"</a >", b"<m/></a >")
    wide = '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")
    with pytest.raises(SessionError, match="UTF-8"):
        insert(wide, parse(wide, tmp_path), [], tmp_path)


def test_attacks_are_refused(tmp_path: Path) -> None:
    session = arrange(band(tmp_path))
    with pytest.raises(SessionError, match="DOCTYPE"):
        fill(tmp_path, session, '<!DOCTYPE P [<!ENTITY x SYSTEM "file:///etc/passwd">]><Project>&x;</Project>')
    with pytest.raises(InputError, match="no DAWproject"):
        (tmp_path / "text.dawproject").write_bytes(b"<Project/>")
        fill_template(tmp_path / "text.dawproject", session, tmp_path / "x.dawproject", {})
    template = own(tmp_path)
    data = bytearray(template.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (0xF0000000).to_bytes(4, "little")
    template.write_bytes(data)
    with pytest.raises(SessionError, match="zip bomb"):
        fill_template(template, session, tmp_path / "x.dawproject", {})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(own(tmp_path), "a") as archive:
        archive.writestr("project.xml", OWN)
    with pytest.raises(SessionError, match="more than one"):
        fill_template(template, session, tmp_path / "x.dawproject", {})
    assert not (tmp_path / "x.dawproject").exists()


def test_mutations_of_a_template_give_house_errors_only(tmp_path: Path) -> None:
    session, small = arrange(band(tmp_path)), wav(tmp_path / "s.wav", 30)
    tracks = tuple(replace(t, clips=tuple(Clip(small, 0, 30) for _ in t.clips)) for t in session.tracks)
    session, target, good = replace(session, tracks=tracks), tmp_path / "m.dawproject", own(tmp_path).read_bytes()
    values = ["-1", "1e308", "nan", "k", "", "0", "seconds", "99999999", "master", "../x", "tracks"]
    odd = (own(tmp_path, body, target.name).read_bytes() for body in odd_values(OWN, values))
    files = [*damaged(good, BYTES, most=8), *cut(good), *odd]
    found = refused(files, target, lambda path: fill_template(path, session, tmp_path / "out.dawproject", {}))
    assert 30 < found < len(files) - 20

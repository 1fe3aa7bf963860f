"""Presets become plans; wrong ones are refused with the reason."""

import pytest

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.separate.plan import Node, Plan, choose, narrow, of_model, preset, presets, with_residual

ALL = {stem: stem for stem in ("drums", "bass", "other", "vocals")}
BAND = """
[good]
stems = ["kick", "snare", "voice", "band"]
[[good.nodes]]
model = "htdemucs"
give = { voice = "vocals", drums = "drums" }
rest = "band"
[[good.nodes]]
model = "htdemucs_6s"
source = "drums"
give = { kick = "bass" }
rest = "snare"
"""


def written(folder, text, head='title = "Band"\n'):
    (folder / "band.toml").write_text(head + text)
    return str(folder / "band.toml")


def test_a_preset_is_a_plan_for_each_quality(tmp_path):
    draft = '[draft]\nstems = ["vocals"]\n[[draft.nodes]]\nmodel = "htdemucs"\ngive = { vocals = "vocals" }\n'
    name = written(tmp_path, BAND + draft, 'title = "Band"\nabout = " slow "\nprompt = "a kick"\n')
    made = preset(name)
    assert (made.name, made.title, made.about, list(made.plans)) == ("band", "Band", "slow", ["draft", "good"])
    good = choose(name, "good")
    assert good is not made.plans["draft"] and good == made.plans["good"] and good.prompt == "a kick"
    assert good.nodes[1] == Node("htdemucs_6s", {"kick": "bass"}, "drums", "snare")
    assert good.leaves == ("voice", "band", "kick", "snare") and good.complete
    assert [card.name for card in good.cards] == ["htdemucs", "htdemucs_6s"]
    assert not made.plans["draft"].complete
    with pytest.raises(SettingsError, match="no quality 'best'") as caught:
        choose(name, "best")
    assert "draft, good" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("good", "fine"), "none of the tables"),
        (('source = "drums"', 'source = "guitar"'), "hears 'guitar', which nothing before it makes"),
        (('"bass" }', '"kick" }'), "htdemucs_6s has no stem kick"),
        (("kick = ", "voice = "), "voice is made twice"),
        (('rest = "snare"', 'rest = "mix"'), "mix is made twice"),
        (('"band"]', '"drums"]'), "nothing leaves drums as a stem"),
        (('["kick", "snare", "voice", "band"]', "[]"), "nothing leaves it"),
        (('model = "htdemucs"', 'model = "demux"'), "no model called 'demux'"),
        (('model = "htdemucs"', "model = 3"), "3 is not a text"),
        (('rest = "snare"', 'rests = "snare"'), "knows no rests"),
        (("[good]", "[good"), "band.toml"),
    ],
)
def test_a_wrong_preset_is_refused(tmp_path, change, complaint):
    text = BAND.replace(*change)
    assert text != BAND
    with pytest.raises(SettingsError, match=complaint) as caught:
        preset(written(tmp_path, text))
    assert caught.value.hint


def test_presets_without_title_or_name_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="title"):
        preset(written(tmp_path, BAND, ""))
    with pytest.raises(SettingsError, match="no preset called 'no_such'"):
        preset("no_such")


def test_every_shipped_preset_builds():
    shipped = presets()
    assert {"2_tracks", "4_tracks", "6_tracks", "acapella", "instrumental"} <= {made.name for made in shipped}
    assert {made.name for made in shipped} == set(resources.names("presets"))
    for made in shipped:
        assert made.title and (made.about or made.plans)
        for found in made.plans.values():
            assert found.stems and all(card.terms.text for card in found.cards)
    assert choose("4_tracks", "good").complete and choose("2_tracks", "good").complete


def test_a_model_alone_gives_all_its_stems_or_its_only_one_and_the_rest():
    assert of_model("htdemucs") == Plan((Node("htdemucs", ALL),), tuple(ALL))
    assert of_model("mel_kim").stems == ("vocals", "instrumental") and of_model("mel_kim").complete
    assert of_model("mel_guitar").stems == ("guitar", "no_guitar")


@pytest.mark.parametrize(
    ("how", "give", "rest"),
    [
        ({"only": ("vocals", "drums")}, ("drums", "vocals"), ""),
        ({"without": ("bass", "other")}, ("drums", "vocals"), ""),
        ({"two_stems": "vocals"}, ("vocals",), "instrumental"),
        ({"two_stems": "bass"}, ("bass",), "no_bass"),
    ],
)
def test_a_plan_is_narrowed_to_what_is_wanted(how, give, rest):
    node = Node("htdemucs", {stem: stem for stem in give}, rest=rest)
    assert narrow(of_model("htdemucs"), **how) == Plan((node,), node.outputs)


def test_networks_that_nothing_needs_are_dropped(tmp_path):
    band = choose(written(tmp_path, BAND), "good")
    voice = narrow(band, only=("voice",))
    assert voice.nodes == (Node("htdemucs", {"voice": "vocals"}),)
    assert narrow(band, only=("kick",)).nodes == (
        Node("htdemucs", {"drums": "drums"}),
        Node("htdemucs_6s", {"kick": "bass"}, "drums"),
    )
    assert narrow(band, without=("kick",)).nodes == band.nodes, "a rest needs all that is taken out"
    assert narrow(band) == band
    with pytest.raises(SettingsError, match="does not take kick from the mix"):
        narrow(band, two_stems="kick")


@pytest.mark.parametrize("how", [{"only": ("piano",)}, {"without": ("piano",)}, {"two_stems": "piano"}])
def test_stems_that_a_plan_lacks_are_refused(how):
    with pytest.raises(SettingsError, match="htdemucs has no stem 'piano'") as caught:
        narrow(of_model("htdemucs"), **how)
    assert "drums, bass, other, vocals" in caught.value.hint
    with pytest.raises(SettingsError, match="no stem is left"):
        narrow(of_model("htdemucs"), without=tuple(ALL))


def test_the_residual_goes_where_it_is_asked_to():
    whole = of_model("htdemucs")
    other, file = with_residual(whole, "other"), with_residual(whole, "file")
    assert other.nodes == (Node("htdemucs", {s: s for s in ALL if s != "other"}, rest="other"),)
    assert other.stems == whole.stems and other.complete
    assert file.stems == (*whole.stems, "residual") and file.nodes[0].rest == "residual" and file.complete
    further = Plan((*whole.nodes, Node("htdemucs", {f"{s}2": s for s in ALL}, "drums")), ("bass", "other", "vocals"))
    assert [node.rest for node in with_residual(further, "file").nodes] == ["residual", "drums_residual"]
    with pytest.raises(SettingsError, match="makes no `other`"):
        with_residual(further, "other")
    two = narrow(whole, two_stems="vocals")
    for how in ("other", "file"):
        with pytest.raises(SettingsError, match="leaves nothing over"):
            with_residual(two, how)

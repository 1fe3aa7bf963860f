import re

from stemwright.audit import Finds, Found, rule
from stemwright.model import Stem, StemSet
from stemwright.naming import guess_role


@rule("PKG004", severity="warning", confidence="heuristic", daw="equal-length")
def several_songs(stems: StemSet) -> Finds:
    """Stems of several songs seem to lie in one folder.

    What
        Names with several beginnings (SongA_Kick, SongB_Kick), each with a length of its own.
    Why the mix engineer cares
        Imported together they make one session of two songs.
    How it is measured
        All of: two beginnings or more that mean no instrument, at least two stems each, one length within each and
        another between them, and an instrument that both have. Anything less is taken for one song.
    Fix
        Make a folder for each song.
    Source
        Pro Tools export guide: one folder for a song.
    """
    songs: dict[str, list[Stem]] = {}
    for stem in stems.everything:
        songs.setdefault(re.split("[ _-]", stem.file.path.stem)[0], []).append(stem)
    lengths = [{stem.file.frames for stem in song} for song in songs.values()]
    roles = [{guess_role(stem.file.path.stem) for stem in song} - {"other"} for song in songs.values()]
    if (
        len(songs) > 1
        and all(len(song) > 1 for song in songs.values())
        and all(guess_role(begin) == "other" for begin in songs)
        and len(set().union(*lengths)) == len(songs) == sum(map(len, lengths))
        and set.intersection(*roles)
    ):
        yield Found(f"{len(songs)} songs seem to lie here: {', '.join(sorted(songs))}", None, len(songs), 1, "songs")

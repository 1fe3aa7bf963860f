from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("MET006", severity="info", repair="lossless", required=False)
def umid(stems: StemSet, *, required: bool) -> Finds:
    """UMIDs are not unique.

    What
        Two files with the same unique material identifier; with `required`, also files without one.
    Why the mix engineer cares
        Media managers and conform tools take files of one UMID for the same take, and link the wrong one.
    How it is measured
        The UMID of `bext`, or that of iXML where `bext` has none; zeros are none.
    Fix
        Have the files written anew with UMIDs of their own, or clear the field.
    Source
        SMPTE ST 330; EBU Tech 3285. Most DAWs write none, which is why only archives require it.
    """
    seen: dict[str, str] = {}
    without = 0
    for file in sorted((stem.file for stem in stems.stems), key=lambda file: file.path):
        found = (file.metadata.umid or dict(file.metadata.ixml_facts).get("umid", "")).lower().rstrip("0")
        if found and found in seen:
            yield Found(f"has the same UMID as {seen[found]}", file.path, found, "unique")
        if found:
            seen.setdefault(found, file.path.name)
        without += not found
    if required and without:
        yield Found(f"{without} of {len(stems.stems)} stems have no UMID", None, without, 0, "stems")

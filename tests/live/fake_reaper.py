"""A REAPER that is none: projects in memory behind reapy's own server, REAPER's web interface, and real renders.

Run as a program, it reads a line of JSON, prints its port as JSON, and lives until stdin is closed.
Functions return what REAPER's own `reaper_python.py` returns: handles as texts, tuples where there are out-arguments,
no names of markers. `GET /state` on the web port tells everything that is in memory.
"""

# ruff: noqa: N802

import base64
import copy
import http.server
import json
import os
import sys
import threading
import time
import types
from pathlib import Path

obj = None  # makes reapy believe that it runs inside REAPER

CONFIG = json.loads(sys.stdin.readline())
RENDER, NEW_TAB, CLOSE_TAB, START_SERVER = 42230, 40859, 40860, "_RSstart"
SNAPSHOT = ("tracks", "markers", "tempo")
CALLS: list[str] = []
HANDLES: dict[str, object] = {}
COUNTS: dict[str, int] = {}
RENDERED: list[dict] = []
API = types.ModuleType("reaper_python")
API.rpr_packp = None


class Thing:
    """Anything with a handle."""

    def __init__(self, kind: str, **values):
        self.handle = f"({kind}*)0x{len(HANDLES) + 1:016X}"
        HANDLES[self.handle] = self
        self.v = values

    def __deepcopy__(self, memo):
        twin = object.__new__(Thing)
        twin.handle, twin.v = self.handle, copy.deepcopy(self.v, memo)
        return twin


def null(kind):
    return f"({kind}*)0x{0:016X}"


def track(name="", **more):
    values = {"I_CUSTOMCOLOR": 0, "I_FOLDERDEPTH": 0, "I_NCHAN": 2, "D_VOL": 1.0, "D_PAN": 0, "B_MUTE": 0, "I_SOLO": 0}
    values |= {"I_FXEN": 1, "I_SELECTED": 0, "B_SHOWINTCP": 1, "C_BEATATTACHMODE": -1}
    values |= {key: value for key, value in more.items() if key not in ("items", "fx")}
    items = [item(**spec) for spec in more.get("items", ())]
    return Thing("MediaTrack", P_NAME=name, items=items, fx=list(more.get("fx", ())), **values)


def item(file=None, at=0.0, length=1.0, name="", **more):
    takes = [Thing("MediaItem_Take", P_NAME=name, source=source(file), D_STARTOFFS=0.0, D_VOL=1.0)] if file else []
    return Thing("MediaItem", D_POSITION=at, D_LENGTH=length, B_MUTE=0, P_NOTES="", takes=takes, **more)


def source(file):
    return Thing("PCM_source", file=file)


def project(path="", tracks=(), markers=(), tempo=(), info=None, text=None, bpm=120.0, master=()):
    numbers = {"PROJECT_SRATE": 48000, "PROJECT_SRATE_USE": 1, "RENDER_SETTINGS": 0, "RENDER_BOUNDSFLAG": 2}
    numbers |= {"RENDER_CHANNELS": 1, "RENDER_SRATE": 22050, "RENDER_TAILFLAG": 18, "RENDER_TAILMS": 700}
    numbers |= {"RENDER_ADDTOPROJ": 1, "RENDER_DITHER": 3, "RENDER_NORMALIZE": 1 | 1 << 14}
    numbers |= {"RENDER_STARTPOS": 1.0, "RENDER_ENDPOS": 2.0, **(info or {})}
    texts = {"RENDER_FILE": "Renders", "RENDER_PATTERN": "$project", "RENDER_FORMAT": "ZXZhdxAAAQ=="}
    texts |= {"RENDER_FORMAT2": "", **(text or {})}
    return Thing(
        "ReaProject", path=path, tracks=[track(**one) for one in tracks], markers=list(markers), tempo=list(tempo),
        info=numbers, text=texts, bpm=bpm, undo=[], block=None, master=track("MASTER", fx=list(master)),
    )  # fmt: skip


PROJECTS = [project(**one) for one in CONFIG.get("projects", [{}])]
FRONT = [CONFIG.get("front", 0)]


def of(handle):
    """The live thing of a handle, as it stands in a project now."""
    if isinstance(handle, str) and handle in HANDLES:
        return HANDLES[handle]
    raise RuntimeError(f"not a valid handle: {handle!r}")


def proj(handle):
    return PROJECTS[FRONT[0]] if handle in (0, None) else of(handle)


def api(function, name=""):
    """Offer a function, counted; it fails, hangs or dies at its nth call when the configuration says so."""
    short = name or function.__name__.removeprefix("RPR_")
    if short in CONFIG.get("missing", ()):
        return function

    def called(*arguments):
        COUNTS[short] = COUNTS.get(short, 0) + 1
        CALLS.append(short)
        if CONFIG.get("fail", {}).get(short) == COUNTS[short]:
            raise RuntimeError(CONFIG.get("error", "the fake was told to fail"))
        if CONFIG.get("die", {}).get(short) == COUNTS[short]:
            os._exit(9)
        number, seconds = CONFIG.get("hang", {}).get(short, (0, 0))
        if number == COUNTS[short]:
            time.sleep(seconds)
        return function(*arguments)

    called.__name__ = called.__qualname__ = f"RPR_{short}"
    called.__module__ = "reaper_python"
    setattr(API, called.__name__, called)
    return function


@api
def RPR_EnumProjects(number, text, size):
    number = FRONT[0] if number == -1 else number
    if not 0 <= number < len(PROJECTS):
        return null("ReaProject"), number, "", size
    return PROJECTS[number].handle, number, PROJECTS[number].v["path"], size


@api
def RPR_SelectProjectInstance(p):
    FRONT[0] = PROJECTS.index(of(p))


@api
def RPR_Main_OnCommandEx(command, flag, p):
    if command == NEW_TAB:
        PROJECTS.append(project())
        FRONT[0] = len(PROJECTS) - 1
    elif command == CLOSE_TAB:
        PROJECTS.pop(FRONT[0])
        FRONT[0] = 0
    elif command == RENDER:
        render(proj(p))
    else:
        raise RuntimeError(f"no such action: {command}")


@api
def RPR_Main_openProject(name):
    import rpp

    path = name.removeprefix("noprompt:")
    try:
        root = rpp.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    here = PROJECTS[FRONT[0]].v
    here["path"] = path
    here["tracks"] = [track(chunk.find("NAME")[1]) for chunk in root.findall("TRACK")]


@api
def RPR_GetTrack(p, number):
    tracks = proj(p).v["tracks"]
    return tracks[number].handle if number < len(tracks) else null("MediaTrack")


@api
def RPR_GetTrackName(t, text, size):
    numbers = {one.handle: number for here in PROJECTS for number, one in enumerate(here.v["tracks"], 1)}
    return True, t, of(t).v["P_NAME"] or f"Track {numbers[t]}", size


@api
def RPR_InsertTrackAtIndex(number, defaults):
    proj(0).v["tracks"].insert(number, track())


def text_of(thing, what, value, is_set):
    if is_set:
        of(thing).v[what] = value
    return True, thing, what, str(of(thing).v.get(what, "")), is_set


def number_of(thing, what):
    return float(of(thing).v[what])


def set_number(thing, what, value):
    of(thing).v[what] = value
    return True


for kind in ("MediaTrack", "MediaItem", "MediaItemTake"):
    api(text_of, f"GetSet{kind}Info_String")
    api(number_of, f"Get{kind}Info_Value")
    api(set_number, f"Set{kind}Info_Value")
PLAIN = {  # what needs no more than an expression
    "GetAppVersion": lambda: CONFIG.get("version", "7.41/linux-x86_64"),
    "GetResourcePath": lambda: ".",
    "CountTracks": lambda p: len(proj(p).v["tracks"]),
    "GetMasterTrack": lambda p: proj(p).v["master"].handle,
    "GetTrackNumSends": lambda t, category: int(of(t).v.get("receives", 0)),
    "TrackFX_GetCount": lambda t: len(of(t).v["fx"]),
    "TrackFX_GetFXName": lambda t, number, text, size: (True, t, number, of(t).v["fx"][number]["name"], size),
    "TrackFX_GetEnabled": lambda t, number: int(of(t).v["fx"][number].get("enabled", True)),
    "TrackFX_GetOffline": lambda t, number: int(of(t).v["fx"][number].get("offline", False)),
    "CountMediaItems": lambda p: sum(len(one.v["items"]) for one in proj(p).v["tracks"]),
    "CountTrackMediaItems": lambda t: len(of(t).v["items"]),
    "GetTrackMediaItem": lambda t, number: of(t).v["items"][number].handle,
    "PCM_Source_CreateFromFile": lambda path: source(path).handle if Path(path).is_file() else null("PCM_source"),
    "GetMediaItemTake_Source": lambda take: of(take).v["source"].handle,
    "GetMediaSourceFileName": lambda src, text, size: (src, of(src).v["file"], size),
    "GetMediaSourceParent": lambda src: null("PCM_source"),
    "TakeIsMIDI": lambda take: int(of(take).v["source"].v["file"].endswith(".mid")),
    "ColorToNative": lambda r, g, b: r | g << 8 | b << 16,
    "CountTempoTimeSigMarkers": lambda p: len(proj(p).v["tempo"]),
    "GetAudioDeviceInfo": lambda what, text, size: (1, what, CONFIG.get("device_rate", "44100"), size),
    "TrackList_AdjustWindows": lambda minor: None,
    "UpdateArrange": lambda: None,
}
for plain_name, answer in PLAIN.items():
    api(answer, plain_name)


@api
def RPR_AddMediaItemToTrack(t):
    of(t).v["items"].append(made := item())
    return made.handle


@api
def RPR_AddTakeToMediaItem(i):
    of(i).v["takes"].append(made := Thing("MediaItem_Take", P_NAME="", source=None, D_STARTOFFS=0.0, D_VOL=1.0))
    return made.handle


@api
def RPR_GetActiveTake(i):
    takes = of(i).v["takes"]
    return takes[-1].handle if takes else null("MediaItem_Take")


@api
def RPR_SetMediaItemTake_Source(take, src):
    of(take).v["source"] = of(src)
    return True


@api
def RPR_GetMediaSourceSampleRate(src):
    import soundfile

    try:
        return soundfile.info(of(src).v["file"]).samplerate
    except soundfile.LibsndfileError:
        return 0


@api
def RPR_AddProjectMarker2(p, region, at, end, name, wanted, colour):
    markers = proj(p).v["markers"]
    markers.append({"region": bool(region), "at": at, "end": end, "name": name, "colour": colour})
    return len(markers)


@api
def RPR_EnumProjectMarkers3(p, number, region, at, end, name, shown, colour):
    markers = proj(p).v["markers"]
    if number >= len(markers):
        return 0, p, number, 0, 0.0, 0.0, name, 0, 0
    one = markers[number]
    return number + 1, p, number, int(one["region"]), one["at"], one["end"], name, number + 1, one.get("colour", 0)


@api
def RPR_SetTempoTimeSigMarker(p, pointer, at, measure, beat, bpm, upper, lower, linear):
    proj(p).v["tempo"].append({"at": at, "bpm": bpm, "meter": [upper, lower]})
    return True


@api
def RPR_GetProjectTimeSignature2(p, bpm, bpi):
    here = proj(p).v
    return p, here["tempo"][0]["bpm"] if here["tempo"] else here["bpm"], 4.0


@api
def RPR_GetProjectLength(p):
    ends = [i.v["D_POSITION"] + i.v["D_LENGTH"] for t in proj(p).v["tracks"] for i in t.v["items"]]
    return max(ends, default=0.0)


@api
def RPR_GetSetProjectInfo(p, what, value, is_set):
    if is_set:
        proj(p).v["info"][what] = value
    return float(proj(p).v["info"].get(what, 0.0))


@api
def RPR_GetSetProjectInfo_String(p, what, value, is_set):
    if is_set:
        proj(p).v["text"][what] = value
    return True, p, what, proj(p).v["text"].get(what, ""), is_set


@api
def RPR_Undo_BeginBlock2(p):
    here = proj(p).v
    here["block"] = copy.deepcopy({key: here[key] for key in SNAPSHOT})


@api
def RPR_Undo_EndBlock2(p, title, flags):
    here = proj(p).v
    here["undo"].append((title, here["block"]))
    here["block"] = None


@api
def RPR_Undo_CanUndo2(p):
    undo = proj(p).v["undo"]
    return undo[-1][0] if undo else ""


@api
def RPR_Undo_DoUndo2(p):
    _, before = proj(p).v["undo"].pop()
    proj(p).v.update(before)
    for one in before["tracks"]:
        HANDLES[one.handle] = one
    return 1


def render(here):
    """Selected tracks as the project's settings say, audio and all; only what stemwright and its tests use."""
    import numpy as np
    import soundfile

    info, text = here.v["info"], here.v["text"]
    RENDERED.append({**info, **text})
    bits = base64.b64decode(text["RENDER_FORMAT"])[4]
    rate = int(info["RENDER_SRATE"] or info["PROJECT_SRATE"])
    tail = info["RENDER_TAILMS"] / 1000 if int(info["RENDER_TAILFLAG"]) & 1 else 0
    frames = round((info["RENDER_ENDPOS"] - info["RENDER_STARTPOS"] + tail) * rate)
    chosen = [(n, t) for n, t in enumerate(here.v["tracks"], 1) if t.v["I_SELECTED"]]
    chosen = chosen[: CONFIG.get("render_only", len(chosen))]
    if int(info["RENDER_SETTINGS"]) & 2 == 0 or int(info["RENDER_BOUNDSFLAG"]) != 0:
        return
    for number, one in chosen:
        mix = np.zeros((frames, int(info["RENDER_CHANNELS"])))
        for placed in (held for held in one.v["items"] if held.v["takes"]):
            samples, own = soundfile.read(placed.v["takes"][-1].v["source"].v["file"], always_2d=True)
            assert own == rate
            at = round(placed.v["D_POSITION"] * rate)
            span = min(len(samples), frames - at)
            mix[at : at + span] += samples[:span]
        if int(info["RENDER_NORMALIZE"]) & 1:
            mix /= max(np.abs(mix).max(), 1e-9)
        name = (
            text["RENDER_PATTERN"].replace("$tracknumber", f"{number}").replace("$track", one.v["P_NAME"] or "untitled")
        )
        path = Path(text["RENDER_FILE"], f"{name}.wav")
        if not path.exists():
            soundfile.write(path, mix, rate, subtype={16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}[bits])


sys.modules["reaper_python"] = API
SERVER: list = []
STARTED = threading.Event()
BUSY = threading.Lock()


def plain(value):
    if isinstance(value, Thing):
        return {"handle": value.handle, **plain({k: v for k, v in value.v.items() if k not in ("undo", "block")})}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def marks():
    """The front project's markers and regions, as REAPER's web interface tells them."""
    there = list(enumerate(PROJECTS[FRONT[0]].v["markers"], 1))
    for kind, is_region in (("MARKER", False), ("REGION", True)):
        yield f"{kind}_LIST\n"
        for number, one in there:
            name = one["name"].replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
            places = f"{one['at']}\t{one['end']}" if is_region else f"{one['at']}"
            if one["region"] == is_region:
                yield f"{kind}\t{name}\t{number}\t{places}\t{one.get('colour', 0)}\n"
        yield f"{kind}_LIST_END\n"


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        key = self.path.rsplit("/", 1)[-1]
        if self.path == "/state":
            undo = [[title for title, _ in one.v["undo"]] for one in PROJECTS]
            body = json.dumps({
                "projects": plain(PROJECTS), "undo": undo, "front": FRONT[0], "calls": CALLS, "rendered": RENDERED
            })  # fmt: skip
        elif key == "MARKER;REGION":
            with BUSY:  # REAPER's web interface waits while reapy holds its main thread
                body = "".join(marks())
        elif CONFIG.get("web") == "stranger":
            body = "<html>It works!</html>"
        elif key == START_SERVER:
            STARTED.set()
            body = ""
        else:
            known = {"server_port": str(SERVER[0]) if SERVER else "", "activate_reapy_server": f'"{START_SERVER}"'}
            value = "" if CONFIG.get("web") == "bare" else known.get(key, "")
            body = f"EXTSTATE\treapy\t{key}\t{value}\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


def main():
    import reapy
    from reapy.tools.network import Server

    assert reapy.is_inside_reaper()
    web = http.server.ThreadingHTTPServer(("127.0.0.1", CONFIG.get("port", 0)), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    sys.stdout.write(json.dumps({"web": web.server_port}) + "\n")
    sys.stdout.flush()
    if CONFIG.get("web") in ("bare", "stranger"):
        STARTED.wait()
    if CONFIG.get("web") in ("later", "never"):
        STARTED.wait()
        time.sleep(0.3 if CONFIG["web"] == "later" else 600)
    server = Server(0)
    SERVER.append(server._socket.getsockname()[1])
    if CONFIG.get("web") == "dead":
        server.close()
        time.sleep(600)
    while True:
        server.accept()
        with BUSY:
            results = server.process_requests(server.get_requests())
        server.send_results(results)
        time.sleep(0.001)


if __name__ == "__main__":
    main()

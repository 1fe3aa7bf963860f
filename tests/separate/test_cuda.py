"""What is decided for a GPU, without one: which batch is taken, and that failing to record costs nothing."""

import json

import platformdirs
import pytest

torch = pytest.importorskip("torch")

from stemwright.separate import cuda  # noqa: E402


@pytest.mark.parametrize(
    ("each", "most", "size"),
    [
        ({1: 9, 2: 5, 4: 3, 8: 2, 16: 1.99, 32: 1.98}, 64, 8),  # nearly as quick and half as large
        ({1: 9, 2: 5, 4: 3, 8: 2, 16: 1, 32: 4}, 64, 16),
        ({1: 9, 2: 5, 4: 3, 8: 2, 16: 1, 32: 1}, 5, 4),  # no more fit
        ({1: 2, 2: 3, 4: 4}, 4, 1),
        ({1: 4, 2: 3}, 64, 2),  # the third runs out of memory
        ({}, 64, 1),
    ],
)
def test_the_quickest_batch_that_fits(each, most, size):
    def seconds(size):
        if size not in each:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return each[size] * size

    assert cuda.quickest(seconds, most) == size


def test_a_measurement_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "new" / name)
    calls = []

    def measure():
        calls.append(1)
        return 8

    assert [cuda.remembered("H200, htdemucs", measure, 16) for _ in range(3)] == [8, 8, 8] and len(calls) == 1
    assert cuda.remembered("H200, htdemucs", lambda: 2, 4) == 2, "what does not fit today is measured again"
    assert cuda.remembered("other", measure, 16) == 8 and len(calls) == 2
    path = next(tmp_path.rglob("batch.json"))
    assert json.loads(path.read_text()) == {"H200, htdemucs": 2, "other": 8}
    for rubbish in ("[]", "{", '{"other": "x"}', '{"other": null}'):
        path.write_text(rubbish)
        assert cuda.remembered("other", measure, 16) == 8
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "file" / name)
    assert cuda.remembered("other", measure, 16) == 8, "a cache that cannot be written is no error"


def test_what_cannot_be_recorded_runs_as_it_is():
    if torch.cuda.is_available():
        pytest.skip("here it can be recorded")
    run = cuda.replayed(lambda heard, wanted: heard[:, None] * len(wanted))
    heard = torch.ones(2, 2, 10)
    assert torch.equal(run(heard, (0, 1)), heard[:, None] * 2)
    assert torch.equal(run(heard, (0,)), heard[:, None])

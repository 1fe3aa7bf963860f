"""A free engine in place of demucs, so that the whole of prep and split runs in a second."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fake_engine import FakeModel, fake_card
from stemwright import separate
from stemwright.separate import models, weights


@pytest.fixture
def free_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Patch the engine in; the list grows by one entry per song that is really split."""
    loads: list[str] = []

    def load(card, paths, device):
        loads.append(card.name)
        return FakeModel(card=card)

    def pull(card, **_):
        yield from ()
        return ()

    monkeypatch.setattr(separate, "require", lambda: None)
    monkeypatch.setattr(separate, "choose_device", lambda asked: "cpu")
    monkeypatch.setattr(separate, "engines", lambda: {"demucs": SimpleNamespace(load=load)})
    monkeypatch.setattr(models, "card", lambda name: fake_card(name=name))
    monkeypatch.setattr(weights, "status", lambda card: SimpleNamespace(ready=True))
    monkeypatch.setattr(weights, "pull", pull)
    return loads

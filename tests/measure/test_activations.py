"""The networks in numpy against their definition step by step, and what they hear in a plain beat."""

from __future__ import annotations

import numpy as np
from band import RATE, clicks, song

from stemwright.measure.activations import _weights, activations, features, forward


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def by_definition(heard: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """One network, frame by frame in float64."""
    kernels, biases = weights["conv1.weight"][:, 0], weights["conv1.bias"]
    states = [(np.zeros(150), np.zeros(150)), (np.zeros(150), np.zeros(150))]
    out = []
    for frame in heard.astype(float):
        pooled = []
        for kernel, bias in zip(kernels, biases, strict=True):
            filtered = np.maximum(np.correlate(frame, kernel, mode="valid") + bias, 0)
            pooled.append(filtered[: len(filtered) // 2 * 2].reshape(-1, 2).max(axis=1))
        values = weights["linear0.weight"] @ np.concatenate(pooled) + weights["linear0.bias"]
        for layer, (hidden, cell) in enumerate(states):
            gates = weights[f"lstm.weight_ih_l{layer}"] @ values + weights[f"lstm.bias_ih_l{layer}"]
            gates = gates + weights[f"lstm.weight_hh_l{layer}"] @ hidden + weights[f"lstm.bias_hh_l{layer}"]
            entering, forgetting, candidate, leaving = np.split(gates, 4)
            cell = sigmoid(forgetting) * cell + sigmoid(entering) * np.tanh(candidate)
            values = sigmoid(leaving) * np.tanh(cell)
            states[layer] = (values, cell)
        odds = np.exp(weights["linear.weight"] @ values + weights["linear.bias"])
        out.append(odds[:2] / odds.sum())
    return np.array(out)


def test_all_networks_at_once_give_the_mean_of_each_by_its_definition() -> None:
    heard = features(song(126, 45))  # more than one chunk of 2048 frames
    three = [{name: values[model] for name, values in _weights().items()} for model in range(3)]
    expected = np.mean([by_definition(heard, weights) for weights in three], axis=0)
    assert len(heard) > 2048
    np.testing.assert_allclose(forward(heard), expected, atol=1e-3)


def test_features_do_not_depend_on_the_rate() -> None:
    audio = song(126, 6)
    spectrum = np.fft.rfft(audio)
    twice = 2 * np.fft.irfft(np.concatenate([spectrum, np.zeros(len(audio) // 2)]), 2 * len(audio))
    one, two = features(audio), features(twice.astype(np.float32), 2 * RATE)
    assert one.shape == two.shape == (301, 272)
    assert np.abs(one - two).mean() < 0.002


def test_beats_are_heard_where_they_are() -> None:
    at = np.arange(0.5, 29.5, 0.5)
    beat, downbeat = activations(clicks(at, 30))
    both = beat.values + downbeat.values
    assert beat.rate == 50 and both.min() >= 0 and both.max() <= 1.0001
    later = at[10:]  # once the networks have settled
    on = np.max([both[np.round(later * 50).astype(int) + shift] for shift in (-1, 0, 1)], axis=0)
    off = both[np.round((later + 0.25) * 50).astype(int).clip(max=len(both) - 1)]
    assert np.median(on) > 0.5 > 0.2 > np.median(off)

"""Writes lr-find.json: the learning rates that fastai's suggestion functions read off made-up curves of a range test.

    pip install fastai && python lr-find.py
"""
import json
import pathlib

import numpy as np
import torch
from fastai.callback.schedule import minimum, slide, steep, valley

rng = np.random.default_rng(11)
curves = []
for points, start, end, knee, blow, noise in (
    (100, 1e-7, 10, 1e-2, 2, 0), (100, 1e-7, 10, 1e-3, 0.5, 0.03), (80, 1e-6, 1, 3e-2, 9, 0.01),
    (100, 1e-7, 10, 1e-1, 5, 0.2), (60, 1e-5, 1, 1e-4, 0.02, 0.002), (40, 1e-4, 100, 1e3, 1e3, 0.01),
):
    rates = start * (end / start) ** (np.arange(points) / (points - 1))
    losses = 2.3 / (1 + (rates / knee) ** 0.8) + 0.3 + (rates / blow) ** 2 + noise * rng.normal(size=points)
    losses = np.minimum(losses, 12).round(6)
    curve = {"rates": [float(f"{r:.9g}") for r in rates], "losses": losses.tolist()}
    lrs, values = torch.tensor(rates), torch.tensor(losses)
    for f in (valley, slide, minimum, steep):
        curve[f.__name__] = float(f"{float(f(lrs, values, points)[0]):.9g}")
    curves.append(curve)
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(curves, separators=(",", ":")).replace('{"rates"', '\n{"rates"') + "\n")

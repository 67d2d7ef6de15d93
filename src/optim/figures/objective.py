"""What the trajectories of this folder go down; src/testing/objective.ts builds the same as a graph."""
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
STEPS = (1, 2, 3, 5, 10, 20, 50, 100)

rng = np.random.default_rng(5)
f32 = lambda a: np.asarray(a, np.float32).astype(np.float64)
draw = lambda *shape: f32(np.round(rng.normal(size=shape), 2))
start = {"a": f32([-0.6, 0.8]), "dense/kernel": draw(3, 4), "embedding/embeddings": draw(3, 2), "conv/kernel": draw(2, 3, 2, 1)}
x, y = draw(5, 3), draw(5, 4)
scale_e, scale_c = f32(np.round(rng.uniform(0.3, 3, (3, 2)), 2)), f32(np.round(rng.uniform(0.3, 3, (2, 3, 2, 1)), 2))


def objective(p, dtype=torch.float64):
    a, k, e, c = p
    known = lambda v: torch.tensor(v, dtype=dtype)
    valley = (1 - a[0]) ** 2 + 5 * (a[1] - a[0] ** 2) ** 2
    fit = ((known(x) @ k - known(y)) ** 2).sum() / 10
    return valley + fit + 0.5 * (known(scale_e) * e * e).sum() + 0.5 * (known(scale_c) * (c - 1) ** 2).sum()


def figure(t):
    return [float(f"{v:.9g}") for v in np.asarray(t.detach() if isinstance(t, torch.Tensor) else t, np.float64).ravel()]


def shaped(t):
    return {"shape": list(np.shape(t)), "data": figure(t)}


def record(values, update, steps=STEPS):
    rows = {}
    for step in range(1, max(steps) + 1):
        update()
        if step in steps:
            rows[step] = [figure(v) for v in values()]
    return rows


def write(path, head, cases):
    """One line for each case."""
    import json

    lines = [f' {json.dumps(key)}: {json.dumps(value, separators=(",", ":"))},\n' for key, value in head.items()]
    body = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text("{\n" + "".join(lines) + ' "cases": [\n' + body + "\n ]\n}\n")


def stub_timm():
    """timm's optimizers alone: the whole package needs torchvision."""
    import importlib.metadata
    import sys
    import types

    for name in ("timm", "timm.optim", "timm.utils"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(importlib.metadata.distribution("timm").locate_file(name.replace(".", "/")))]
    return importlib.metadata.version("timm")

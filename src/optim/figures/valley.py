"""The loss on which the optimizers of the other scripts here walk, in double precision, and how their figures are kept."""
import json
import pathlib

import numpy as np
import torch

STEPS = (1, 2, 3, 5, 10, 20, 50, 100)
START = {"a": np.float32([-0.6, 0.8]), "b": np.float32([[1.0, -2.0], [0.5, 0.0]])}
STRETCH = torch.tensor([[1.0, 4.0], [0.25, 9.0]], dtype=torch.float64)


def loss(a, b, batch):
    """Rosenbrock's valley, flattened, and a bowl whose axes differ; batches weigh it differently."""
    return batch / 2 * ((1 - a[0]) ** 2 + 5 * (a[1] - a[0] ** 2) ** 2 + 0.5 * (STRETCH * b * b).sum())


def batch_of(step, batches):
    """Batch of a step, from 1: always 2 where there is but one."""
    return 1 + (step - 1) % batches if batches > 1 else 2


def gradients(a, b, batch):
    a, b = (torch.tensor(np.asarray(x), dtype=torch.float64, requires_grad=True) for x in (a, b))
    loss(a, b, batch).backward()
    return a.grad, b.grad


def row(*values):
    """All numbers of some arrays, in order."""
    flat = np.concatenate([np.asarray(v, dtype=np.float64).ravel() for v in values])
    return [float(f"{v:.8g}") for v in flat]


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part if part.isdigit() else part.capitalize() for part in rest)


def write(script, made, sections):
    """One line for each case."""
    compact = {"separators": (",", ":")}
    lines = [f'  "made": {json.dumps(made)}', f'  "start": {json.dumps({k: v.tolist() for k, v in START.items()}, **compact)}']
    for key, cases in sections.items():
        body = ",\n".join("    " + json.dumps(case, **compact) for case in cases)
        lines.append(f'  "{key}": [\n{body}\n  ]')
    pathlib.Path(script).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

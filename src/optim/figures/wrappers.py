"""Wrappers and links beside Keras 3, PyTorch, timm and the papers, in double precision. Writes wrappers.json beside itself.

Needs keras (backend torch), torch, timm: KERAS_BACKEND=torch python wrappers.py
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from objective import objective, record, shaped, start, stub_timm, write

timm = stub_timm()
from timm.utils.agc import adaptive_clip_grad

keras.config.set_floatx("float64")
STEPS = (1, 2, 3, 6, 12, 13, 50, 100)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.values = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(v)) for v in start.values()])


def sam(options, rho=0.05, adaptive=False, lr=0.01, momentum=0.0):
    """Foret et al. 2021, Algorithm 1; Kwon et al. 2021 with T = |w|."""
    net = Net()
    inner = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)

    def update():
        ps = list(net.parameters())
        gs = torch.autograd.grad(objective(ps), ps)
        stretch = [p.detach().abs() if adaptive else torch.ones_like(p) for p in ps]
        norm = torch.sqrt(sum(((s * g) ** 2).sum() for s, g in zip(stretch, gs)))
        worst = [(p + rho * s * s * g / norm).detach().requires_grad_(True) for p, s, g in zip(ps, stretch, gs)]
        for p, g in zip(ps, torch.autograd.grad(objective(worst), worst)):
            p.grad = g
        inner.step()

    return {"wrap": "sam", "inner": "sgd", "innerOptions": {"learningRate": lr, "momentum": momentum}, "options": options,
            "steps": record(lambda: list(net.parameters()), update, STEPS)}


def lookahead(options, k=6, alpha=0.5, lr=0.01):
    """Zhang et al. 2019, Algorithm 1: slow weights begin at the first weights."""
    net, count = Net(), 0
    inner = torch.optim.Adam(net.parameters(), lr=lr)
    slow = [p.detach().clone() for p in net.parameters()]

    def update():
        nonlocal count
        inner.zero_grad()
        objective(list(net.parameters())).backward()
        inner.step()
        count += 1
        if count % k == 0:
            with torch.no_grad():
                for s, p in zip(slow, net.parameters()):
                    s += alpha * (p - s)
                    p.copy_(s)

    return {"wrap": "lookahead", "inner": "adam", "innerOptions": {"learningRate": lr, "epsilon": 1e-8, "epsilonMode": "corrected"}, "options": options,
            "steps": record(lambda: list(net.parameters()), update, STEPS)}


def averaged(wrap, options, take, lr=0.02, **kwargs):
    """torch.optim.swa_utils: weights and their averages; `take` says after which updates an average is taken."""
    net, count = Net(), 0
    inner = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.5)
    average = AveragedModel(net, **kwargs)

    def update():
        nonlocal count
        inner.zero_grad()
        objective(list(net.parameters())).backward()
        inner.step()
        count += 1
        if take(count):
            average.update_parameters(net)

    rows = record(lambda: [*net.parameters(), *average.module.parameters()], update, STEPS)
    return {"wrap": wrap, "inner": "sgd", "innerOptions": {"learningRate": lr, "momentum": 0.5}, "options": options, "averages": True, "steps": rows}


def keras_ema(inner_options, **kwargs):
    variables = [keras.Variable(v, name=key.replace("/", "_"), dtype="float64") for key, v in start.items()]
    optimizer = keras.optimizers.SGD(0.02, momentum=0.5, use_ema=True, **kwargs)
    optimizer.build(variables)

    def update():
        leaves = [v.value.detach().clone().requires_grad_(True) for v in variables]
        objective(leaves).backward()
        optimizer.apply([leaf.grad for leaf in leaves], variables)

    rows = record(lambda: [v.value for v in [*variables, *optimizer._model_variables_moving_average]], update, STEPS)
    return {"wrap": None, "inner": "sgd", "innerOptions": {"learningRate": 0.02, "momentum": 0.5, "useEma": True, **inner_options}, "options": {},
            "averages": True, "steps": rows}


rng = np.random.default_rng(3)


def clip(limit, layout, *shape):
    """`layout` says how a parameter stands here; PyTorch has units first."""
    w, g = (np.float32(rng.normal(size=shape) * s).astype(np.float64) for s in (1, 0.1))
    w.flat[:: 3] *= 1e-3
    first = (lambda a: a.T) if layout == "dense" else (lambda a: a)
    p = torch.nn.Parameter(torch.tensor(first(w)).contiguous())
    p.grad = torch.tensor(first(g)).contiguous()
    adaptive_clip_grad(p, clip_factor=limit)
    return {"limit": limit, "layout": layout, "parameter": shaped(w), "gradient": shaped(g), "clipped": shaped(first(p.grad.numpy()))}


cases = [
    sam({}),
    sam({"rho": 0.2}, rho=0.2, momentum=0.9, lr=0.002),
    sam({"rho": 0.5, "adaptive": True}, rho=0.5, adaptive=True),
    lookahead({}),
    lookahead({"syncPeriod": 4, "slowStepSize": 0.8}, k=4, alpha=0.8),
    averaged("ema", {"momentum": 0.9}, lambda n: True, multi_avg_fn=get_ema_multi_avg_fn(0.9)),
    averaged("swa", {}, lambda n: True),
    averaged("swa", {"start": 5, "frequency": 4}, lambda n: n > 5 and (n - 5) % 4 == 0),
    keras_ema({"emaMomentum": 0.9}, ema_momentum=0.9),
    keras_ema({"emaMomentum": 0.8, "emaOverwriteFrequency": 4}, ema_momentum=0.8, ema_overwrite_frequency=4),
    keras_ema({"emaMomentum": 0.8, "gradientAccumulationSteps": 3}, ema_momentum=0.8, gradient_accumulation_steps=3),
    keras_ema({"emaMomentum": 0.8, "gradientAccumulationSteps": 3, "emaOverwriteFrequency": 2}, ema_momentum=0.8, gradient_accumulation_steps=3, ema_overwrite_frequency=2),
]
clips = [clip(0.01, "dense", 4, 3), clip(0.05, "convolution", 3, 2, 2, 2), clip(0.02, "convolution", 3, 2, 5), clip(0.05, "vector", 6), clip(0.01, "embeddings", 5, 3)]
write(pathlib.Path(__file__).with_name("wrappers.json"), {
    "made": f"keras {keras.__version__}, torch {torch.__version__.split('+')[0]}, timm {timm}", "clips": clips}, cases)

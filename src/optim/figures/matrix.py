"""Trajectories of Keras 3, PyTorch and timm for matrix.test.ts, in double precision. Writes matrix.json beside itself.

Needs keras (backend torch), torch, timm: KERAS_BACKEND=torch python matrix.py
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

from objective import objective, record, scale_c, scale_e, shaped, start, stub_timm, write, x, y

timm = stub_timm()
from timm.optim.lamb import Lamb
from timm.optim.lars import Lars

keras.config.set_floatx("float64")
O = keras.optimizers

def by_keras(name, options, cls, exclude=(), **kwargs):
    variables = [keras.Variable(v, name=key.replace("/", "_"), dtype="float64") for key, v in start.items()]
    optimizer = cls(**kwargs)
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=list(exclude))
    optimizer.build(variables)

    def update():
        leaves = [v.value.detach().clone().requires_grad_(True) for v in variables]
        objective(leaves).backward()
        optimizer.apply([leaf.grad for leaf in leaves], variables)

    rows = record(lambda: [v.value for v in variables], update)
    return {"by": "keras", "name": name, "options": options, "steps": rows}


def by_torch(name, options, make, transpose=False, by="torch", only=None):
    """`make` takes the list of parameters. Dense kernels are handed over as [out, in] where `transpose`."""
    keys = list(start)
    flip = lambda key, t: t.T if transpose and key == "dense/kernel" else t
    leaves = {key: flip(key, torch.tensor(start[key])).clone().contiguous().requires_grad_(True) for key in keys}
    optimizer = make([leaves[key] for key in keys if only is None or key in only])

    def update():
        optimizer.zero_grad()
        objective([flip(key, leaves[key]) for key in keys]).backward()
        optimizer.step()

    rows = record(lambda: [flip(key, leaves[key]) for key in keys], update)
    return {"by": by, "name": name, "options": options, "steps": rows}


groups = lambda ps: [{"params": [p for p in ps if p.ndim > 1]}, {"params": [p for p in ps if p.ndim < 2], "weight_decay": 0}]
# Learning rates are small: steps of a length of their own never settle, and jump about a minimum as rounding decides.
L, A, M = "lamb", "adafactor", "muon"
cases = [
    by_keras(L, {}, O.Lamb),
    by_keras(L, {"learningRate": 0.005, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-5}, O.Lamb, learning_rate=0.005, beta_1=0.8, beta_2=0.95, epsilon=1e-5),
    by_keras(L, {"learningRate": 0.01, "weightDecay": 0.1, "globalClipnorm": 1}, O.Lamb, learning_rate=0.01, weight_decay=0.1, global_clipnorm=1.0),
    by_keras(L, {"learningRate": 0.01, "weightDecay": 0.1, "excludeFromWeightDecay": ["kernel"]}, O.Lamb, exclude=["kernel"], learning_rate=0.01, weight_decay=0.1),
    by_torch(L, {"learningRate": 0.01, "epsilon": 1e-6, "weightDecay": 0.01, "decayInUpdate": True, "globalClipnorm": 1},
             lambda ps: Lamb(ps, lr=0.01), by="timm"),
    by_torch(L, {"learningRate": 0.01, "epsilon": 1e-6, "weightDecay": 0.05, "decayInUpdate": True, "trustClip": True, "gradientAveraging": False,
                 "biasCorrection": False, "excludeFromWeightDecay": ["a"], "excludeFromLayerAdaptation": ["a"]},
             lambda ps: Lamb(groups(ps), lr=0.01, weight_decay=0.05, trust_clip=True, grad_averaging=False, bias_correction=False, max_grad_norm=None), by="timm"),
    by_torch("lars", {"learningRate": 0.004, "momentum": 0.9, "trustCoefficient": 1, "weightDecay": 0.01},
             lambda ps: Lars(groups(ps), lr=0.004, momentum=0.9, trust_coeff=1, weight_decay=0.01), by="timm"),
    by_torch("lars", {"learningRate": 0.02, "momentum": 0.5, "nesterov": True, "trustCoefficient": 0.2, "adaptVectors": True},
             lambda ps: Lars(ps, lr=0.02, momentum=0.5, nesterov=True, trust_coeff=0.2, always_adapt=True), by="timm"),
    by_torch("lars", {"learningRate": 0.01, "momentum": 0, "trustCoefficient": 0.2, "trustClip": True, "weightDecay": 0.1},
             lambda ps: Lars(groups(ps), lr=0.01, trust_coeff=0.2, trust_clip=True, weight_decay=0.1), by="timm"),
    by_keras(A, {}, O.Adafactor),
    by_keras(A, {"learningRate": 0.02, "beta2Decay": -0.65, "epsilon1": 1e-15, "epsilon2": 1e-4, "clipThreshold": 0.9, "relativeStep": False}, O.Adafactor,
             learning_rate=0.02, beta_2_decay=-0.65, epsilon_1=1e-15, epsilon_2=1e-4, clip_threshold=0.9, relative_step=False),
    by_keras(A, {"learningRate": 0.01, "weightDecay": 0.1, "clipnorm": 1}, O.Adafactor, learning_rate=0.01, weight_decay=0.1, clipnorm=1.0),
    by_torch(A, {"learningRate": 0.01, "epsilon1": 1.1920929e-7, "epsilonMode": "clamp"},
             lambda ps: torch.optim.Adafactor(ps, eps=(1.1920929e-7, 1e-3))),
    by_torch(A, {"learningRate": 0.005, "epsilon1": 1e-3, "epsilonMode": "clamp", "weightDecay": 0.2, "beta2Decay": -0.5, "clipThreshold": 1.5},
             lambda ps: torch.optim.Adafactor(ps, lr=0.005, eps=(1e-3, 1e-3), weight_decay=0.2, beta2_decay=-0.5, d=1.5)),
    by_keras(M, {}, O.Muon),
    by_keras(M, {"learningRate": 0.005, "nesterov": False, "momentum": 0.8, "rmsRate": None, "adamLrRatio": 0.5, "excludeEmbeddings": False},
             O.Muon, learning_rate=0.005, nesterov=False, momentum=0.8, rms_rate=None, adam_lr_ratio=0.5, exclude_embeddings=False),
    by_keras(M, {"learningRate": 0.01, "excludeLayers": ["dense"], "weightDecay": 0.1, "adamWeightDecay": 0.2, "adamBeta1": 0.8, "adamBeta2": 0.9, "epsilon": 1e-4},
             O.Muon, learning_rate=0.01, exclude_layers=["dense"], weight_decay=0.1, adam_weight_decay=0.2, adam_beta_1=0.8, adam_beta_2=0.9, epsilon=1e-4),
    by_keras(M, {"learningRate": 0.02, "nsSteps": 3, "muonA": 2, "muonB": -1.5, "muonC": 0.5}, O.Muon, learning_rate=0.02, ns_steps=3, muon_a=2.0, muon_b=-1.5, muon_c=0.5),
]

# PyTorch's Muon computes in bfloat16; here it keeps the precision of its parameters.
torch.Tensor.bfloat16 = lambda self: self.clone()
matrices = ("dense/kernel",)
frozen = {"match": ["a", "embedding", "conv"], "freeze": True}
cases += [
    by_torch(M, {"learningRate": 0.01, "weightDecay": 0.1, "rateAdjustment": "original", "groups": [frozen]},
             lambda ps: torch.optim.Muon(ps, lr=0.01), transpose=True, only=matrices),
    by_torch(M, {"learningRate": 0.02, "weightDecay": 0.1, "rmsRate": 0.2, "nesterov": False, "momentum": 0.9, "groups": [frozen]},
             lambda ps: torch.optim.Muon(ps, lr=0.02, momentum=0.9, nesterov=False, adjust_lr_fn="match_rms_adamw"), transpose=True, only=matrices),
]

write(pathlib.Path(__file__).with_name("matrix.json"), {
    "made": f"keras {keras.__version__}, torch {torch.__version__.split('+')[0]}, timm {timm}",
    "start": {k: shaped(v) for k, v in start.items()},
    "data": {k: shaped(v) for k, v in {"x": x, "y": y, "scaleE": scale_e, "scaleC": scale_c}.items()},
}, cases)

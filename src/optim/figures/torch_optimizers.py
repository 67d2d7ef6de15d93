"""Writes torch_optimizers.json: where PyTorch's optimizers are after some steps, in double precision.

    pip install torch && python torch_optimizers.py

Beside each stand the options under which this project's optimizer of the name does the same. Schedule-free AdamW is
computed here from its published algorithm.
"""
import math

import numpy as np
import torch
from valley import START, STEPS, batch_of, gradients, row, write

P = torch.optim
COUPLED = {"weightDecay": 0.1, "weightDecayMode": "coupled"}
ADAM = {"learningRate": 0.02, "epsilon": 1e-8, "epsilonMode": "corrected"}
HALVED = {"type": "exponentialDecay", "decaySteps": 10, "decayRate": 0.5}  # and StepLR-like: gamma 0.5 ** 0.1 a step

# name, our options, class, PyTorch's options, number of batches; `gamma` is an ExponentialLR
CASES = [
    ("sgd", {"learningRate": 0.005, **COUPLED}, P.SGD, {"lr": 0.005, "weight_decay": 0.1}),
    ("sgd", {"learningRate": 0.002, "momentum": 0.9, "momentumMode": "torch"}, P.SGD, {"lr": 0.002, "momentum": 0.9}),
    ("sgd", {"learningRate": {**HALVED, "initialLearningRate": 0.005}, "momentum": 0.8, "nesterov": True, "momentumMode": "torch", **COUPLED},
     P.SGD, {"lr": 0.005, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "gamma": True}, 3),
    ("sgd", {"learningRate": {**HALVED, "initialLearningRate": 0.01}, "momentum": 0.9, "dampening": 0.3, "momentumMode": "torch"},
     P.SGD, {"lr": 0.01, "momentum": 0.9, "dampening": 0.3, "gamma": True}, 3),
    ("rmsprop", {"learningRate": 0.01, "rho": 0.99, "epsilon": 1e-8, "epsilonMode": "outside"}, P.RMSprop, {}),
    ("rmsprop", {"learningRate": 0.005, "rho": 0.8, "epsilon": 0.1, "epsilonMode": "outside", "centered": True, **COUPLED},
     P.RMSprop, {"lr": 0.005, "alpha": 0.8, "eps": 0.1, "centered": True, "weight_decay": 0.1}),
    ("rmsprop", {"learningRate": {**HALVED, "initialLearningRate": 0.01}, "momentum": 0.5, "momentumMode": "torch", "epsilon": 0.01, "epsilonMode": "outside"},
     P.RMSprop, {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "eps": 0.01, "gamma": True}, 3),
    ("adam", {"learningRate": 0.001, "epsilon": 1e-8, "epsilonMode": "corrected"}, P.Adam, {}),
    ("adam", {**ADAM, "epsilon": 0.1, "amsgrad": True}, P.Adam, {"lr": 0.02, "eps": 0.1, "amsgrad": True}, 3),
    ("adam", {**ADAM, "beta1": 0.8, "beta2": 0.9, **COUPLED}, P.Adam, {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("adamw", {**ADAM, "weightDecay": 0.01}, P.AdamW, {"lr": 0.02}),
    ("adamw", {**ADAM, "weightDecay": 0.3, "amsgrad": True, "learningRate": {**HALVED, "initialLearningRate": 0.05}},
     P.AdamW, {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "gamma": True}, 3),
    ("adagrad", {"learningRate": 0.01, "initialAccumulatorValue": 0, "epsilon": 1e-10, "epsilonMode": "outside"}, P.Adagrad, {}),
    ("adagrad", {"learningRate": 0.1, "initialAccumulatorValue": 0.2, "epsilon": 0.1, "epsilonMode": "outside", "learningRateDecay": 0.05, **COUPLED},
     P.Adagrad, {"lr": 0.1, "initial_accumulator_value": 0.2, "eps": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}, 3),
    ("adadelta", {"learningRate": 1, "rho": 0.9, "epsilon": 1e-6}, P.Adadelta, {}),
    ("adadelta", {"learningRate": 0.5, "rho": 0.8, "epsilon": 1e-4, **COUPLED}, P.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}, 3),
    ("adamax", {"learningRate": 0.002, "epsilon": 1e-8, "epsilonMode": "inside"}, P.Adamax, {}),
    ("adamax", {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.3, "epsilonMode": "inside", **COUPLED},
     P.Adamax, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 0.3, "weight_decay": 0.1}, 3),
    ("nadam", {"learningRate": 0.002, "epsilon": 1e-8, "momentumDecay": 0.004}, P.NAdam, {}),
    ("nadam", {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.1, "momentumDecay": 0.1, **COUPLED},
     P.NAdam, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 0.1, "momentum_decay": 0.1, "weight_decay": 0.1}, 3),
    ("nadam", {"learningRate": 0.02, "epsilon": 1e-8, "momentumDecay": 0.004, "weightDecay": 0.2},
     P.NAdam, {"lr": 0.02, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    ("radam", {}, P.RAdam, {}),
    ("radam", {"learningRate": 0.02, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.1, **COUPLED},
     P.RAdam, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 0.1, "weight_decay": 0.1}, 3),
    ("radam", {"learningRate": {**HALVED, "initialLearningRate": 0.05}, "beta2": 0.95, "weightDecay": 0.2},
     P.RAdam, {"lr": 0.05, "betas": (0.9, 0.95), "weight_decay": 0.2, "decoupled_weight_decay": True, "gamma": True}),
    ("rprop", {}, P.Rprop, {}),
    ("rprop", {"learningRate": 0.05, "etas": [0.4, 1.5], "stepSizes": [0.003, 0.2]}, P.Rprop, {"lr": 0.05, "etas": (0.4, 1.5), "step_sizes": (0.003, 0.2)}, 3),
    ("asgd", {}, P.ASGD, {}),
    ("asgd", {"learningRate": 0.02, "lambda": 0.01, "alpha": 0.6, "t0": 10, **COUPLED},
     P.ASGD, {"lr": 0.02, "lambd": 0.01, "alpha": 0.6, "t0": 10, "weight_decay": 0.1}, 3),
    # Parameter groups: PyTorch's are lists of parameters
    ("sgd", {"learningRate": 0.002, "momentum": 0.9, "momentumMode": "torch", "groups": [{"match": "b", "learningRate": 0.01, "momentum": 0, **COUPLED}]},
     P.SGD, {"lr": 0.002, "momentum": 0.9, "b": {"lr": 0.01, "momentum": 0, "weight_decay": 0.1}}),
    ("adamw", {**ADAM, "weightDecay": 0.3, "groups": [{"match": "a", "learningRateMultiplier": 0.1, "weightDecay": 0, "beta1": 0.5, "beta2": 0.9}]},
     P.AdamW, {"lr": 0.02, "weight_decay": 0.3, "a": {"lr": 0.002, "weight_decay": 0, "betas": (0.5, 0.9)}}, 3),
    ("adam", {**ADAM, "learningRate": {**HALVED, "initialLearningRate": 0.05}, "groups": [{"match": "b", "learningRateMultiplier": 2, "epsilon": 0.1}]},
     P.Adam, {"lr": 0.05, "b": {"lr": 0.1, "eps": 0.1}, "gamma": True}, 3),
    ("rprop", {"groups": [{"match": "a", "freeze": True}]}, P.Rprop, {"a": None}),
    ("nadam", {"learningRate": 0.02, "epsilon": 1e-8, "momentumDecay": 0.004, "groups": [{"match": "b", "momentumDecay": 0.1, "beta1": 0.8}]},
     P.NAdam, {"lr": 0.02, "b": {"momentum_decay": 0.1, "betas": (0.8, 0.999)}}),
]

# Gradients of four batches together, and a schedule of updates, as training loops in PyTorch have it
ACCUMULATED = [
    ("accumulate", {"steps": 4, "scheduleBy": "updates", "optimizer": {"name": "adamw", "config": {**ADAM, "learningRate": {**HALVED, "initialLearningRate": 0.05}}}},
     P.AdamW, {"lr": 0.05, "weight_decay": 0.004, "gamma": True}, 3, 4),
]


def walk(name, ours, cls, options, batches=1, together=1):
    given = dict(options)
    values = {key: torch.tensor(v.astype(np.float64), requires_grad=True) for key, v in START.items()}
    groups = [{"params": [v], **(given.pop(key, {}) or {})} for key, v in values.items() if options.get(key, {}) is not None]
    gamma = given.pop("gamma", False)
    given = {k: v for k, v in given.items() if k not in values}
    optimizer = cls(groups, **given, foreach=False)
    scheduler = P.lr_scheduler.ExponentialLR(optimizer, 0.5 ** 0.1) if gamma else None
    case = {"name": name, "options": ours, "batches": batches, "trajectory": {}}
    for step in range(1, STEPS[-1] + 1):
        for v, g in zip(values.values(), gradients(*(v.detach() for v in values.values()), batch_of(step, batches))):
            v.grad = g / together + (0 if v.grad is None else v.grad)
        if step % together == 0:
            optimizer.step()
            optimizer.zero_grad()
            if scheduler:
                scheduler.step()
        if step in STEPS:
            case["trajectory"][step] = row(*(v.detach() for v in values.values()))
            if name == "asgd":
                case.setdefault("evaluated", {})[step] = row(*(optimizer.state[v]["ax"] for v in values.values()))
    return case


SCHEDULE_FREE = [
    ({}, 1),
    ({"learningRate": 0.05, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.01, "warmupSteps": 20, "weightLrPower": 2}, 1),
    ({"learningRate": 0.05, "warmupSteps": 10, "r": 0.5, "weightLrPower": 2, "weightDecay": 0.3, "decayInUpdate": True}, 3),
    ({"learningRate": 0.02, "r": 1, "weightDecay": 0.1, "decayInUpdate": True, "biasCorrection": "learningRate"}, 3),
    ({"learningRate": 0.05, "beta2": 0.9, "epsilon": 1e-3, "warmupSteps": 30, "weightLrPower": 1, "biasCorrection": "learningRate"}, 1),
]


def schedule_free(options, batches):
    """The three sequences of the paper, x, y and z, as it states them."""
    o = {"learningRate": 0.0025, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "warmupSteps": 0, "r": 0, "weightLrPower": 0,
         "weightDecay": 0, "biasCorrection": "denominator", **options}
    x, y, z = ([v.astype(np.float64) for v in START.values()] for _ in range(3))
    moments, total, largest = [np.zeros_like(v) for v in z], 0.0, 0.0
    case = {"name": "scheduleFreeAdamw", "options": options, "batches": batches, "trajectory": {}, "evaluated": {}}
    for t in range(1, STEPS[-1] + 1):
        rate = o["learningRate"] * (min(1, t / o["warmupSteps"]) if o["warmupSteps"] else 1)
        root = math.sqrt(1 - o["beta2"] ** t)
        if o["biasCorrection"] == "learningRate":
            rate, root = rate * root, 1
        largest = max(largest, rate)
        weight = t ** o["r"] * largest ** o["weightLrPower"]
        total += weight
        c = weight / total
        for i, g in enumerate(gradients(*y, batch_of(t, batches))):
            g = g.numpy()
            moments[i] = o["beta2"] * moments[i] + (1 - o["beta2"]) * g * g
            z[i] = z[i] - rate * (g / (np.sqrt(moments[i]) / root + o["epsilon"]) + o["weightDecay"] * y[i])
            x[i] = (1 - c) * x[i] + c * z[i]
        y = [(1 - o["beta1"]) * z[i] + o["beta1"] * x[i] for i in range(2)]
        if t in STEPS:
            case["trajectory"][t], case["evaluated"][t] = row(*y), row(*x)
    return case


if __name__ == "__main__":
    version = torch.__version__.split("+")[0]
    write(__file__, f"torch {version}", {"cases": [walk(*case) for case in CASES + ACCUMULATED] + [schedule_free(*case) for case in SCHEDULE_FREE]})

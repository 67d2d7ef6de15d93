"""Optuna's side of samplers.ts and suggest.ts.

    python optuna_samplers.py '{"job": "best", "problem": "branin", "sampler": "tpe", "trials": 60, "seeds": [0, 1]}'
    python optuna_samplers.py '{"job": "suggest", "sampler": "gp", "trials": 200, "asks": 5}'

"best" prints the best value of each seed; "check" a problem's value at fixed points, which must be those of problems.ts;
"suggest" milliseconds, by the clock and of the processor, of each suggestion.
"""
import json
import math
import sys
import time
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.CRITICAL)
warnings.filterwarnings("ignore")


def floats(n, low, high):
    return lambda trial: [trial.suggest_float(f"x{i}", low, high) for i in range(n)]


def branin(trial):
    x, y = trial.suggest_float("x0", -5, 10), trial.suggest_float("x1", 0, 15)
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann6(trial):
    x = floats(6, 0, 1)(trial)
    return -sum(
        w * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(A[i], x, P[i]))) for i, w in enumerate([1, 1.2, 3, 3.2])
    )


def ackley(n):
    def f(trial):
        x = floats(n, -32.768, 32.768)(trial)
        mean = sum(v * v for v in x) / n
        return -20 * math.exp(-0.2 * math.sqrt(mean)) - math.exp(sum(math.cos(2 * math.pi * v) for v in x) / n) + 20 + math.e

    return f


def rosenbrock(trial):
    x = floats(4, -5, 10)(trial)
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(3))


def levy(trial):
    w = [1 + (v - 1) / 4 for v in floats(4, -10, 10)(trial)]
    middle = sum((v - 1) ** 2 * (1 + 10 * math.sin(math.pi * v + 1) ** 2) for v in w[:-1])
    return math.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)


def mixed(trial):
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    value = 0.5 * (math.log10(rate) + 2.5) ** 2
    model = trial.suggest_categorical("model", ["tree", "net", "kernel"])
    if model == "tree":
        depth = trial.suggest_int("tree.depth", 1, 12)
        leaf = trial.suggest_float("tree.leaf", 0, 1, step=0.05)
        return value + 0.3 + ((depth - 7) / 4) ** 2 + 3 * (leaf - 0.35) ** 2
    if model == "net":
        layers = trial.suggest_int("net.layers", 1, 4)
        units = trial.suggest_int("net.units", 8, 512, log=True)
        activation = trial.suggest_categorical("net.activation", ["relu", "tanh", "gelu"])
        loss = {"relu": 0.1, "tanh": 0.5, "gelu": 0}[activation]
        return value + ((layers - 3) / 2) ** 2 + (math.log2(units) - 7) ** 2 / 4 + loss
    c = trial.suggest_float("kernel.c", 1e-3, 1e3, log=True)
    gamma = trial.suggest_float("kernel.gamma", 1e-3, 10, log=True)
    return value + 0.15 + 0.5 * (math.log10(c) - 1) ** 2 + 0.5 * (math.log10(gamma) + 1) ** 2


problems = {
    "branin": branin,
    "hartmann6": hartmann6,
    "ackley5": ackley(5),
    "ackley10": ackley(10),
    "rosenbrock4": rosenbrock,
    "levy4": levy,
    "mixed": mixed,
}


def make(name, seed, space=None):
    s = optuna.samplers
    if name == "random":
        return s.RandomSampler(seed=seed)
    if name == "grid":
        return s.GridSampler(space, seed=seed)
    if name == "tpe":
        return s.TPESampler(seed=seed, multivariate=False)
    if name == "tpe multivariate":
        return s.TPESampler(seed=seed, multivariate=True)
    if name == "gp":
        return s.GPSampler(seed=seed)
    raise SystemExit(f"no sampler {name}")


def best(job):
    out = []
    for seed in job["seeds"]:
        study = optuna.create_study(sampler=make(job["sampler"], seed, job.get("grid")))
        study.optimize(problems[job["problem"]], n_trials=job["trials"])
        out.append(study.best_value)
    return out


def check(job):
    return [
        problems[job["problem"]](optuna.trial.FixedTrial({**point}))
        for point in job["points"]
    ]


def suggest(job):
    import torch

    torch.set_num_threads(1)
    space = {f"x{i}": optuna.distributions.FloatDistribution(0, 1) for i in range(6)}
    study = optuna.create_study(sampler=make(job["sampler"], 0))
    state = 1
    for _ in range(job["trials"]):
        x = []
        for _ in range(6):
            state = state * 48271 % 2147483647
            x.append(state / 2147483647)
        study.add_trial(
            optuna.trial.create_trial(
                params={f"x{i}": v for i, v in enumerate(x)},
                distributions=space,
                value=sum((v - 0.3) ** 2 * (i + 1) for i, v in enumerate(x)),
            )
        )
    times = []
    for _ in range(job["asks"]):
        clock, processor = time.perf_counter(), time.process_time()
        trial = study.ask()
        x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
        times.append([(time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000])
        study.tell(trial, sum((v - 0.3) ** 2 * (i + 1) for i, v in enumerate(x)))
    return times


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps({"best": best, "check": check, "suggest": suggest}[job["job"]](job)))

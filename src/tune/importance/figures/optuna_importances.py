"""Writes optuna_importances.json: trials of some studies, and what Optuna and scikit-learn make of them.

    pip install optuna scikit-learn && python optuna_importances.py
"""
import json
import math
import pathlib
import warnings

import numpy as np
import optuna
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def training(t):
    lr = t.suggest_float("lr", 1e-4, 1e-1, log=True)
    units = t.suggest_int("units", 8, 256, log=True)
    dropout = t.suggest_float("dropout", 0, 0.5, step=0.05)
    activation = t.suggest_categorical("activation", ["relu", "tanh", "gelu"])
    depth = t.suggest_int("depth", 1, 6)
    t.suggest_float("fixed", 1.0, 1.0)
    return (math.log10(lr) + 2.5) ** 2 + 8 / units + (0 if activation == "gelu" else 0.3) + 0.2 * dropout + 0.05 * (depth - 3) ** 2


def conditional(t):
    kind = t.suggest_categorical("kind", ["tree", "net"])
    noise = t.suggest_float("noise", 0, 1)
    if kind == "tree":
        return t.suggest_int("leaves", 2, 40) / 20 + 0.1 * noise
    return (t.suggest_float("lr", 1e-3, 1, log=True) - 0.1) ** 2 + 0.05 * t.suggest_int("width", 1, 8) + 0.1 * noise


def two(t):
    x, y, z = (t.suggest_float(n, 0, 5) for n in "xyz")
    t.suggest_categorical("c", [True, False, None])
    return x**2 + 0.1 * y, (x - 2) ** 2 + (y - 5) ** 2 + 0.01 * z


def branin(t):
    x, y = t.suggest_float("x", -5, 10), t.suggest_float("y", 0, 15)
    return -((y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


def changing(t):
    x = t.suggest_float("x", 0, 1 if t.number < 30 else 2)
    return x**2 + 0.3 * t.suggest_float("y", -1, 1)


def encode(trials, space):
    rows, owners = [], []
    for name, d in space.items():
        owners += [name] * (len(d.choices) if hasattr(d, "choices") else 1)
    for t in trials:
        row = []
        for name, d in space.items():
            v = t.params[name]
            row += [float(c == v) for c in d.choices] if hasattr(d, "choices") else [float(v)]
        rows.append(row)
    return np.array(rows), owners


def permuted(study):
    """Whole parameters shuffled, averaged over seeds of forest and shuffling."""
    trials = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    space = optuna.search_space.intersection_search_space(trials)
    x, owners = encode(trials, space)
    y = np.array([t.value for t in trials])
    out = {name: [] for name in space}
    for seed in range(5):
        forest = RandomForestRegressor(n_estimators=64, max_depth=64, random_state=seed).fit(x, y)
        rng = np.random.RandomState(seed)
        before = forest.score(x, y)
        for name in space:
            columns = [i for i, o in enumerate(owners) if o == name]
            for _ in range(10):
                shuffled = x.copy()
                shuffled[:, columns] = x[rng.permutation(len(x))][:, columns]
                out[name].append(before - forest.score(shuffled, y))
        if len(owners) == len(space) and seed == 0:
            permutation_importance(forest, x, y, n_repeats=2)  # the same measure, for spaces without choices
    return {k: max(float(np.mean(v)), 0) for k, v in out.items()}


def over_seeds(study, evaluator):
    """Mean, and standard deviation over seeds."""
    runs = [get_param_importances(study, evaluator=evaluator(seed), normalize=False) for seed in range(8)]
    return {k: [float(np.mean([r[k] for r in runs])), float(np.std([r[k] for r in runs]))] for k in runs[0]}


def plain(d):
    return {k: float(v) for k, v in d.items()}


out = []
for name, objective, directions, n, sampler in [
    ("training", training, ["minimize"], 100, optuna.samplers.RandomSampler(seed=1)),
    ("training by TPE", training, ["minimize"], 80, optuna.samplers.TPESampler(seed=2)),
    ("branin", branin, ["maximize"], 60, optuna.samplers.RandomSampler(seed=3)),
    ("conditional", conditional, ["minimize"], 70, optuna.samplers.RandomSampler(seed=4)),
    ("two", two, ["minimize", "minimize"], 60, optuna.samplers.RandomSampler(seed=5)),
    ("changing", changing, ["minimize"], 60, optuna.samplers.RandomSampler(seed=6)),
]:
    study = optuna.create_study(directions=directions, sampler=sampler)
    study.optimize(objective, n_trials=n)
    single = len(directions) == 1
    ped = lambda **k: plain(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(**k), normalize=False))
    record = {
        "name": name,
        "directions": directions,
        "trials": [
            {
                "values": t.values,
                "params": t.params,
                "distributions": {k: optuna.distributions.distribution_to_json(d) for k, d in t.distributions.items()},
            }
            for t in study.trials
        ],
        "ped": ped(),
        "pedQuarter": ped(target_quantile=0.25, region_quantile=0.8),
        "pedGlobal": ped(target_quantile=0.2, evaluate_on_local=False),
        "normalized": plain(get_param_importances(study)),
    }
    if single:
        record["fanova"] = over_seeds(study, lambda s: FanovaImportanceEvaluator(seed=s))
        record["impurity"] = over_seeds(study, lambda s: MeanDecreaseImpurityImportanceEvaluator(seed=s))
        if name != "changing":
            record["permutation"] = permuted(study)
    else:
        first = lambda t: t.values[0]
        record["pedFirst"] = plain(get_param_importances(study, target=first, normalize=False))
    # Distributions are repeated by every trial: each is written once.
    kinds = sorted({d for t in record["trials"] for d in t["distributions"].values()})
    record["kinds"] = kinds
    for t in record["trials"]:
        t["distributions"] = {k: kinds.index(d) for k, d in t["distributions"].items()}
    out.append(record)

text = json.dumps({"optuna": optuna.__version__, "studies": out})
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(text))

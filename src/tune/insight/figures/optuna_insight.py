"""Writes optuna_insight.json: Optuna's regret bounds, cross-validation errors and hypervolumes of some studies.

    pip install optuna torch scipy && python optuna_insight.py
"""
import json
import math
import pathlib
import warnings

import numpy as np
import optuna
from optuna.terminator import BestValueStagnationEvaluator, CrossValidationErrorEvaluator, RegretBoundEvaluator
from optuna.visualization._hypervolume_history import _get_hypervolume_history_info

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def recorded(study):
    return [
        {
            "values": t.values,
            "params": t.params,
            "distributions": {k: optuna.distributions.distribution_to_json(d) for k, d in t.distributions.items()},
            "systemAttrs": t.system_attrs,
        }
        for t in study.trials
    ]


def smooth(t):
    x, y = t.suggest_float("x", -3, 3), t.suggest_float("y", 1e-3, 1, log=True)
    value = x**2 + math.log10(y) ** 2
    optuna.terminator.report_cross_validation_scores(t, [value + d for d in (-0.2, 0.1, 0.15, -0.05)])
    return value


def mixed(t):
    x, n = t.suggest_float("x", 0, 1), t.suggest_int("n", 1, 20)
    c = t.suggest_categorical("c", ["a", "b", "c"])
    return -(math.sin(5 * x) + 0.02 * (n - 7) ** 2 + (0 if c == "b" else 0.5))


def two(t):
    x, y = t.suggest_float("x", 0, 5), t.suggest_float("y", 0, 3)
    if t.number % 7 == 3:
        t.storage.set_trial_system_attr(t._trial_id, "constraints", [1.0])
    return 4 * x**2 + 4 * y**2, -((x - 5) ** 2) - (y - 5) ** 2


terminator = []
for name, objective, direction, n, sampler in [
    ("smooth", smooth, "minimize", 45, optuna.samplers.TPESampler(seed=1)),
    ("mixed", mixed, "maximize", 60, optuna.samplers.RandomSampler(seed=2)),
]:
    study = optuna.create_study(direction=direction, sampler=sampler)
    study.optimize(objective, n_trials=n)
    at = {}
    for k in (10, 25, n):
        bounds = [RegretBoundEvaluator(seed=s).evaluate(study.trials[:k], study.direction) for s in range(3)]
        at[k] = {
            "bounds": [float(b) for b in bounds],
            "stagnation": BestValueStagnationEvaluator(30).evaluate(study.trials[:k], study.direction),
        }
        if name == "smooth":
            at[k]["error"] = CrossValidationErrorEvaluator().evaluate(study.trials[:k], study.direction)
    terminator.append({"name": name, "direction": direction, "trials": recorded(study), "at": at})

study = optuna.create_study(directions=["minimize", "maximize"], sampler=optuna.samplers.RandomSampler(seed=3))
study.optimize(two, n_trials=40)
reference = [120.0, -60.0]
history = _get_hypervolume_history_info(study, np.array(reference))
out = {
    "terminator": terminator,
    "hypervolume": {
        "trials": recorded(study),
        "reference": reference,
        "values": [float(v) for v in history.values],
        "front": sorted(t.number for t in study.best_trials),
    },
}
text = json.dumps(out)
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(text))

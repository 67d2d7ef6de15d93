"""Decisions of Optuna's pruners on random studies, trials side by side. Run: python optuna_pruners.py"""

import json
import math
import os
import random
import warnings

import optuna
from optuna.pruners import (
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
    WilcoxonPruner,
)
from scipy.stats import wilcoxon

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)

MAKERS = {
    "median": lambda o: MedianPruner(**o),
    "percentile": lambda o: PercentilePruner(**o),
    "successiveHalving": lambda o: SuccessiveHalvingPruner(**o),
    "hyperband": lambda o: HyperbandPruner(**o),
    "threshold": lambda o: ThresholdPruner(**o),
    "wilcoxon": lambda o: WilcoxonPruner(**o),
    "patient": lambda o: PatientPruner(None, **o),
    "patientMedian": lambda o: PatientPruner(MedianPruner(n_startup_trials=2), **o),
}

# pruner, options, and how the study goes: trials, steps, side by side, odd values, steps left out, any order.
CASES = [
    ("median", {}, {}),
    ("median", {"n_startup_trials": 2, "n_warmup_steps": 2, "interval_steps": 3}, {"gaps": 0.4}),
    ("median", {"n_startup_trials": 0, "n_min_trials": 3}, {"odd": 0.15, "side": 4}),
    ("percentile", {"percentile": 25.0, "n_startup_trials": 2}, {"odd": 0.1}),
    ("percentile", {"percentile": 70.0, "n_startup_trials": 1, "interval_steps": 2}, {"gaps": 0.3, "side": 3}),
    ("percentile", {"percentile": 0.0, "n_startup_trials": 3}, {}),
    ("percentile", {"percentile": 100.0, "n_startup_trials": 3}, {"odd": 0.1}),
    ("successiveHalving", {}, {"steps": 30, "step": 11}),
    ("successiveHalving", {"min_resource": 1, "reduction_factor": 2}, {"side": 3}),
    ("successiveHalving", {"min_resource": 2, "reduction_factor": 3, "min_early_stopping_rate": 1}, {"odd": 0.1}),
    ("successiveHalving", {"min_resource": 1, "reduction_factor": 3, "bootstrap_count": 3}, {"side": 2}),
    ("hyperband", {}, {"side": 2}),
    ("hyperband", {"min_resource": 1, "max_resource": 9, "reduction_factor": 3}, {"trials": 40}),
    ("hyperband", {"min_resource": 2, "max_resource": 12, "reduction_factor": 2, "bootstrap_count": 1}, {"side": 4}),
    ("threshold", {"upper": 0.8}, {"odd": 0.02}),
    ("threshold", {"lower": 0.1, "upper": 0.95, "n_warmup_steps": 3, "interval_steps": 2}, {"gaps": 0.3}),
    ("patient", {"patience": 2}, {"odd": 0.1}),
    ("patient", {"patience": 0, "min_delta": 0.1}, {"gaps": 0.3}),
    ("patientMedian", {"patience": 1, "min_delta": 0.02}, {"odd": 0.1, "side": 2}),
    ("wilcoxon", {}, {"shuffle": True, "steps": 16}),
    ("wilcoxon", {"p_threshold": 0.3, "n_startup_steps": 4}, {"shuffle": True, "round": 1, "steps": 16}),
    ("wilcoxon", {"p_threshold": 0.2}, {"odd": 0.01, "gaps": 0.3, "side": 3}),
]


def simulate(rng, index, pruner, options, course, direction):
    trials, steps, side = course.get("trials", 22), course.get("steps", 10), course.get("side", 1)
    name = f"{pruner} {index}"
    study = optuna.create_study(study_name=name, direction=direction, pruner=MAKERS[pruner](options))
    events = []
    running = []
    begun = 0
    while begun < trials or running:
        if begun < trials and len(running) < side:
            trial = study.ask()
            order = [s * course.get("step", 1) for s in range(steps)]
            order = [s for s in order if rng.random() >= course.get("gaps", 0)]
            if course.get("shuffle"):
                rng.shuffle(order)
            level = rng.random() * 0.6
            running.append((trial, order, level, []))
            events.append(["ask"])
            begun += 1
            continue
        trial, order, level, seen = rng.choice(running)
        if not order:
            value = seen[-1] if seen and not math.isnan(seen[-1]) else 0.5
            study.tell(trial, value)
            events.append(["tell", trial.number, value])
            running = [r for r in running if r[0] is not trial]
            continue
        step = order.pop(0)
        value = round(level + 0.4 * rng.random() + 0.2 / (1 + step), course.get("round", 3))
        if rng.random() < course.get("odd", 0):
            value = rng.choice([math.nan, math.nan, math.inf, -math.inf])
        seen.append(value)
        trial.report(value, step)
        prune = trial.should_prune()
        events.append(["report", trial.number, step, value, int(prune)])
        if prune:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            events.append(["tell", trial.number])
            running = [r for r in running if r[0] is not trial]
    return {"name": name, "direction": direction, "pruner": pruner, "options": options, "events": events}


def tests(rng):
    found = []
    for n in [2, 3, 4, 5, 7, 9, 12, 13, 14, 20, 49, 50, 51, 60]:
        for digits in [3, 1, 0]:
            d = [round(rng.uniform(-2, 3), digits) for _ in range(n)]
            p = wilcoxon(d, alternative="greater", zero_method="zsplit").pvalue
            found.append({"differences": d, "p": float(p)})
    found.append({"differences": [0.0] * 20, "p": float(wilcoxon([0.0] * 20, alternative="greater", zero_method="zsplit").pvalue)})
    return found


def brackets(rng):
    cases = []
    for low, high, factor in [(1, 9, 3), (1, 81, 3), (1, 243, 3), (2, 100, 4), (1, 1, 3), (5, 1000, 10), (3, 59049, 3)]:
        pruner = HyperbandPruner(min_resource=low, max_resource=high, reduction_factor=factor)
        study = optuna.create_study(study_name=f"größe {rng.randrange(1000)}", pruner=pruner)
        pruner._try_initialization(study)
        numbers = [rng.randrange(100000) for _ in range(40)]
        ids = [
            pruner._get_bracket_id(study, optuna.trial.FrozenTrial(
                number=n, state=optuna.trial.TrialState.RUNNING, value=None, datetime_start=None,
                datetime_complete=None, params={}, distributions={}, user_attrs={}, system_attrs={},
                intermediate_values={}, trial_id=n)) for n in numbers
        ]
        cases.append({
            "minResource": low, "maxResource": high, "reductionFactor": factor, "name": study.study_name,
            "budgets": pruner._trial_allocation_budgets, "numbers": numbers, "ids": ids,
        })
    return cases


def counts():
    return [
        [factor**k, factor, math.floor(math.log(factor**k, factor)) + 1]
        for factor in range(2, 12)
        for k in range(1, 31)
        if factor**k <= 10**9
    ]


rng = random.Random(1)
studies = [
    simulate(rng, 2 * i + (direction == "maximize"), *case, direction)
    for i, case in enumerate(CASES)
    for direction in (["minimize", "maximize"] if i % 3 == 0 else [["minimize", "maximize"][i % 2]])
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optuna_pruners.json")
with open(path, "w") as file:
    json.dump({"optuna": optuna.__version__, "tests": tests(rng), "brackets": brackets(rng), "counts": counts()}, file)
    file.write("\n")
with open(path.replace("pruners.json", "pruner_studies.json"), "w") as file:
    json.dump({"optuna": optuna.__version__, "studies": studies}, file, separators=(",", ":"))
    file.write("\n")
for s in studies:
    reports = [e for e in s["events"] if e[0] == "report"]
    print(s["name"], s["direction"], len(reports), sum(e[4] for e in reports))

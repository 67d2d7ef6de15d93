"""Optuna's side of the tests of interoperation: what is asked for on the command line, answered as JSON."""

import json
import math
import sys
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def storage_of(url):
    if url.startswith("journal:///"):
        backend = optuna.storages.journal.JournalFileBackend(url[len("journal:///") :])
        return optuna.storages.JournalStorage(backend)
    return url


def described(distribution):
    return json.loads(optuna.distributions.distribution_to_json(distribution))


def trial_of(trial):
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "params": trial.params,
        "distributions": {k: described(d) for k, d in trial.distributions.items()},
        "intermediate": sorted([k, v] for k, v in trial.intermediate_values.items()),
        "user": trial.user_attrs,
        "system": trial.system_attrs,
        "start": trial.datetime_start and trial.datetime_start.timestamp(),
        "complete": trial.datetime_complete and trial.datetime_complete.timestamp(),
    }


def read(url, name):
    """All there is in a study."""
    study = optuna.load_study(study_name=name, storage=storage_of(url))
    return {
        "directions": [d.name for d in study.directions],
        "user": study.user_attrs,
        "system": study.system_attrs if hasattr(study, "system_attrs") else {},
        "best": study.best_value if len(study.directions) == 1 else None,
        "trials": [trial_of(t) for t in study.get_trials(deepcopy=False)],
    }


def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    trial.report(x, 0)
    trial.set_user_attr("by", "python")
    return (x - 2) ** 2 + (0 if kind == "a" else 1)


def work(url, name, count):
    """One worker: makes trials, and says which."""
    study = optuna.load_study(study_name=name, storage=storage_of(url), sampler=optuna.samplers.RandomSampler())
    made = []
    study.optimize(objective, n_trials=int(count), callbacks=[lambda s, t: made.append(t.number)])
    return made


SAMPLERS = {
    "tpe": lambda: optuna.samplers.TPESampler(n_startup_trials=3, multivariate=True, constant_liar=True),
    "nsga2": lambda: optuna.samplers.NSGAIISampler(population_size=6),
    "random": lambda: optuna.samplers.RandomSampler(),
}
PRUNERS = {
    "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3),
    "successiveHalving": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=3),
    "nop": lambda: optuna.pruners.NopPruner(),
}


def steps(trial):
    x = trial.suggest_float("x", -5, 5)
    lr = trial.suggest_float("\u03b7 rate", 1e-5, 1e-1, log=True)
    kind = trial.suggest_categorical("kind", [None, False, 2.5, 7, "\u00e4"])
    n = trial.suggest_int("n", 1, 9, step=2)
    trial.set_user_attr("by", "python")
    for step in range(10):
        trial.report((x - 1) ** 2 + abs(math.log10(lr) + 3) + n / (step + 1) + (kind is False), step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return (x - 1) ** 2 + abs(math.log10(lr) + 3) + (kind is False)


def fronts(trial):
    x = trial.suggest_float("x", 0, 1)
    y = trial.suggest_float("y", 0, 1)
    trial.set_user_attr("by", "python")
    trial.set_constraint("sum", 1 - x - y)
    return x, y


def plain2(trial):
    return trial.suggest_float("x", -5, 5)


def hang(trial):
    trial.suggest_float("x", -5, 5)
    trial.set_user_attr("by", "python")
    print("hangs", flush=True)
    time.sleep(600)


def beating(url, retry):
    return optuna.storages.RDBStorage(
        url,
        heartbeat_interval=1,
        grace_period=3,
        heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=retry),
    )


def together(url, name, count, plan):
    """One worker as the plan says: makes trials, and says which."""
    plan = json.loads(plan)
    storage = beating(url, plan["retry"]) if "retry" in plan else storage_of(url)
    study = optuna.load_study(
        study_name=name,
        storage=storage,
        sampler=SAMPLERS[plan.get("sampler", "random")](),
        pruner=PRUNERS[plan.get("pruner", "nop")](),
    )
    made = []
    study.optimize(
        globals()[plan["objective"]], n_trials=int(count), callbacks=[lambda s, t: made.append(t.number)]
    )
    return made


def brackets(url, name):
    """The bracket of each trial."""
    study = optuna.load_study(study_name=name, storage=storage_of(url), pruner=PRUNERS["hyperband"]())
    study.pruner._try_initialization(study)
    return [study.pruner._get_bracket_id(study, t) for t in study.get_trials(deepcopy=False)]


def fronts_of(url, name):
    study = optuna.load_study(study_name=name, storage=storage_of(url))
    return {
        "best": sorted(t.number for t in study.best_trials),
        "constraints": [t.constraints for t in study.get_trials(deepcopy=False)],
    }


def importances(url, name):
    study = optuna.load_study(study_name=name, storage=storage_of(url))
    forests = [
        optuna.importance.get_param_importances(study, evaluator=optuna.importance.FanovaImportanceEvaluator(n_trees=32, seed=i))
        for i in range(2)
    ]
    return {
        "pedAnova": optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()),
        "fanova": {k: sum(f[k] for f in forests) / len(forests) for k in forests[0]},
    }


def enqueue(url, name, params):
    study = optuna.load_study(study_name=name, storage=storage_of(url))
    for one in json.loads(params):
        study.enqueue_trial(one, user_attrs={"queued": "python"})


def odd(url, name):
    """All kinds of distributions with the oddest of values."""
    study = optuna.create_study(study_name=name, storage=storage_of(url), sampler=optuna.samplers.RandomSampler(seed=1))

    def objective(trial):
        trial.suggest_int("big", -(2**53) + 1, 2**53 - 1)
        trial.suggest_int("huge", 0, 2**62, step=2**40)
        trial.suggest_float("tiny", 5e-324, 1e-300, log=True)
        trial.suggest_float("wide", -1.7976931348623157e308 / 4, 1.7976931348623157e308 / 4)
        trial.suggest_float("q", -0.3, 0.3, step=0.1)
        trial.suggest_float("one", 2, 2)
        trial.suggest_categorical("mixed", [None, True, False, 0.5, 3, -1e400, float("nan"), "", "\u6f22 \U0001f389", '"\\n'])
        trial.suggest_categorical("single", [None])
        trial.suggest_int("\u00fcn\u00ef \u6f22 'q' \"d\"; --", 1, 1000, log=True)
        for step, value in [(0, float("nan")), (1, float("inf")), (2, float("-inf")), (10**9, 1e-320), (7, -0.0)]:
            trial.report(value, step)
        trial.set_user_attr("big", [2**63, -(2**100), 1e400, float("nan"), {"\u00fc": [None, True, ""]}])
        if trial.number == 1:
            raise optuna.TrialPruned()
        return [float("inf"), 0.0, -float("inf"), 5e-324][trial.number]

    study.optimize(objective, n_trials=4)
    return read(url, name)


def rich(url, name, which="some"):
    """A study with all that Optuna writes: samplers' attributes, odd numbers, all states."""
    optuna.create_study(study_name=name, storage=storage_of(url))
    for sampler in (
        optuna.samplers.TPESampler(seed=1, n_startup_trials=2, multivariate=True, constant_liar=True),
        optuna.samplers.NSGAIISampler(seed=1, population_size=4),
        optuna.samplers.QMCSampler(seed=1),
        *(optional_samplers() if which == "all" else []),
    ):
        study = optuna.load_study(study_name=name, storage=storage_of(url), sampler=sampler)
        study.optimize(everything, n_trials=3, catch=(ZeroDivisionError,))
    study.set_user_attr("odd", [float("nan"), float("inf"), 2**70, "\ud83c\udf89 \u00fc", {"a": None}])
    study.set_metric_names(["loss"])
    study.enqueue_trial({"x": 1.5, "n": 3}, user_attrs={"from": "python"})
    return read(url, name)


def optional_samplers():
    samplers = []
    try:
        import torch  # noqa: F401

        samplers.append(optuna.samplers.GPSampler(seed=1, n_startup_trials=1))
    except ImportError:
        pass
    try:
        import cmaes  # noqa: F401

        samplers.append(optuna.samplers.CmaEsSampler(seed=1, n_startup_trials=1))
    except ImportError:
        pass
    return samplers


def everything(trial):
    x = trial.suggest_float("x", -5, 5)
    trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    trial.suggest_float("step", 0, 1, step=0.1)
    n = trial.suggest_int("n", 1, 64, log=True)
    trial.suggest_int("k", 0, 10, step=3)
    trial.suggest_categorical("c", ["a", None, 3, 2.5, True])
    trial.report(float("nan"), 0)
    trial.report(float("-inf"), 3)
    trial.set_user_attr("note", {"nan": float("nan"), "text": "h\u00e9"})
    if trial.number % 7 == 3:
        return 1 / 0
    if trial.number % 7 == 5:
        raise optuna.TrialPruned()
    return float("inf") if trial.number % 7 == 6 else x**2 + n


def versions():
    try:
        import psycopg2  # noqa: F401

        postgres = "psycopg2"
    except ImportError:
        postgres = None
    return {"optuna": optuna.__version__, "postgres": postgres}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))

"""Optuna's side of the tests of interoperation: what is asked for on the command line, answered as JSON."""

import json
import sys

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

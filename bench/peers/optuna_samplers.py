"""Optuna's side of samplers.ts and suggest.ts, in JSON, one message a line.

    python optuna_samplers.py '{"sampler": "gp", "trials": 200, "asks": 5}'
    python optuna_samplers.py

The first prints milliseconds, by the clock and of the processor, of each suggestion of a study with so many trials.
The second is told {"sampler", "seed", "trials", "grid"} for each study to be made, and runs it: it says {"trial"} where one
begins, is asked for parameters ({"suggest": "float", "name", "args"}), says each {"chosen"}, and is told the {"value"};
at the end it says what the {"best"} one is.
"""
import json
import sys
import time
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.CRITICAL)
warnings.filterwarnings("ignore")


def make(name, seed, grid=None):
    s = optuna.samplers
    if name == "random":
        return s.RandomSampler(seed=seed)
    if name == "grid":
        return s.GridSampler(grid, seed=seed)
    if name == "tpe":
        return s.TPESampler(seed=seed, multivariate=False)
    if name == "tpe multivariate":
        return s.TPESampler(seed=seed, multivariate=True)
    if name == "gp":
        return s.GPSampler(seed=seed)
    raise SystemExit(f"no sampler {name}")


def say(message):
    print(json.dumps(message), flush=True)


def hear():
    line = sys.stdin.readline()
    if not line:
        raise SystemExit
    return json.loads(line)


def serve():
    def objective(trial):
        say({"trial": trial.number})
        while "value" not in (message := hear()):
            ask = getattr(trial, "suggest_" + message["suggest"])
            say({"chosen": ask(message["name"], **message["args"])})
        return message["value"]

    while True:
        job = hear()
        study = optuna.create_study(sampler=make(job["sampler"], job["seed"], job.get("grid")))
        study.optimize(objective, n_trials=job["trials"])
        say({"best": study.best_value})


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
    if len(sys.argv) > 1:
        say(suggest(json.loads(sys.argv[1])))
    else:
        serve()

"""Writes optuna.json: what Optuna 5's samplers compute from fixed trials, for the tests of this folder.

    pip install optuna torch scipy && python optuna.py
"""
import json
import pathlib
import sys
import warnings

sys.path.pop(0)  # or this file would be the optuna that is imported
warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import optuna  # noqa: E402
import torch  # noqa: E402
from optuna._gp import acqf, gp, prior  # noqa: E402
from optuna._gp.search_space import SearchSpace  # noqa: E402
from optuna._hypervolume import get_non_dominated_box_bounds  # noqa: E402
from optuna.distributions import CategoricalDistribution as C  # noqa: E402
from optuna.distributions import FloatDistribution as F  # noqa: E402
from optuna.distributions import IntDistribution as I  # noqa: E402
from optuna.distributions import distribution_to_json  # noqa: E402
from optuna.samplers._tpe import parzen_estimator  # noqa: E402
from optuna.samplers._tpe import sampler as tpe  # noqa: E402
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters  # noqa: E402
from optuna.trial import TrialState, create_trial  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Stable:
    """numpy, but that equal values stay in their order when sorted: which one gets which width it leaves open."""

    def __getattr__(self, name):
        return getattr(np, name)

    def argsort(self, a):
        return np.argsort(a, kind="stable")


parzen_estimator.np = Stable()
rng = np.random.default_rng(11)


def numbers(x):
    return [float(f"{v:.15g}") for v in np.asarray(x, dtype=float).ravel()]


def value_of(d, u):
    if isinstance(d, C):
        return int(u * len(d.choices))
    if d.log:
        x = float(np.exp(np.log(d.low) + u * (np.log(d.high) - np.log(d.low))))
        return int(round(x)) if isinstance(d, I) else x
    x = d.low + u * (d.high - d.low)
    return float(x) if d.step is None else float(round(d.low + round((x - d.low) / d.step) * d.step, 9))


spaces = {
    "float": {"a": F(-3, 5)},
    "log": {"a": F(1e-5, 1e-1, log=True)},
    "step": {"a": F(-1, 1, step=0.25)},
    "int": {"a": I(0, 40)},
    "wide int": {"a": I(-10**6, 10**6, step=7)},
    "log int": {"a": I(1, 512, log=True)},
    "choice": {"a": C(["x", "y", "z"])},
    "all": {"a": F(0, 1), "b": F(1e-3, 10, log=True), "c": I(1, 64, log=True), "d": C([1, 2]), "e": F(0, 2, step=0.5), "f": I(0, 9)},
}
parzen = []
for name, space in spaces.items():
    for count in [0, 1, 2, 30, 70]:
        for variant in [{}] if count != 30 else [{}, {"endpoints": True}, {"magicClip": False}, {"priorWeight": 0.3}]:
            # Crowded at one end, and some values met twice.
            u = rng.random((count, len(space))) ** 2
            if count > 2:
                u[1] = u[0]
            columns = {k: [value_of(d, x) for x in u[:, i]] for i, (k, d) in enumerate(space.items())}
            at = {k: [value_of(d, x) for x in [0.01, 0.2, 0.5, 0.77, 0.999]] for k, d in space.items()}
            estimator = _ParzenEstimator(
                {k: np.asarray(v) for k, v in columns.items()},
                space,
                _ParzenEstimatorParameters(
                    prior_weight=variant.get("priorWeight", 1.0),
                    consider_magic_clip=variant.get("magicClip", True),
                    consider_endpoints=variant.get("endpoints", False),
                    weights=tpe.default_weights,
                    multivariate=True,
                ),
            )
            parzen.append(
                {
                    "name": name,
                    "space": {k: distribution_to_json(d) for k, d in space.items()},
                    "variant": variant,
                    "observations": {k: numbers(v) for k, v in columns.items()},
                    "at": {k: numbers(v) for k, v in at.items()},
                    "logPdf": numbers(estimator.log_pdf({k: np.asarray(v, dtype=float) for k, v in at.items()})),
                }
            )


def split(directions, kind, count, below):
    study = optuna.create_study(directions=directions)
    rows = []
    for i in range(count):
        state, values, steps, constraints = "COMPLETE", [float(round(v, 2)) for v in rng.normal(size=len(directions))], {}, {}
        if "pruned" in kind and i % 3 == 1:
            state, values = "PRUNED", None
            steps = {} if i % 4 == 0 else {int(s): float(round(rng.normal(), 2)) for s in range(rng.integers(1, 5))}
            if i == 7:
                steps = {3: float("nan")}
        if "running" in kind and i % 5 == 2:
            state, values, steps = "RUNNING", None, {}
        if "infeasible" in kind and state != "RUNNING":
            constraints = {"c": float(round(rng.normal(), 2)), "d": float(round(rng.normal(), 2))}
        study.add_trial(
            create_trial(
                state=getattr(TrialState, state),
                values=values,
                intermediate_values=steps,
                params={"x": i / count},
                distributions={"x": F(0, 1)},
                system_attrs={f"constraints:{k}": v for k, v in constraints.items()},
            )
        )
        rows.append(
            {
                "state": state,
                "values": values,
                "steps": [[s, None if np.isnan(v) else v] for s, v in steps.items()],
                "constraints": constraints,
            }
        )
    good, rest = tpe._split_trials(study, study.get_trials(deepcopy=False), below)
    return {
        "directions": directions,
        "trials": rows,
        "below": below,
        "good": [t.number for t in good],
        "rest": [t.number for t in rest],
    }


splits = [
    split(directions, kind, count, below)
    for directions in [["minimize"], ["maximize"], ["minimize", "maximize"], ["minimize", "minimize", "maximize"]]
    for kind in (["", "pruned", "infeasible", "pruned running infeasible"] if len(directions) == 1 else ["", "infeasible running"])
    for count, below in [(12, 2), (30, 7), (30, 28)]
]

# A process of mixed axes.
space = {"a": F(-3, 5), "b": F(1e-3, 10, log=True), "c": C(["x", "y", "z"]), "d": I(1, 9), "e": I(1, 64, log=True), "f": F(0, 2, step=0.5)}
internal = SearchSpace(space)
count = 25
params = [{k: value_of(d, u) for (k, d), u in zip(space.items(), row)} for row in rng.random((count, len(space)))]
external = [{k: (space[k].choices[v] if isinstance(space[k], C) else v) for k, v in p.items()} for p in params]
dists = {k: d for k, d in space.items()}
trials = [create_trial(params=p, distributions=dists, value=0.0) for p in external]
X = internal.get_normalized_params(trials)
Y = np.sin(5 * X[:, 0]) + X[:, 1] ** 2 - 0.5 * (X[:, 2] == 1) + 0.3 * X[:, 3] + 0.05 * rng.normal(size=count)
Y = (Y - Y.mean()) / Y.std()
Y2 = -np.cos(3 * X[:, 0]) + X[:, 4]
Y2 = (Y2 - Y2.mean()) / Y2.std()
categorical = torch.from_numpy(internal.is_categorical)


def regressor(y, w, scale, noise):
    r = gp.GPRegressor(
        categorical, torch.from_numpy(X), torch.from_numpy(y), torch.tensor(w), torch.tensor(scale), torch.tensor(noise)
    )
    likelihood = float(r.marginal_log_likelihood()) + float(prior.default_log_prior(r))
    r._cache_matrix()
    return r, likelihood


kernel = [0.7, 1.9, 0.4, 0.2, 3.0, 0.05], 1.3, 0.02
kernel2 = [1.7, 0.3, 0.1, 0.5, 2.0, 0.4], 0.8, 0.001
r1, likelihood = regressor(Y, *[torch.tensor(k, dtype=torch.float64).numpy() if isinstance(k, list) else np.float64(k) for k in kernel])
r2, likelihood2 = regressor(Y2, *[torch.tensor(k, dtype=torch.float64).numpy() if isinstance(k, list) else np.float64(k) for k in kernel2])
T = internal.get_normalized_params(
    [
        create_trial(params={k: (space[k].choices[value_of(d, u)] if isinstance(d, C) else value_of(d, u)) for (k, d), u in zip(space.items(), row)}, distributions=dists, value=0.0)
        for row in rng.random((5, len(space)))
    ]
)
xs = torch.from_numpy(T).requires_grad_(True)
mean, var = r1.posterior(xs)
log_ei = acqf.LogEI(r1, internal, threshold=float(Y.max())).eval_acqf(xs)
ei_gradient = torch.autograd.grad(log_ei.sum(), xs)[0]
log_pi = acqf.LogPI(r1, internal, threshold=0.8).eval_acqf(xs)
pi_gradient = torch.autograd.grad(log_pi.sum(), xs)[0]
front = np.stack([Y, Y2], axis=-1)
ehvi = acqf.LogEHVI([r1, r2], internal, torch.from_numpy(front), n_qmc_samples=16, qmc_seed=3)
log_ehvi = ehvi.eval_acqf(xs)
ehvi_gradient = torch.autograd.grad(log_ehvi.sum(), xs)[0]


def fitted(deterministic):
    r = gp.fit_kernel_params(
        X, Y, internal.is_categorical, prior.default_log_prior, 1e-6, deterministic, gtol=1e-5
    )
    again = gp.GPRegressor(categorical, torch.from_numpy(X), torch.from_numpy(Y), r.inverse_squared_lengthscales, r.kernel_scale, r.noise_var)
    return {
        "inverseSquares": numbers(r.inverse_squared_lengthscales.detach()),
        "scale": float(r.kernel_scale),
        "noise": float(r.noise_var),
        "logPosterior": float(again.marginal_log_likelihood()) + float(prior.default_log_prior(again)),
    }


process = {
    "space": {k: distribution_to_json(d) for k, d in space.items()},
    "internal": [[float(p[k]) for k in space] for p in params],
    "places": [numbers(row) for row in X],
    "values": numbers(Y),
    "values2": numbers(Y2),
    "kernel": {"inverseSquares": kernel[0], "scale": kernel[1], "noise": kernel[2]},
    "kernel2": {"inverseSquares": kernel2[0], "scale": kernel2[1], "noise": kernel2[2]},
    "logPosterior": likelihood,
    "at": [numbers(row) for row in T],
    "mean": numbers(mean.detach()),
    "variance": numbers(var.detach()),
    "logEi": numbers(log_ei.detach()),
    "logEiGradient": [numbers(row) for row in ei_gradient],
    "logPi": numbers(log_pi.detach()),
    "logPiGradient": [numbers(row) for row in pi_gradient],
    "normals": numbers(ehvi._fixed_samples),
    "logEhvi": numbers(log_ehvi.detach()),
    "logEhviGradient": [numbers(row) for row in ehvi_gradient],
    "fitted": fitted(False),
    "fittedDeterministic": fitted(True),
}
z = [-1e4, -300.0, -40.0, -26.0, -25.0, -24.0, -10.0, -3.0, -0.5, 0.0, 0.5, 3.0, 30.0]
out = {
    "optuna": optuna.__version__,
    "parzen": parzen,
    "splits": splits,
    "process": process,
    "logStandardEi": {"z": z, "value": numbers(acqf.standard_logei(torch.tensor(z, dtype=torch.float64)))},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out))

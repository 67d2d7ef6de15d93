"""Distribution functions that the samplers are tested against: python beta.py writes beta.json."""
import json, pathlib
import numpy as np, scipy
from scipy import stats

at = [0.001, 0.01] + [round(x, 2) for x in np.arange(0.05, 1, 0.05)] + [0.99, 0.999]
gamma_at = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15]
figures = lambda xs: [float(f"{x:.9g}") for x in xs]
out = {
    "made": f"scipy {scipy.__version__}",
    "beta": [{"alpha": a, "at": at, "cdf": figures(stats.beta.cdf(at, a, a)), "variance": figures([stats.beta.var(a, a)])[0]}
             for a in (0.1, 0.2, 0.4, 0.5, 1, 2, 8)],
    "gamma": [{"shape": a, "at": gamma_at, "cdf": figures(stats.gamma.cdf(gamma_at, a))} for a in (0.2, 0.9, 1, 1.7, 5)],
}
lines = [f'  {json.dumps(key)}: {json.dumps(value, separators=(",", ":"))}' for key, value in out.items()]
pathlib.Path(__file__).with_name("beta.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

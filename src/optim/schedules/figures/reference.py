"""Writes reference.json: what Keras 3 (in float64), PyTorch and the papers' formulas say at every step.

    pip install keras torch && python reference.py

Formulas (noam, inverse square root, warmup-stable-decay) run through PyTorch's LambdaLR.
"""
import json
import math
import os
import pathlib
import warnings

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import torch  # noqa: E402
import torch.optim.lr_scheduler as T  # noqa: E402

keras.config.set_floatx("float64")
warnings.filterwarnings("ignore")
K = keras.optimizers.schedules
STEPS = 200
cases = []


def add(source, call, values):
    """`call`: name and arguments as they are written in TypeScript; a list [name, ...] in them is a schedule."""
    cases.append({"source": source, "call": call, "values": [float(f"{v:.9g}") for v in values]})


def keras_case(name, options, schedule, steps=STEPS):
    add("keras", [name, options], [float(schedule(torch.tensor(float(i), dtype=torch.float64))) for i in range(steps)])


def walk(base, make, steps=STEPS, momentum=False):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    return momenta if momentum else rates


def torch_case(call, base, make, steps=STEPS, momentum=False):
    add("torch", call, walk(base, make, steps, momentum))


def formula(call, base, factor, steps=STEPS):
    add("formula", call, walk(base, lambda o: T.LambdaLR(o, factor), steps))


# ----------------------------------------------------------------------------------------------------------- Keras
for staircase in (False, True):
    keras_case("exponentialDecay", {"initialLearningRate": 0.1, "decaySteps": 30, "decayRate": 0.5, "staircase": staircase},
               K.ExponentialDecay(0.1, 30, 0.5, staircase=staircase))
    keras_case("inverseTimeDecay", {"initialLearningRate": 0.1, "decaySteps": 25, "decayRate": 0.7, "staircase": staircase},
               K.InverseTimeDecay(0.1, 25, 0.7, staircase=staircase))
keras_case("exponentialDecay", {"initial": 2, "steps": 7.5, "decayRate": 1.01}, K.ExponentialDecay(2.0, 7.5, 1.01))
keras_case("polynomialDecay", {"initialLearningRate": 0.1, "decaySteps": 120}, K.PolynomialDecay(0.1, 120))
keras_case("polynomialDecay", {"initial": 0.1, "steps": 150, "end": 0.01, "power": 2}, K.PolynomialDecay(0.1, 150, 0.01, power=2))
keras_case("polynomialDecay", {"initialLearningRate": 0.1, "decaySteps": 60, "endLearningRate": 0.001, "power": 0.5, "cycle": True},
           K.PolynomialDecay(0.1, 60, 0.001, power=0.5, cycle=True))
keras_case("polynomialDecay", {"initialLearningRate": 0.1, "decaySteps": 45, "endLearningRate": 0.02, "cycle": True},
           K.PolynomialDecay(0.1, 45, 0.02, cycle=True))
keras_case("piecewiseConstantDecay", {"boundaries": [50, 51, 120], "values": [1, 0.5, 0.3, 0.01]},
           K.PiecewiseConstantDecay([50, 51, 120], [1.0, 0.5, 0.3, 0.01]))
keras_case("cosineDecay", {"initial": 1e-3, "steps": 150}, K.CosineDecay(1e-3, 150))
keras_case("cosineDecay", {"initialLearningRate": 0.1, "decaySteps": 180, "alpha": 0.1}, K.CosineDecay(0.1, 180, alpha=0.1))
keras_case("cosineDecay", {"initialLearningRate": 0, "decaySteps": 100, "warmupTarget": 0.1, "warmupSteps": 40},
           K.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=40))
keras_case("cosineDecay", {"initialLearningRate": 0.01, "decaySteps": 110, "alpha": 0.05, "warmupTarget": 0.2, "warmupSteps": 33},
           K.CosineDecay(0.01, 110, alpha=0.05, warmup_target=0.2, warmup_steps=33))
keras_case("cosineDecay", {"initialLearningRate": 0.01, "decaySteps": 110, "warmupTarget": 0.2}, K.CosineDecay(0.01, 110, warmup_target=0.2))
keras_case("cosineDecayRestarts", {"initialLearningRate": 0.1, "firstDecaySteps": 20}, K.CosineDecayRestarts(0.1, 20))
keras_case("cosineDecayRestarts", {"initial": 0.1, "steps": 30, "tMul": 1, "mMul": 0.8, "alpha": 0.1},
           K.CosineDecayRestarts(0.1, 30, t_mul=1.0, m_mul=0.8, alpha=0.1))
keras_case("cosineDecayRestarts", {"initialLearningRate": 0.1, "firstDecaySteps": 25, "tMul": 1.3, "mMul": 0.9},
           K.CosineDecayRestarts(0.1, 25, t_mul=1.3, m_mul=0.9))

# --------------------------------------------------------------------------------------------------------- PyTorch
torch_case(["exponentialDecay", {"initial": 0.1, "steps": 1, "decayRate": 0.97}], 0.1, lambda o: T.ExponentialLR(o, 0.97))
torch_case(["polynomialDecay", {"initial": 0.1, "steps": 90, "end": 0, "power": 1.5}], 0.1, lambda o: T.PolynomialLR(o, 90, 1.5))
torch_case(["cosineDecay", {"initial": 0.1, "steps": 200, "alpha": 0.02}], 0.1, lambda o: T.CosineAnnealingLR(o, 200, eta_min=0.002))
for t_mult in (1, 3):
    torch_case(["cosineDecayRestarts", {"initial": 0.1, "steps": 15, "tMul": t_mult, "alpha": 0.05}], 0.1,
               lambda o: T.CosineAnnealingWarmRestarts(o, 15, t_mult, eta_min=0.005))
torch_case(["step", {"initialLearningRate": 0.1, "stepSize": 30}], 0.1, lambda o: T.StepLR(o, 30))
torch_case(["step", {"initial": 0.1, "stepSize": 7, "gamma": 0.9}], 0.1, lambda o: T.StepLR(o, 7, 0.9))
torch_case(["multiStep", {"initialLearningRate": 0.1, "milestones": [30, 80, 81]}], 0.1, lambda o: T.MultiStepLR(o, [30, 80, 81]))
torch_case(["multiStep", {"initial": 0.1, "milestones": [20, 20, 150], "gamma": 0.5}], 0.1, lambda o: T.MultiStepLR(o, [20, 20, 150], 0.5))
torch_case(["linear", {"initialLearningRate": 0.1}], 0.1, lambda o: T.LinearLR(o), steps=20)
torch_case(["linear", {"initial": 0.1, "startFactor": 1, "endFactor": 0.05, "steps": 140}], 0.1, lambda o: T.LinearLR(o, 1, 0.05, 140))
for options, kwargs in (
    ({}, {}),
    ({"pctStart": 0.25, "divFactor": 10, "finalDivFactor": 4000, "annealStrategy": "linear"},
     {"pct_start": 0.25, "div_factor": 10, "final_div_factor": 4000, "anneal_strategy": "linear"}),
    ({"threePhase": True, "pctStart": 0.4}, {"three_phase": True, "pct_start": 0.4}),
    ({"threePhase": True, "pctStart": 0.335, "annealStrategy": "linear"},
     {"three_phase": True, "pct_start": 0.335, "anneal_strategy": "linear"}),
    ({"pctStart": 0}, {"pct_start": 0.0}),
):
    make = lambda o: T.OneCycleLR(o, 0.5, total_steps=STEPS, **kwargs)
    torch_case(["oneCycle", {"maxLearningRate": 0.5, "totalSteps": STEPS, **options}], 0.1, make)
    momentum = {k: v for k, v in options.items() if "iv" not in k}
    torch_case(["oneCycleMomentum", {"totalSteps": STEPS, **momentum}], 0.1, make, momentum=True)
for options, kwargs in (
    ({"stepSizeUp": 20}, {"step_size_up": 20}),
    ({"stepSizeUp": 15, "stepSizeDown": 35, "mode": "triangular2"},
     {"step_size_up": 15, "step_size_down": 35, "mode": "triangular2"}),
    ({"stepSizeUp": 24, "mode": "exp_range", "gamma": 0.99}, {"step_size_up": 24, "mode": "exp_range", "gamma": 0.99}),
):
    make = lambda o: T.CyclicLR(o, 0.01, 0.2, **kwargs)
    torch_case(["cyclic", {"baseLearningRate": 0.01, "maxLearningRate": 0.2, **options}], 0.1, make)
    torch_case(["cyclicMomentum", options], 0.1, make, momentum=True)
torch_case(["sequence", [["linear", {"initial": 0.1, "startFactor": 0.1, "steps": 20}], ["exponentialDecay", {"initial": 0.1, "steps": 1, "decayRate": 0.98}]], [20]],
           0.1, lambda o: T.SequentialLR(o, [T.LinearLR(o, 0.1, 1, 20), T.ExponentialLR(o, 0.98)], [20]))
torch_case(["sequence", [0.01, ["step", {"initial": 0.1, "stepSize": 40, "gamma": 0.5}], ["cosineDecay", {"initial": 0.1, "steps": 90}]], [30, 110]],
           0.1, lambda o: T.SequentialLR(o, [T.ConstantLR(o, 0.1, 1000), T.StepLR(o, 40, 0.5), T.CosineAnnealingLR(o, 90)], [30, 110]))
torch_case(["chain", [["linear", {"initial": 1, "startFactor": 0.2, "steps": 50}], ["exponentialDecay", {"initial": 0.1, "steps": 1, "decayRate": 0.99}]]],
           0.1, lambda o: T.ChainedScheduler([T.LinearLR(o, 0.2, 1, 50), T.ExponentialLR(o, 0.99)]))

# -------------------------------------------------------------------------------------------------------- formulas
for size, warm, factor in ((512, 60, 1.0), (128, 25, 2.0)):  # Vaswani et al. 2017, section 5.3
    formula(["noam", {"modelSize": size, "warmupSteps": warm, "factor": factor}], factor,
            lambda s: size ** -0.5 * min((s + 1) ** -0.5, (s + 1) * warm ** -1.5))
formula(["inverseSquareRoot", {"learningRate": 0.01, "warmupSteps": 40}], 0.01,
        lambda s: s / 40 if s < 40 else math.sqrt(40 / s))
formula(["inverseSquareRoot", {"learningRate": 0.01, "warmupSteps": 20, "timescale": 75}], 0.01,
        lambda s: s / 20 if s < 20 else 1 / math.sqrt((s + 55) / 75))
formula(["inverseSquareRoot", {"learningRate": 0.01}], 0.01, lambda s: 1 / math.sqrt((s + 10000) / 10000))
shapes = {
    "linear": lambda p: 1 - p,
    "cosine": lambda p: 0.5 * (1 + math.cos(math.pi * p)),
    "sqrt": lambda p: 1 - math.sqrt(p),
}


def stable(s, warm, total, down, low, shape):
    if s < warm:
        return s / warm
    if s < total - down:
        return 1
    return low + (1 - low) * shape(min((s - (total - down)) / down, 1))


for name, shape in shapes.items():  # Hägele et al. 2024
    formula(["wsd", {"learningRate": 0.02, "totalSteps": 180, "warmupSteps": 30, "decaySteps": 60, "decay": name, "endLearningRate": 0.002}],
            0.02, lambda s: stable(s, 30, 180, 60, 0.1, shape))
formula(["wsd", {"learningRate": 0.02, "steps": 150, "decaySteps": 50, "decay": "exponential", "end": 0.002}], 0.02,
        lambda s: 1 if s < 100 else 0.1 ** min((s - 100) / 50, 1))
formula(["warmup", ["cosineDecay", {"initial": 0.1, "steps": 120}], {"steps": 40}], 0.1,
        lambda s: s / 40 if s < 40 else 0.5 * (1 + math.cos(math.pi * min((s - 40) / 120, 1))))
formula(["linearWarmup", {"learningRate": 0.1, "steps": 50, "from": 0.01}], 0.1, lambda s: 0.1 + 0.9 * min(s / 50, 1))

made = {"made": f"keras {keras.__version__}, torch {torch.__version__}", "cases": cases}
text = json.dumps(made, separators=(",", ":")).replace('{"source"', '\n{"source"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(cases), "cases,", len(text) // 1024, "kB")

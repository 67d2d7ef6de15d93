"""Writes keras_optimizers.json: where Keras 3's optimizers are after some steps, in double precision.

    pip install keras torch && python keras_optimizers.py

Options are Keras's in camelCase, chosen so that single
precision in Keras itself stays within 1e-6. `golden` holds the figures of Keras's own unit tests, which come with the package.
"""
import ast
import os
import pathlib

import numpy as np
from valley import START, STEPS, batch_of, camel, gradients, row, write

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402

O = keras.optimizers


class ScheduleFreeAdamW(O.ScheduleFreeAdamW):
    """On torch and TensorFlow variables change in place, and Keras takes the new iterate for the old one, which neither
    its comments nor the paper mean; with new values, as on JAX, it does what it says."""

    def assign_sub(self, variable, value):
        variable._value = variable.value - value


DECAY = {"initial_learning_rate": 0.05, "decay_steps": 10, "decay_rate": 0.5}

# name, class, options, number of batches, patterns of weights that do not decay
CASES = [
    ("sgd", O.SGD, {}),
    ("sgd", O.SGD, {"learning_rate": 0.002, "momentum": 0.9, "weight_decay": 0.1}),
    ("sgd", O.SGD, {"learning_rate": DECAY | {"initial_learning_rate": 0.005}, "momentum": 0.8, "nesterov": True}),
    ("sgd", O.SGD, {"nesterov": True, "clipnorm": 0.7}),
    ("sgd", O.SGD, {"momentum": 0.5, "clipvalue": 0.5}),
    ("sgd", O.SGD, {"global_clipnorm": 1.3, "weight_decay": 0.5}, 3),
    ("rmsprop", O.RMSprop, {}),
    ("rmsprop", O.RMSprop, {"learning_rate": 0.005, "rho": 0.8, "centered": True, "epsilon": 0.1}),
    ("rmsprop", O.RMSprop, {"learning_rate": DECAY | {"initial_learning_rate": 0.01}, "momentum": 0.5, "weight_decay": 0.01}),
    ("rmsprop", O.RMSprop, {"learning_rate": 0.002, "momentum": 0.9, "centered": True, "epsilon": 0.1, "clipnorm": 1.0}),
    ("adam", O.Adam, {}),
    ("adam", O.Adam, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "amsgrad": True}),
    ("adam", O.Adam, {"learning_rate": 0.01, "epsilon": 0.1, "clipnorm": 1.0, "weight_decay": 0.1}),
    ("adam", O.Adam, {"learning_rate": DECAY, "amsgrad": True}, 3),
    ("adamw", O.AdamW, {"learning_rate": 0.01}),
    ("adamw", O.AdamW, {"learning_rate": DECAY, "weight_decay": 0.1, "global_clipnorm": 1.0, "amsgrad": True}),
    ("adagrad", O.Adagrad, {}),
    ("adagrad", O.Adagrad, {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-3, "clipvalue": 1.0}),
    ("adagrad", O.Adagrad, {"learning_rate": DECAY, "weight_decay": 0.1}, 3),
    ("adadelta", O.Adadelta, {}),
    ("adadelta", O.Adadelta, {"learning_rate": 0.3, "rho": 0.9, "epsilon": 1e-4}),
    ("adadelta", O.Adadelta, {"learning_rate": 0.5, "weight_decay": 0.01, "clipnorm": 1.0}, 3),
    ("adamax", O.Adamax, {}),
    ("adamax", O.Adamax, {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("adamax", O.Adamax, {"learning_rate": DECAY, "weight_decay": 0.1, "global_clipnorm": 1.0}, 3),
    ("nadam", O.Nadam, {}),
    ("nadam", O.Nadam, {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1}),
    ("nadam", O.Nadam, {"learning_rate": DECAY, "weight_decay": 0.1, "clipvalue": 1.0}, 3),
    ("ftrl", O.Ftrl, {}),
    ("ftrl", O.Ftrl, {"learning_rate": 0.05, "learning_rate_power": -0.2, "initial_accumulator_value": 0.4, "beta": 0.3,
                      "l1_regularization_strength": 0.05, "l2_regularization_strength": 0.15,
                      "l2_shrinkage_regularization_strength": 0.01}),
    ("ftrl", O.Ftrl, {"learning_rate": 0.01, "learning_rate_power": 0.0, "l1_regularization_strength": 0.5}),
    ("ftrl", O.Ftrl, {"learning_rate": 0.5, "learning_rate_power": -1.0, "l2_shrinkage_regularization_strength": 0.1}),
    ("ftrl", O.Ftrl, {"learning_rate": DECAY, "beta": 1.0, "weight_decay": 0.1, "clipnorm": 1.0}, 3),
    ("lion", O.Lion, {}),
    ("lion", O.Lion, {"learning_rate": 0.0123, "beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.1}),
    ("lion", O.Lion, {"learning_rate": DECAY, "beta_1": 1.0, "clipnorm": 1.0}, 3),
    ("scheduleFreeAdamw", ScheduleFreeAdamW, {}),
    ("scheduleFreeAdamw", ScheduleFreeAdamW, {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.01, "warmup_steps": 20}),
    ("scheduleFreeAdamw", ScheduleFreeAdamW, {"learning_rate": DECAY, "weight_decay": 0.1, "warmup_steps": 5, "clipnorm": 1.0}, 3),
    # What all have in common
    ("sgd", O.SGD, {"learning_rate": DECAY | {"initial_learning_rate": 0.02}, "momentum": 0.5, "gradient_accumulation_steps": 4, "weight_decay": 0.2, "clipnorm": 0.7}, 3),
    ("adam", O.Adam, {"learning_rate": DECAY, "gradient_accumulation_steps": 3, "weight_decay": 0.2, "clipvalue": 0.8}, 3),
    ("adamw", O.AdamW, {"learning_rate": 0.01, "gradient_accumulation_steps": 2, "global_clipnorm": 1.0, "amsgrad": True}, 3),
    ("nadam", O.Nadam, {"learning_rate": 0.02, "gradient_accumulation_steps": 4}, 3),
    ("scheduleFreeAdamw", ScheduleFreeAdamW, {"learning_rate": 0.05, "gradient_accumulation_steps": 3, "warmup_steps": 10}, 3),
    ("sgd", O.SGD, {"use_ema": True}),
    ("adam", O.Adam, {"learning_rate": 0.02, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 7}),
    ("lion", O.Lion, {"learning_rate": 0.0123, "use_ema": True, "ema_momentum": 0.5, "weight_decay": 0.1}, 3),
    ("adam", O.Adam, {"learning_rate": DECAY, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2,
                      "gradient_accumulation_steps": 3, "weight_decay": 0.1, "clipnorm": 1.0}, 3),
    ("adagrad", O.Adagrad, {"learning_rate": 0.1, "use_ema": True, "gradient_accumulation_steps": 4}, 3),
    ("adamw", O.AdamW, {"learning_rate": 0.01, "weight_decay": 0.3}, 1, ["b"]),
    ("sgd", O.SGD, {"weight_decay": 0.3, "gradient_accumulation_steps": 2, "learning_rate": DECAY}, 3, ["a"]),
]


def walk(name, cls, options, batches=1, excluded=None):
    given, ours = dict(options), {camel(key): value for key, value in options.items()}
    if isinstance(options.get("learning_rate"), dict):
        given["learning_rate"] = O.schedules.ExponentialDecay(**options["learning_rate"])
        ours["learningRate"] = {"type": "exponentialDecay", **{camel(k): v for k, v in options["learning_rate"].items()}}
    optimizer = cls(**given)
    variables = [keras.Variable(v, name=key, dtype="float64") for key, v in START.items()]
    if excluded:
        optimizer.exclude_from_weight_decay(var_names=excluded)
        ours["excludeFromWeightDecay"] = excluded
    optimizer.build(variables)
    case = {"name": name, "options": ours, "batches": batches, "trajectory": {}}
    numpy = keras.ops.convert_to_numpy
    for step in range(1, STEPS[-1] + 1):
        slopes = gradients(*(numpy(v) for v in variables), batch_of(step, batches))
        optimizer.apply([keras.ops.convert_to_tensor(g.numpy()) for g in slopes], variables)
        if step in STEPS:
            case["trajectory"][step] = row(*(numpy(v) for v in variables))
            if optimizer.use_ema:
                case.setdefault("average", {})[step] = row(*(numpy(v) for v in optimizer._model_variables_moving_average))
    return case


def golden(name, cls, file):
    """Options and figures of the two unit tests of a class that state some."""
    tree = ast.parse((pathlib.Path(keras.__file__).parent / "src" / "optimizers" / f"{file}_test.py").read_text())
    tests = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    cases = []
    for test in ("test_single_step", "test_correctness_with_golden"):
        calls = [n for n in ast.walk(tests[test]) if isinstance(n, ast.Call)]
        made = next(c for c in calls if getattr(c.func, "id", "") == cls.__name__)
        options = {camel(k.arg): ast.literal_eval(k.value) for k in made.keywords}
        if test == "test_single_step":
            asserts = next(c for c in calls if getattr(c.func, "attr", "") == "assertAllClose")
            cases.append({"name": name, "options": options, "start": [1, 2, 3, 4], "gradients": [[1, 6, 7, 2]],
                          "points": [ast.literal_eval(asserts.args[1])], "tolerance": 1e-4})
        else:
            source = next(n.value for n in ast.walk(tests[test]) if isinstance(n, ast.Assign) and n.targets[0].id == "golden")
            points = eval(compile(ast.Expression(source), "golden", "eval"), {"np": np})
            slopes = [[0.01] * 10] + [row(np.arange(1, 11) / 10)] * (len(points) - 1)
            cases.append({"name": name, "options": options, "start": [1] * 10, "gradients": slopes,
                          "points": [row(p) for p in points], "tolerance": 5e-4})
    return cases


if __name__ == "__main__":
    known = {"sgd": O.SGD, "rmsprop": O.RMSprop, "adam": O.Adam, "adamw": O.AdamW, "adagrad": O.Adagrad,
             "adadelta": O.Adadelta, "adamax": O.Adamax, "nadam": O.Nadam, "ftrl": O.Ftrl, "lion": O.Lion}
    write(__file__, f"keras {keras.__version__}", {
        "cases": [walk(*case) for case in CASES],
        "golden": [case for name, cls in known.items() for case in golden(name, cls, name)],
    })

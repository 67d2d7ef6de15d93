"""Weights of examples and classes in Keras 3's losses and metrics: weighting.json.

KERAS_BACKEND=torch or tensorflow python weighting.py
"""

import json
import os

import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(0)
N, FEATURES, CLASSES, TIMES = 10, 3, 3, 2


def figure(a):
    a = np.asarray(a, dtype=np.float64)
    return {"shape": list(a.shape), "data": [float(f"{v:.9g}") for v in a.ravel()]}


X = rng.normal(size=(N, FEATURES)).astype(np.float32)
X_TIMES = rng.normal(size=(N, TIMES, FEATURES)).astype(np.float32)
LABELS = rng.integers(0, CLASSES, N)
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
BINARY = (rng.uniform(size=N) > 0.5).astype(np.float32)
SIZES = rng.normal(size=(N, 1)).astype(np.float32)
SIZES_TIMES = rng.normal(size=(N, TIMES, 1)).astype(np.float32)
WEIGHTS = rng.uniform(0, 3, N).astype(np.float32)
OTHERS = rng.uniform(0, 3, N).astype(np.float32)
WEIGHTS_TIMES = rng.uniform(0, 3, (N, TIMES)).astype(np.float32)


def one(units, activation, shape=(FEATURES,)):
    return keras.Sequential([keras.layers.Input(shape), keras.layers.Dense(units, activation, name="out")])


def two():
    x = keras.layers.Input((FEATURES,))
    kind = keras.layers.Dense(CLASSES, "softmax", name="kind")(x)
    size = keras.layers.Dense(1, name="size")(x)
    return keras.Model(x, {"kind": kind, "size": size})


def run(model, x, y, compile, fit):
    model.compile(optimizer=keras.optimizers.SGD(0.3), **compile)
    before = {w.path.split("/", 1)[-1] if w.path.count("/") > 1 else w.path: figure(w) for w in model.weights}
    history = model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0, **fit).history
    after = {w.path.split("/", 1)[-1] if w.path.count("/") > 1 else w.path: figure(w) for w in model.weights}
    weights = {"sample_weight": fit["sample_weight"]} if "sample_weight" in fit else {}
    evaluated = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True, **weights)
    return {
        "before": before,
        "after": after,
        "history": {k: [float(v) for v in values] for k, values in history.items()},
        "evaluate": {k: float(v) for k, v in evaluated.items()},
    }


accuracy = {"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}
sparse = {"loss": "sparse_categorical_crossentropy", **accuracy}
hot = {"loss": "categorical_crossentropy", **accuracy}
binary = {"loss": "binary_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["accuracy", "auc"]}
both = {
    "loss": {"kind": "sparse_categorical_crossentropy", "size": "mse"},
    "loss_weights": {"kind": 1.0, "size": 0.5},
    "weighted_metrics": {"kind": ["accuracy"], "size": ["mae"]},
}
held = (X[:5], LABELS[:5], OTHERS[:5])
targets = {"kind": LABELS, "size": SIZES}
figures = {
    "data": {
        "x": figure(X),
        "xTimes": figure(X_TIMES),
        "labels": [int(v) for v in LABELS],
        "oneHot": figure(ONE_HOT),
        "binary": figure(BINARY),
        "sizes": figure(SIZES),
        "sizesTimes": figure(SIZES_TIMES),
        "weights": figure(WEIGHTS),
        "others": figure(OTHERS),
        "weightsTimes": figure(WEIGHTS_TIMES),
    },
    "sparse": run(one(CLASSES, "softmax"), X, LABELS, sparse, {"sample_weight": WEIGHTS, "validation_data": held}),
    "sparseClasses": run(one(CLASSES, "softmax"), X, LABELS, sparse, {"class_weight": {0: 2.5, 1: 0.25}}),
    "oneHotClasses": run(one(CLASSES, "softmax"), X, ONE_HOT, hot, {"class_weight": {0: 2.5, 2: 0.0}}),
    "binaryClasses": run(one(1, "sigmoid"), X, BINARY, binary, {"class_weight": {0: 0.5, 1: 3.0}}),
    "binaryColumn": run(one(1, "sigmoid"), X, BINARY[:, None], binary, {"class_weight": {1: 4.0}}),
    "times": run(
        one(1, None, (TIMES, FEATURES)),
        X_TIMES,
        SIZES_TIMES,
        {"loss": "mse", "weighted_metrics": ["mae"]},
        {"sample_weight": WEIGHTS_TIMES},
    ),
    "timesByExample": run(
        one(1, None, (TIMES, FEATURES)),
        X_TIMES,
        SIZES_TIMES,
        {"loss": "mse", "weighted_metrics": ["mae"]},
        {"sample_weight": WEIGHTS[:, None]},
    ),
    "bothShared": run(two(), X, targets, both, {"sample_weight": WEIGHTS}),
    "bothOwn": run(two(), X, targets, both, {"sample_weight": {"kind": WEIGHTS, "size": OTHERS}}),
}
with open(os.path.join(HERE, "weighting.json"), "w") as f:
    json.dump(figures, f, separators=(",", ":"))
    f.write("\n")
for name, value in figures.items():
    if name != "data":
        print(name, list(value["before"]), value["history"])

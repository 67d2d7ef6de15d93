"""Writes keras.json: what Keras 3 (torch backend) and scikit-learn say, for the tests of nn, optim and train.

    pip install keras torch scikit-learn && python keras.py

Images are NCHW here and NHWC in Keras: the script transposes, so that the figures are in this project's layout.
"""
import json
import os
import pathlib
import sys

sys.path.pop(0)  # or this file would be the keras that is imported
os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import sklearn  # noqa: E402
import sklearn.metrics as sk  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
rng = np.random.default_rng(7)


def f32(x):
    return np.asarray(x, dtype=np.float32)


def figures(x):
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    x = np.asarray(x)
    if x.ndim == 0:
        return float(f"{float(x):.9g}")
    return {"shape": list(x.shape), "data": [float(f"{v:.8g}") for v in x.astype(np.float64).ravel()]}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---------------------------------------------------------------------------------------------------------- losses
n, k = 4, 3
logits = f32(rng.normal(size=(n, k)) * 2)
probabilities = f32(softmax(logits))
unnormalized = f32(rng.uniform(0.05, 0.9, size=(n, k)))
classes = np.array([0, 2, 1, 2], dtype=np.int32)
onehot = f32(np.eye(k)[classes])
real, guess = f32(rng.normal(size=(n, k))), f32(rng.normal(size=(n, k)))
positive, positive_guess = f32(rng.uniform(0.1, 3, size=(n, k))), f32(rng.uniform(0.1, 3, size=(n, k)))
bits = f32(rng.integers(0, 2, size=(n, k)))
signs = f32(bits * 2 - 1)
weights = f32([1, 0.5, 2, 0])
L = keras.losses
loss_cases = [
    ("meanSquaredError", {}, L.MeanSquaredError, {}, real, guess),
    ("meanAbsoluteError", {}, L.MeanAbsoluteError, {}, real, guess),
    ("meanAbsolutePercentageError", {}, L.MeanAbsolutePercentageError, {}, real, guess),
    ("meanSquaredLogarithmicError", {}, L.MeanSquaredLogarithmicError, {}, positive, positive_guess),
    ("meanSquaredLogarithmicError", {}, L.MeanSquaredLogarithmicError, {}, real, guess),
    ("huber", {}, L.Huber, {}, real, guess * 3),
    ("huber", {"delta": 0.3}, L.Huber, {"delta": 0.3}, real, guess),
    ("logCosh", {}, L.LogCosh, {}, real, guess * 20),
    ("binaryCrossentropy", {}, L.BinaryCrossentropy, {}, bits, unnormalized),
    ("binaryCrossentropy", {"fromLogits": True}, L.BinaryCrossentropy, {"from_logits": True}, bits, logits),
    ("binaryCrossentropy", {"labelSmoothing": 0.2}, L.BinaryCrossentropy, {"label_smoothing": 0.2}, bits, unnormalized),
    ("categoricalCrossentropy", {}, L.CategoricalCrossentropy, {}, onehot, probabilities),
    ("categoricalCrossentropy", {}, L.CategoricalCrossentropy, {}, onehot, unnormalized),
    ("categoricalCrossentropy", {"fromLogits": True}, L.CategoricalCrossentropy, {"from_logits": True}, onehot, logits),
    ("categoricalCrossentropy", {"fromLogits": True, "labelSmoothing": 0.1}, L.CategoricalCrossentropy,
     {"from_logits": True, "label_smoothing": 0.1}, onehot, logits),
    ("sparseCategoricalCrossentropy", {}, L.SparseCategoricalCrossentropy, {}, classes, probabilities),
    ("sparseCategoricalCrossentropy", {"fromLogits": True}, L.SparseCategoricalCrossentropy, {"from_logits": True}, classes, logits),
    ("sparseCategoricalCrossentropy", {"fromLogits": True, "ignoreClass": 1}, L.SparseCategoricalCrossentropy,
     {"from_logits": True, "ignore_class": 1}, classes, logits),
    ("sparseCategoricalCrossentropy", {"ignoreClass": -1}, L.SparseCategoricalCrossentropy, {"ignore_class": -1},
     np.array([0, -1, 1, -1], dtype=np.int32), probabilities),
    ("binaryFocalCrossentropy", {}, L.BinaryFocalCrossentropy, {}, bits, unnormalized),
    ("binaryFocalCrossentropy", {"applyClassBalancing": True, "alpha": 0.3, "gamma": 1.5}, L.BinaryFocalCrossentropy,
     {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}, bits, unnormalized),
    ("binaryFocalCrossentropy", {"fromLogits": True, "labelSmoothing": 0.1}, L.BinaryFocalCrossentropy,
     {"from_logits": True, "label_smoothing": 0.1}, bits, logits),
    ("categoricalFocalCrossentropy", {}, L.CategoricalFocalCrossentropy, {}, onehot, unnormalized),
    ("categoricalFocalCrossentropy", {"fromLogits": True, "alpha": 0.5, "gamma": 1, "labelSmoothing": 0.1},
     L.CategoricalFocalCrossentropy, {"from_logits": True, "alpha": 0.5, "gamma": 1, "label_smoothing": 0.1}, onehot, logits),
    ("hinge", {}, L.Hinge, {}, signs, guess),
    ("hinge", {}, L.Hinge, {}, bits, guess),
    ("squaredHinge", {}, L.SquaredHinge, {}, bits, guess),
    ("categoricalHinge", {}, L.CategoricalHinge, {}, onehot, guess),
    ("klDivergence", {}, L.KLDivergence, {}, probabilities, unnormalized),
    ("poisson", {}, L.Poisson, {}, positive, positive_guess),
    ("cosineSimilarity", {}, L.CosineSimilarity, {}, real, guess),
    ("cosineSimilarity", {}, L.CosineSimilarity, {}, real * 1e-5, guess),
]
losses = []
for type_, options, cls, kwargs, y, p in loss_cases:
    row = {"type": type_, "options": options, "yTrue": figures(y), "yPred": figures(p)}
    for name, w in (("plain", None), ("weighted", weights)):
        t = torch.tensor(p, requires_grad=True)
        value = cls(**kwargs)(torch.tensor(y), t, sample_weight=None if w is None else torch.tensor(w))
        value.backward()
        row[name] = {"value": figures(value), "gradient": figures(t.grad)}
    losses.append(row)

# --------------------------------------------------------------------------------------------------------- metrics
M = keras.metrics
m = 20
mlogits = rng.normal(size=(m, 5))
mprob = f32(softmax(mlogits))
mclass = np.where(rng.uniform(size=m) < 0.5, mlogits.argmax(1), rng.integers(0, 5, size=m)).astype(np.int32)
monehot = f32(np.eye(5)[mclass])
bprob = f32(rng.uniform(size=(m, 1)).round(1))  # ties
btrue = f32((bprob + rng.normal(size=(m, 1)) * 0.4) > 0.5)
rtrue = f32(rng.normal(size=(m, 2)) + 100)
rguess = f32(rtrue + rng.normal(size=(m, 2)) * 0.5)
mweights = f32(rng.uniform(0, 2, size=m))
data = {
    "sparse": (mclass, mprob), "onehot": (monehot, mprob), "binary": (btrue, bprob), "regression": (rtrue, rguess),
}
metric_cases = [
    ("sparse", "sparseCategoricalAccuracy", {}, lambda: M.SparseCategoricalAccuracy()),
    ("onehot", "categoricalAccuracy", {}, lambda: M.CategoricalAccuracy()),
    ("binary", "binaryAccuracy", {}, lambda: M.BinaryAccuracy()),
    ("binary", "binaryAccuracy", {"threshold": 0.3}, lambda: M.BinaryAccuracy(threshold=0.3)),
    ("sparse", "sparseTopKCategoricalAccuracy", {"k": 2}, lambda: M.SparseTopKCategoricalAccuracy(k=2)),
    ("onehot", "topKCategoricalAccuracy", {"k": 3}, lambda: M.TopKCategoricalAccuracy(k=3)),
    ("binary", "precision", {}, lambda: M.Precision()),
    ("binary", "recall", {}, lambda: M.Recall()),
    ("binary", "precision", {"threshold": 0.7}, lambda: M.Precision(thresholds=0.7)),
    ("onehot", "precision", {"threshold": 0.3}, lambda: M.Precision(thresholds=0.3)),
    ("onehot", "recall", {"threshold": 0.3, "classId": 2}, lambda: M.Recall(thresholds=0.3, class_id=2)),
    ("onehot", "f1Score", {"average": "macro"}, lambda: M.F1Score(average="macro")),
    ("onehot", "f1Score", {"average": "micro"}, lambda: M.F1Score(average="micro")),
    ("onehot", "f1Score", {"average": "weighted"}, lambda: M.F1Score(average="weighted")),
    ("onehot", "f1Score", {"average": "macro", "threshold": 0.3}, lambda: M.F1Score(average="macro", threshold=0.3)),
    ("binary", "f1Score", {"threshold": 0.5}, lambda: M.F1Score(threshold=0.5, average="macro")),
    ("regression", "meanSquaredError", {}, lambda: M.MeanSquaredError()),
    ("regression", "meanAbsoluteError", {}, lambda: M.MeanAbsoluteError()),
    ("regression", "rootMeanSquaredError", {}, lambda: M.RootMeanSquaredError()),
    ("regression", "cosineSimilarity", {}, lambda: M.CosineSimilarity()),
    ("sparse", "sparseCategoricalCrossentropy", {}, lambda: M.SparseCategoricalCrossentropy()),
    ("onehot", "categoricalCrossentropy", {}, lambda: M.CategoricalCrossentropy()),
    ("binary", "binaryCrossentropy", {}, lambda: M.BinaryCrossentropy()),
]
cut = 13
metrics = []
for source, type_, options, make in metric_cases:
    y, p = data[source]
    row = {"data": source, "type": type_, "options": options}
    for name, w in (("plain", None), ("weighted", mweights)):
        metric = make()
        for part in (slice(0, cut), slice(cut, m)):
            metric.update_state(y[part], p[part], sample_weight=None if w is None else w[part])
        row[name] = figures(metric.result())
    metrics.append(row)
for curve, f in (("ROC", sk.roc_auc_score), ("PR", sk.average_precision_score)):
    metrics.append({"data": "binary", "type": "auc", "options": {"curve": curve},
                    "plain": figures(f(btrue.ravel(), bprob.ravel())),
                    "weighted": figures(f(btrue.ravel(), bprob.ravel(), sample_weight=mweights))})
# Not Keras's: it loses digits to cancellation where targets are far from zero.
metrics.append({"data": "regression", "type": "r2Score", "options": {}, "plain": figures(sk.r2_score(rtrue, rguess)),
                "weighted": figures(sk.r2_score(rtrue, rguess, sample_weight=mweights))})
metrics.append({"data": "sparse", "type": "confusionMatrix", "options": {},
                "plain": sk.confusion_matrix(mclass, mprob.argmax(1), labels=range(5)).tolist(),
                "weighted": [[float(f"{v:.8g}") for v in r] for r in
                             sk.confusion_matrix(mclass, mprob.argmax(1), labels=range(5), sample_weight=mweights)]})

# ---------------------------------------------------------------------------------------------------------- layers
Y = keras.layers


def last(x):
    return np.moveaxis(x, 1, -1)


def first(x):
    return np.moveaxis(x, -1, 1)


def conv_kernel(w):  # [...window, in, out] -> [out, in, ...window]
    return np.moveaxis(w, (-1, -2), (0, 1))


def depth_kernel(w):  # [...window, in, mult] -> [in * mult, 1, ...window]
    moved = np.moveaxis(w, (-2, -1), (0, 1))
    return moved.reshape((-1, 1) + moved.shape[2:])


def image(c, *size):
    return f32(rng.normal(size=(2, c, *size)))


layer_cases = [
    ("dense", {"units": 3, "activation": "tanh"}, Y.Dense(3, activation="tanh"), f32(rng.normal(size=(2, 4))), False),
    ("dense", {"units": 3}, Y.Dense(3), f32(rng.normal(size=(2, 2, 4))), False),
    ("dense", {"units": 3, "useBias": False}, Y.Dense(3, use_bias=False), f32(rng.normal(size=(2, 4))), False),
    ("conv1d", {"filters": 3, "kernelSize": 3}, Y.Conv1D(3, 3), image(2, 7), True),
    ("conv1d", {"filters": 3, "kernelSize": 3, "padding": "same", "strides": 2}, Y.Conv1D(3, 3, padding="same", strides=2), image(2, 8), True),
    ("conv1d", {"filters": 2, "kernelSize": 3, "dilationRate": 2}, Y.Conv1D(2, 3, dilation_rate=2), image(2, 8), True),
    ("conv2d", {"filters": 3, "kernelSize": 3, "activation": "relu"}, Y.Conv2D(3, 3, activation="relu"), image(2, 5, 6), True),
    ("conv2d", {"filters": 2, "kernelSize": [2, 3], "padding": "same"}, Y.Conv2D(2, (2, 3), padding="same"), image(2, 4, 5), True),
    ("conv2d", {"filters": 2, "kernelSize": 3, "padding": "same", "strides": 2}, Y.Conv2D(2, 3, padding="same", strides=2), image(2, 6, 5), True),
    ("conv2d", {"filters": 4, "kernelSize": 2, "groups": 2}, Y.Conv2D(4, 2, groups=2), image(4, 3, 3), True),
    ("conv2d", {"filters": 2, "kernelSize": 2, "dilationRate": [2, 1], "padding": "same"}, Y.Conv2D(2, 2, dilation_rate=(2, 1), padding="same"), image(1, 5, 4), True),
    ("depthwiseConv1d", {"kernelSize": 3, "depthMultiplier": 2}, Y.DepthwiseConv1D(3, depth_multiplier=2), image(2, 6), True),
    ("depthwiseConv2d", {"kernelSize": 3, "depthMultiplier": 2, "padding": "same"}, Y.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), image(2, 4, 4), True),
    ("separableConv1d", {"filters": 3, "kernelSize": 3}, Y.SeparableConv1D(3, 3), image(2, 6), True),
    ("separableConv2d", {"filters": 3, "kernelSize": 2, "depthMultiplier": 2, "strides": 2}, Y.SeparableConv2D(3, 2, depth_multiplier=2, strides=2), image(2, 4, 4), True),
    ("maxPooling1d", {"poolSize": 2}, Y.MaxPooling1D(2), image(2, 7), True),
    ("maxPooling2d", {"poolSize": 2, "padding": "same"}, Y.MaxPooling2D(2, padding="same"), image(2, 5, 4), True),
    ("maxPooling2d", {"poolSize": 3, "strides": 2}, Y.MaxPooling2D(3, strides=2), image(2, 5, 6), True),
    ("averagePooling2d", {"poolSize": 2, "padding": "same"}, Y.AveragePooling2D(2, padding="same"), image(2, 5, 4), True),
    ("averagePooling2d", {"poolSize": [2, 3], "strides": 1}, Y.AveragePooling2D((2, 3), strides=1), image(2, 4, 4), True),
    ("globalAveragePooling2d", {}, Y.GlobalAveragePooling2D(), image(3, 3, 4), True),
    ("globalMaxPooling1d", {"keepdims": True}, Y.GlobalMaxPooling1D(keepdims=True), image(3, 4), True),
    ("layerNormalization", {}, Y.LayerNormalization(), f32(rng.normal(size=(2, 3, 4))), False),
    ("layerNormalization", {"axis": 1, "epsilon": 0.1}, Y.LayerNormalization(axis=(1, 2), epsilon=0.1), f32(rng.normal(size=(2, 3, 4))), False),
    ("embedding", {"inputDim": 5, "outputDim": 3}, Y.Embedding(5, 3), np.array([[0, 4, 2], [1, 1, 3]], dtype=np.int32), False),
    ("zeroPadding2d", {"padding": [[1, 0], [0, 2]]}, Y.ZeroPadding2D(((1, 0), (0, 2))), image(2, 2, 3), True),
]
for name in ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh",
             "softmax", "log_softmax", "softplus", "softsign", "silu", "hard_silu", "mish", "exponential"):
    ours = "".join(p if i == 0 else p.capitalize() for i, p in enumerate(name.split("_")))
    layer_cases.append(("activation", {"activation": ours}, Y.Activation(name), f32([[-7, -2.5, -1, -0.3], [0.2, 0.9, 3.1, 6.5]]), False))
# In the order in which Keras keeps them.
weight_names = {"dense": ["kernel", "bias"], "separable": ["depthwise_kernel", "pointwise_kernel", "bias"],
                "depthwise": ["kernel", "bias"], "conv": ["kernel", "bias"], "layerNorm": ["gamma", "beta"], "embedding": ["embeddings"]}
layers = []
for name, options, layer, x, swap in layer_cases:
    given = last(x) if swap else x
    layer.build(given.shape)
    layer.set_weights([f32(rng.normal(size=w.shape) * 0.5) for w in layer.weights])
    out = keras.ops.convert_to_numpy(layer(torch.tensor(given)))
    names = next((v for key, v in weight_names.items() if name.startswith(key)), [])
    stored = {}
    for i, w in enumerate(layer.get_weights()):
        weight = names[i]
        if w.ndim > 2 and "kernel" in weight:
            depthwise = name.startswith("depthwise") or weight == "depthwise_kernel"
            w = depth_kernel(w) if depthwise else conv_kernel(w)
        stored[weight] = figures(w)
    layers.append({"layer": name, "options": options, "x": figures(x), "weights": stored,
                   "y": figures(first(out) if swap and out.ndim > 2 else out)})

# ----------------------------------------------------------------------------------------------- batch normalization
batch_norm = []
for shape, axis_kw in (((6, 3), {}), ((3, 2, 2, 3), {})):
    bn = Y.BatchNormalization(momentum=0.9, epsilon=0.01)
    xs = [f32(rng.normal(size=shape) * 2 + 1) for _ in range(2)]
    given = [last(x) if x.ndim > 2 else x for x in xs]
    bn.build(given[0].shape)
    start = [f32(rng.uniform(0.5, 1.5, size=w.shape)) for w in bn.weights]
    bn.set_weights(start)
    rows = []
    for x in given:
        t = torch.tensor(x, requires_grad=True)
        y = bn(t, training=True)
        (y * y * y).sum().backward()
        back = lambda a: figures(first(a.detach().numpy()) if a.ndim > 2 else a)
        rows.append({"y": back(y), "gradient": back(t.grad), "mean": figures(bn.moving_mean.value), "variance": figures(bn.moving_variance.value)})
    out = bn(torch.tensor(given[0]), training=False).detach().numpy()
    batch_norm.append({"options": {"momentum": 0.9, "epsilon": 0.01}, "xs": [figures(x) for x in xs],
                       "start": dict(zip(["gamma", "beta", "moving_mean", "moving_variance"], map(figures, start))),
                       "steps": rows, "inference": figures(first(out) if out.ndim > 2 else out)})

# ------------------------------------------------------------------------------------------------------ optimizers
O = keras.optimizers
optimizer_cases = [
    ("sgd", {}, O.SGD, {}),
    ("sgd", {"learningRate": 0.002, "momentum": 0.9}, O.SGD, {"learning_rate": 0.002, "momentum": 0.9}),
    ("sgd", {"learningRate": 0.002, "momentum": 0.9, "nesterov": True}, O.SGD, {"learning_rate": 0.002, "momentum": 0.9, "nesterov": True}),
    ("sgd", {"learningRate": 0.005, "weightDecay": 0.1}, O.SGD, {"learning_rate": 0.005, "weight_decay": 0.1}),
    ("sgd", {"clipvalue": 0.5}, O.SGD, {"clipvalue": 0.5}),
    ("sgd", {"clipnorm": 0.7}, O.SGD, {"clipnorm": 0.7}),
    ("sgd", {"globalClipnorm": 1.3}, O.SGD, {"global_clipnorm": 1.3}),
    ("rmsprop", {}, O.RMSprop, {}),
    ("rmsprop", {"learningRate": 0.005, "rho": 0.8, "centered": True, "epsilon": 0.1}, O.RMSprop,  # smaller ones amplify rounding
     {"learning_rate": 0.005, "rho": 0.8, "centered": True, "epsilon": 0.1}),
    ("rmsprop", {"momentum": 0.5, "weightDecay": 0.01}, O.RMSprop, {"momentum": 0.5, "weight_decay": 0.01}),
    ("adam", {}, O.Adam, {}),
    ("adam", {"learningRate": 0.01, "beta1": 0.8, "beta2": 0.9, "amsgrad": True}, O.Adam,
     {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "amsgrad": True}),
    ("adam", {"learningRate": 0.01, "epsilon": 0.1, "clipnorm": 1}, O.Adam, {"learning_rate": 0.01, "epsilon": 0.1, "clipnorm": 1.0}),
    ("adamw", {"learningRate": 0.01}, O.AdamW, {"learning_rate": 0.01}),
    ("adamw", {"learningRate": 0.01, "weightDecay": 0.1, "globalClipnorm": 1}, O.AdamW, {"learning_rate": 0.01, "weight_decay": 0.1, "global_clipnorm": 1.0}),
]
start = {"a": f32([-0.6, 0.8]), "b": f32([[1.0, -2.0], [0.5, 0.0]])}
optimizers = []
for name, options, cls, kwargs in optimizer_cases:
    variables = [keras.Variable(v, name=key) for key, v in start.items()]
    optimizer = cls(**kwargs)
    optimizer.build(variables)
    trajectory = {}
    for step in range(1, 101):
        a, b = (v.value.detach().clone().requires_grad_(True) for v in variables)
        # Rosenbrock's valley, flattened, and a bowl whose axes differ: repeated in the test.
        loss = (1 - a[0]) ** 2 + 5 * (a[1] - a[0] ** 2) ** 2 + 0.5 * (torch.tensor([[1.0, 4.0], [0.25, 9.0]]) * b * b).sum()
        loss.backward()
        optimizer.apply([a.grad, b.grad], variables)
        if step in (1, 2, 10, 100):
            trajectory[step] = [figures(v.value) for v in variables]
    optimizers.append({"name": name, "options": options, "trajectory": trajectory})

# ---------------------------------------------------------------------------------- regularizers and constraints
w = f32(rng.normal(size=(3, 4)))
w[1] = np.abs(w[1]) * 3
R, C = keras.regularizers, keras.constraints


def penalty(type_, options, r):
    t = torch.tensor(w, requires_grad=True)
    value = r(t)
    value.backward()
    return {"type": type_, "options": options, "value": figures(value), "gradient": figures(t.grad)}


regularizers = [
    penalty("l1", {"l1": 0.03}, R.L1(0.03)), penalty("l1", {}, R.L1()), penalty("l2", {"l2": 0.2}, R.L2(0.2)),
    penalty("l2", {}, R.L2()), penalty("l1l2", {"l1": 0.1, "l2": 0.2}, R.L1L2(0.1, 0.2)),
    penalty("orthogonal", {}, R.OrthogonalRegularizer()),
    penalty("orthogonal", {"factor": 0.5, "mode": "columns"}, R.OrthogonalRegularizer(0.5, "columns")),
]
constraints = [{"type": t, "options": o, "value": figures(c(torch.tensor(w)))} for t, o, c in [
    ("maxNorm", {}, C.MaxNorm()), ("maxNorm", {"maxValue": 1.5, "axis": 1}, C.MaxNorm(1.5, axis=1)),
    ("unitNorm", {}, C.UnitNorm()), ("unitNorm", {"axis": [0, 1]}, C.UnitNorm(axis=[0, 1])),
    ("nonNeg", {}, C.NonNeg()), ("minMaxNorm", {"minValue": 1, "maxValue": 2, "rate": 0.7}, C.MinMaxNorm(1, 2, 0.7)),
]]

# --------------------------------------------------------------------------------------------------- a whole model
x, y = f32(rng.normal(size=(16, 4))), rng.integers(0, 3, size=16).astype(np.int32)
model = keras.Sequential([
    keras.Input((4,)), Y.Dense(6, activation="relu", kernel_regularizer=R.L2(0.02), activity_regularizer=R.L1(0.001)),
    Y.Dense(3, activation="softmax", kernel_regularizer=R.L2(0.02)),
])
model.set_weights([f32(rng.normal(size=v.shape) * 0.5) for v in model.weights])
names = ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]
before = dict(zip(names, map(figures, model.get_weights())))
model.compile(optimizer=O.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
weight = f32(rng.uniform(0.5, 1.5, size=16))
history = model.fit(x, y, sample_weight=weight, epochs=5, batch_size=6, shuffle=False, verbose=0)
mlp = {"x": figures(x), "y": y.tolist(), "sampleWeight": figures(weight), "before": before,
       "after": dict(zip(names, map(figures, model.get_weights()))),
       "loss": [figures(v) for v in history.history["loss"]], "accuracy": [figures(v) for v in history.history["accuracy"]],
       "evaluate": [figures(v) for v in model.evaluate(x, y, batch_size=6, verbose=0)]}

out = {
    "made": f"keras {keras.__version__}, torch {torch.__version__.split('+')[0]}, scikit-learn {sklearn.__version__}",
    "losses": {"weights": figures(weights), "cases": losses},
    "metrics": {"cut": cut, "weights": figures(mweights), "data": {k: {"yTrue": figures(a), "yPred": figures(b)} for k, (a, b) in data.items()}, "cases": metrics},
    "layers": layers, "batchNorm": batch_norm,
    "optimizers": {"start": {k: figures(v) for k, v in start.items()}, "cases": optimizers},
    "regularizers": {"w": figures(w), "cases": regularizers}, "constraints": {"w": figures(w), "cases": constraints},
    "mlp": mlp,
}
lines = [f'  {json.dumps(key)}: {json.dumps(value, separators=(",", ":"))}' for key, value in out.items()]
pathlib.Path(__file__).with_name("keras.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

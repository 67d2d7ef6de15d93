"""Writes regularization.json: what Keras 3 (torch backend) and PyTorch say of the regularizing layers and losses.

    pip install keras torch && python regularization.py

Images and kernels are turned into this project's layout (channels first), as in keras.py.
"""
import json
import os
import pathlib
import sys

sys.path.pop(0)  # or keras.py beside this file would be the keras that is imported
os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)
rng = np.random.default_rng(11)
Y, R, C = keras.layers, keras.regularizers, keras.constraints


def f32(x):
    return np.asarray(x, dtype=np.float32)


def figures(x):
    if hasattr(x, "value") and not isinstance(x, torch.Tensor):
        x = x.value
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    x = np.asarray(x)
    if x.ndim == 0:
        return float(f"{float(x):.9g}")
    return {"shape": list(x.shape), "data": [float(f"{v:.8g}") for v in x.astype(np.float64).ravel()]}


def first(x):  # channels to axis 1
    return np.moveaxis(np.asarray(x), -1, 1)


def kernel_out(w, depthwise=False):
    w = np.asarray(w)
    if w.ndim < 3:
        return w
    if depthwise:  # [h, w, in, mult] -> [in * mult, 1, h, w]
        moved = np.moveaxis(w, (-2, -1), (0, 1))
        return moved.reshape((-1, 1) + moved.shape[2:])
    return np.moveaxis(w, (-1, -2), (0, 1))


# ------------------------------------------------------------------------------------------ spectral normalization
spectral = []
for name, options, inner, x, iterations in [
    ("dense", {"units": 3}, Y.Dense(3), f32(rng.normal(size=(4, 5))), 1),
    ("dense", {"units": 3}, Y.Dense(3), f32(rng.normal(size=(4, 5))), 3),
    ("conv2d", {"filters": 4, "kernelSize": 2}, Y.Conv2D(4, 2), f32(rng.normal(size=(2, 3, 3, 2))), 1),
    ("depthwiseConv2d", {"kernelSize": 2, "depthMultiplier": 2}, Y.DepthwiseConv2D(2, depth_multiplier=2),
     f32(rng.normal(size=(2, 3, 3, 2))), 2),
    ("embedding", {"inputDim": 6, "outputDim": 3}, Y.Embedding(6, 3), f32([[0, 5], [2, 1]]), 1),  # Keras casts the output to the dtype of the input
]:
    layer = Y.SpectralNormalization(inner, power_iterations=iterations)
    layer.build(x.shape)
    weight = inner.embeddings if name == "embedding" else inner.kernel
    weight.assign(f32(rng.normal(size=weight.shape)))
    layer.vector_u.assign(f32(rng.normal(size=layer.vector_u.shape)))
    image, depth = x.ndim == 4, name.startswith("depth")
    side = (lambda a: first(a)) if image else (lambda a: a)
    host = keras.ops.convert_to_numpy
    before = (kernel_out(host(weight.value), depth), host(layer.vector_u.value).copy())
    y = host(layer(torch.tensor(x), training=True))
    after = (kernel_out(host(weight.value), depth), host(layer.vector_u.value).copy())
    spectral.append({"layer": name, "options": options, "powerIterations": iterations, "x": figures(side(x)),
                     "before": {"kernel": figures(before[0]), "u": figures(before[1])}, "y": figures(side(y)),
                     "after": {"kernel": figures(after[0]), "u": figures(after[1])}})

# A dense layer so wrapped over steps of plain gradient descent, with a penalty on the kernel.
x, t = f32(rng.normal(size=(8, 4))), f32(rng.normal(size=(8, 2)))
inner = Y.Dense(2, kernel_regularizer=R.L2(0.05))
model = keras.Sequential([keras.Input((4,)), Y.SpectralNormalization(inner)])
wrapper = model.layers[0]
wrapper.vector_u.assign(f32(rng.normal(size=(1, 2))))
start = {"kernel": figures(inner.kernel), "bias": figures(inner.bias), "u": figures(wrapper.vector_u)}
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
steps = []
for _ in range(6):
    loss = model.train_on_batch(x, t)
    steps.append({"loss": figures(loss), "kernel": figures(inner.kernel), "bias": figures(inner.bias), "u": figures(wrapper.vector_u)})
training = {"x": figures(x), "y": figures(t), "start": start, "steps": steps, "predict": figures(model.predict(x, verbose=0)),
            "paths": [w.path for w in wrapper.weights]}

# PyTorch's: the gradient through sigma, with singular vectors that have converged.
w, x, up = f32(rng.normal(size=(5, 3))), f32(rng.normal(size=(4, 5))), f32(rng.normal(size=(4, 3)))
linear = torch.nn.Linear(5, 3, bias=False)
linear.weight.data = torch.tensor(w.T.copy())
sn = torch.nn.utils.parametrizations.spectral_norm(linear, n_power_iterations=300)
y = sn(torch.tensor(x))
(y * torch.tensor(up)).sum().backward()
reparametrized = {"kernel": figures(w), "x": figures(x), "upstream": figures(up), "y": figures(y),
                  "gradient": figures(linear.parametrizations.weight.original.grad.T)}

# --------------------------------------------------------------------------------------------------- normalizations
normalizations = []
for name, options, layer, x, swap in [
    ("groupNormalization", {"groups": 2}, Y.GroupNormalization(2), f32(rng.normal(size=(2, 3, 2, 4))), True),
    ("groupNormalization", {"groups": 3, "axis": -1, "epsilon": 0.1}, Y.GroupNormalization(3, epsilon=0.1), f32(rng.normal(size=(2, 4, 6))), False),
    ("groupNormalization", {"groups": -1}, Y.GroupNormalization(-1), f32(rng.normal(size=(2, 3, 2, 4))), True),
    ("groupNormalization", {"groups": 2, "axis": -1, "scale": False}, Y.GroupNormalization(2, scale=False), f32(rng.normal(size=(3, 4))), False),
    ("rmsNormalization", {}, Y.RMSNormalization(), f32(rng.normal(size=(2, 3, 4))), False),
    ("rmsNormalization", {"axis": [1, 2]}, Y.RMSNormalization(axis=[1, 2]), f32(rng.normal(size=(2, 3, 4))), False),
    ("unitNormalization", {}, Y.UnitNormalization(), f32([[3, 4], [0, 2], [-1e-3, 2e-3]]), False),
    ("unitNormalization", {"axis": [1, 2]}, Y.UnitNormalization(axis=[1, 2]), f32(rng.normal(size=(2, 3, 2))), False),
]:
    layer.build(x.shape)
    layer.set_weights([f32(rng.uniform(0.5, 1.5, size=v.shape)) for v in layer.weights])
    given = torch.tensor(x, requires_grad=True)
    out = layer(given)
    (out ** 3).sum().backward()
    side = first if swap else (lambda a: a)
    normalizations.append({"layer": name, "options": options, "x": figures(side(x)),
                           "weights": {v.name: figures(v) for v in layer.weights},
                           "y": figures(side(out.detach().numpy())), "gradient": figures(side(given.grad.numpy()))})

# ----------------------------------------------------------------------------------------- what dropping layers give
# Of a constant input a layer that drops gives two values only: dropped, kept.
drops = []
for name, options, layer in [
    ("dropout", {"rate": 0.3}, Y.Dropout(0.3)),
    ("alphaDropout", {"rate": 0.2}, Y.AlphaDropout(0.2)),
    ("alphaDropout", {"rate": 0.65}, Y.AlphaDropout(0.65)),
    ("spatialDropout1d", {"rate": 0.4}, Y.SpatialDropout1D(0.4)),
]:
    out = keras.ops.convert_to_numpy(layer(torch.full((8, 20, 10), 1.5), training=True))
    drops.append({"layer": name, "options": options, "input": 1.5, "values": [float(f"{v:.7g}") for v in sorted(set(out.ravel().tolist()))]})
noise = []
for name, options, layer in [
    ("gaussianDropout", {"rate": 0.3}, Y.GaussianDropout(0.3)),
    ("gaussianNoise", {"stddev": 0.25}, Y.GaussianNoise(0.25)),
]:
    out = keras.ops.convert_to_numpy(layer(torch.full((1000, 1000), 2.0), training=True)).astype(np.float64)
    noise.append({"layer": name, "options": options, "input": 2.0, "mean": figures(out.mean()), "deviation": figures(out.std())})

# ------------------------------------------------------------------------------------------------ activity penalties
x = f32(rng.normal(size=(4, 3)))
activity = []
for layer, options in [
    (Y.ActivityRegularization(l1=0.1, l2=0.02), {"l1": 0.1, "l2": 0.02}),
    (Y.ActivityRegularization(l2=0.3), {"l2": 0.3}),
]:
    layer(torch.tensor(x))
    activity.append({"options": options, "loss": figures(layer.losses[0])})
activity = {"x": figures(x), "cases": activity}

# --------------------------------------------------------------------------------------- constraints of convolutions
w = f32(rng.normal(size=(2, 3, 2, 4)))  # [h, w, in, out]
constraints = {"w": figures(kernel_out(w)), "cases": [
    {"type": t, "options": o, "value": figures(kernel_out(keras.ops.convert_to_numpy(c(torch.tensor(w)))))} for t, o, c in [
        ("maxNorm", {"maxValue": 1.5, "axis": [1, 2, 3]}, C.MaxNorm(1.5, axis=[0, 1, 2])),
        ("unitNorm", {"axis": [1, 2, 3]}, C.UnitNorm(axis=[0, 1, 2])),
        ("minMaxNorm", {"minValue": 2.5, "maxValue": 3, "rate": 0.4, "axis": [1, 2, 3]}, C.MinMaxNorm(2.5, 3, 0.4, axis=[0, 1, 2])),
        ("minMaxNorm", {"axis": 2}, C.MinMaxNorm(axis=0)),
    ]]}

# -------------------------------------------------------------------------------------------------- label smoothing
logits = f32(rng.normal(size=(5, 4)) * 2)
classes = np.array([0, 3, 1, 2, 3])
smoothing = []
for options, kwargs in [
    ({"labelSmoothing": 0.1}, {"label_smoothing": 0.1}),
    ({"labelSmoothing": 0.4, "ignoreClass": 3}, {"label_smoothing": 0.4, "ignore_index": 3}),
    ({"labelSmoothing": 1}, {"label_smoothing": 1.0}),
]:
    t = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(t, torch.tensor(classes), **kwargs)
    loss.backward()
    smoothing.append({"options": options, "value": figures(loss), "gradient": figures(t.grad)})
smoothing = {"logits": figures(logits), "classes": figures(f32(classes)), "cases": smoothing}

out = {
    "made": f"keras {keras.__version__}, torch {torch.__version__.split('+')[0]}",
    "spectral": spectral, "training": training, "reparametrized": reparametrized, "normalizations": normalizations,
    "drops": drops, "noise": noise, "activity": activity, "constraints": constraints, "smoothing": smoothing,
}
lines = [f'  {json.dumps(key)}: {json.dumps(value, separators=(",", ":"))}' for key, value in out.items()]
pathlib.Path(__file__).with_name("regularization.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

"""Figures for spatial.test.ts: outputs and gradients of convolutions, pools and resizing, computed by PyTorch.

Made with PyTorch 2.13 (CPU, double precision): python spatial.py > spatial.json
Inputs are small multiples of 1/4 so that the file stays short; results are rounded to 6 significant digits.
"""

import json
import math
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def draw(*shape, levels=9):
    """Multiples of 1/4 around zero. Few levels make many ties."""
    return (torch.randint(0, levels, shape) - levels // 2) / 4


def short(x):
    return 0.0 if x == 0 else round(x, 5 - int(math.floor(math.log10(abs(x)))))


def pack(t):
    return {"shape": list(t.shape), "data": [short(v) for v in t.detach().flatten().tolist()]}


cases = []


def case(name, op, attrs, inputs, forward, constants=()):
    """`inputs` by ONNX name; `constants` are inputs without a gradient (sizes, scales)."""
    leaves = {k: v.clone().requires_grad_(True) for k, v in inputs.items()}
    y = forward(**leaves)
    g = draw(*y.shape)
    y.backward(g)
    cases.append(
        {
            "name": name,
            "op": op,
            "attrs": attrs,
            "inputs": {k: pack(v) for k, v in inputs.items()},
            "constants": dict(constants),
            "output": pack(y),
            "outputGradient": pack(g),
            "gradients": {k: pack(v.grad) for k, v in leaves.items()},
        }
    )


conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
transposed = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv_case(name, x, w, bias=True, pads=None, strides=None, dilations=None, group=1):
    n = len(x) - 2
    pads, strides, dilations = pads or [0] * 2 * n, strides or [1] * n, dilations or [1] * n
    sides = [p for i in reversed(range(n)) for p in (pads[i], pads[n + i])]
    inputs = {"X": draw(*x), "W": draw(*w), **({"B": draw(w[0])} if bias else {})}

    def forward(X, W, B=None):
        return conv[n](F.pad(X, sides), W, B, stride=strides, dilation=dilations, groups=group)

    attrs = {"strides": strides, "dilations": dilations, "pads": pads, "group": group}
    case(name, "Conv", attrs, inputs, forward)


conv_case("2-D, many channels", [2, 9, 5, 5], [4, 9, 3, 3])
conv_case("2-D, many positions", [2, 5, 12, 10], [2, 5, 3, 3])
conv_case("2-D, one channel", [2, 1, 6, 6], [4, 1, 3, 3])
conv_case("2-D, three channels, stride 2, 7x7", [2, 3, 9, 9], [2, 3, 7, 7], pads=[3, 3, 3, 3], strides=[2, 2])
conv_case("2-D, pads 1", [2, 5, 4, 5], [3, 5, 3, 3], pads=[1, 1, 1, 1])
conv_case("2-D, stride leaves a remainder", [2, 5, 6, 8], [3, 5, 3, 3], strides=[2, 3])
conv_case("2-D, uneven pads", [1, 5, 5, 4], [3, 5, 3, 2], pads=[0, 1, 2, 0], bias=False)
conv_case("2-D, pads wider than the kernel", [1, 2, 3, 3], [2, 2, 2, 2], pads=[2, 3, 2, 2], bias=False)
conv_case("2-D, dilations", [2, 5, 7, 8], [3, 5, 3, 2], dilations=[2, 3], pads=[1, 2, 1, 1])
conv_case("2-D, dilations and strides", [1, 5, 9, 8], [3, 5, 3, 2], dilations=[2, 3], strides=[2, 2])
conv_case("2-D, groups", [2, 6, 5, 5], [4, 3, 3, 3], group=2, pads=[1, 1, 1, 1])
conv_case("2-D, groups and strides", [2, 6, 5, 5], [4, 3, 3, 3], group=2, strides=[2, 2])
conv_case("2-D, depthwise", [2, 4, 5, 6], [4, 1, 3, 3], group=4, pads=[1, 1, 1, 1])
conv_case("2-D, depthwise, stride 2", [2, 4, 6, 6], [4, 1, 3, 3], group=4, pads=[1, 1, 1, 1], strides=[2, 2])
conv_case("2-D, depthwise, two outputs each", [2, 3, 5, 4], [6, 1, 3, 2], group=3, dilations=[2, 1])
conv_case("2-D, 1x1", [2, 5, 3, 4], [3, 5, 1, 1])
conv_case("2-D, 1x1, stride 2", [2, 5, 4, 5], [3, 5, 1, 1], strides=[2, 2])
conv_case("1-D", [2, 5, 9], [3, 5, 3], pads=[1, 0], strides=[2])
conv_case("1-D, depthwise, dilated", [2, 4, 10], [4, 1, 3], group=4, dilations=[2])
conv_case("3-D", [1, 2, 4, 4, 3], [2, 2, 2, 3, 2], pads=[1, 1, 0, 0, 1, 1], strides=[1, 2, 1])


def transposed_case(name, x, w, bias=True, pads=None, strides=None, dilations=None, output_padding=None, group=1):
    n = len(x) - 2
    pads, strides, dilations = pads or [0] * n, strides or [1] * n, dilations or [1] * n
    extra = output_padding or [0] * n
    inputs = {"X": draw(*x), "W": draw(*w), **({"B": draw(w[1] * group)} if bias else {})}

    def forward(X, W, B=None):
        return transposed[n](X, W, B, strides, pads, extra, group, dilations)

    attrs = {"strides": strides, "dilations": dilations, "pads": pads * 2, "output_padding": extra, "group": group}
    case(name, "ConvTranspose", attrs, inputs, forward)


transposed_case("2-D", [2, 5, 3, 4], [5, 3, 3, 2])
transposed_case("2-D, stride 2, output padding", [2, 3, 3, 3], [3, 2, 3, 3], strides=[2, 2], pads=[1, 1], output_padding=[1, 0])
transposed_case("2-D, groups", [2, 4, 3, 3], [4, 2, 3, 3], strides=[2, 1], group=2)
transposed_case("2-D, depthwise", [2, 3, 3, 3], [3, 1, 2, 2], strides=[2, 2], group=3)
transposed_case("2-D, dilations", [1, 5, 4, 3], [5, 2, 2, 3], dilations=[2, 2], pads=[1, 1])
transposed_case("1-D", [2, 3, 5], [3, 2, 4], strides=[3], pads=[1])
transposed_case("3-D", [1, 2, 2, 3, 2], [2, 2, 2, 2, 3], strides=[2, 1, 1], bias=False)

pools = {
    "MaxPool": {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d},
    "AveragePool": {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d},
}


def max_case(name, x, kernel, strides=None, pads=None, dilations=None, ceil=False, levels=5):
    n = len(x) - 2
    strides, pads, dilations = strides or [1] * n, pads or [0] * n, dilations or [1] * n
    attrs = {"kernel_shape": kernel, "strides": strides, "pads": pads * 2, "dilations": dilations, "ceil_mode": int(ceil)}
    f = pools["MaxPool"][n]
    case(name, "MaxPool", attrs, {"X": draw(*x, levels=levels)}, lambda X: f(X, kernel, strides, pads, dilations, ceil))


max_case("2-D, tiles, ties", [2, 3, 4, 6], [2, 2], [2, 2])
max_case("2-D, tiles of 3x2, ties", [2, 2, 6, 4], [3, 2], [3, 2], levels=3)
max_case("2-D, tiles with a remainder, ties", [2, 2, 5, 7], [2, 3], [2, 3])
max_case("2-D, tiles with a remainder, ceil", [2, 2, 5, 7], [2, 3], [2, 3], ceil=True)
max_case("2-D, overlapping, ties", [2, 2, 6, 7], [3, 3], [2, 2], [1, 1])
max_case("2-D, overlapping, ceil", [1, 2, 6, 6], [3, 3], [2, 2], [1, 0], ceil=True)
max_case("2-D, stride larger than the window", [1, 2, 7, 8], [2, 2], [3, 3])
max_case("2-D, dilations", [1, 2, 6, 6], [2, 3], [1, 2], [1, 1], [2, 2])
max_case("1-D, tiles, ties", [2, 3, 8], [2], [2], levels=3)
max_case("1-D, overlapping", [2, 2, 7], [3], [2], [1])
max_case("3-D, tiles, ties", [1, 2, 4, 2, 4], [2, 2, 2], [2, 2, 2], levels=3)


def average_case(name, x, kernel, strides=None, pads=None, ceil=False, include=False):
    n = len(x) - 2
    strides, pads = strides or [1] * n, pads or [0] * n
    attrs = {
        "kernel_shape": kernel,
        "strides": strides,
        "pads": pads * 2,
        "ceil_mode": int(ceil),
        "count_include_pad": int(include),
    }
    f = pools["AveragePool"][n]
    case(name, "AveragePool", attrs, {"X": draw(*x)}, lambda X: f(X, kernel, strides, pads, ceil, include))


average_case("2-D, tiles", [2, 3, 4, 6], [2, 2], [2, 2])
average_case("2-D, tiles with a remainder", [1, 2, 5, 7], [2, 3], [2, 3])
average_case("2-D, overlapping, pads not counted", [1, 2, 5, 6], [3, 3], [2, 2], [1, 1])
average_case("2-D, overlapping, pads counted", [1, 2, 5, 6], [3, 3], [2, 2], [1, 1], include=True)
average_case("2-D, ceil, pads not counted", [1, 2, 6, 6], [3, 3], [2, 2], [1, 0], ceil=True)
average_case("2-D, ceil, pads counted", [1, 2, 6, 6], [3, 3], [2, 2], [1, 1], ceil=True, include=True)
average_case("1-D", [2, 2, 7], [3], [2], [1])
average_case("3-D", [1, 2, 4, 3, 4], [2, 3, 2], [2, 1, 2])

case("2-D", "GlobalAveragePool", {}, {"X": draw(2, 3, 3, 2)}, lambda X: X.mean((2, 3), keepdim=True))
case("2-D, ties", "GlobalMaxPool", {}, {"X": draw(2, 3, 3, 2, levels=3)}, lambda X: F.max_pool2d(X, (3, 2)))
# Powers of absolute values: padding adds zeros.
case(
    "2-D",
    "LpPool",
    {"kernel_shape": [2, 3], "strides": [2, 1], "p": 3},
    {"X": draw(1, 2, 4, 5) + 0.1},
    lambda X: (F.avg_pool2d(X.abs() ** 3, (2, 3), (2, 1)) * 6) ** (1 / 3),
)


def resize_case(name, x, sizes, mode, attrs, **options):
    case(
        name,
        "Resize",
        attrs,
        {"X": draw(*x)},
        lambda X: F.interpolate(X, size=sizes, mode=mode, **options),
        {"sizes": [*x[:2], *sizes]},
    )


half = {"coordinate_transformation_mode": "half_pixel"}
corners = {"coordinate_transformation_mode": "align_corners"}
pixel = {"coordinate_transformation_mode": "pytorch_half_pixel"}
asymmetric = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
resize_case("nearest, twice", [1, 2, 3, 2], [6, 4], "nearest", asymmetric)
resize_case("nearest, odd sizes", [1, 2, 4, 5], [7, 3], "nearest", asymmetric)
resize_case("nearest exact, odd sizes", [1, 1, 4, 5], [7, 3], "nearest-exact", {**half, "mode": "nearest", "nearest_mode": "round_prefer_ceil"})
resize_case("linear, larger", [1, 2, 3, 4], [5, 8], "bilinear", {**half, "mode": "linear"}, align_corners=False)
resize_case("linear, smaller", [1, 1, 6, 5], [3, 4], "bilinear", {**pixel, "mode": "linear"}, align_corners=False)
resize_case("linear, corners aligned", [1, 1, 4, 5], [7, 3], "bilinear", {**corners, "mode": "linear"}, align_corners=True)
resize_case("linear, antialiased", [1, 1, 7, 6], [3, 4], "bilinear", {**half, "mode": "linear", "antialias": 1, "exclude_outside": 1}, align_corners=False, antialias=True)
resize_case("linear, 1-D", [1, 2, 5], [8], "linear", {**half, "mode": "linear"}, align_corners=False)
resize_case("linear, 3-D", [1, 1, 2, 3, 2], [4, 3, 3], "trilinear", {**half, "mode": "linear"}, align_corners=False)
resize_case("cubic, larger", [1, 1, 4, 5], [6, 8], "bicubic", {**half, "mode": "cubic"}, align_corners=False)
resize_case("cubic, corners aligned", [1, 1, 5, 4], [3, 7], "bicubic", {**corners, "mode": "cubic"}, align_corners=True)

case("CRD", "DepthToSpace", {"blocksize": 2, "mode": "CRD"}, {"X": draw(1, 8, 2, 3)}, lambda X: F.pixel_shuffle(X, 2))
case(
    "2-D",
    "Col2Im",
    {"strides": [2, 1], "pads": [1, 0, 1, 0], "dilations": [1, 2]},
    {"input": draw(1, 12, 12)},
    lambda input: F.fold(input, (6, 6), (3, 2), dilation=(1, 2), padding=(1, 0), stride=(2, 1)),
    {"image_shape": [6, 6], "block_shape": [3, 2]},
)

json.dump({"made": f"python src/ops/figures/spatial.py, torch {torch.__version__}", "cases": cases}, sys.stdout, separators=(",", ":"))

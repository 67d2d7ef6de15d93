"""Values, gradients and second derivatives of ONNX's elementwise operators, reductions, softmax and losses, from PyTorch.

Made with PyTorch 2.13 (CPU, double precision, at points that single precision holds exactly):

    python src/ops/figures/elementwise.py > src/ops/figures/elementwise.json

Each case: the operator, its attributes, its inputs, the output y, the gradient of Σ wᵢyᵢ with respect to every float
input (in order, `null` for the others), and the gradient of Σ vᵢgᵢ over all elements of those gradients, where
wᵢ = (i mod 5) − 1.5 and vᵢ = (i mod 3) − 0.75. Numbers that JSON lacks are the strings "inf", "-inf" and "nan".
"""

import json
import math

import torch
import torch.nn.functional as F

cases = []


def plain(t):
    def number(v):
        if isinstance(v, bool):
            return int(v)
        if math.isnan(v):
            return "nan"
        if math.isinf(v):
            return "inf" if v > 0 else "-inf"
        return float(f"{v:.12g}") if isinstance(v, float) else v

    return [number(v) for v in t.flatten().tolist()]


def spread(count, period, offset):
    return torch.tensor([i % period - offset for i in range(count)], dtype=torch.float64)


# 'fixed' is a float that gets no gradient.
kinds = {"float": torch.float32, "fixed": torch.float32, "int64": torch.int64, "bool": torch.bool, "uint8": torch.uint8}


def case(op, f, *inputs, note=None, second=True, **attrs):
    """inputs: lists (nested for shapes), or (list, dtype) for what is not a float.

    second=False where PyTorch's second derivative does not exist or is not one: at kinks it mixes both sides, and
    of Pow it misses the mixed derivative at exponent 0 and is not a number at base 0.
    """
    tensors, described = [], []
    for given in inputs:
        if given is None:
            tensors.append(None)
            described.append(None)
            continue
        data, dtype = given if isinstance(given, tuple) else (given, "float")
        t = torch.tensor(data, dtype=kinds[dtype])
        described.append({"dtype": dtype, "shape": list(t.shape), "data": plain(t)})
        tensors.append(t.double().requires_grad_() if dtype == "float" else t.double() if dtype == "fixed" else t)
    y = f(*tensors)
    out = {"op": op, "attrs": attrs, "inputs": described, "output": {"shape": list(y.shape), "data": plain(y)}}
    if note:
        out["note"] = note
    wrt = [t for t in tensors if t is not None and t.requires_grad]
    if y.is_floating_point() and y.requires_grad:
        w = spread(y.numel(), 5, 1.5).reshape(y.shape)
        first = torch.autograd.grad((w * y).sum(), wrt, create_graph=True, allow_unused=True)
        first = [torch.zeros_like(t) if g is None else g for g, t in zip(first, wrt)]
        found = iter(first)
        out["first"] = [plain(next(found)) if t is not None and t.requires_grad else None for t in tensors]
        if not second:
            return cases.append(out)
        probe = sum((spread(g.numel(), 3, 0.75).reshape(g.shape) * g).sum() for g in first)
        again = torch.autograd.grad(probe, wrt, allow_unused=True) if probe.requires_grad else [None] * len(wrt)
        found = iter([torch.zeros_like(t) if h is None else torch.zeros_like(t) + h for h, t in zip(again, wrt)])
        out["second"] = [plain(next(found)) if t is not None and t.requires_grad else None for t in tensors]
    cases.append(out)


line = [-3.0, -1.5, -1.0, -0.5, -0.0625, 0.0, 0.0625, 0.5, 1.0, 1.5, 3.0]
bent = [x for x in line if x not in (-3.0, 0.0, 3.0)]
far = line + [-100.0, -20.0, -10.0, 10.0, 20.0, 100.0]
positive = [0.001, 0.0625, 0.5, 1.0, 1.5, 3.0, 10.0, 1000.0, 1e15, 1e-15]
unit = [-0.999, -0.9, -0.5, -0.0625, 0.0, 0.0625, 0.5, 0.75, 0.9, 0.999]

# Arithmetic
a, b = [[-2.0, 0.5, 3.0], [1.5, -0.25, 4.0]], [0.5, -3.0, 2.0]
column = [[-2.0], [0.5]]
for op, f in {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}.items():
    case(op, f, a, b)
    case(op, f, column, b)
    case(op, f, b, 1.5)
case("Div", torch.div, [1.0, -1.0, 1.0], [1e-10, 1e10, -0.001])
case("Mod", torch.fmod, [5.5, -5.5, 5.5, -5.5, 0.75, 6.0], [2.0, 2.0, -2.0, -2.0, 1.0, 3.0], fmod=1)
case("Mod", torch.remainder, ([5, -5, 5, -5, 6], "int64"), ([3, 3, -3, -3, 3], "int64"))
case("Mod", torch.fmod, ([5, -5, 5, -5, 6], "int64"), ([3, 3, -3, -3, 3], "int64"), fmod=1)
case("Pow", torch.pow, [0.5, 2.0, 3.0, 1.0], [-2.0, 0.5, 3.0, 100.0])
case("Pow", torch.pow, [-2.0, -2.0, 0.0, 3.0], [2.0, 3.0, 2.0, 0.0], note="negative and zero base", second=False)
case("Pow", torch.pow, [0.0, 0.0, 0.0], [0.0, -1.0, 0.5], note="zero base", second=False)
case("Pow", torch.pow, [[0.5, 2.0, 3.0]], [[-2.0], [0.5], [3.0]])
for exponent in (0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, 1.5, 2.5):
    case("Pow", torch.pow, [0.25, 1.0, 2.0, 9.0], (exponent, "fixed"))
case("Pow", torch.pow, line, (2.0, "fixed"))
case("Pow", torch.pow, line, (3.0, "fixed"))
for op, f, points in [
    ("Neg", torch.neg, line),
    ("Abs", torch.abs, far),
    ("Sqrt", torch.sqrt, positive),
    ("Reciprocal", torch.reciprocal, [-3.0, -0.5, 0.001, 0.5, 1.0, 3.0, 1000.0]),
    ("Exp", torch.exp, line + [-80.0, -10.0, 10.0, 80.0]),
    ("Log", torch.log, positive),
    ("Erf", torch.erf, far),
    ("Sign", torch.sign, line),
    ("Floor", torch.floor, line),
    ("Ceil", torch.ceil, line),
    ("Round", torch.round, line + [2.5, -2.5]),
    ("Sin", torch.sin, far),
    ("Cos", torch.cos, far),
    ("Tan", torch.tan, [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]),
    ("Asin", torch.asin, unit),
    ("Acos", torch.acos, unit),
    ("Atan", torch.atan, far),
    ("Sinh", torch.sinh, line + [-40.0, 40.0]),
    ("Cosh", torch.cosh, line + [-40.0, 40.0]),
    ("Asinh", torch.asinh, far),
    ("Acosh", torch.acosh, [1.001, 1.5, 2.0, 3.0, 10.0, 100.0]),
    ("Atanh", torch.atanh, unit),
]:
    case(op, f, points)

# Several operands; ties share the gradient
case("Sum", lambda *xs: xs[0] + xs[1] + xs[2], a, b, column)
case("Mean", lambda *xs: (xs[0] + xs[1] + xs[2]) / 3, a, b, column)
tied = [1.0, 2.0, 3.0, -1.0, 0.0]
case("Max", torch.maximum, tied, [2.0, 2.0, 1.0, -1.0, 0.0])
case("Min", torch.minimum, tied, [2.0, 2.0, 1.0, -1.0, 0.0])
case("Max", torch.maximum, a, b)
case("Min", torch.minimum, a, 0.5)
case("Clip", torch.clamp, line, -1.0, 1.0, note="at the bounds too")
case("Clip", lambda x, low, high: torch.clamp(x, min=low), line, 0.5, None)
case("Clip", lambda x, low, high: torch.clamp(x, max=high), line, None, 0.5)
case("Clip", torch.clamp, line, 1.0, -0.75, note="min above max")
truth = ([[1, 0, 1], [0, 0, 1]], "bool")
case("Where", torch.where, truth, a, b)
case("Where", torch.where, ([1, 0, 1], "bool"), a, 0.5)

# Comparison and logic
inf, nan = math.inf, math.nan
left, right = [1.0, 2.0, 3.0, nan, inf, -inf, 0.0], [2.0, 2.0, 2.0, nan, inf, inf, -0.0]
for op, f in {
    "Equal": torch.eq,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
    "Less": torch.lt,
    "LessOrEqual": torch.le,
}.items():
    case(op, f, left, right)
    case(op, f, ([[1], [5], [-3]], "int64"), ([1, 2, -3], "int64"))
p, q = ([0, 0, 1, 1], "bool"), ([0, 1, 0, 1], "bool")
for op, f in {"And": torch.logical_and, "Or": torch.logical_or, "Xor": torch.logical_xor}.items():
    case(op, f, p, q)
case("Not", torch.logical_not, p)
case("IsNaN", torch.isnan, left)
case("IsInf", torch.isinf, left)
case("IsInf", torch.isposinf, left, detect_negative=0)
case("IsInf", torch.isneginf, left, detect_positive=0)
bits = ([1, 6, 255, 128, 0], "uint8"), ([3, 5, 15, 1, 7], "uint8")
for op, f in {"BitwiseAnd": torch.bitwise_and, "BitwiseOr": torch.bitwise_or, "BitwiseXor": torch.bitwise_xor}.items():
    case(op, f, *bits)
case("BitwiseNot", torch.bitwise_not, bits[0])
case("BitShift", torch.bitwise_left_shift, *bits, direction="LEFT")
case("BitShift", torch.bitwise_right_shift, *bits, direction="RIGHT")

# Activations
for op, f in {
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Relu": F.relu,
    "Softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "Softsign": F.softsign,
    "LeakyRelu": F.leaky_relu,
    "Mish": F.mish,
    "Swish": F.silu,
    "Gelu": F.gelu,
}.items():
    case(op, f, far)
for op, f in {"Elu": F.elu, "Selu": F.selu, "Celu": F.celu, "HardSwish": F.hardswish}.items():
    case(op, f, far, note="at the kinks too", second=False)
    case(op, f, bent)
case("Gelu", lambda x: F.gelu(x, approximate="tanh"), far, approximate="tanh")
case("LeakyRelu", lambda x: F.leaky_relu(x, 0.25), line, alpha=0.25)
case("Elu", lambda x: F.elu(x, 0.5), bent, alpha=0.5)
case("Celu", lambda x: F.celu(x, 0.5), bent, alpha=0.5)
case("Swish", lambda x: x * torch.sigmoid(1.5 * x), line, alpha=1.5)
case("HardSigmoid", F.hardsigmoid, far, alpha=1 / 6, beta=0.5, second=False)
case("ThresholdedRelu", lambda x: F.threshold(x, 1.0, 0.0), line)
case("Shrink", lambda x: F.hardshrink(x, 0.5), line)
case("Shrink", lambda x: F.softshrink(x, 0.5), line, bias=0.5, lambd=0.5)
case("PRelu", lambda x, s: F.prelu(x, s.flatten()), [[[-2.0, 0.0, 1.0], [0.5, -0.5, -1.0]]], [[0.25], [-0.5]], second=False)

# Softmax
rows = [[1.0, 2.0, 3.0, -1.0], [0.0, 0.0, 0.0, 0.0], [100.0, -100.0, 99.0, 0.0]]
for op, f in {"Softmax": F.softmax, "LogSoftmax": F.log_softmax}.items():
    case(op, lambda x, f=f: f(x, -1), rows)
    case(op, lambda x, f=f: f(x, 0), rows, axis=0)
case("Hardmax", lambda x: F.one_hot(x.argmax(-1), 4).double(), [[1.0, 3.0, 3.0, -1.0], [0.0, 0.0, 0.0, 0.0]])

# Reductions: over axis 1, over both axes, over all without keeping them
ties = [[1.0, 3.0, 3.0, -1.0], [2.0, 2.0, 2.0, 2.0]]
plainly = [[1.0, -2.0, 3.0, 0.5], [0.25, 4.0, -1.5, 2.0]]
zeros = [[1.0, 0.0, 3.0, 2.0], [0.0, 2.0, 0.0, 4.0], [1.5, 2.0, -3.0, 0.5]]


def reduction(op, f, *matrices, second=True):
    for m in matrices:
        case(op, lambda x, _: f(x, (1,), True), m, ([1], "int64"), second=second)
        case(op, lambda x, _: f(x, (0, 1), True), m, ([0, 1], "int64"), second=second)
        case(op, lambda x, _: f(x, (0,), False), m, ([-2], "int64"), keepdims=0, second=second)


def product(x, dims, keep):
    for d in sorted(dims, reverse=True):
        x = x.prod(d, keepdim=keep)
    return x


reduction("ReduceSum", torch.sum, plainly)
reduction("ReduceMean", torch.mean, plainly)
reduction("ReduceMax", torch.amax, ties, plainly)
reduction("ReduceMin", torch.amin, ties, plainly)
reduction("ReduceProd", product, plainly, zeros)
reduction("ReduceL1", lambda x, d, k: x.abs().sum(d, keepdim=k), zeros, plainly)
reduction("ReduceL2", lambda x, d, k: torch.linalg.vector_norm(x, 2, d, keepdim=k), plainly, [[1e-15, 2.0], [3.0, 4.0]])
reduction("ReduceL2", lambda x, d, k: torch.linalg.vector_norm(x, 2, d, keepdim=k), [[0.0, 0.0], [3.0, 4.0]], second=False)
reduction("ReduceLogSum", lambda x, d, k: x.sum(d, keepdim=k).log(), [[1.0, 2.0, 3.0], [0.5, 0.001, 100.0]])
reduction("ReduceLogSumExp", lambda x, d, k: torch.logsumexp(x, d, keepdim=k), rows, [[100.0, 100.0], [-100.0, -99.0]])
reduction("ReduceSumSquare", lambda x, d, k: (x * x).sum(d, keepdim=k), plainly)

# Losses over class numbers
labels = ([1, 3, 0], "int64")
weights = [0.5, 1.0, 2.0, 1.5]
volume = [[[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], [[0.0, 0.0], [1.0, -2.0], [0.25, 100.0]]]
places = ([[0, 2], [1, 2]], "int64")
for how in ("mean", "sum", "none"):
    for op, f in {"SoftmaxCrossEntropyLoss": F.cross_entropy, "NegativeLogLikelihoodLoss": F.nll_loss}.items():
        case(op, lambda x, t, _: f(x, t, reduction=how), rows, labels, None, reduction=how)
        case(
            op,
            lambda x, t, w: f(x, t, weight=w, ignore_index=2, reduction=how),
            volume,
            places,
            (weights[:3], "fixed"),
            ignore_index=2,
            reduction=how,
        )

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")).replace('{"op"', '\n{"op"'))

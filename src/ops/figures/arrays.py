"""Figures for arrays.test.ts: gathering, scattering, sorting, products and normalizations with gradients of both orders.

Made with PyTorch 2.13 (CPU, double precision): python arrays.py > arrays.json
Inputs are small multiples of 1/4 so that the file stays short; results are rounded to 8 significant digits.
"""

import json
import math
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
cases = []


def draw(*shape, levels=17):
    """Multiples of 1/4 around zero. Few levels make many ties."""
    return (torch.randint(0, levels, shape) - levels // 2) / 4


def positive(*shape):
    return torch.randint(1, 9, shape) / 4


def short(x):
    return 0.0 if x == 0 else round(x, 7 - int(math.floor(math.log10(abs(x)))))


def pack(t):
    return {"shape": list(t.shape), "data": [short(v) for v in t.detach().double().flatten().tolist()]}


def integers(data, shape=None):
    t = torch.tensor(data)
    return t if shape is None else t.reshape(shape)


def case(name, op, attrs, inputs, forward, constants=(), second=True):
    """`inputs` by ONNX name (a list for a variadic one); `constants` are integers and truth values."""
    listed = {k: v if isinstance(v, list) else [v] for k, v in inputs.items()}
    leaves = {k: [t.clone().requires_grad_(True) for t in v] for k, v in listed.items()}
    given = {k: leaves[k] if isinstance(v, list) else leaves[k][0] for k, v in inputs.items()}
    y = forward(**given)
    g = draw(*y.shape)
    flat = [t for v in leaves.values() for t in v]
    first = torch.autograd.grad(y, flat, g, create_graph=second)
    along = [draw(*t.shape) for t in flat]
    entry = {
        "name": name,
        "op": op,
        "attrs": attrs,
        "inputs": {k: [pack(t) for t in v] for k, v in listed.items()},
        "constants": {k: {**pack(v), "dtype": "bool" if v.dtype == torch.bool else "int64"} for k, v in dict(constants).items()},
        "output": pack(y),
        "outputGradient": pack(g),
        "gradients": [pack(t) for t in first],
    }
    if second:
        slope = sum((d * v).sum() for d, v in zip(first, along))
        both = torch.autograd.grad(slope, flat, allow_unused=True) if slope.requires_grad else [None] * len(flat)
        entry["directions"] = [pack(t) for t in along]
        entry["second"] = [pack(torch.zeros_like(t) if d is None else d) for d, t in zip(both, flat)]
    cases.append(entry)


# Gathering
rows = integers([[0, 2, -1], [2, 2, 1]])
case("rows, some twice", "Gather", {}, {"data": draw(4, 3)}, lambda data: data[rows], {"indices": rows})
case("columns", "Gather", {"axis": -1}, {"data": draw(2, 3, 4)}, lambda data: data[..., [3, 0, 3]], {"indices": integers([3, 0, -1])})
places = integers([[0, 2], [1, 1], [0, 0]])
case("along axis 1", "GatherElements", {"axis": 1}, {"data": draw(3, 4)}, lambda data: data.gather(1, places), {"indices": places})
points = integers([[0, 1], [2, 3], [0, 1]])
case("elements, one twice", "GatherND", {}, {"data": draw(3, 4)}, lambda data: data[points[:, 0], points[:, 1]], {"indices": points})
each = integers([[[1], [0]], [[2], [2]]])
case("within each batch", "GatherND", {"batch_dims": 1}, {"data": draw(2, 3, 4)},
     lambda data: torch.stack([data[n][each[n, :, 0]] for n in range(2)]), {"indices": each})

# Scattering
for reduction, name in [("add", "sum"), ("mul", "prod"), ("max", "amax"), ("min", "amin")]:
    for what, levels in [("ties and zeros", 5), ("many values", 101)]:
        spots = integers([[0, 2, 1, 0], [1, 1, 0, 0]])
        two = not (reduction == "mul" and levels == 5)
        case(f"{reduction}, {what}", "ScatterElements", {"axis": 0, "reduction": reduction},
             {"data": draw(3, 4, levels=levels), "updates": draw(2, 4, levels=levels)},
             lambda data, updates: data.scatter_reduce(0, spots, updates, name), {"indices": spots}, second=two and reduction != "mul")
unique = integers([[2, 0], [0, 1], [1, 2]])
case("replacing", "ScatterElements", {"axis": 1}, {"data": draw(3, 3), "updates": draw(3, 2)},
     lambda data, updates: data.scatter(1, unique, updates), {"indices": unique})
case("whole rows, one twice", "ScatterND", {"reduction": "add"}, {"data": draw(4, 2), "updates": draw(3, 2)},
     lambda data, updates: data.index_put((integers([1, 3, 1]),), updates, accumulate=True), {"indices": integers([[1], [-1], [1]])})
case("elements", "ScatterND", {}, {"data": draw(3, 2), "updates": draw(2)},
     lambda data, updates: data.index_put((integers([0, 2]), integers([1, 0])), updates), {"indices": integers([[0, 1], [2, 0]])})

# Order
case("two largest of each row", "TopK", {}, {"X": draw(3, 5, levels=101)}, lambda X: X.topk(2)[0], {"K": integers([2])})
case("smallest of each column", "TopK", {"axis": 0, "largest": 0}, {"X": draw(4, 3, levels=101)},
     lambda X: X.topk(2, 0, largest=False)[0], {"K": integers([2])})

# Cumulative sums and selections
axis1 = {"axis": integers(1)}
case("along the last axis", "CumSum", {}, {"x": draw(2, 4)}, lambda x: x.cumsum(1), axis1)
case("exclusive and from the end", "CumSum", {"exclusive": 1, "reverse": 1}, {"x": draw(2, 4)},
     lambda x: x.flip(1).cumsum(1).flip(1) - x, axis1)
mask = integers([True, False, True])
case("rows", "Compress", {"axis": 0}, {"input": draw(3, 2)}, lambda input: input[mask], {"condition": mask})
case("upper triangles", "Trilu", {}, {"input": draw(2, 3, 4)}, lambda input: input.triu(1), {"k": integers(1)})

# Products
for equation, *shapes in [
    ("ij,jk->ik", [2, 3], [3, 4]), ("...ij,...jk->...ik", [1, 2, 3], [2, 3, 2]), ("bij,bjk->bik", [2, 2, 3], [1, 3, 2]), ("...ij,jk->...ik", [2, 2, 2, 3], [3, 2]),
    ("ii->i", [3, 3]), ("iij->j", [2, 2, 3]), ("ij->", [2, 3]), ("i,j->ij", [2], [3]), ("ab,bc,cd->ad", [2, 3], [3, 2], [2, 2]),
    ("bhqd,bhkd->bhqk", [1, 2, 3, 2], [1, 2, 2, 2]), ("ij,ij->j", [3, 2], [3, 2]), ("ij,k->ji", [2, 3], [2]),
]:
    case(equation, "Einsum", {"equation": equation}, {"Inputs": [draw(*s) for s in shapes]}, lambda Inputs: torch.einsum(equation, *Inputs))
for a, b in [([2, 3], [3, 4]), ([2, 2, 3], [3, 2]), ([3], [2, 3, 2]), ([2, 3], [3]), ([2, 1, 2, 3], [3, 3, 2])]:
    case(f"{a} by {b}", "MatMul", {}, {"A": draw(*a), "B": draw(*b)}, lambda A, B: A @ B)
for ta, tb, c in [(0, 0, [4]), (1, 0, [2, 1]), (0, 1, [1, 4]), (1, 1, [])]:
    case(f"transposed {ta} {tb}, C {c}", "Gemm", {"transA": ta, "transB": tb, "alpha": 0.5, "beta": 2.0},
         {"A": draw(*([3, 2] if ta else [2, 3])), "B": draw(*([4, 3] if tb else [3, 4])), "C": draw(*c)},
         lambda A, B, C: 0.5 * (A.T if ta else A) @ (B.T if tb else B) + 2 * C)

# Normalization
for shape in [[6, 3], [4, 2, 3], [2, 3, 2, 2]]:
    for momentum in [0.0, 0.9]:
        channels = {k: draw(shape[1]) for k in ("scale", "B")}
        stored = {"input_mean": draw(shape[1]), "input_var": positive(shape[1])}
        case(f"training, {shape}, momentum {momentum}", "BatchNormalization", {"training_mode": 1, "epsilon": 0.01, "momentum": momentum},
             {"X": draw(*shape), **channels, **stored},
             lambda X, scale, B, input_mean, input_var: F.batch_norm(X, None, None, scale, B, True, 0.0, 0.01) + 0 * (input_mean.sum() + input_var.sum()))
    case(f"stored statistics, {shape}", "BatchNormalization", {"epsilon": 0.01}, {"X": draw(*shape), **channels, **stored},
         lambda X, scale, B, input_mean, input_var:
         (lambda v: (X - v(input_mean)) / torch.sqrt(v(input_var) + 0.01) * v(scale) + v(B))(lambda t: t.reshape(-1, *[1] * (len(shape) - 2))))
case("large mean", "BatchNormalization", {"training_mode": 1, "momentum": 0.0},
     {"X": draw(8, 2, 3) + 1000, "scale": draw(2), "B": draw(2), "input_mean": draw(2), "input_var": positive(2)},
     lambda X, scale, B, input_mean, input_var: F.batch_norm(X, None, None, scale, B, True, 0.0) + 0 * (input_mean.sum() + input_var.sum()))
case("last axis", "LayerNormalization", {"axis": -1}, {"X": draw(3, 5), "Scale": draw(5), "B": draw(5)},
     lambda X, Scale, B: F.layer_norm(X, [5], Scale, B))
case("last two axes", "LayerNormalization", {"axis": 1, "epsilon": 0.1}, {"X": draw(2, 3, 2), "Scale": draw(3, 2), "B": draw(3, 2)},
     lambda X, Scale, B: F.layer_norm(X, [3, 2], Scale, B, 0.1))
case("last axis", "SimplifiedLayerNormalization", {"epsilon": 0.01}, {"X": draw(2, 2, 4), "scale": draw(4)},
     lambda X, scale: F.rms_norm(X, [4], scale, 0.01))
case("images", "InstanceNormalization", {}, {"input": draw(2, 3, 2, 3), "scale": draw(3), "B": draw(3)},
     lambda input, scale, B: F.instance_norm(input, None, None, scale, B))
case("two groups", "GroupNormalization", {"num_groups": 2}, {"X": draw(2, 4, 3), "scale": draw(4), "bias": draw(4)},
     lambda X, scale, bias: F.group_norm(X, 2, scale, bias))
case("length 1", "LpNormalization", {"p": 2}, {"input": draw(3, 4)}, lambda input: F.normalize(input, dim=-1))
case("sum of sizes 1", "LpNormalization", {"p": 1, "axis": 0}, {"input": draw(3, 4)}, lambda input: F.normalize(input, p=1, dim=0))
case("neighbouring channels", "LRN", {"size": 3, "alpha": 0.5, "beta": 0.75, "bias": 1.0}, {"X": draw(2, 4, 2, 2)},
     lambda X: F.local_response_norm(X, 3, 0.5, 0.75, 1.0))
case("channels of images", "MeanVarianceNormalization", {}, {"X": draw(2, 2, 3, 2)},
     lambda X: (X - X.mean((0, 2, 3), keepdim=True)) / X.std((0, 2, 3), unbiased=False, keepdim=True))

json.dump({"cases": cases}, sys.stdout, separators=(",", ":"))

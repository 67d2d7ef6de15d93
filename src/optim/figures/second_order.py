"""Shampoo by eigendecompositions and L-BFGS by PyTorch, in double precision. Writes second_order.json beside itself.

Needs numpy and torch: python second_order.py
"""
import pathlib

import numpy as np
import torch
from objective import objective, record, shaped, start, write

rng = np.random.default_rng(9)


def inverse_root(a, root, damping):
    """(A + damping · ‖A‖ · I)^(−1/root), ‖A‖ 1e-30 at least."""
    damped = a + damping * max(np.linalg.norm(a), 1e-30) * np.eye(len(a))
    values, vectors = np.linalg.eigh(damped)
    return (vectors * values ** (-1 / root)) @ vectors.T


def spd(n, condition, rank=None):
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    values = np.geomspace(1, 1 / condition, n) * rng.uniform(0.5, 20)
    values[rank:] = 0 if rank is not None else values[rank:]
    return np.float32((q * values) @ q.T).astype(np.float64)


roots = []
for n, condition, root, damping, rank in [(1, 1, 2, 1e-6, None), (4, 10, 4, 1e-6, None), (6, 1e3, 2, 1e-6, None), (8, 1e4, 4, 1e-4, None),
                                          (5, 10, 1, 1e-6, None), (5, 50, 3, 1e-6, None), (6, 10, 4, 1e-3, 2), (8, 1e5, 4, 1e-6, None)]:
    a = spd(n, condition, rank)
    roots.append({"root": root, "damping": damping, "condition": condition, "matrix": shaped(a), "result": shaped(inverse_root(a, root, damping))})


class Shampoo:
    """As the docstrings of shampoo.ts say; every statistic of a block has its root by eigh."""

    def __init__(self, shapes, lr=0.001, beta1=0.9, beta2=0.999, matrix_epsilon=1e-6, block=128, frequency=10, begin=0, grafting="adam", epsilon=1e-8, decay=0.0):
        self.o = dict(lr=lr, beta1=beta1, beta2=beta2, matrix_epsilon=matrix_epsilon, block=block, frequency=frequency, begin=begin, grafting=grafting, epsilon=epsilon, decay=decay)
        self.t = 0
        self.state = [dict(m=np.zeros(s), v=np.zeros(s), L={}, R={}, rl={}, rr={}) for s in shapes]

    @staticmethod
    def matrix(x):
        extents = [n for n in x.shape if n != 1] or [1]
        return x.reshape(extents[0], -1)

    def cuts(self, n):
        count = -(-n // self.o["block"])
        side = -(-n // count)
        return [slice(i * side, min((i + 1) * side, n)) for i in range(count)]

    def step(self, ws, gs):
        o = self.o
        self.t += 1
        b1, b2 = o["beta1"], o["beta2"]
        take = 1 if b2 == 1 else 1 - b2
        correct = 1 if b2 == 1 else 1 / (1 - b2 ** self.t)
        since = self.t - 1 - o["begin"]
        out = []
        for w, g, s in zip(ws, gs, self.state):
            w = w * (1 - o["lr"] * o["decay"])
            s["m"] = b1 * s["m"] + (1 - b1) * g
            s["v"] = b2 * s["v"] + take * g * g
            mean = s["m"] / (1 - b1 ** self.t)
            graft = mean / (np.sqrt(s["v"] * correct) + o["epsilon"]) if o["grafting"] == "adam" else mean
            G, M = self.matrix(g), self.matrix(mean)
            P = np.zeros_like(M)
            two = M.shape[1] > 1
            for rows in self.cuts(M.shape[0]):
                for columns in self.cuts(M.shape[1]):
                    key, b = (rows.start, columns.start), G[rows, columns]
                    # Blocks that do not divide a side are filled with zeros, which the norm of damping does not see.
                    s["L"][key] = b2 * s["L"].get(key, 0) + take * b @ b.T
                    s["R"][key] = b2 * s["R"].get(key, 0) + take * b.T @ b
                    if since >= 0 and since % o["frequency"] == 0:
                        s["rl"][key] = inverse_root(s["L"][key] * correct, 4 if two else 2, o["matrix_epsilon"])
                        s["rr"][key] = inverse_root(s["R"][key] * correct, 4, o["matrix_epsilon"])
                    if since >= 0:
                        P[rows, columns] = s["rl"][key] @ M[rows, columns] @ (s["rr"][key] if two else np.eye(1))
            P = P.reshape(w.shape)
            if since < 0:
                P = graft
            elif o["grafting"] != "none":
                P = P * np.linalg.norm(graft) / max(np.linalg.norm(P), 1e-30)
            out.append(w - o["lr"] * P)
        return out


def shampoo(options, **kwargs):
    values = [v.copy() for v in start.values()]
    optimizer = Shampoo([v.shape for v in values], **kwargs)

    def update():
        leaves = [torch.tensor(v, requires_grad=True) for v in values]
        objective(leaves).backward()
        values[:] = optimizer.step(values, [leaf.grad.numpy() for leaf in leaves])

    return {"name": "shampoo", "options": options, "steps": record(lambda: values, update)}


def rosenbrock(p):
    (a,) = p
    return (1 - a[0]) ** 2 + 100 * (a[1] - a[0] ** 2) ** 2


def lbfgs_run(dtype, loss, kwargs):
    at = start.values() if loss == "objective" else [np.float64([-1.2, 1.0])]
    leaves = [torch.tensor(v, dtype=dtype, requires_grad=True) for v in at]
    optimizer = torch.optim.LBFGS(leaves, **kwargs)

    def closure():
        optimizer.zero_grad()
        value = objective(leaves, dtype) if loss == "objective" else rosenbrock(leaves)
        value.backward()
        return value

    return record(lambda: leaves, lambda: optimizer.step(closure))


def lbfgs(options, loss="objective", **kwargs):
    """
    With how far PyTorch's own run in float32 is from the one in float64, relative where numbers are above 1; `settled` is
    the step from which the loss is within 1e-6 of its least, where float32 no longer tells better from worse.
    """
    exact, rounded = (lbfgs_run(dtype, loss, kwargs) for dtype in (torch.float64, torch.float32))
    off = {
        step: float(f"{max(abs(a - b) / max(1, abs(a)) for p, q in zip(rows, rounded[step]) for a, b in zip(p, q)):.1e}")
        for step, rows in exact.items()
    }
    shapes = [v.shape for v in start.values()] if loss == "objective" else [(2,)]
    at = lambda rows: float((objective if loss == "objective" else rosenbrock)([torch.tensor(v).reshape(s) for v, s in zip(rows, shapes)]))
    losses = {step: at(rows) for step, rows in exact.items()}
    settled = next(step for step in losses if losses[step] - min(losses.values()) < 1e-6)
    return {"name": "lbfgs", "loss": loss, "options": options, "float32": off, "settled": settled, "steps": exact}


S = "strong_wolfe"
cases = [
    shampoo({"learningRate": 0.01, "matrixEpsilon": 1e-3}, lr=0.01, matrix_epsilon=1e-3),
    shampoo({"learningRate": 0.01, "matrixEpsilon": 1e-2, "grafting": "sgd", "preconditioningFrequency": 1}, lr=0.01, matrix_epsilon=1e-2, grafting="sgd", frequency=1),
    shampoo({"learningRate": 0.05, "beta1": 0, "beta2": 1, "matrixEpsilon": 1e-3, "grafting": "none", "preconditioningFrequency": 1},
            lr=0.05, beta1=0, beta2=1, matrix_epsilon=1e-3, grafting="none", frequency=1),
    shampoo({"learningRate": 0.01, "blockSize": 2, "preconditioningFrequency": 7, "preconditioningStart": 4, "matrixEpsilon": 1e-2, "weightDecay": 0.1},
            lr=0.01, block=2, frequency=7, begin=4, matrix_epsilon=1e-2, decay=0.1),
    lbfgs({"maxIter": 1, "maxEval": 20}, max_iter=1, max_eval=20, line_search_fn=S),
    lbfgs({"maxIter": 4, "historySize": 3}, max_iter=4, history_size=3, line_search_fn=S),
    lbfgs({}, line_search_fn=S),
    lbfgs({"learningRate": 0.1, "maxIter": 1, "lineSearchFn": None}, lr=0.1, max_iter=1),
    lbfgs({"learningRate": 0.5, "maxIter": 5, "maxEval": 4, "lineSearchFn": None, "historySize": 10}, lr=0.5, max_iter=5, max_eval=4, history_size=10),
    lbfgs({"maxIter": 1, "maxEval": 20}, "rosenbrock", max_iter=1, max_eval=20, line_search_fn=S),
    lbfgs({"maxIter": 5, "maxEval": 9, "historySize": 4}, "rosenbrock", max_iter=5, max_eval=9, history_size=4, line_search_fn=S),
    lbfgs({"learningRate": 0.05, "maxIter": 2, "lineSearchFn": None}, "rosenbrock", lr=0.05, max_iter=2),
]
write(pathlib.Path(__file__).with_name("second_order.json"), {"made": f"numpy {np.__version__}, torch {torch.__version__.split('+')[0]}", "roots": roots}, cases)

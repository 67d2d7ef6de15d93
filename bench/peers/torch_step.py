"""One PyTorch training step, driven over standard input so that it can take turns with other peers.

Protocol: a JSON line with the scenario, then its weights and batches as raw little-endian bytes; the answer is a
JSON line. After that each line `step` trains on the next batch and is answered by the milliseconds it took,
`loss` by the last loss, `quit` ends.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn



def read(count, dtype):
    size = count * np.dtype(dtype).itemsize
    data = sys.stdin.buffer.read(size)
    return torch.from_numpy(np.frombuffer(data, dtype=dtype).copy())


def build(layers, weights):
    modules = []
    for layer in layers:
        kind = layer["kind"]
        if kind == "flatten":
            modules.append(nn.Flatten())
        elif kind == "maxPool":
            modules.append(nn.MaxPool2d(layer["size"]))
        else:
            kernel, bias = weights.pop(0), weights.pop(0)
            if kind == "dense":
                module = nn.Linear(kernel.shape[0], kernel.shape[1])
                kernel = kernel.t().contiguous()
            else:
                module = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2])
            with torch.no_grad():
                module.weight.copy_(kernel)
                module.bias.copy_(bias)
            modules.append(module)
            if layer["relu"]:
                modules.append(nn.ReLU())
    return nn.Sequential(*modules)


def main():
    spec = json.loads(sys.stdin.buffer.readline())
    torch.set_num_threads(spec["threads"])
    weights = [read(int(np.prod(shape)), np.float32).reshape(shape) for shape in spec["weights"]]
    batches = []
    for _ in range(spec["batches"]):
        x = read(spec["batchSize"] * int(np.prod(spec["input"])), np.float32)
        y = read(spec["batchSize"], np.int32).long()
        batches.append((x.reshape([spec["batchSize"], *spec["input"]]), y))

    model = build(spec["layers"], weights)
    if spec["channelsLast"]:
        model = model.to(memory_format=torch.channels_last)
    adam = spec["adam"]
    options = {"lr": adam["learningRate"], "betas": (adam["beta1"], adam["beta2"])}
    optimizer = torch.optim.Adam(model.parameters(), **options, **{spec["optimizer"]: True})
    criterion = nn.CrossEntropyLoss()
    print(json.dumps({"version": torch.__version__}), flush=True)

    t = 0
    loss = None
    for line in sys.stdin.buffer:
        command = line.strip()
        if command == b"step":
            x, y = batches[t % len(batches)]
            t += 1
            # Keras adds epsilon before the bias correction of v, PyTorch after it.
            optimizer.param_groups[0]["eps"] = adam["epsilon"] / (1 - adam["beta2"] ** t) ** 0.5
            start = time.perf_counter()
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            print((time.perf_counter() - start) * 1000, flush=True)
        elif command == b"loss":
            print(loss.item(), flush=True)
        else:
            break


main()

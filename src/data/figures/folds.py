"""Parts of scikit-learn's KFold and StratifiedKFold. Run: python folds.py"""

import json
import os
import random

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

rng = random.Random(1)
cases = []
for n, k, classes in [(10, 5, 2), (11, 3, 2), (23, 4, 3), (30, 7, 4), (17, 2, 5)]:
    labels = [rng.choice(range(classes)) for _ in range(n)] + [0] * k
    x = np.zeros(len(labels))
    cases.append({
        "labels": labels,
        "folds": k,
        "plain": [v.tolist() for _, v in KFold(k).split(x)],
        "stratified": [v.tolist() for _, v in StratifiedKFold(k).split(x, labels)],
    })
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "folds.json"), "w") as file:
    json.dump(cases, file)
    file.write("\n")

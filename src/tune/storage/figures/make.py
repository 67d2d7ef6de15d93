"""Makes optuna-5.sql and optuna-5.json: a small study as Optuna writes it, and as Optuna reads it.

python make.py, with Optuna 5 installed.
"""

import json
import os
import sqlite3
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "..", "test", "tune-storage"))

import optuna_side  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "study.db")
    read = optuna_side.rich(f"sqlite:///{path}", "rich")
    with open(os.path.join(HERE, "optuna-5.json"), "w") as file:
        json.dump(read, file, indent=1)
    with open(os.path.join(HERE, "optuna-5.sql"), "w") as file:
        for line in sqlite3.connect(path).iterdump():
            file.write(line + "\n")

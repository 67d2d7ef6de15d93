"""What Keras 3's own callbacks do with given logs, and the order in which it calls them: callbacks.json.

KERAS_BACKEND=torch or tensorflow python callbacks.py
"""

import json
import os
import random
import tempfile
import types

import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def stub(rate=0.5):
    model = types.SimpleNamespace(stop_training=False, optimizer=keras.optimizers.SGD(rate), at=-1, put_back=None)
    model.get_weights = lambda: model.at
    model.set_weights = lambda weights: setattr(model, "put_back", weights)
    return model


def play(callback, model, logs, after=lambda epoch, logs: None):
    """The hooks of epochs, until the callback stops them; how many there were."""
    callback.set_model(model)
    callback.set_params({"epochs": len(logs)})
    callback.on_train_begin()
    ran = 0
    for epoch, values in enumerate(logs):
        model.at = epoch
        callback.on_epoch_begin(epoch)
        values = dict(values)
        callback.on_epoch_end(epoch, values)
        after(epoch, values)
        ran += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return ran


def sequence(rng, length, digits=2):
    return [round(rng.uniform(0, 1) + 1 / (1 + i), digits) for i in range(length)]


def early_stopping():
    rng = random.Random(1)
    cases = []
    for i in range(120):
        options = {
            "patience": rng.choice([0, 1, 2, 3, 5]),
            "min_delta": rng.choice([0, 0, 0.05, 0.3, -0.1]),
            "mode": rng.choice(["min", "max", "auto"]),
            "baseline": rng.choice([None, None, 0.5, 1.2]),
            "restore_best_weights": rng.choice([True, False]),
            "start_from_epoch": rng.choice([0, 0, 2, 4]),
        }
        values = sequence(rng, 16)
        callback, model = keras.callbacks.EarlyStopping("val_loss", **options), stub()
        ran = play(callback, model, [{"val_loss": v} for v in values])
        cases.append(
            {
                "options": {camel(k): v for k, v in options.items()},
                "values": values,
                "ran": ran,
                "putBack": model.put_back,
                "best": callback.best_epoch,
            }
        )
    return cases


def reduce_lr():
    rng = random.Random(2)
    cases = []
    for i in range(80):
        options = {
            "factor": rng.choice([0.1, 0.5, 0.9]),
            "patience": rng.choice([0, 1, 2, 3]),
            "min_delta": rng.choice([0, 1e-4, 0.1]),
            "mode": rng.choice(["min", "max", "auto"]),
            "cooldown": rng.choice([0, 0, 1, 3]),
            "min_lr": rng.choice([0, 0.01, 0.2]),
        }
        values = sequence(rng, 20)
        model, logged, rates = stub(), [], []

        def after(epoch, logs):
            logged.append(float(logs["learning_rate"]))
            rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))

        play(keras.callbacks.ReduceLROnPlateau("val_loss", **options), model, [{"val_loss": v} for v in values], after)
        cases.append(
            {
                "options": {camel(k): v for k, v in options.items()},
                "values": values,
                "logged": logged,
                "rates": rates,
            }
        )
    return cases


def model_checkpoint():
    rng = random.Random(3)
    cases = []
    for i in range(30):
        options = {
            "save_best_only": rng.choice([True, True, False]),
            "mode": rng.choice(["min", "max", "auto"]),
            "initial_value_threshold": rng.choice([None, None, 0.9]),
        }
        values = sequence(rng, 10)
        saved = []
        model = stub()
        model.save = lambda path, overwrite=True: saved.append(os.path.basename(path))
        callback = keras.callbacks.ModelCheckpoint("{epoch:03d}-{val_loss:.1f}.keras", monitor="val_loss", **options)
        play(callback, model, [{"val_loss": v} for v in values])
        cases.append({"options": {camel(k): v for k, v in options.items()}, "values": values, "saved": saved})
    every = []
    for freq, batches in [(1, [3, 2]), (2, [3, 3]), (3, [4, 4, 4]), (5, [2, 2, 2, 2, 2, 2])]:
        saved = []
        model = stub()
        model.save = lambda path, overwrite=True: saved.append(path)
        callback = keras.callbacks.ModelCheckpoint("{epoch}-{batch:02d}-{loss:.2e}.keras", save_freq=freq, monitor="loss")
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, count in enumerate(batches):
            callback.on_epoch_begin(epoch)
            for batch in range(count):
                callback.on_train_batch_end(batch, {"loss": 1 / (batch + 3)})
            callback.on_epoch_end(epoch, {"loss": 1.0})
        every.append({"saveFreq": freq, "batches": batches, "saved": saved})
    return {"best": cases, "every": every}


def formats():
    rng = random.Random(4)
    specs = ["", "02d", "5d", "d", ".2f", "08.3f", ".0f", "f", ".3e", "e", ".4g", "g", "10.2g", ".1%", "012.4e", "%"]
    numbers = [0.0, 1.0, -3.0, 12.0, 0.1, -0.00001234, 123456.789, 1e-10, 2.5e15, 0.125, 100000.0, 1e6, 99999.95]
    out = []
    for spec in specs:
        for value in numbers + [rng.uniform(-10, 10) for _ in range(4)]:
            given = int(value) if spec.endswith("d") else value
            if spec == "" and (abs(value) >= 1e15 or (value != 0 and abs(value) < 1e-4) or value == int(value)):
                continue  # how a number is written without a format is each language's own
            out.append([spec, given, ("{x:" + spec + "}").format(x=given)])
    return out


def csv_logger():
    folder = tempfile.mkdtemp()
    rows = [{"loss": 0.5, "accuracy": 0.25}, {"loss": 0.25, "accuracy": 0.5, "val_loss": 1.5}]
    full = [{"loss": 0.5, "val_loss": 0.75}, {"loss": 0.25}]
    out = {}
    for name, logs, options in [("plain", rows, {}), ("semicolon", full, {"separator": ";"})]:
        path = os.path.join(folder, name)
        play(keras.callbacks.CSVLogger(path, **options), stub(), logs)
        play(keras.callbacks.CSVLogger(path, append=True, **options), stub(), logs)
        out[name] = open(path, newline="").read().replace("\r\n", "\n")
    return out


def orders():
    """Hooks as fit, evaluate and predict call them, with the names in their logs."""
    heard = []

    class Listener(keras.callbacks.Callback):
        pass

    def listen(hook, indexed):
        def with_index(self, at, logs=None):
            heard.append([camel(hook), int(at), sorted(logs or {})])

        def without(self, logs=None):
            heard.append([camel(hook), sorted(logs or {})])

        return with_index if indexed else without

    for stage in ["train", "test", "predict"]:
        for hook, indexed in [("begin", False), ("end", False), ("batch_begin", True), ("batch_end", True)]:
            setattr(Listener, f"on_{stage}_{hook}", listen(f"on_{stage}_{hook}", indexed))
    Listener.on_epoch_begin = listen("on_epoch_begin", True)
    Listener.on_epoch_end = listen("on_epoch_end", True)

    def take():
        taken = heard[:]
        heard.clear()
        return taken

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    x, y = np.zeros((6, 2)), np.zeros((6, 1))
    rate = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 / (1 + epoch))
    out = {}
    model.fit(x, y, batch_size=4, epochs=2, validation_data=(x[:3], y[:3]), callbacks=[rate, Listener()], verbose=0)
    out["fit"] = take()
    model.evaluate(x, y, batch_size=4, callbacks=[Listener()], verbose=0)
    out["evaluate"] = take()
    model.predict(x, batch_size=4, callbacks=[Listener()], verbose=0)
    out["predict"] = take()

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model.fit(x, y, batch_size=2, epochs=3, callbacks=[Stop(), Listener()], verbose=0)
    out["stopped"] = take()
    return out


figures = {
    "earlyStopping": early_stopping(),
    "reduceLROnPlateau": reduce_lr(),
    "modelCheckpoint": model_checkpoint(),
    "formats": formats(),
    "csvLogger": csv_logger(),
    "order": orders(),
}
with open(os.path.join(HERE, "callbacks.json"), "w") as f:
    json.dump(figures, f, separators=(",", ":"))
    f.write("\n")

"""What TensorBoard reads from a folder of event files, as JSON: python read.py FOLDER (used by the tests)."""
import io, json, math, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")  # TensorFlow takes long to load, and is not needed
from PIL import Image
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, event_accumulator, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

folder = sys.argv[1]
number = lambda x: x if math.isfinite(x) else str(x)
events = event_accumulator.EventAccumulator(folder, size_guidance={k: 0 for k in event_accumulator.DEFAULT_SIZE_GUIDANCE})
events.Reload()
tags = events.Tags()


def picture(event):
    image = Image.open(io.BytesIO(event.encoded_image_string))
    assert image.size == (event.width, event.height)
    pixels = [p for pixel in image.getdata() for p in (pixel if isinstance(pixel, tuple) else (pixel,))]
    return [event.width, event.height, image.mode, pixels]


def counts(h):
    return {"min": h.min, "max": h.max, "num": h.num, "sum": h.sum, "sum_squares": h.sum_squares,
            "limits": list(h.bucket_limit), "counts": list(h.bucket)}


# The HPARAMS tab asks the plugin, through TensorBoard's own provider of data, over the runs below the folder.
multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(folder).Reload()
provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
backend = backend_context.Context(base_plugin.TBContext(logdir=folder, multiplexer=multiplexer, data_provider=provider))
request = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=100, allowed_statuses=[
    api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING])
groups = list_session_groups.Handler(context.RequestContext(), backend, "", request).run().session_groups
value = lambda v: getattr(v, v.WhichOneof("kind"))
print(json.dumps({
    "scalars": {tag: [[e.step, number(e.value)] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "histograms": {tag: [[e.step, counts(e.histogram_value)] for e in events.Histograms(tag)] for tag in tags["histograms"]},
    "images": {tag: [[e.step, picture(e)] for e in events.Images(tag)] for tag in tags["images"]},
    "texts": {tag: [[e.step, [s.decode() for s in e.tensor_proto.string_val]] for e in events.Tensors(tag)]
              for tag in tags["tensors"] if not tag.startswith("_hparams_")},
    "hparams": [{"hparams": {k: value(v) for k, v in group.hparams.items()},
                 "status": api_pb2.Status.Name(session.status),
                 "metrics": {"/".join(filter(None, [m.name.group, m.name.tag])): number(m.value) for m in session.metric_values}}
                for group in groups for session in group.sessions],
}))

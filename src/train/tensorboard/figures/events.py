"""Events as TensorBoard's own protocol buffers encode them: python events.py writes events.json."""
import base64, json, pathlib, struct
import tensorboard
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

T = 1700000000.25
Value = summary_pb2.Summary.Value
TENSOR = summary_pb2.DATA_CLASS_TENSOR


def plugin(name, content=b""):
    return summary_pb2.SummaryMetadata(
        data_class=TENSOR, plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=name, content=content))


def text(tag, lines, *shape):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[line.encode() for line in lines])
    tensor.tensor_shape.SetInParent()
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return Value(tag=tag, tensor=tensor, metadata=plugin("text"))


def hparams(tag, **data):
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT, tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim()]))
    content = plugin_data_pb2.HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, **data)
    return Value(tag=tag, tensor=tensor, metadata=plugin("hparams", content.SerializeToString(deterministic=True)))


start = plugin_data_pb2.SessionStartInfo(group_name="wide", start_time_secs=T)
start.hparams["rate"].number_value = 0
histogram = dict(min=-1, max=3, num=5, sum=4, sum_squares=20, bucket_limit=[1, 3], bucket=[3, 2])
image = summary_pb2.Summary.Image(height=1, width=2, colorspace=1, encoded_image_string=b"png")
values = {
    "scalar": (3, Value(tag="epoch_loss", simple_value=0.1)),
    "zero": (0, Value(tag="zero", simple_value=0)),
    "large step": (2**40, Value(tag="a", simple_value=-1e30)),
    "histogram": (1, Value(tag="dense/kernel", histo=histogram)),
    "image": (300, Value(tag="image", image=image)),
    "text": (1, text("note", ["größer"])),
    "table": (1, text("table", ["a", "b", "c", "d"], 2, 2)),
    "experiment": (0, hparams("_hparams_/experiment", experiment=api_pb2.Experiment(
        time_created_secs=T,
        hparam_infos=[api_pb2.HParamInfo(name="rate", type="DATA_TYPE_FLOAT64"), api_pb2.HParamInfo(name="net", type="DATA_TYPE_STRING"),
                      api_pb2.HParamInfo(name="norm", type="DATA_TYPE_BOOL")],
        metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(group="validation", tag="epoch_loss"), display_name="loss"),
                      api_pb2.MetricInfo(name=api_pb2.MetricName(tag="score"))]))),
    "session start": (0, hparams("_hparams_/session_start_info", session_start_info=start)),
    "session end": (0, hparams("_hparams_/session_end_info", session_end_info=plugin_data_pb2.SessionEndInfo(
        status=api_pb2.STATUS_FAILURE, end_time_secs=T))),
}


class Sink:
    bytes = b""

    def write(self, more):
        self.bytes += more


def record(event):
    sink = Sink()
    RecordWriter(sink).write(event.SerializeToString(deterministic=True))
    return base64.b64encode(sink.bytes).decode()


out = {"made": f"tensorboard {tensorboard.__version__}", "time": T,
       "version": record(event_pb2.Event(wall_time=T, file_version="brain.Event:2", source_metadata=event_pb2.SourceMetadata(writer="anneal"))),
       "events": {name: record(event_pb2.Event(wall_time=T, step=step, summary=summary_pb2.Summary(value=[value])))
                  for name, (step, value) in values.items()}}
pathlib.Path(__file__).with_name("events.json").write_text(json.dumps(out, indent=1) + "\n")

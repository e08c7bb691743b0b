"""``config.pbtxt``, read by protobuf's own parser with the fields of Triton's ModelConfig that edgecnn writes.

Names, numbers and types are those of protobuf/model_config.proto in Triton's repository ``common``. What is misspelled,
of another type or of another place is refused there, and so it is here.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

TYPES = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
}
ENUMS = {
    "DataType": {"TYPE_INVALID": 0, "TYPE_UINT8": 2, "TYPE_INT64": 9, "TYPE_FP16": 10, "TYPE_FP32": 11},
    "Kind": {"KIND_AUTO": 0, "KIND_GPU": 1, "KIND_CPU": 2, "KIND_MODEL": 3},
}
# By message: name, number, type; + is repeated. A map is a repeated message of a key and a value.
MESSAGES = {
    "ModelInput": "name 1 string, data_type 2 DataType, dims 4 int64+",
    "ModelOutput": "name 1 string, data_type 2 DataType, dims 3 int64+, label_filename 4 string",
    "Latest": "num_versions 1 uint32",
    "ModelVersionPolicy": "latest 1 Latest",
    "ModelInstanceGroup": "name 1 string, count 2 int32, gpus 3 int32+, kind 4 Kind",
    "ModelDynamicBatching": "preferred_batch_size 1 int32+, max_queue_delay_microseconds 2 uint64",
    "ModelParameter": "string_value 1 string",
    "Parameter": "key 1 string, value 2 ModelParameter",
    "WarmupInput": "data_type 1 DataType, dims 2 int64+, zero_data 3 bool, random_data 4 bool",
    "WarmedInput": "key 1 string, value 2 WarmupInput",
    "ModelWarmup": "name 1 string, batch_size 2 uint32, inputs 3 WarmedInput+",
    "ModelConfig": "name 1 string, version_policy 3 ModelVersionPolicy, max_batch_size 4 int32, input 5 ModelInput+, "
    "output 6 ModelOutput+, instance_group 7 ModelInstanceGroup+, dynamic_batching 11 ModelDynamicBatching, "
    "parameters 14 Parameter+, model_warmup 16 ModelWarmup+, backend 17 string",
}


def read(text: str) -> Any:
    """Return a ModelConfig. Raises text_format.ParseError."""
    return text_format.Parse(text, _model_config()())


@cache
def _model_config() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="edgecnn_model_config.proto", package="triton", syntax="proto3")
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for key, number in values.items():
            enum.value.add(name=key, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            _add_field(message, *field.split())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("triton.ModelConfig"))


def _add_field(message: Any, name: str, number: str, kind: str) -> None:
    field = message.field.add(name=name, number=int(number))
    plain, kinds = kind.rstrip("+"), descriptor_pb2.FieldDescriptorProto
    field.label = kinds.LABEL_REPEATED if kind.endswith("+") else kinds.LABEL_OPTIONAL
    if plain in TYPES:
        field.type = TYPES[plain]
    else:
        field.type = kinds.TYPE_ENUM if plain in ENUMS else kinds.TYPE_MESSAGE
        field.type_name = f".triton.{plain}"

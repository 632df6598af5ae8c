"""The published messages, built with Google's protobuf from descriptors made here."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
STRING, ENUM, BOOL, UINT32, UINT64 = (
    _FIELD.TYPE_STRING,
    _FIELD.TYPE_ENUM,
    _FIELD.TYPE_BOOL,
    _FIELD.TYPE_UINT32,
    _FIELD.TYPE_UINT64,
)
FLOAT, DOUBLE = _FIELD.TYPE_FLOAT, _FIELD.TYPE_DOUBLE
OPTIONAL = True

MESSAGES: dict[str, list[tuple[int, str, Any, bool]]] = {
    "TokenRequest": [(1, "client_id", STRING, False), (2, "type", ENUM, False), (3, "need_script", BOOL, OPTIONAL)],
    "SecretTokenRequest": [
        (1, "client_id", STRING, False),
        (2, "type", ENUM, False),
        (3, "need_script", BOOL, OPTIONAL),
        (15, "secret", STRING, OPTIONAL),
    ],
    "TokenResponse": [
        (1, "access_token", STRING, OPTIONAL),
        (2, "expires_in", UINT32, OPTIONAL),
        (3, "status", UINT32, False),
        (4, "status_message", STRING, OPTIONAL),
        (5, "script", STRING, OPTIONAL),
        (6, "analog_rotation_per_kwh", UINT32, OPTIONAL),
        (7, "gas_rotation_per_kwh", DOUBLE, OPTIONAL),
    ],
    "SensorDataRequest": [(1, "access_token", STRING, False), (2, "type", ENUM, False), (3, "value", FLOAT, False)],
    "SensorDataRequestV2": [
        (1, "access_token", STRING, False),
        (2, "type", ENUM, False),
        (3, "value", DOUBLE, False),
        (4, "value_current", DOUBLE, OPTIONAL),
        (5, "value_out", DOUBLE, OPTIONAL),
        (6, "timestamp", UINT64, OPTIONAL),
    ],
    "EnergyDataRequest": [
        (1, "access_token", STRING, False),
        (2, "value", DOUBLE, False),
        (4, "value_current", DOUBLE, OPTIONAL),
        (5, "value_out", DOUBLE, OPTIONAL),
        (6, "timestamp", STRING, OPTIONAL),
    ],
    "GasDataRequest": [
        (1, "access_token", STRING, False),
        (2, "value", DOUBLE, False),
        (3, "value_current", DOUBLE, OPTIONAL),
    ],
    "SensorDataResponse": [(1, "status", UINT32, False), (2, "status_message", STRING, OPTIONAL)],
    "ScriptAcceptedRequest": [(1, "access_token", STRING, False)],
    # A message of a later release: fields of every wire type that ours does not know.
    "Later": [
        (1, "access_token", STRING, False),
        (3, "value", DOUBLE, False),
        (40, "number", UINT64, False),
        (41, "text", STRING, False),
        (42, "eight", DOUBLE, False),
        (5000, "four", FLOAT, False),
    ],
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="meters.proto", package="meters", syntax="proto3")
    kinds = file.enum_type.add(name="SensorType")
    for number, name in enumerate(("ANALOG_ELECTRICITY", "DIGITAL_ELECTRICITY", "GAS", "WATER")):
        kinds.value.add(name=name, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, optional in fields:
            made = message.field.add(name=field, number=number, type=kind, label=_FIELD.LABEL_OPTIONAL)
            if kind == ENUM:
                made.type_name = ".meters.SensorType"
            if optional:
                made.proto3_optional = True
                made.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field}")
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.AddSerializedFile(_file().SerializeToString())


def message(name: str, **values: Any) -> Any:
    """A message; fields that are None are left out."""
    made = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"meters.{name}"))
    return made(**{field: value for field, value in values.items() if value is not None})


def parsed(name: str, data: bytes) -> Any:
    """The message that Google's reader finds in the bytes."""
    found = message(name)
    found.ParseFromString(data)
    return found

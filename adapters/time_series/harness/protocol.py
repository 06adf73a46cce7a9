"""Frames between the harness and a served forecaster: 4-byte length, JSON header, raw array bytes. No pickle.

Header: {"op": ..., other JSON values, "arrays": [{"name", "dtype", "shape"}, ...]}; the arrays follow in that order.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

HEADER_LIMIT = 1 << 22
"""Bytes a header may have; a longer one is not a header."""
DTYPES = ("<f8", "<i8", "|b1")

ReadExactly = Callable[[int], bytes]


class BadFrame(ValueError):
    """The bytes are not a frame, or not one that was asked for."""


def pack(op: str, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Return the bytes of a frame."""
    plain = {name: np.ascontiguousarray(array, dtype=_wire_dtype(array)) for name, array in arrays.items()}
    described = [{"name": n, "dtype": a.dtype.str, "shape": list(a.shape)} for n, a in plain.items()]
    header = json.dumps({**values, "op": op, "arrays": described}).encode()
    return b"".join([struct.pack(">I", len(header)), header, *(a.tobytes() for a in plain.values())])


def _wire_dtype(array: np.ndarray) -> str:
    kind = np.asarray(array).dtype.kind
    return {"i": "<i8", "u": "<i8", "b": "|b1"}.get(kind, "<f8")


def read_header(read: ReadExactly, limit: int = HEADER_LIMIT) -> dict[str, Any]:
    """Read the header of the next frame; nothing of its arrays.

    Raises:
        BadFrame: the length or the JSON is not that of a header.
    """
    (length,) = struct.unpack(">I", read(4))
    if not 2 <= length <= limit:
        raise BadFrame(f"a header of {length} bytes")
    try:
        header = json.loads(read(length))
    except (ValueError, RecursionError) as error:
        raise BadFrame("the header is not JSON") from error
    if not isinstance(header, dict) or not isinstance(header.get("arrays"), list):
        raise BadFrame("the header names no arrays")
    return header


def read_arrays(read: ReadExactly, header: dict[str, Any]) -> dict[str, np.ndarray]:
    """Read the arrays that a trusted header announces."""
    return {item["name"]: _read_array(read, item["dtype"], tuple(item["shape"])) for item in header["arrays"]}


def _read_array(read: ReadExactly, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype not in DTYPES:
        raise BadFrame(f"arrays of type {dtype} are not sent")
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(read(size) if size else b"", dtype=dtype).reshape(shape)


def read_answer(read: ReadExactly, shape: tuple[int, int]) -> np.ndarray:
    """Read one answer of an untrusted sender; its header must announce exactly what was asked for.

    Raises:
        BadFrame: anything else is announced; none of its bytes is read then.
    """
    header = read_header(read, limit=1 << 16)
    expected = [{"name": "answer", "dtype": "<f8", "shape": list(shape)}]
    if header.get("op") != "answer" or header["arrays"] != expected:
        raise BadFrame(f"asked for float64 {list(shape)}, got {_short(header['arrays'])}")
    return _read_array(read, "<f8", shape)


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 200 else text[:200] + "..."

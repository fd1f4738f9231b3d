"""The two framings of /api/kernels/{id}/channels, written from Jupyter Server's documentation.

A message here is a dictionary with `channel`, `header`, `parent_header`, `metadata`, `content` and `buffers`.
"""

import json
import struct

V1 = "v1.kernel.websocket.jupyter.org"
PARTS = ("header", "parent_header", "metadata", "content")


def decode(frame, subprotocol):
    if subprotocol == V1:
        assert isinstance(frame, bytes), f"a text frame under {V1}"
        return decode_v1(frame)
    return decode_legacy(frame)


def encode(message, subprotocol):
    return encode_v1(message) if subprotocol == V1 else encode_legacy(message)


def decode_v1(frame):
    count = struct.unpack_from("<Q", frame)[0]
    offsets = struct.unpack_from(f"<{count}Q", frame, 8)
    assert offsets[0] == 8 * (1 + count) and offsets[-1] == len(frame), offsets
    channel, *parts = [frame[start:end] for start, end in zip(offsets, offsets[1:])]
    message = {name: json.loads(part) for name, part in zip(PARTS, parts)}
    return {**message, "channel": channel.decode(), "buffers": parts[len(PARTS) :]}


def encode_v1(message):
    parts = [message["channel"].encode(), *(json.dumps(message[name]).encode() for name in PARTS), *message["buffers"]]
    offsets = [8 * (2 + len(parts))]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{1 + len(offsets)}Q", len(offsets), *offsets) + b"".join(parts)


def decode_legacy(frame):
    if isinstance(frame, str):
        message, buffers = json.loads(frame), []
    else:
        count = struct.unpack_from(">I", frame)[0]
        offsets = [*struct.unpack_from(f">{count}I", frame, 4), len(frame)]
        first, *buffers = [frame[start:end] for start, end in zip(offsets, offsets[1:])]
        message = json.loads(first)
    assert message["msg_id"] == message["header"]["msg_id"], "clients read it at the top"
    assert message["msg_type"] == message["header"]["msg_type"], "clients read it at the top"
    return {**{name: message[name] for name in PARTS}, "channel": message["channel"], "buffers": buffers}


def encode_legacy(message):
    if not message["buffers"]:
        return json.dumps(message)
    parts = [json.dumps({**message, "buffers": []}).encode(), *message["buffers"]]
    offsets = [4 * (1 + len(parts))]
    for part in parts[:-1]:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f">{1 + len(parts)}I", len(parts), *offsets) + b"".join(parts)

"""The hand-tuned rows: a buffer that plays every packet a fixed time after the first, with all of libopus.

It knows the trace's jitter beforehand (somebody chose its delay) and never adapts: what it reaches is what
good concealment is worth, and what a receiver that has to find its own delay is measured against.
"""

import ctypes

import numpy as np

RATE = 48_000
PACKET = RATE // 50
NEURAL = 7  # decoder complexity: neural concealment starts at 5


def packets(path: str) -> list[bytes]:
    """The packets of an .opkt file."""
    with open(path, "rb") as file:
        whole = file.read()
    found, at = [], 0
    while at < len(whole):
        length = int.from_bytes(whole[at : at + 2], "little")
        found.append(whole[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def arrivals(path: str) -> np.ndarray:
    """When each packet arrives, in ms after packet 0 was sent; infinite when it never does."""
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    at = np.full(int(rows[:, 0].max()) + 1, np.inf)
    arrived = rows[:, 1] == 0
    index = rows[arrived, 0].astype(int)
    at[index] = index * 20.0 + rows[arrived, 2]
    return at


def heard(library: ctypes.CDLL, packets: list[bytes], at: np.ndarray, delay_ms: float) -> tuple[np.ndarray, dict]:
    """What is played when every packet is played `delay_ms` after the shortest way through the network."""
    library.opus_decoder_create.restype = ctypes.c_void_p
    error = ctypes.c_int()
    decoder = ctypes.c_void_p(library.opus_decoder_create(RATE, 1, ctypes.byref(error)))
    library.opus_decoder_ctl(decoder, 4010, ctypes.c_int(NEURAL))
    count = min(len(packets), len(at))
    sent = np.arange(count) * 20.0
    shortest = float(np.min((at[:count] - sent)))
    start = round((shortest + delay_ms) * RATE / 1000)
    out = np.zeros(start + count * PACKET, dtype=np.float32)
    frame = (ctypes.c_float * PACKET)()
    repaired = concealed = 0
    waited = []
    for n in range(count):
        due = sent[n] + shortest + delay_ms
        if at[n] <= due:
            library.opus_decode_float(decoder, packets[n], len(packets[n]), frame, PACKET, 0)
            waited.append(due - at[n])
        elif n + 1 < count and at[n + 1] <= due:
            library.opus_decode_float(decoder, packets[n + 1], len(packets[n + 1]), frame, PACKET, 1)
            repaired += 1
        else:
            library.opus_decode_float(decoder, None, 0, frame, PACKET, 0)
            concealed += 1
        out[start + n * PACKET : start + (n + 1) * PACKET] = frame
    return out, {
        "meanDelayMs": round(float(np.mean(waited)), 1),
        "repairedPct": round(100 * repaired / count, 2),
        "concealedPct": round(100 * concealed / count, 2),
    }

#!/usr/bin/env python3
"""Makes speech, packets and network traces for the voice benches; everything is repeatable from its seed.

usage: material.py DIR [--encoder LIBRARY]

DIR gets speech.f32 (48 kHz mono), LOSS.opkt (the speech as Opus, 20 ms per packet, redundancy set for LOSS per
cent) and CONDITION-SEED.csv (packet index, lost 0/1, one-way delay in ms). Needs numpy, espeak-ng and libopus.
"""

import argparse
import ctypes
import io
import pathlib
import subprocess
import sys
import wave

import numpy as np

RATE = 48_000
PACKET = RATE // 50
SEEDS = 10
BASE_DELAY_MS = 20.0

# Phonetically balanced (Harvard lists); three voices take turns.
VOICES = [("en-us+m3", 150), ("en-gb+f2", 160), ("en-us+f4", 145)]
SENTENCES = [
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background.",
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls. The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us. A large size in stockings is hard to sell.",
    "The boy was there when the sun rose. A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring. Kick the ball straight and follow through.",
    "Help the woman get back to her feet. A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat. The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea. The girl at the booth sold fifty bonds.",
]
SECONDS = 56

# name: (loss in per cent the encoder is told, how packets are lost, 98th percentile of jitter in ms, stalls?)
CONDITIONS = {
    "clean": (0, None, 0, False),
    "rand5": (5, ("random", 0.05), 20, False),
    "rand10": (10, ("random", 0.10), 40, False),
    "rand20": (20, ("random", 0.20), 40, False),
    "burst5": (5, ("burst", 0.05), 20, False),
    "burst10": (10, ("burst", 0.10), 40, False),
    "burst20": (20, ("burst", 0.20), 40, False),
    "jitter80": (0, None, 80, False),
    "wifi": (3, ("random", 0.03), 20, True),
}


def spoken(voice: str, speed: int, text: str) -> np.ndarray:
    """One utterance at 48 kHz, trimmed, with a speech level of -26 dB."""
    said = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text], check=True, capture_output=True
    ).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        # A pipe's header does not know the length: read what is there.
        samples = np.frombuffer(file.readframes(1 << 30), dtype="<i2").astype(np.float64) / 32768
    samples = resampled(samples, rate)
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    samples = samples[loud[0] : loud[-1]]
    active = samples[np.abs(samples) > 0.01]
    return samples * (10 ** (-26 / 20) / np.sqrt(np.mean(active**2)))


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """By the spectrum: exact, and the whole utterance is at hand."""
    wanted = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)
    wide = np.zeros(wanted // 2 + 1, dtype=complex)
    shared = min(len(spectrum), len(wide))
    wide[:shared] = spectrum[:shared]
    return np.fft.irfft(wide, wanted) * (wanted / len(samples))


def speech() -> np.ndarray:
    """Sentences with pauses of 0.3 to 0.7 s, until 56 s are full."""
    random = np.random.default_rng(1)
    parts = [np.zeros(RATE // 2)]
    for number, text in enumerate(SENTENCES * 3):
        voice, speed = VOICES[number % len(VOICES)]
        for sentence in text.split(". "):
            parts += [spoken(voice, speed, sentence), np.zeros(int(RATE * random.uniform(0.3, 0.7)))]
        if sum(map(len, parts)) > SECONDS * RATE:
            break
    whole = np.concatenate(parts)[: SECONDS * RATE]
    whole[-RATE // 4 :] = 0
    # A silent room is not digital silence.
    whole += random.normal(0, 10 ** (-75 / 20), len(whole))
    return whole.astype("<f4")


def encoded(library: ctypes.CDLL, samples: np.ndarray, loss_pct: int) -> bytes:
    """u16 little-endian length and Opus packet, one per 20 ms: 32 kbit/s with in-band redundancy."""
    error = ctypes.c_int()
    library.opus_encoder_create.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.opus_encoder_create(RATE, 1, 2048, ctypes.byref(error)))
    if error.value:
        sys.exit(f"no encoder: {error.value}")
    # bitrate, complexity, signal = voice, in-band redundancy, expected loss
    for request, value in [(4002, 32_000), (4010, 9), (4024, 3001), (4012, 1), (4014, loss_pct)]:
        if library.opus_encoder_ctl(encoder, request, ctypes.c_int(value)):
            sys.exit(f"the encoder refuses setting {request}")
    room = ctypes.create_string_buffer(1500)
    out = bytearray()
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    for start in range(0, len(samples) - PACKET + 1, PACKET):
        frame = samples[start : start + PACKET].ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        length = library.opus_encode_float(encoder, frame, PACKET, room, len(room))
        if length < 0:
            sys.exit(f"the encoder failed: {length}")
        out += length.to_bytes(2, "little") + room.raw[:length]
    return bytes(out)


def lost(random: np.random.Generator, how, count: int) -> np.ndarray:
    """Which packets do not arrive."""
    if how is None:
        return np.zeros(count, bool)
    kind, share = how
    if kind == "random":
        return random.random(count) < share
    # Gilbert: leaves the bad state after 3.5 packets on average.
    leave = 1 / 3.5
    enter = leave * share / (1 - share)
    state, states = False, np.zeros(count, bool)
    for n in range(count):
        state = random.random() >= leave if state else random.random() < enter
        states[n] = state
    return states


def delays(random: np.random.Generator, jitter_ms: float, stalls: bool, count: int, in_order: bool) -> np.ndarray:
    """One-way delay of each packet: base, exponential jitter with this 98th percentile, stalls that bunch."""
    delay = np.full(count, BASE_DELAY_MS)
    if jitter_ms:
        delay += np.minimum(random.exponential(jitter_ms / np.log(50), count), 1.25 * jitter_ms)
    sent = np.arange(count) * 20.0
    if stalls:
        at = random.uniform(1500, 3000)
        while at < sent[-1]:
            length = random.uniform(100, 220)
            held = (sent + delay >= at) & (sent + delay < at + length)
            delay[held] = at + length - sent[held] + np.arange(held.sum()) * 0.5
            at += length + random.uniform(2000, 5000)
    if in_order:
        delay = np.maximum.accumulate(sent + delay) - sent
    return delay


def trace(condition: str, seed: int, count: int) -> str:
    """Seeds with an odd number keep the packets in order, the others let them overtake each other."""
    _, how, jitter_ms, stalls = CONDITIONS[condition]
    random = np.random.default_rng([seed, *condition.encode()])
    missing = lost(random, how, count)
    late = delays(random, jitter_ms, stalls, count, in_order=stalls or seed % 2 == 1)
    return "".join(f"{n},{int(missing[n])},{late[n]:.3f}\n" for n in range(count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--encoder", default="libopus.so.0", help="libopus as a shared library")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    whole = speech()
    (options.dir / "speech.f32").write_bytes(whole.tobytes())
    library = ctypes.CDLL(options.encoder)
    for loss_pct in sorted({loss for loss, *_ in CONDITIONS.values()}):
        packets = encoded(library, whole, loss_pct)
        (options.dir / f"{loss_pct}.opkt").write_bytes(packets)
    count = len(whole) // PACKET
    for condition in CONDITIONS:
        for seed in range(SEEDS):
            (options.dir / f"{condition}-{seed}.csv").write_text(trace(condition, seed, count))


if __name__ == "__main__":
    main()

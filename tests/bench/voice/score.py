#!/usr/bin/env python3
"""How close a heard voice is to the one that was said: PESQ-WB, STOI and how late it came.

usage: score.py REF.f32 OUT.f32 [OUT.f32 ...]     (mono, 48 kHz; sample 0 of both is the same moment)

Prints one JSON line per OUT. PESQ and STOI are means over pieces of 8 s, `pesqWorst` is the worst piece. Every
piece is laid over its reference by its own best delay; PESQ follows changes within a piece by itself, STOI is
taken with one delay per piece and so is hard on stretched time. `delayMs` is mouth to ear as heard: the median
of the best delays of all voiced seconds. Needs numpy, scipy, pesq, pystoi.
"""

import json
import sys
import warnings

import numpy as np
from pesq import pesq
from pystoi import stoi
from scipy.signal import fftconvolve, resample_poly

RATE = 48_000
NARROW = 16_000
PIECE_S = 8
LONGEST_MS = 800

warnings.filterwarnings("ignore")


def read(path: str) -> np.ndarray:
    return np.fromfile(path, dtype="<f4").astype(np.float64)


def narrow(samples: np.ndarray) -> np.ndarray:
    return resample_poly(samples, 1, RATE // NARROW)


def best_delay(said: np.ndarray, heard: np.ndarray, longest: int) -> tuple[int, float]:
    """By how many samples `heard` (which starts with `said` and is `longest` longer) is late; and how sure that is."""
    match = fftconvolve(heard, said[::-1])[len(said) - 1 : len(said) + longest]
    delay = int(np.argmax(match))
    energy = np.sqrt(np.sum(said**2) * np.sum(heard[delay : delay + len(said)] ** 2)) + 1e-12
    return delay, float(match[delay] / energy)


def delays(said: np.ndarray, heard: np.ndarray) -> list[float]:
    """The best delay of every voiced second, in ms; seconds in which nothing fits are left out."""
    found = []
    longest = NARROW * LONGEST_MS // 1000
    loud = np.sqrt(np.mean(said**2))
    for start in range(0, len(said) - NARROW, NARROW // 2):
        piece = said[start : start + NARROW]
        if np.sqrt(np.mean(piece**2)) < loud / 3:
            continue
        there = padded(heard, start, NARROW + longest)
        delay, sure = best_delay(piece, there, longest)
        if sure > 0.6:
            found.append(delay * 1000 / NARROW)
    return found


def anywhere(said: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """A recording that started at some time of its own, cut so that it is about 100 ms late; both at 16 kHz."""
    match = fftconvolve(heard, said[::-1])
    start = int(np.argmax(match)) - (len(said) - 1) - NARROW // 10
    return heard[start:] if start >= 0 else np.concatenate([np.zeros(-start), heard])


def padded(samples: np.ndarray, start: int, count: int) -> np.ndarray:
    piece = samples[start : start + count]
    return np.pad(piece, (0, count - len(piece)))


def scores(said: np.ndarray, heard: np.ndarray) -> dict:
    """PESQ and STOI by pieces; both signals at 16 kHz."""
    longest = NARROW * LONGEST_MS // 1000
    quality, clarity = [], []
    for start in range(0, len(said) - 2 * NARROW, PIECE_S * NARROW):
        piece = said[start : start + PIECE_S * NARROW]
        if np.max(np.abs(piece)) < 1e-3:
            continue
        delay, _ = best_delay(piece, padded(heard, start, len(piece) + longest), longest)
        there = padded(heard, start + delay, len(piece))
        # PESQ stops at digital silence: a whisper of noise far below anything heard.
        there = there + np.random.default_rng(0).normal(0, 1e-5, len(there))
        try:
            quality.append(float(pesq(NARROW, piece, there, "wb")))
        except Exception:  # noqa: BLE001 -- nothing to be heard in this piece: the worst there is
            quality.append(1.0)
        clarity.append(float(stoi(piece, there, NARROW)))
    return {
        "pesq": round(float(np.mean(quality)), 3),
        "stoi": round(float(np.mean(clarity)), 4),
        "pesqWorst": round(float(np.min(quality)), 3),
    }


def score(said_path: str, heard_path: str) -> dict:
    said, heard = narrow(read(said_path)), narrow(read(heard_path))
    late = delays(said, heard)
    known = {"delayMs": round(float(np.median(late)), 1), "delayP95Ms": round(float(np.quantile(late, 0.95)), 1)} if late else {}
    return {"out": heard_path, **scores(said, heard), **known}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for path in sys.argv[2:]:
        print(json.dumps(score(sys.argv[1], path)), flush=True)

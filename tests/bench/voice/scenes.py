#!/usr/bin/env python3
"""Rooms with echo and noise, and what voice processing makes of them.

usage: scenes.py DIR VOICE [--seeds N] [--json FILE] [--keep]     (VOICE: `voice process --near --far --out --profile`)

Every scene is 48 kHz mono. Speech is at -26 dBFS while active. The room has a reverberation time of 0.25 s, behind a
delay of 45 ms where nothing else is said, the loudspeaker saturates, the microphone hisses at -52 dBFS. Echo levels are
relative to the near speaker's. Needs numpy, scipy, pesq, pystoi, espeak-ng.

`erleDb`: microphone over output, in the time the far side alone talks, from 2 s after it began.
`convergedS`: from the far side's first word until 250 ms of ERLE reach 20 dB, and stay there on average for a second.
`stoi`, `pesq`: of the near speaker against what reached the microphone of them alone; `...Before`: unprocessed.
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
from typing import NamedTuple

import numpy as np
from pesq import pesq
from pystoi import stoi
from scipy.signal import fftconvolve, lfilter

from material import SENTENCES, VOICES, spoken
from score import NARROW, best_delay, narrow, padded, read

RATE = 48_000
SEEDS = 3

class Scene(NamedTuple):
    """Who talks where, and what the room does to it. Scenes whose name begins with "clean" have no hiss."""

    profile: str
    who: str
    echo_db: float | None = None
    # The loudspeaker saturates at -14 dBFS divided by this.
    drive: float = 1.5
    # Kind, and dB below speech.
    noise: tuple[str, float] | None = None
    # Half through the echo comes later by so much.
    jump_ms: int = 0
    delay_ms: int = 45
    # The loudspeaker's clock is slower than the microphone's by so much.
    drift_ppm: int = 0
    # Clips instead of saturating, the upper half later than the lower.
    clips: bool = False


SCENES = {
    "echo -11 dB": Scene("speaker", "far", -11),
    "echo -3 dB, harsh": Scene("speaker", "far", -3, drive=4.0),
    "echo path jumps 60 ms": Scene("speaker", "far", -11, jump_ms=60),
    "double talk, echo -11 dB": Scene("speaker", "both", -11),
    "double talk, echo -3 dB, harsh": Scene("speaker", "both", -3, drive=4.0),
    "echo +6 dB": Scene("speaker", "far", 6),
    "double talk, echo +6 dB": Scene("speaker", "both", 6),
    "echo 0 dB, very harsh": Scene("speaker", "far", 0, drive=8.0),
    "echo 0 dB, clipped": Scene("speaker", "far", 0, clips=True),
    "echo late by 300 ms": Scene("speaker", "far", -6, delay_ms=300),
    "clocks 300 ppm apart": Scene("speaker", "far", -6, drift_ppm=300),
    "double talk, clocks 100 ppm apart": Scene("speaker", "both", -6, drift_ppm=100),
    "near alone, speaker profile": Scene("speaker", "near"),
    "near alone, noisy profile": Scene("noisy", "near"),
    "near alone, headset profile": Scene("headset", "near"),
    "clean, speaker profile": Scene("speaker", "near"),
    "clean, noisy profile": Scene("noisy", "near"),
    "clean, headset profile": Scene("headset", "near"),
    "fan, 10 dB": Scene("noisy", "near", noise=("fan", 10)),
    "voices, 10 dB": Scene("noisy", "near", noise=("voices", 10)),
    "keyboard, 10 dB": Scene("noisy", "near", noise=("keyboard", 10)),
    "fan, 0 dB": Scene("noisy", "near", noise=("fan", 0)),
}
SECONDS = 24
# In double talk the far side has this long to itself.
ALONE_S = 8


def talk(voice: int, seed: int, seconds: float) -> np.ndarray:
    """Sentences of one voice with short pauses, one second of silence before them."""
    name, speed = VOICES[voice % len(VOICES)]
    parts = [np.zeros(RATE)]
    for n in range(30):
        text = SENTENCES[(seed * 7 + voice * 3 + n) % len(SENTENCES)]
        parts += [spoken(name, speed, text), np.zeros(int(0.35 * RATE))]
        if sum(map(len, parts)) > seconds * RATE:
            break
    return np.concatenate(parts)[: int(seconds * RATE)]


def room(random: np.random.Generator, delay_ms: float) -> np.ndarray:
    """An impulse response: a direct path, then noise that decays by 60 dB in 0.25 s."""
    tail = np.arange(int(0.3 * RATE)) / RATE
    response = random.normal(0, 1, len(tail)) * 10 ** (-3 * tail / 0.25)
    response /= np.sqrt(np.sum(response**2))
    response[0] += 1.0
    return np.concatenate([np.zeros(int(delay_ms * RATE / 1000)), response])


def level(samples: np.ndarray) -> float:
    """Root mean square of the part that is not silence."""
    frames = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    power = np.mean(frames**2, axis=1)
    return float(np.sqrt(np.mean(power[power > np.max(power) * 1e-4]))) if np.max(power) > 0 else 0.0


def noise(kind: str, random: np.random.Generator, count: int) -> np.ndarray:
    if kind == "fan":
        # Falls by 6 dB an octave above 100 Hz, with a hum of the blades.
        rumble = lfilter([1.0], [1, -0.985], random.normal(0, 1, count))
        return rumble / np.std(rumble) + 0.3 * np.sin(2 * np.pi * 120 * np.arange(count) / RATE)
    if kind == "voices":
        crowd = [np.roll(talk(n, 50 + n, count / RATE), int(random.integers(count))) for n in range(6)]
        return np.sum([np.pad(one, (0, count - len(one))) for one in crowd], axis=0)
    # Keys: short bursts, five a second.
    keys = np.zeros(count)
    for at in random.integers(0, count - RATE // 20, 5 * count // RATE):
        length = int(0.012 * RATE)
        keys[at : at + length] += random.normal(0, 1, length) * np.exp(-np.arange(length) / (0.003 * RATE))
    return keys


def scene(name: str, seed: int) -> dict:
    """The signals of a scene: microphone, loudspeaker, and the near speaker alone."""
    it = SCENES[name]
    random = np.random.default_rng([seed, *name.encode()])
    count = SECONDS * RATE
    far = talk(seed, seed, SECONDS) if it.who != "near" else np.zeros(count)
    far = np.pad(far, (0, count - len(far)))
    near = talk(seed + 1, seed + 3, SECONDS) if it.who != "far" else np.zeros(count)
    near = np.pad(near, (0, count - len(near)))
    if it.who == "both":
        near[: ALONE_S * RATE] = 0
    microphone = near + random.normal(0, 10 ** ((-95 if name.startswith("clean") else -52) / 20), count)
    if it.echo_db is not None:
        played = np.clip(far, -0.09, 0.14) if it.clips else np.tanh(far / 0.2 * it.drive) / it.drive * 0.2
        response = room(random, it.delay_ms)
        echo = fftconvolve(played, response)[:count]
        if it.jump_ms:
            half = count // 2
            later = fftconvolve(played, np.concatenate([np.zeros(it.jump_ms * RATE // 1000), response]))[:count]
            echo[half:] = later[half:]
        if it.drift_ppm:
            echo = np.interp(np.arange(count) * (1 - it.drift_ppm * 1e-6), np.arange(count), echo)
        echo *= 10 ** (-26 / 20) * 10 ** (it.echo_db / 20) / level(echo)
        microphone += echo
    if it.noise:
        kind, below_db = it.noise
        added = noise(kind, random, count)
        microphone += added * (10 ** ((-26 - below_db) / 20) / np.sqrt(np.mean(added**2)))
    return {"near": microphone, "far": far, "alone": near}


def erle(microphone: np.ndarray, out: np.ndarray, far: np.ndarray, start_s: float, end_s: float) -> float:
    """In dB, over the frames in which the far side talks (and its echo rings)."""
    window = slice(int(start_s * RATE), int(end_s * RATE))
    heard, left, played = (x[window] for x in (microphone, out, far))
    loud = np.repeat(active(played), 480)
    loud = np.pad(loud, (0, len(heard) - len(loud)))
    return float(10 * np.log10(np.sum(heard[loud] ** 2) / (np.sum(left[loud] ** 2) + 1e-12)))


def active(played: np.ndarray) -> np.ndarray:
    """Per 10 ms: whether the far side talks, or did within the last 100 ms."""
    frames = played[: len(played) // 480 * 480].reshape(-1, 480)
    loud = np.mean(frames**2, axis=1) > 1e-6
    return np.convolve(loud, np.ones(10), "full")[: len(loud)] > 0


def converged_s(microphone: np.ndarray, out: np.ndarray, far: np.ndarray) -> float | None:
    """See the head of this file; none when it never happens."""
    first = int(np.flatnonzero(np.abs(far) > 1e-3)[0])
    step, span = RATE // 100, RATE // 4
    power = lambda x, at, n: float(np.sum(x[at : at + n] ** 2)) + 1e-12  # noqa: E731
    for at in range(first, len(far) - RATE - span, step):
        if power(far, at, span) / span < 1e-5:
            continue
        now = 10 * np.log10(power(microphone, at, span) / power(out, at, span))
        then = 10 * np.log10(power(microphone, at, RATE) / power(out, at, RATE))
        if now >= 20 and then >= 20:
            return round((at + span - first) / RATE, 2)
    return None


def voice_scores(alone: np.ndarray, out: np.ndarray, start_s: float) -> tuple[float, float]:
    """PESQ-WB and STOI of the near speaker from a time on, over pieces of 8 s."""
    said, heard = narrow(alone), narrow(out)
    quality, clarity = [], []
    for start in range(int(start_s * NARROW), len(said) - 4 * NARROW, 8 * NARROW):
        piece = said[start : start + 8 * NARROW]
        delay, _ = best_delay(piece, padded(heard, start, len(piece) + NARROW // 5), NARROW // 5)
        there = padded(heard, start + delay, len(piece)) + np.random.default_rng(0).normal(0, 1e-5, len(piece))
        try:
            quality.append(float(pesq(NARROW, piece, there, "wb")))
        except Exception:  # noqa: BLE001 -- nothing to be heard: the worst there is
            quality.append(1.0)
        clarity.append(float(stoi(piece, there, NARROW)))
    return float(np.mean(quality)), float(np.mean(clarity))


def run(job) -> dict:
    options, name, seed = job
    made = scene(name, seed)
    base = options.dir / f"scene-{list(SCENES).index(name)}-{seed}"
    paths = {kind: f"{base}-{kind}.f32" for kind in ("near", "far", "out")}
    for kind in ("near", "far"):
        made[kind].astype("<f4").tofile(paths[kind])
    command = [options.voice, "process", "--profile", SCENES[name].profile]
    command += [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1])
    out = read(paths["out"])
    out = np.pad(out, (0, max(0, len(made["near"]) - len(out))))[: len(made["near"])]
    result = {"scene": name, "seed": seed, **said}
    who, jump = SCENES[name].who, SCENES[name].jump_ms
    if who in ("far", "both"):
        # What the output is late by does not count as echo taken away.
        late = int(said["addedDelayMs"] * RATE / 1000)
        shifted = np.concatenate([out[late:], np.zeros(late)])
        end = ALONE_S if who == "both" else SECONDS / 2 if jump else SECONDS
        result["erleDb"] = erle(made["near"], shifted, made["far"], 3, end)
        result["convergedS"] = converged_s(made["near"], shifted, made["far"])
        if jump:
            half = SECONDS / 2
            result["erleAfterJumpDb"] = [erle(made["near"], shifted, made["far"], half + a, half + b) for a, b in ((0, 2), (2, 5), (5, 10))]
    if who in ("near", "both"):
        start = ALONE_S if who == "both" else 0
        result["pesq"], result["stoi"] = voice_scores(made["alone"], out, start)
        result["pesqBefore"], result["stoiBefore"] = voice_scores(made["alone"], made["near"], start)
    if not options.keep:
        for path in paths.values():
            pathlib.Path(path).unlink()
    return result


def table(results: list[dict]) -> str:
    lines = [
        "| scene | profile | ERLE dB (worst) | converged s (worst) | PESQ before → after | STOI before → after | added ms | processor ms per s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(r["scene"] for r in results):
        rows = [r for r in results if r["scene"] == name]
        mean = lambda key: float(np.mean([r[key] for r in rows]))  # noqa: E731
        cancel = voice = late = clear = "-"
        if "erleDb" in rows[0]:
            cancel = f"{mean('erleDb'):.1f} ({min(r['erleDb'] for r in rows):.1f})"
            times = [r["convergedS"] for r in rows]
            late = "never" if None in times else f"{np.mean(times):.2f} ({max(times):.2f})"
        if "erleAfterJumpDb" in rows[0]:
            after = np.mean([r["erleAfterJumpDb"] for r in rows], axis=0)
            cancel += "; after the jump " + " / ".join(f"{db:.1f}" for db in after) + " (0–2, 2–5, 5–10 s)"
        if "pesq" in rows[0]:
            voice = f"{mean('pesqBefore'):.2f} → {mean('pesq'):.2f}"
            clear = f"{mean('stoiBefore'):.3f} → {mean('stoi'):.3f}"
        lines.append(
            f"| {name} | {SCENES[name].profile} | {cancel} | {late} | {voice} | {clear} "
            f"| {mean('addedDelayMs'):.0f} | {mean('cpuMsPerSecond'):.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=lambda word: pathlib.Path(word).resolve())
    parser.add_argument("voice")
    parser.add_argument("scenes", nargs="*", help="beginnings of names; all if absent")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="keep the scenes and what became of them")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    jobs = [(options, name, seed) for name in SCENES if not options.scenes or name.startswith(tuple(options.scenes))
            for seed in range(options.seeds)]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        results = list(pool.map(run, jobs))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()

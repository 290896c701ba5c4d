#!/usr/bin/env python3
"""Mouth to ear on virtual sound devices: what is said into the microphone against what comes out of the speaker.

usage: tests/support/desktop-session.sh --no-x --no-keyring -- latency.py SPEECH.f32 VOICE-BENCH [--runs 3] [--json FILE]

The graph of the audio server runs in periods of 480 frames. One recorder holds the microphone's and the speaker's
sound side by side, from the same cycles of the graph, so the time between them needs no other clock. Two far sides:
a mirror, which returns the packets unopened, so what is heard has gone once through the whole sender and the whole
receiver (mouth to ear without a network); and the sandbox's customer, who decodes and encodes again before it
comes back (there and back). `+processing`: with the echo cancellation, noise removal and gain each has by default. Instead of a single click the speech is laid over itself, second by second.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

from live import chromium, far_side, in_time, running
from score import NARROW, delays, narrow, read

PERIOD = 480
TALK_S = 20


def ports(direction: str) -> list[str]:
    return subprocess.run(["pw-link", direction], capture_output=True, text=True).stdout.split("\n")


def link(source: str, sink: str) -> None:
    subprocess.run(["pw-link", source, sink], check=True, capture_output=True)


def wait_for_port(direction: str, name: str) -> str:
    for _ in range(100):
        for port in ports(direction):
            if name in port:
                return port.strip()
        time.sleep(0.1)
    sys.exit(f"no port {name} appeared: {ports(direction)}")


def write_wav(path: str, samples: np.ndarray) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def measured(options, client: str, far: str, folder: str) -> dict:
    """One call: settle, talk, record; the delays of all voiced seconds."""
    with far_side(options, far, "none", folder) as (url, _):
        name, treated = client.removesuffix("+processing"), client.endswith("+processing")
        if name == "chromium":
            query = "talk=treated" if treated else "talk=1"
            command = [word for word in chromium(url, query, folder) if "fake-device" not in word]
        else:
            command = [options.bench, "client", "--url", url, "--calls", "1", "--at-once", "1",
                       "--devices", "yes", "--hold-ms", "600000", *([] if treated else ["--plain", "yes"])]
        with running(in_time(command, 20), stdout=subprocess.DEVNULL):
            time.sleep(8)
            record = f"{folder}/record.wav"
            recorder = ["pw-record", "--target", "0", "--rate", "48000", "--channels", "2", "--format", "s16",
                        "--latency", str(PERIOD), "-P", '{ "node.name": "latency-recorder" }', record]
            with running(in_time(recorder, 25), stdout=subprocess.DEVNULL):
                left = wait_for_port("-i", "latency-recorder:input_FL")
                right = wait_for_port("-i", "latency-recorder:input_FR")
                link(wait_for_port("-o", f"{os.environ['SESSION_MIC_SINK']}:monitor"), left)
                link(wait_for_port("-o", f"{os.environ['SESSION_SPEAKER_SINK']}:monitor_FL"), right)
                said = f"{folder}/said.wav"
                write_wav(said, read(options.speech)[: TALK_S * 48_000])
                subprocess.run(in_time(["paplay", "--latency-msec=40", "-d", os.environ["SESSION_MIC_SINK"], said], 25), check=True)
                time.sleep(1)
    with open(record, "rb") as file:
        # The recorder may not have got to writing the length into the header.
        samples = np.frombuffer(file.read()[44:][: 2**31 // 4 * 4], dtype="<i2")
    pairs = samples[: len(samples) // 2 * 2].reshape(-1, 2).astype(np.float64) / 32768
    late = delays(narrow(pairs[:, 0]), narrow(pairs[:, 1]))
    if options.verbose:
        print(client, far, [round(one) for one in late], file=sys.stderr, flush=True)
    # The first seconds belong to the buffers finding their place.
    late = late[len(late) // 4 :]
    result = {"who": client, "far": far, "seconds": len(late)}
    if late:
        result |= {"medianMs": round(float(np.median(late)), 1), "p95Ms": round(float(np.quantile(late, 0.95)), 1)}
    return result


def raise_audio_server() -> None:
    """As on a desktop, where the audio server runs under real-time scheduling; only this session's, by its folder."""
    mine = f"XDG_RUNTIME_DIR={os.environ['XDG_RUNTIME_DIR']}".encode()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_server = (entry / "comm").read_text().startswith("pipewire")
            if is_server and mine in (entry / "environ").read_bytes().split(b"\0"):
                subprocess.run(["chrt", "-a", "-r", "-p", "28", entry.name], capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech")
    parser.add_argument("bench")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", type=lambda words: words.split(","), default=["deskline", "chromium", "deskline+processing", "chromium+processing"])
    parser.add_argument("--far", type=lambda words: words.split(","), default=["mirror", "customer"])
    parser.add_argument("--verbose", action="store_true", help="say the delay of every second")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    subprocess.run(["pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(PERIOD)], check=True, capture_output=True)
    raise_audio_server()
    results = []
    for _ in range(options.runs):
        for far in options.far:
            for client in options.clients:
                # In memory: a recorder that waits for a busy disk would hold up everybody in the graph.
                memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
                with tempfile.TemporaryDirectory(dir=memory) as folder, contextlib.suppress(FileNotFoundError):
                    results.append(measured(options, client, far, folder))
                    print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print("| far side | path | runs | median ms (span) | p95 ms |\n|---|---|---|---|---|")
    for far, who in dict.fromkeys((r["far"], r["who"]) for r in results):
        rows = [r for r in results if (r["far"], r["who"]) == (far, who) and "medianMs" in r]
        if rows:
            middle = [r["medianMs"] for r in rows]
            print(f"| {far} | {who} | {len(rows)} | {np.median(middle):.0f} ({min(middle):.0f}–{max(middle):.0f}) "
                  f"| {np.median([r['p95Ms'] for r in rows]):.0f} |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Other voice paths on the same packets, in real time: Chromium, GStreamer, and Deskline's engine as it runs.

usage: live.py quality DIR VOICE-BENCH [CONDITION ...] [--clients chromium,deskline] [--seeds 0,1] [--json FILE]
       live.py cost    DIR VOICE-BENCH [--clients deskline,gstreamer,chromium] [--runs 5] [--json FILE]

`quality`: every client hears the condition's packets with the trace's losses and delays; what it plays is scored.
A loaded machine spoils real time silently, so everything runs under real-time scheduling where that is allowed, and a
run counts only if the recorded seconds are those of the wall clock and few packets left late; others are repeated.
`cost`: processor seconds per minute of call and proportional memory of the whole family of processes.
"""

import argparse
import contextlib
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave

import numpy as np

from material import CONDITIONS
from score import anywhere, read, scores, narrow

HERE = pathlib.Path(__file__).resolve().parent
TRIES = 4
LONGEST_RUN_S = 110
# A run whose recording differs more from the wall clock was disturbed.
CLOCK_TOLERANCE_S = 0.15
# And one in which more of the packets than this left more than 5 ms after they were due.
LATE_SHARE = 0.005
# Packets each way in a call of forty seconds whose cost counts; there should be 2,000.
LEAST_PACKETS = 1_600


def in_time(command: list, priority: int) -> list:
    """Under real-time scheduling, where this user may."""
    allowed = shutil.which("chrt") and subprocess.run(["chrt", "-r", "1", "true"], capture_output=True).returncode == 0
    return (["chrt", "-r", str(priority)] if allowed else []) + [str(word) for word in command]


@contextlib.contextmanager
def running(command: list, **more):
    """A process in a group of its own, gone afterwards with all its children."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **more)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


@contextlib.contextmanager
def far_side(options, packets, trace, folder, loop=False, bind="127.0.0.1"):
    """The sender; gives its address and a queue of its reports."""
    command = [options.bench, "serve", "--packets", packets, "--trace", trace, "--audio", folder, "--bind", bind]
    command += ["--loop", "yes"] if loop else []
    with running(in_time(command, 30), stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        reports = queue.Queue()
        threading.Thread(target=lambda: [reports.put(line) for line in process.stdout], daemon=True).start()
        yield url, reports


def chromium(url: str, query: str, folder: str) -> list:
    browser = os.environ.get("DESKLINE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        sys.exit("no Chromium on this machine")
    return [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--user-data-dir={folder}/profile", f"{url}/?{query}",
    ]


def client_command(options, client: str, url: str, folder: str, record: bool, said: str) -> list:
    if client == "chromium":
        return chromium(url, "record=1" if record else "talk=1", folder)
    if client == "gstreamer":
        return ["/usr/bin/python3", HERE / "gstreamer.py", url]
    command = [options.bench, "client", "--url", url, "--calls", "1", "--at-once", "1", "--in", said]
    return command + (["--out", f"{folder}/heard.wav"] if record else [])


def heard_by(client: str, folder: str) -> np.ndarray:
    if client == "chromium":
        return read(f"{folder}/heard-0.f32")
    with wave.open(f"{folder}/heard.wav") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return samples.astype(np.float64) / 32768


def once(options, client: str, condition: str, seed: int) -> dict:
    """One minute of one client on one trace; `disturbed` says why it does not count."""
    packets = options.dir / f"{CONDITIONS[condition][0]}.opkt"
    trace = options.dir / f"{condition}-{seed}.csv"
    with tempfile.TemporaryDirectory() as folder, far_side(options, packets, trace, folder) as (url, reports):
        started = time.monotonic()
        command = client_command(options, client, url, folder, True, options.tone)
        with running(in_time(command, 20), stdout=subprocess.DEVNULL) as near:
            try:
                report = json.loads(reports.get(timeout=LONGEST_RUN_S))
            except queue.Empty:
                return {"disturbed": "no report"}
            if client == "deskline":
                with contextlib.suppress(subprocess.TimeoutExpired):
                    near.wait(10)
        result = {"who": client, "condition": condition, "seed": seed, "peer": report["peer"]}
        late = report["peer"]["late"] / max(1, report["peer"]["sent"])
        if late > LATE_SHARE:
            result["disturbed"] = f"{100 * late:.1f} % of the packets left late"
        if client == "chromium":
            said = report["client"]
            if "inbound" not in said:
                return {**result, "disturbed": str(said)}
            gap = abs(said["recordedS"] - said["wallS"])
            if gap > CLOCK_TOLERANCE_S:
                result["disturbed"] = f"recorded {said['recordedS']:.2f} s in {said['wallS']:.2f} s"
            inbound = said["inbound"]
            result["meanDelayMs"] = 1000 * inbound["jitterBufferDelay"] / max(1, inbound["jitterBufferEmittedCount"])
            result["concealedPct"] = 100 * inbound["concealedSamples"] / max(1, inbound["totalSamplesReceived"])
            result["stats"] = inbound
        else:
            result["sample"] = report["client"].get("sample")
        result["took"] = time.monotonic() - started
        reference = narrow(read(options.dir / "speech.f32"))
        heard = anywhere(reference, narrow(heard_by(client, folder)))
        return {**result, **scores(reference, heard)}


def quality(options) -> list[dict]:
    results = []
    for condition in options.conditions:
        for seed in options.seeds:
            for client in options.clients:
                for _ in range(TRIES):
                    result = once(options, client, condition, seed)
                    print(json.dumps({k: v for k, v in result.items() if k != "stats"}), file=sys.stderr, flush=True)
                    if "disturbed" not in result:
                        results.append(result)
                        break
                if options.json:
                    options.json.write_text(json.dumps(results, indent=1))
    return results


def own_address() -> str:
    """An address of this machine that is not the loopback, which GStreamer's ICE does not use. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for one in found:
        for children in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(word) for word in children.read_text().split()]
    return found


def processor_s(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def memory_mb(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def told(url: str, reports: queue.Queue) -> dict:
    """What the far side has counted in its first call."""
    request = urllib.request.Request(f"{url}/report/0", data=b"{}", headers={"content-type": "text/plain"})
    urllib.request.urlopen(request).close()
    return json.loads(reports.get(timeout=5))["peer"]


def cost(options) -> list[dict]:
    """Ten seconds to settle, then thirty that count; the far side speaks all the time."""
    results = []
    for run in range(options.runs):
        for client in options.clients:
            with tempfile.TemporaryDirectory() as folder:
                with far_side(options, options.dir / "5.opkt", "none", folder, loop=True, bind=own_address()) as (url, reports):
                    command = client_command(options, client, url, folder, False, options.tone)
                    with running([str(word) for word in command], stdout=subprocess.DEVNULL) as near:
                        time.sleep(10)
                        before, start = processor_s(family(near.pid)), time.monotonic()
                        time.sleep(30)
                        used, wall = processor_s(family(near.pid)) - before, time.monotonic() - start
                        pids = family(near.pid)
                        memory = memory_mb(pids)
                        peer = told(url, reports)
                        if min(peer["sent"], peer["received"]) < LEAST_PACKETS:
                            sys.exit(f"{client}: there was no call to measure: {peer}")
                        results.append({
                            "who": client, "run": run, "cpuSecondsPerMinute": round(used * 60 / wall, 3),
                            "pssMb": round(memory, 1), "processes": len(pids),
                        })
                        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
            if options.json:
                options.json.write_text(json.dumps(results, indent=1))
    return results


def quality_table(results: list[dict]) -> str:
    lines = ["| condition | path | runs | PESQ-WB | STOI | buffer ms | concealed % |", "|---|---|---|---|---|---|---|"]
    for condition, who in dict.fromkeys((r["condition"], r["who"]) for r in results):
        rows = [r for r in results if (r["condition"], r["who"]) == (condition, who)]

        def span(name: str, digits: int) -> str:
            known = [r[name] for r in rows if name in r]
            if not known:
                return "-"
            low, high = min(known), max(known)
            return f"{np.mean(known):.{digits}f}" + (f" ({low:.{digits}f}–{high:.{digits}f})" if len(known) > 1 else "")

        lines.append(
            f"| {condition} | {who} | {len(rows)} | {span('pesq', 2)} | {span('stoi', 3)} "
            f"| {span('meanDelayMs', 0)} | {span('concealedPct', 1)} |"
        )
    return "\n".join(lines)


def cost_table(results: list[dict]) -> str:
    lines = ["| path | runs | processor s per minute (median, span) | PSS MB (median) | processes |", "|---|---|---|---|---|"]
    for who in dict.fromkeys(r["who"] for r in results):
        rows = [r for r in results if r["who"] == who]
        cpu = [r["cpuSecondsPerMinute"] for r in rows]
        lines.append(
            f"| {who} | {len(rows)} | {np.median(cpu):.2f} ({min(cpu):.2f}–{max(cpu):.2f}) "
            f"| {np.median([r['pssMb'] for r in rows]):.0f} | {rows[0]['processes']} |"
        )
    return "\n".join(lines)


def write_tone(path: str) -> None:
    """What the near side says: a hummed tone for as long as any run; narrow, since it is held in memory."""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        at = np.arange(16_000 * 75)
        file.writeframes((3000 * np.sin(2 * np.pi * 300 * at / 16_000)).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "cost"])
    parser.add_argument("dir", type=lambda word: pathlib.Path(word).resolve())
    parser.add_argument("bench")
    parser.add_argument("conditions", nargs="*", default=list(CONDITIONS))
    parser.add_argument("--clients", type=lambda words: words.split(","))
    parser.add_argument("--seeds", type=lambda words: [int(word) for word in words.split(",")], default=[0, 1])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    options.tone = str(options.dir / "tone.wav")
    write_tone(options.tone)
    if options.what == "quality":
        options.clients = options.clients or ["chromium", "deskline"]
        print(quality_table(quality(options)))
    else:
        options.clients = options.clients or ["deskline", "gstreamer", "chromium"]
        print(cost_table(cost(options)))


if __name__ == "__main__":
    main()

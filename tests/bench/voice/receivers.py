#!/usr/bin/env python3
"""Scores receivers over all network conditions and seeds.

usage: receivers.py DIR VOICE [CONDITION ...] [--seeds N] [--libopus LIBRARY] [--json FILE]

DIR is what material.py made, VOICE the receiver under test (`voice receive --packets --trace --out`). With
--libopus the hand-tuned rows (fixed 60 and 100 ms) stand beside it. Prints a table, and with --json writes all runs.
"""

import argparse
import concurrent.futures
import ctypes
import json
import pathlib
import subprocess

import fixed
from material import CONDITIONS, SEEDS
from score import score
import numpy as np


def ours(options, condition: str, seed: int, out: pathlib.Path) -> dict:
    """One run of the receiver under test: its own words."""
    done = subprocess.run(
        [
            options.voice, "receive",
            "--packets", options.dir / f"{CONDITIONS[condition][0]}.opkt",
            "--trace", options.dir / f"{condition}-{seed}.csv",
            "--out", out,
        ],
        check=True, capture_output=True, text=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def by_hand(options, condition: str, seed: int, out: pathlib.Path, delay_ms: int) -> dict:
    """One run of a fixed buffer."""
    library = ctypes.CDLL(options.libopus)
    packets = fixed.packets(options.dir / f"{CONDITIONS[condition][0]}.opkt")
    samples, said = fixed.heard(library, packets, fixed.arrivals(options.dir / f"{condition}-{seed}.csv"), delay_ms)
    samples.tofile(out)
    return said


def run(job) -> dict:
    options, who, condition, seed = job
    out = options.dir / f"out-{who.replace(' ', '')}-{condition}-{seed}.f32"
    if who == "Deskline":
        said = ours(options, condition, seed, out)
    else:
        said = by_hand(options, condition, seed, out, int(who.split()[1]))
    result = {"who": who, "condition": condition, "seed": seed, **said, **score(options.dir / "speech.f32", out)}
    result.pop("out")
    if not options.keep:
        out.unlink()
    return result


def table(results: list[dict]) -> str:
    """Mean and standard deviation over the seeds, one row per condition and receiver."""
    lines = [
        "| condition | receiver | seeds | PESQ-WB mean ± sd (worst piece) | STOI mean ± sd | buffer ms | mouth to ear ms | concealed % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for condition, who in dict.fromkeys((r["condition"], r["who"]) for r in results):
        rows = [r for r in results if r["condition"] == condition and r["who"] == who]

        def mean(name: str) -> float:
            return float(np.mean([r.get(name, np.nan) for r in rows]))

        def spread(name: str) -> float:
            return float(np.std([r[name] for r in rows]))

        worst = min(r["pesqWorst"] for r in rows)
        lines.append(
            f"| {condition} | {who} | {len(rows)} | {mean('pesq'):.2f} ± {spread('pesq'):.2f} ({worst:.2f}) "
            f"| {mean('stoi'):.3f} ± {spread('stoi'):.3f} | {mean('meanDelayMs'):.0f} | {mean('delayMs'):.0f} "
            f"| {mean('concealedPct'):.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=lambda word: pathlib.Path(word).resolve())
    parser.add_argument("voice")
    parser.add_argument("conditions", nargs="*", default=list(CONDITIONS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--libopus")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="keep what was heard")
    options = parser.parse_args()
    receivers = [] if options.voice == "-" else ["Deskline"]
    receivers += ["fixed 60", "fixed 100"] if options.libopus else []
    jobs = [(options, who, c, seed) for c in options.conditions for who in receivers for seed in range(options.seeds)]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        results = list(pool.map(run, jobs))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()

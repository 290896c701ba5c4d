#!/usr/bin/env python3
"""Many calls in one process of Deskline's engine: what one more costs, and whether any leaves something behind.

usage: calls.py DIR VOICE-BENCH [--sequential 1000] [--at-once 50] [--hold-ms 1000] [--json FILE]

`--at-once` calls are held together for eight seconds, after a call alone; then `--sequential` calls follow each
other, each held until sound flows. Prints memory (proportional, and private dirty), open files and threads.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

from live import far_side


def client(options, url: str, *words: str) -> list[dict]:
    """What the engine's process says, line by line."""
    command = [options.bench, "client", "--url", url, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(name: str, process: dict) -> str:
    return f"| {name} | {process['pssMb']:.1f} | {process['privateDirtyMb']:.1f} | {process['files']} | {process['threads']} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("bench")
    parser.add_argument("--sequential", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--hold-ms", type=int, default=1000)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    results = {}
    print("| calls | PSS MB | private dirty MB | files | threads |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        with far_side(options, options.dir / "5.opkt", "none", folder, loop=True) as (url, _):
            for count in (1, options.at_once):
                lines = client(options, url, "--calls", str(count), "--at-once", str(count), "--hold-ms", "8000")
                held = next(line["round"] for line in lines if "round" in line)
                results[f"atOnce{count}"] = held
                print(row(f"{count} at once ({held['heard']} heard)", held["held"]), flush=True)
            one, many = (results[f"atOnce{n}"]["held"]["pssMb"] for n in (1, options.at_once))
            if options.at_once > 1:
                print(f"\n{(many - one) * 1024 / (options.at_once - 1):.0f} kB per further call\n")
            lines = client(
                options, url, "--calls", str(options.sequential), "--at-once", "1", "--hold-ms", str(options.hold_ms)
            )
    results["sequential"] = lines
    silent = [line["calls"] for line in lines if line.get("round", {}).get("heard") == 0]
    for line in lines:
        if line["calls"] in (0, 50, 100, 250, 500, 750) or line["calls"] >= options.sequential:
            print(row(f"{line['calls']} one after the other" + (", ended" if line.get("ended") else ""), line["process"]))
    if silent:
        print(f"\nno sound was heard in the calls {silent}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

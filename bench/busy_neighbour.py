#!/usr/bin/env python3
"""Measures what a busy neighbour costs: training steps alone, and while another process keeps one core busy.

    python3 bench/busy_neighbour.py                       # the small model, 3 rounds
    python3 bench/busy_neighbour.py --config gpt-10m --steps 10
    python3 bench/busy_neighbour.py --tool /tmp/other/dmtrain

The neighbour is one process pinned to the last core, which does nothing but count. Where it takes half of one of two
cores, an ideal step takes 1.33 times its time alone. Both ways take turns, round after round. Linux only.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNT = "while True: pass"


class Neighbour:
    """A process that keeps one core busy."""

    def __init__(self, core):
        self.core = core

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", COUNT])
        os.sched_setaffinity(self.process.pid, {self.core})

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def median_ms(tool, config, steps, threads):
    """The median step of one run."""
    command = [tool, "bench", "--config", ROOT / "configs" / "bench" / f"{config}.yaml", "--steps", str(steps), "--device=cpu", "--json"]
    if threads:
        command.append(f"--threads={threads}")
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["step_ms_median"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--config", default="gpt-0.8m", help="a file of configs/bench, without .yaml")
    p.add_argument("--steps", type=int, default=30)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="where the neighbour is busy")
    p.add_argument("--threads", type=int, default=0, help="of dmtrain; 0 is as many as cores")
    p.add_argument("--tool", help="a built dmtrain; built from this tree by default")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        tool = a.tool
        if not tool:
            tool = pathlib.Path(directory) / "dmtrain"
            subprocess.run(["go", "build", "-o", tool, "./cmd/dmtrain"], cwd=ROOT, check=True)
        alone, beside = [], []
        for _ in range(a.rounds):
            alone.append(median_ms(tool, a.config, a.steps, a.threads))
            with Neighbour(a.core):
                beside.append(median_ms(tool, a.config, a.steps, a.threads))
            print(f"median of {a.steps} steps: alone {alone[-1]:.1f} ms, beside a busy process {beside[-1]:.1f} ms,"
                  f" {beside[-1] / alone[-1]:.2f} times as long", flush=True)
    print(f"medians of {a.rounds} rounds: {statistics.median(beside) / statistics.median(alone):.2f} times as long")


if __name__ == "__main__":
    main()

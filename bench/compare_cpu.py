#!/usr/bin/env python3
"""Compares dmtrain on this machine's CPU with OpenBLAS (matrix products) and PyTorch (training steps).

Needs Go and, on Debian, the packages libopenblas-dev and python3-torch; run it with the python3 that has torch.

    python3 bench/compare_cpu.py                 # everything
    python3 bench/compare_cpu.py gemm --rounds 5
    python3 bench/compare_cpu.py step --config gpt-10m

Both sides take turns, round after round, and each is represented by its fastest call or step over all
rounds, so that whatever else the machine does in between hurts neither. A ratio above 1 means dmtrain is faster.
"""

import argparse
import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = "./internal/kernels/cpu"

# As BenchmarkMatMul in internal/kernels/cpu names them: m, n, k, A transposed, B transposed.
SHAPES = {
    "square": (1024, 1024, 1024, False, False),
    "0.8m/qkv": (768, 384, 128, False, False),
    "0.8m/proj": (768, 128, 128, False, False),
    "0.8m/fc": (768, 512, 128, False, False),
    "0.8m/out": (768, 128, 512, False, False),
    "0.8m/logits": (768, 96, 128, False, True),
    "0.8m/qkv-dx": (768, 128, 384, False, True),
    "0.8m/qkv-dw": (128, 384, 768, True, False),
    "0.8m/fc-dw": (128, 512, 768, True, False),
    "10m/qkv": (1024, 1152, 384, False, False),
    "10m/fc": (1024, 1536, 384, False, False),
    "10m/out": (1024, 384, 1536, False, False),
    "10m/fc-dx": (1024, 384, 1536, False, True),
    "10m/fc-dw": (384, 1536, 1024, True, False),
}

# As configs/bench has them.
MODELS = {
    "gpt-0.8m": dict(layers=4, heads=4, dim=128, seq_len=64, batch_size=12, vocab=96),
    "gpt-10m": dict(layers=6, heads=6, dim=384, seq_len=256, batch_size=4, vocab=96),
}


class OpenBLAS:
    """cblas_sgemm by ctypes."""

    def __init__(self, threads):
        try:
            self.lib = ctypes.CDLL("libopenblas.so.0")
        except OSError as e:
            sys.exit(f"{e}: install libopenblas-dev (Debian) to compare matrix products")
        self.lib.openblas_set_num_threads(threads)
        self.lib.openblas_get_config.restype = ctypes.c_char_p
        self.lib.openblas_get_corename.restype = ctypes.c_char_p

    def name(self):
        version = " ".join(self.lib.openblas_get_config().decode().split()[:2])
        return f"{version} ({self.lib.openblas_get_corename().decode()})"

    def gflops(self, m, n, k, trans_a, trans_b, seconds):
        """The rate of the fastest call within a stretch of time."""
        a, b, c = ((ctypes.c_float * size)() for size in (m * k, k * n, m * n))
        for matrix in (a, b):
            for i in range(0, len(matrix), 7):
                matrix[i] = 0.1
        row_major, plain, turned = 101, 111, 112
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        args = (
            row_major, turned if trans_a else plain, turned if trans_b else plain, m, n, k,
            one, a, m if trans_a else k, b, k if trans_b else n, zero, c, n,
        )
        fastest, until = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < until:
            start = time.perf_counter()
            self.lib.cblas_sgemm(*args)
            fastest = min(fastest, time.perf_counter() - start)
        return 2 * m * n * k / fastest / 1e9


def build(directory):
    """The benchmark binary and the tool."""
    kernels, tool = directory / "kernels.test", directory / "dmtrain"
    subprocess.run(["go", "test", "-c", "-o", kernels, KERNELS], cwd=ROOT, check=True)
    subprocess.run(["go", "build", "-o", tool, "./cmd/dmtrain"], cwd=ROOT, check=True)
    return kernels, tool


def dmtrain_gflops(kernels, shape, threads, seconds):
    pattern = "/".join(f"^{part}$" for part in ("BenchmarkMatMul", *shape.split("/"), f"threads={threads}"))
    out = subprocess.run(
        [kernels, "-test.run=^$", f"-test.bench={pattern}", f"-test.benchtime={seconds}s"],
        cwd=ROOT / KERNELS, check=True, capture_output=True, text=True,
    ).stdout
    return float(re.search(r"([\d.]+) best-GFLOP/s", out).group(1))


def compare_gemm(kernels, threads, rounds):
    blas = OpenBLAS(threads)
    print(f"\nmatrix products, float32, {threads} threads: GFLOP/s of the fastest call; peer {blas.name()}")
    print(f"{'shape':14}{'m × n × k':>20}{'dmtrain':>10}{'OpenBLAS':>10}{'ratio':>8}")
    worst = float("inf")
    for shape, dims in SHAPES.items():
        ours = theirs = 0.0
        for _ in range(rounds):
            theirs = max(theirs, blas.gflops(*dims, seconds=0.3))
            ours = max(ours, dmtrain_gflops(kernels, shape, threads, seconds=0.3))
        m, n, k, trans_a, trans_b = dims
        size = f"{m}{'ᵀ' if trans_a else ''} × {n}{'ᵀ' if trans_b else ''} × {k}"
        print(f"{shape:14}{size:>20}{ours:10.1f}{theirs:10.1f}{ours / theirs:8.2f}", flush=True)
        worst = min(worst, ours / theirs)
    print(f"worst ratio {worst:.2f}")


def torch_step(model, torch_threads, blas_threads, steps):
    command = [sys.executable, ROOT / "bench" / "torch_gpt.py", f"--threads={torch_threads}", f"--steps={steps}"]
    command += [f"--{key.replace('_', '-')}={value}" for key, value in model.items()]
    env = dict(os.environ, OPENBLAS_NUM_THREADS=str(blas_threads), OMP_NUM_THREADS=str(torch_threads))
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout)


def dmtrain_step(tool, config, threads, steps):
    command = [tool, "bench", "--config", ROOT / "configs" / "bench" / f"{config}.yaml", "--steps", str(steps), "--device=cpu", "--json"]
    env = dict(os.environ, GOMAXPROCS=str(threads))
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout)


def compare_step(tool, config, threads, rounds):
    model, steps = MODELS[config], 60 if config == "gpt-0.8m" else 10
    settings = sorted({(t, b) for t in (1, threads) for b in (1, threads)})
    ours, theirs = [], {s: [] for s in settings}
    for _ in range(rounds):
        ours.append(dmtrain_step(tool, config, threads, steps))
        for s in settings:
            theirs[s].append(torch_step(model, *s, steps))
    print(f"\nwhole training step of {config} ({ours[0]['params']} parameters), {threads} threads: milliseconds")
    print(f"{'':44}{'fastest':>10}{'median':>10}")

    def row(name, runs):
        fastest = min(r["step_ms_min"] for r in runs)
        median = min(r["step_ms_median"] for r in runs)
        print(f"{name:44}{fastest:10.1f}{median:10.1f}")
        return fastest, median

    best = row(f"dmtrain, {ours[0]['device']}", ours)
    peers = [
        row(f"torch {runs[0]['torch']}, {t} torch and {b} BLAS threads", runs) for (t, b), runs in theirs.items()
    ]
    for i, what in enumerate(("fastest", "median")):
        print(f"ratio of the {what} steps, against torch's best: {min(p[i] for p in peers) / best[i]:.2f}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="?", choices=["gemm", "step", "all"], default="all")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--config", choices=MODELS, action="append", help="model to step; all by default")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        kernels, tool = build(pathlib.Path(directory))
        if a.what != "step":
            for threads in sorted({1, min(2, a.threads)}):  # the benchmark has these
                compare_gemm(kernels, threads, a.rounds)
        if a.what != "gemm":
            for config in a.config or MODELS:
                compare_step(tool, config, a.threads, a.rounds)


if __name__ == "__main__":
    main()

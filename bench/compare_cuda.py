#!/usr/bin/env python3
"""Compares dmtrain on a GPU with PyTorch on the same GPU, and writes bench/results/GPU.json.

Needs PyTorch 2.5 or newer with CUDA, and dmtrain built for the GPU (make build-cuda).

    python3 bench/compare_cuda.py                       # everything: step, attention, overhead
    python3 bench/compare_cuda.py attention --lengths 4096,16384
    python3 bench/compare_cuda.py --device cpu --tiny   # whether all of this runs, where there is no GPU
    python3 bench/compare_cuda.py --self-test           # the masks, against their definitions; needs no PyTorch

step       tokens/s of whole training steps beside PyTorch's compiled model, and percent of the fastest matrix product that
           either side reached in this run
attention  forward and backward beside FlexAttention (compiled) and scaled_dot_product_attention, pair for pair under the same masks
overhead   what masks that move cost: steps of infill under fixed and adaptive control against static ones

Both sides take turns, round after round, and each is represented by its fastest call or step. What an older PyTorch
lacks is left out, and said so.
"""

import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import time

import masks

ROOT = pathlib.Path(__file__).resolve().parent.parent

# As configs/bench has them.
MODELS = {
    "gpt-0.8m": dict(layers=4, heads=4, dim=128, seq_len=64, vocab=96),
    "gpt-124m": dict(layers=12, heads=12, dim=768, seq_len=1024, vocab=50257),
}

left_out = []


def leave_out(what, why):
    line = f"{what}: left out: {why}"
    if line not in left_out:
        left_out.append(line)
        print(line, file=sys.stderr)


# --- dmtrain ---


def dmtrain(a, *arguments):
    command = [a.dmtrain, "bench", f"--device={a.device}", "--json", *map(str, arguments)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)


def dmtrain_step(a, *settings):
    arguments = ["--config", f"configs/bench/{a.config}.yaml", "--steps", a.steps]
    for setting in (f"precision={a.precision}", f"train.batch_size={a.batch}", *settings):
        arguments += ["--set", setting]
    return dmtrain(a, *arguments)


def fastest(runs):
    return min(runs, key=lambda r: r["step_ms_min"])


# --- PyTorch ---


class Peer:
    """PyTorch on the device."""

    def __init__(self, a):
        import torch

        self.torch, self.a = torch, a
        self.cuda = a.device.startswith("cuda")
        if self.cuda and not torch.cuda.is_available():
            sys.exit("compare_cuda: this PyTorch sees no GPU; --device cpu --tiny tries the program without one")
        self.device = torch.device(a.device)
        self.dtype = torch.bfloat16 if a.precision == "bf16" else torch.float32
        torch.manual_seed(1)

    def name(self):
        return self.torch.cuda.get_device_name(self.device) if self.cuda else "cpu"

    def ms(self, call, calls):
        """How long the fastest of some calls takes, after three to warm up, by the device's clock."""
        for _ in range(3):
            call()
        times = []
        for _ in range(calls):
            if self.cuda:
                start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
                self.torch.cuda.synchronize()
                start.record()
                call()
                end.record()
                self.torch.cuda.synchronize()
                times.append(start.elapsed_time(end))
            else:
                start = time.perf_counter()
                call()
                times.append(1e3 * (time.perf_counter() - start))
        return min(times)

    def compiled(self, what, function):
        if not hasattr(self.torch, "compile"):
            leave_out(f"{what}, compiled", f"torch.compile needs PyTorch 2, this is {self.torch.__version__}")
            return function
        return self.torch.compile(function)

    def peak_gflops(self):
        n = 8192 if self.cuda else 512
        x, y = (self.torch.randn(n, n, device=self.device, dtype=self.dtype) for _ in range(2))
        return 2 * n**3 / self.ms(lambda: x @ y, 10) / 1e6

    def step(self):
        """A function that takes a training step of the configuration's model."""
        import torch_gpt

        torch, shape = self.torch, argparse.Namespace(**MODELS[self.a.config], batch_size=self.a.batch)
        model = torch_gpt.Decoder(shape).to(self.device)
        forward = self.compiled("model", model)
        options = dict(fused=True) if self.cuda else {}
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, **options)
        text = torch.randint(shape.vocab, (shape.batch_size, shape.seq_len + 1), device=self.device)

        def step():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16):
                loss = forward(text[:, :-1], text[:, 1:])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.item()

        return step

    def operands(self, t):
        a = self.a
        shape = (a.rows, a.heads, t, a.head_dim)
        q, k, v = (self.torch.randn(shape, device=self.device, dtype=self.dtype, requires_grad=True) for _ in range(3))
        return q, k, v, self.torch.randn(shape, device=self.device, dtype=self.dtype)

    def time_attention(self, attend, t):
        """Milliseconds forward and backward."""
        q, k, v, dout = self.operands(t)
        forward = self.ms(lambda: attend(q, k, v), self.a.steps)
        out = attend(q, k, v)
        backward = self.ms(lambda: self.torch.autograd.grad(out, (q, k, v), dout, retain_graph=True), self.a.steps)
        return dict(forward_ms_min=forward, backward_ms_min=backward)

    def tensor(self, rows):
        return self.torch.tensor(rows, device=self.device, dtype=self.torch.int32)

    def dense(self, mask):
        """The mask as a matrix, (batch, 1, t, t)."""
        pos, lo, hi = (self.tensor(v) for v in mask.vectors())
        return ((lo[:, :, None] <= pos[:, None, :]) & (pos[:, None, :] <= hi[:, :, None]))[:, None]

    def sdpa(self, mask):
        function = self.torch.nn.functional
        if not hasattr(function, "scaled_dot_product_attention"):
            leave_out("scaled_dot_product_attention", f"needs PyTorch 2, this is {self.torch.__version__}")
            return None
        if mask.name == "causal":
            attend = lambda q, k, v: function.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            dense = self.dense(mask)  # there is no other way to say it: t × t
            attend = lambda q, k, v: function.scaled_dot_product_attention(q, k, v, attn_mask=dense)
        try:
            return self.time_attention(attend, mask.t)
        except self.torch.cuda.OutOfMemoryError as e:
            leave_out(f"scaled_dot_product_attention, {mask.name}, T = {mask.t}", str(e).splitlines()[0])
            return None

    def flex(self, mask):
        try:
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        except ImportError:
            leave_out("FlexAttention", f"needs PyTorch 2.5, this is {self.torch.__version__}")
            return None
        if not self.cuda:
            leave_out("FlexAttention", "is compared on a GPU only")
            return None
        predicate = mask.predicate(self.tensor)
        make = self.compiled("FlexAttention's block mask", create_block_mask)
        build = lambda: make(predicate, mask.batch, None, mask.t, mask.t, device=self.device)
        block_mask, attend = build(), self.compiled("FlexAttention", flex_attention)
        times = self.time_attention(lambda q, k, v: attend(q, k, v, block_mask=block_mask), mask.t)
        return dict(times, block_mask_ms_min=self.ms(build, 3))


# --- comparisons ---


def compare_step(a, peer):
    """Takes turns; PyTorch's model is compiled once."""
    step, ours, theirs = peer.step(), [], []
    peak = peer.peak_gflops()
    for _ in range(a.rounds):
        ours.append(dmtrain_step(a))
        theirs.append(peer.ms(step, a.steps))
        peak = max(peak, peer.peak_gflops(), ours[-1]["matmul_peak_gflops"])
    best, ms = fastest(ours), min(theirs)
    tokens = best["tokens_per_step"]
    flops = best["model_gflops_per_s"] / best["tokens_per_s"]  # 10⁹ a token

    def side(ms):
        rate = 1e3 * tokens / ms
        return dict(step_ms_min=ms, tokens_per_s=rate, model_gflops_per_s=flops * rate, percent_of_peak=100 * flops * rate / peak)

    r = dict(config=a.config, precision=a.precision, tokens_per_step=tokens, peak_gflops=peak, dmtrain=side(best["step_ms_min"]), torch=side(ms))
    r["dmtrain"]["report"] = best
    r["torch"]["compiled"] = hasattr(peer.torch, "compile")
    r["ratio"] = ms / best["step_ms_min"]
    print(f"\nwhole step of {a.config}, {a.precision}, {tokens} tokens; peak {peak:.0f} GFLOP/s")
    for name in ("dmtrain", "torch"):
        s = r[name]
        print(f"{name:10}{s['step_ms_min']:10.2f} ms{s['tokens_per_s']:12.0f} tokens/s{s['percent_of_peak']:8.1f} % of peak")
    print(f"ratio {r['ratio']:.2f}")
    return r


def compare_attention(a, peer):
    results = []
    print(f"\nattention, {a.precision}, {a.rows} rows, {a.heads} heads of {a.head_dim}: milliseconds forward, backward")
    print(f"{'T':>6}  {'mask':24}{'visible':>9}{'dmtrain':>18}{'FlexAttention':>18}{'SDPA':>18}")
    for t in a.lengths:
        for name in a.masks:
            ours = dmtrain(a, "--attention", "--steps", a.steps, "--lengths", t, "--masks", name, "--batch", a.rows,
                           "--heads", a.heads, "--head-dim", a.head_dim, "--precision", a.precision)["attention"][0]
            mask = masks.Mask(name, a.rows, t)
            share = mask.pairs() / (a.rows * t * t)
            if not math.isclose(share, ours["visible"], rel_tol=1e-9):
                sys.exit(f"compare_cuda: {name}, T = {t}: {share} of the pairs are visible here, {ours['visible']} in dmtrain: these are not the same masks")
            one = dict(t=t, mask=name, visible=share, dmtrain=ours, flex=peer.flex(mask), sdpa=peer.sdpa(mask))
            cells = "".join(
                f"{s['forward_ms_min']:9.3f}{s['backward_ms_min']:9.3f}" if s else f"{'–':>9}{'–':>9}" for s in (ours, one["flex"], one["sdpa"]))
            print(f"{t:6}  {name:24}{100 * share:8.2f}%{cells}", flush=True)
            results.append(one)
    return results


def compare_overhead(a):
    """Steps under masks that move, against static ones."""
    kinds = {
        "static": [],
        "infill, fully open": ["mask.form=infill", "mask.control=fixed"],
        "infill, adaptive": ["mask.form=infill", "mask.control=adaptive"],
    }
    runs = {kind: [] for kind in kinds}
    for _ in range(a.rounds):
        for kind, settings in kinds.items():
            runs[kind].append(dmtrain_step(a, *settings))
    best = {kind: fastest(r) for kind, r in runs.items()}
    base = best["static"]["step_ms_min"]
    print(f"\nsteps of {a.config} by mask")
    for kind, r in best.items():
        print(f"{kind:24}{r['step_ms_min']:10.2f} ms{100 * (r['step_ms_min'] / base - 1):+8.1f} %")
    return {kind: dict(overhead=r["step_ms_min"] / base - 1, report=r) for kind, r in best.items()}


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="*", help="step, attention, overhead; all by default")
    p.add_argument("--self-test", action="store_true", help="check the masks and end")
    p.add_argument("--device", default="cuda")
    p.add_argument("--tiny", action="store_true", help="small sizes in fp32, to try the program")
    p.add_argument("--dmtrain", default=ROOT / "build" / "dmtrain", type=pathlib.Path, help="the program to measure")
    p.add_argument("--config", choices=MODELS, default="gpt-124m")
    p.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    p.add_argument("--batch", type=int, default=16, help="rows of a step")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=20, help="steps or calls timed a round")
    p.add_argument("--lengths", default="1024,4096,16384", help="attention: tokens a row")
    p.add_argument("--masks", default="causal,window:1024,window:256,packed:512,infill:0.15,packed:512+infill:0.15", help="attention: by name")
    p.add_argument("--rows", type=int, default=4, help="attention")
    p.add_argument("--heads", type=int, default=12, help="attention")
    p.add_argument("--head-dim", type=int, default=64, help="attention")
    p.add_argument("--out", type=pathlib.Path, help="the file to write; bench/results/GPU.json by default, on the CPU none")
    a = p.parse_args()
    unknown = set(a.what) - {"step", "attention", "overhead"}
    if unknown:
        p.error(f"there is no comparison {' or '.join(sorted(unknown))}; there are step, attention and overhead")
    if a.tiny:
        a.config, a.precision, a.batch, a.rounds, a.steps = "gpt-0.8m", "fp32", 4, 1, 3
        a.lengths, a.masks, a.rows, a.heads, a.head_dim = "128", "causal,window:32,packed:40,infill:0.2", 2, 2, 16
    a.lengths, a.masks = [int(n) for n in a.lengths.split(",")], a.masks.split(",")
    a.what = a.what or ["step", "attention", "overhead"]
    a.dmtrain = a.dmtrain.resolve()
    return a


def main():
    a = arguments()
    if a.self_test:
        masks.self_test()
        return
    if not os.access(a.dmtrain, os.X_OK):
        sys.exit(f"compare_cuda: {a.dmtrain} is not there: build it (make build-cuda) or name one by --dmtrain")
    peer = Peer(a)
    version = json.loads(subprocess.run([a.dmtrain, "version", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    r = dict(device=peer.name(), date=time.strftime("%Y-%m-%d"), torch=peer.torch.__version__, cuda=peer.torch.version.cuda, dmtrain=version)
    print(f"{r['device']}, PyTorch {r['torch']}")
    if "step" in a.what:
        r["step"] = compare_step(a, peer)
    if "attention" in a.what:
        r["attention"] = compare_attention(a, peer)
    if "overhead" in a.what:
        r["overhead"] = compare_overhead(a)
    r["left_out"] = left_out
    out = a.out
    if out is None and peer.cuda:
        out = ROOT / "bench" / "results" / (re.sub(r"[^a-z0-9]+", "-", r["device"].lower()).strip("-") + ".json")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(r, indent=1) + "\n")
        print(f"\nwrote {out}")


if __name__ == "__main__":
    main()

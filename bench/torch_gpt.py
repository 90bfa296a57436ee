"""One training step of a GPT-2-shaped decoder in PyTorch: the peer of `dmtrain bench`.

Random tokens, causal attention, cross-entropy, gradient clipping, AdamW: the work of
`dmtrain bench --config configs/bench/gpt-*.yaml`. Prints one JSON object with the median and the
fastest step in milliseconds.
"""

import argparse
import json
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--dim", type=int, default=128)
    p.add_argument("--seq-len", type=int, default=64)
    p.add_argument("--batch-size", type=int, default=12)
    p.add_argument("--vocab", type=int, default=96)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--warmup", type=int, default=3)
    p.add_argument("--threads", type=int, default=2, help="torch's own; OpenBLAS reads OPENBLAS_NUM_THREADS")
    return p.parse_args()


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.merge = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def attend(self, x, hidden):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.qkv(x).split(c, dim=2))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:  # before PyTorch 2
            scores = q @ k.transpose(2, 3) / math.sqrt(c // self.heads)
            y = scores.masked_fill(hidden, -math.inf).softmax(dim=3) @ v
        return self.merge(y.transpose(1, 2).reshape(b, t, c))

    def forward(self, x, hidden):
        x = x + self.attend(self.norm_1(x), hidden)
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(a.vocab, a.dim), nn.Embedding(a.seq_len, a.dim)
        self.layers = nn.ModuleList(Layer(a.dim, a.heads) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.dim)
        self.register_buffer("hidden", torch.ones(a.seq_len, a.seq_len, dtype=torch.bool).triu(1))
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions.weight
        for layer in self.layers:
            x = layer(x, self.hidden)
        logits = self.norm(x) @ self.tokens.weight.t()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main():
    a = arguments()
    torch.manual_seed(1)
    torch.set_num_threads(a.threads)
    model = Decoder(a)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    times = []
    for step in range(a.warmup + a.steps):
        text = torch.randint(a.vocab, (a.batch_size, a.seq_len + 1))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = model(text[:, :-1], text[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        if step >= a.warmup:
            times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({
        "torch": torch.__version__,
        "params": sum(p.numel() for p in model.parameters()),
        "step_ms_median": statistics.median(times),
        "step_ms_min": min(times),
    }))


if __name__ == "__main__":
    main()

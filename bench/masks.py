"""The masks that `dmtrain bench --attention` times, in Python: as the three integers a query that dmtrain's kernels see, as predicates for
FlexAttention, and, for checking both, pair by pair from their definitions.

A Mask holds the same pairs as dmtrain's of the same name, for its draws are those of internal/rng (Philox4x32-10, seed 1).
"""

import dataclasses
import struct

CLOSED = 2**31 - 1  # the level of a slot as a key: no query reaches it
SEED = 1
HIDE, WINDOW, PROBE = 1, 2, 9  # purposes, as internal/rng numbers them
WORD = 0xFFFFFFFF


def block(purpose, step, line, quad):
    """Four draws: Philox4x32-10 of Salmon et al. 2011, keyed by the seed."""
    c, k = [quad, line, step, purpose], [SEED & WORD, SEED >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & WORD, a >> 32 ^ c[3] ^ k[1], a & WORD]
        k = [k[0] + 0x9E3779B9 & WORD, k[1] + 0xBB67AE85 & WORD]
    return c


def draw(purpose, step, line, column):
    return block(purpose, step, line, column // 4)[column % 4]


def below(purpose, step, line, column, n):
    return draw(purpose, step, line, column) * n >> 32


def chance(purpose, step, line, column, rate):
    (rate,) = struct.unpack("f", struct.pack("f", rate))  # as the kernel has it
    return (draw(purpose, step, line, column) >> 8) * 2.0**-24 < rate


@dataclasses.dataclass
class Mask:
    name: str
    batch: int
    t: int
    window: int = 0  # of how many last tokens a query sees; 0: all
    packed: int = 0  # mean length of documents; 0: one a row
    slots: float = 0.0  # how often a token is hidden and looks ahead

    def __post_init__(self):
        for part in self.name.split("+"):
            kind, _, number = part.partition(":")
            if kind in ("window", "packed"):
                setattr(self, kind, int(number))
            elif kind == "infill":
                self.slots = float(number)
            elif kind != "causal":
                raise ValueError(f"{part}: no mask that is compared")
        self.rows = [self._row(row) for row in range(self.batch)]

    def _row(self, row):
        """A row's documents as (start, end) of each position, and the look-ahead of its slots; None: no slot."""
        bounds, ahead = [], [None] * self.t
        while len(bounds) < self.t:
            start, end = len(bounds), self.t
            if self.packed:
                end = min(self.t, start + (self.packed + 1) // 2 + below(PROBE, 2, row, start, self.packed + 1))
            bounds += [(start, end)] * (end - start)
        if self.slots:
            for i, (start, end) in enumerate(bounds):
                if i > start and chance(HIDE, 0, row, i, self.slots):
                    ahead[i] = min(below(WINDOW, 0, row, i, self.t // 4 + 1), end - 1 - i)
        return bounds, ahead

    def visible(self, row, i, j):
        """The definition: a query sees what is not hidden, of its own document, up to itself or, from a slot, as far ahead as it looks."""
        bounds, ahead = self.rows[row]
        if bounds[i] != bounds[j] or ahead[j] is not None:
            return False
        if self.window and j <= i - self.window:
            return False
        return j <= i + (ahead[i] or 0)

    def vectors(self):
        """pos, lo and hi, (batch, t) each: a query sees a key when lo ≤ pos ≤ hi."""
        pos, lo, hi = [], [], []
        for bounds, ahead in self.rows:
            pos.append([CLOSED if a is not None else j for j, a in enumerate(ahead)])
            lo.append([max(start, i - self.window + 1) if self.window else start for i, (start, _) in enumerate(bounds)])
            hi.append([i + (a or 0) for i, a in enumerate(ahead)])
        return pos, lo, hi

    def pairs(self):
        """How many pairs are visible, in O(t): slots stand nowhere, so what a query sees is a run of the others."""
        n = 0
        for pos, lo, hi in zip(*self.vectors()):
            open_before = [0]
            for p in pos:
                open_before.append(open_before[-1] + (p != CLOSED))
            n += sum(open_before[h + 1] - open_before[l] for l, h in zip(lo, hi))
        return n

    def predicate(self, tensor):
        """The mask as a FlexAttention mask_mod (batch, head, query, key), written as one would write it by hand. Tensor makes a device
        tensor, or anything that is indexed like one, from nested lists."""
        if self.slots:
            pos, lo, hi = (tensor(v) for v in self.vectors())
            return lambda b, h, q, k: (lo[b, q] <= pos[b, k]) & (pos[b, k] <= hi[b, q])
        window = self.window or self.t
        if self.packed:
            document = tensor([[start for start, _ in bounds] for bounds, _ in self.rows])
            return lambda b, h, q, k: (q >= k) & (q - k < window) & (document[b, q] == document[b, k])
        return lambda b, h, q, k: (q >= k) & (q - k < window)


class Table:
    """Nested lists, indexed as a tensor is."""

    def __init__(self, rows):
        self.rows = rows

    def __getitem__(self, at):
        return self.rows[at[0]][at[1]]


NAMES = ["causal", "window:7", "packed:9", "infill:0.3", "window:5+infill:0.4", "packed:11+infill:0.2", "window:4+packed:13"]


def self_test():
    """Predicates and vectors against the definition, pair by pair; Random123's known answer for the draws."""
    global SEED
    seed, SEED = SEED, 0x299F31D0A4093822
    answer = block(0x03707344, 0x13198A2E, 0x85A308D3, 0x243F6A88)
    SEED = seed
    if answer != [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]:
        raise SystemExit(f"self-test: Philox gives {[hex(w) for w in answer]}")
    checked = 0
    for name in NAMES:
        for batch, t in ((1, 1), (1, 37), (2, 64)):
            mask = Mask(name, batch, t)
            predicate, (pos, lo, hi) = mask.predicate(Table), mask.vectors()
            total = 0
            for b in range(batch):
                for q in range(t):
                    for k in range(t):
                        want = mask.visible(b, q, k)
                        total += want
                        checked += 1
                        if bool(predicate(b, 0, q, k)) != want or (lo[b][q] <= pos[b][k] <= hi[b][q]) != want:
                            raise SystemExit(f"self-test: {name}: row {b} of {t}: query {q}, key {k} should be {'seen' if want else 'hidden'}")
            if mask.pairs() != total:
                raise SystemExit(f"self-test: {name}: {mask.pairs()} pairs counted, {total} there")
    print(f"self-test: {len(NAMES)} masks, {checked} pairs: predicates and vectors are what the definitions say")

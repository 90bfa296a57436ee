#!/usr/bin/env python3
"""Scores of hyp.txt against ref.txt (and ref2.txt), written from the papers' formulas and the published descriptions of the metrics,
in exact fractions where the formula is rational. NLTK, where installed, computes BLEU once more.
usage: reference.py > expected.json
"""
import json, math, re, sys
from collections import Counter
from fractions import Fraction as F
from itertools import combinations


def lines(name):
    with open(name, encoding="utf-8", newline="\n") as f:
        return f.read().split("\n")[:-1]


def words13a(line):
    line = line.rstrip().replace("<skipped>", "")
    for entity, char in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        line = line.replace(entity, char)
    # every ASCII symbol but the apostrophe, comma, hyphen and period stands alone
    alone = set("{|}~[\\]^_` !\"#$%&()*+:;<=>?@/")
    line = "".join(f" {c} " if c in alone else c for c in f" {line} ")
    line = re.sub(r"([^0-9])([.,])", r"\1 \2 ", line)
    line = re.sub(r"([.,])([^0-9])", r" \1 \2", line)
    line = re.sub(r"([0-9])-", r"\1 - ", line)
    return line.split()


def grams(units, n):
    return Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))


def bleu(hyps, refs_of):
    found, total, hyp_len, ref_len = [0] * 4, [0] * 4, 0, 0
    for hyp, refs in zip(hyps, refs_of):
        h, rs = words13a(hyp), [words13a(r) for r in refs]
        hyp_len += len(h)
        ref_len += min((abs(len(r) - len(h)), len(r)) for r in rs)[1]
        for n in range(4):
            most = Counter()
            for r in rs:
                most |= grams(r, n + 1)
            found[n] += sum((grams(h, n + 1) & most).values())
            total[n] += sum(grams(h, n + 1).values())
    precisions, zeros = [], 0
    for f, t in zip(found, total):
        zeros += f == 0
        precisions.append(F(f, t) if f else F(1, 2**zeros * t))
    product = math.prod(precisions)
    penalty = 1.0 if hyp_len >= ref_len else math.exp(1 - ref_len / hyp_len)
    return dict(score=100 * penalty * float(product) ** 0.25, found=found, total=total, hyp=hyp_len, ref=ref_len)


def chrf_counts(hyp, ref):
    h, r = "".join(hyp.split()), "".join(ref.split())
    rows = []
    for n in range(1, 7):
        a, b = grams(h, n), grams(r, n)
        rows.append((sum(a.values()) if b else 0, sum(b.values()), sum((a & b).values())))
    return rows


def chrf_score(rows):
    both = [(F(m, h), F(m, r)) for h, r, m in rows if h and r]
    if not both:
        return F(0)
    p, r = (sum(x) / len(both) for x in zip(*both))
    return 100 * 5 * p * r / (4 * p + r) if p + r else F(0)


def chrf(hyps, refs_of):
    corpus = [(0, 0, 0)] * 6
    for hyp, refs in zip(hyps, refs_of):
        best = max((chrf_counts(hyp, r) for r in refs), key=chrf_score)
        corpus = [tuple(map(sum, zip(a, b))) for a, b in zip(corpus, best)]
    return float(chrf_score(corpus))


def common_subsequence(a, b):
    """By definition: the longest selection of a that is a subsequence of b, found by depth-first search with memory."""
    memo = {}

    def go(i, j):
        if i == len(a) or j == len(b):
            return 0
        if (i, j) not in memo:
            skip = go(i + 1, j)
            take = next((1 + go(i + 1, k + 1) for k in range(j, len(b)) if b[k] == a[i]), 0)
            memo[i, j] = max(skip, take)
        return memo[i, j]

    return go(0, 0)


def rouge(hyps, refs):
    sums = {k: [F(0)] * 3 for k in ("1", "2", "L")}
    for hyp, ref in zip(hyps, refs):
        h, r = (re.findall(r"[^\W_]+", t.lower()) for t in (hyp, ref))
        for key in sums:
            if key == "L":
                m, a, b = common_subsequence(h, r), len(h), len(r)
            else:
                x, y = grams(h, int(key)), grams(r, int(key))
                m, a, b = sum((x & y).values()), sum(x.values()), sum(y.values())
            if m:
                p, q = F(m, a), F(m, b)
                sums[key] = [s + v for s, v in zip(sums[key], (p, q, 2 * p * q / (p + q)))]
    return {k: [float(100 * s / len(hyps)) for s in v] for k, v in sums.items()}


def main():
    hyps, one, two = lines("hyp.txt"), lines("ref.txt"), lines("ref2.txt")
    single = [[r] for r in one]
    several = [[r for r in pair if r] for pair in zip(one, two)]
    out = dict(words=[words13a(h) for h in hyps], bleu=bleu(hyps, single), bleu2=bleu(hyps, several), chrf=chrf(hyps, single), chrf2=chrf(hyps, several), rouge=rouge(hyps, one))
    scored = lambda h, r: len(words13a(h)) >= 4 and grams(words13a(h), 1) & grams(words13a(r), 1)
    out["bleu_lines"] = [bleu([h], [[r]])["score"] if scored(h, r) else 0 for h, r in zip(hyps, one)]
    out["chrf_lines"] = [chrf([h], [[r]]) for h, r in zip(hyps, one)]
    try:
        from nltk.translate.bleu_score import corpus_bleu
        # NLTK counts one n-gram where a hypothesis has none, so it gets those that have four words
        long = [i for i, h in enumerate(hyps) if len(words13a(h)) >= 4]
        for refs in (single, several):
            h, r = [hyps[i] for i in long], [refs[i] for i in long]
            again = 100 * corpus_bleu([[words13a(x) for x in rs] for rs in r], [words13a(x) for x in h])
            print(f"NLTK: {again:.10f}, here: {bleu(h, r)['score']:.10f}", file=sys.stderr)
    except ImportError:
        pass
    json.dump(out, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()

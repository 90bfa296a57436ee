#!/usr/bin/env bash
# Tests and times the CUDA backend on this machine's GPU. It stands in the folder that scripts/gpu-bundle.sh makes and needs neither Go nor
# nvcc; compute-sanitizer and a python3 with PyTorch 2.5 or newer are used where they are there.
#
#	./gpu-check.sh              everything
#	./gpu-check.sh tests        the suites, parity with the CPU, and the sanitizer
#	./gpu-check.sh benchmarks   the figures: bench/results/GPU.json
#
# It runs every check even when one fails, and ends with a list of those that did.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ -d golden ] && export DMTRAIN_GOLDEN=$PWD/golden
steps=100
failed=()

# check NAME COMMAND... runs one check under a heading that says how long it took.
check() {
	local name=$1 start=$SECONDS verdict=ok
	shift
	printf '\n=== %s\n' "$name"
	"$@" || { verdict=FAILED && failed+=("$name"); }
	printf '=== %s: %s (%d s)\n' "$name" "$verdict" $((SECONDS - start))
}

suite() { (cd "$(dirname "$1")" && "./$(basename "$1")" -test.timeout 20m); }

sanitize() {
	(cd internal/kernels/cuda && compute-sanitizer --tool "$1" --error-exitcode 1 ./cuda.test -test.run 'TestConformance' -test.short -test.timeout 60m)
}

# losses DEVICE writes the losses of a short run, one a line.
losses() {
	rm -rf "parity/$1"
	./dmtrain train --config configs/bench/gpt-0.8m.yaml --device "$1" --set run.dir="parity/$1" --set data.train="builtin:stories?mb=1" \
		--set train.steps="$steps" --set train.eval_every=0 --set train.eval_batches=1 --set mask.form=infill --set mask.control=linear \
		--set model.dropout=0.1 >"parity/$1.log" 2>&1 || { tail -n 5 "parity/$1.log"; return 1; }
	sed -n 's/^{"kind":"step".*"loss":\([-+0-9.eE]*\),.*/\1/p' "parity/$1/metrics.jsonl" >"parity/$1.losses"
}

# parity trains on the CPU and on the GPU in float32, dropout and moving masks included, and compares all losses.
parity() {
	mkdir -p parity && losses cpu && losses cuda || return 1
	paste parity/cpu.losses parity/cuda.losses | awk -v steps="$steps" '
		NF == 2 { d = ($1 - $2) / $1; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
		END { printf "%d steps, largest relative difference of losses %.2e (at most 1e-4)\n", n, worst; exit !(n == steps && worst <= 1e-4) }'
}

tests() {
	check "doctor" ./dmtrain doctor
	local binary
	for binary in internal/*/*.test internal/*/*/*.test; do
		[ -x "$binary" ] && check "$(dirname "$binary")" suite "$binary"
	done
	check "parity with the CPU" parity
	if command -v compute-sanitizer >/dev/null; then
		check "memcheck" sanitize memcheck
		check "racecheck" sanitize racecheck
	else
		printf '\n=== memcheck, racecheck: left out: no compute-sanitizer here\n'
	fi
}

benchmarks() {
	check "bench, GPT-2 124M" ./dmtrain bench --config configs/bench/gpt-124m.yaml --device cuda --set precision=bf16 --profile
	check "bench, attention" ./dmtrain bench --attention --device cuda --precision bf16 --batch 4 --heads 12 --lengths 1024,4096,16384
	if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
		check "comparison with PyTorch" python3 bench/compare_cuda.py --dmtrain "$PWD/dmtrain"
	else
		printf '\n=== comparison with PyTorch: left out: no python3 with a PyTorch that sees the GPU\n'
	fi
}

if ! ./dmtrain bench --attention --device cuda --lengths 64 --masks causal --steps 1 >/dev/null 2>gpu-check.err; then
	echo "gpu-check: no GPU to check: $(tail -n 1 gpu-check.err)" >&2
	exit 1
fi
case "${1:-all}" in
all) tests && benchmarks ;;
tests) tests ;;
benchmarks) benchmarks ;;
*)
	echo "usage: $0 [tests | benchmarks]" >&2
	exit 2
	;;
esac
if [ ${#failed[@]} -gt 0 ]; then
	printf '\nFAILED:'
	printf ' [%s]' "${failed[@]}"
	printf '\n'
	exit 1
fi
printf '\nall checks passed in %d s\n' "$SECONDS"

#!/usr/bin/env bash
# Runs what depends on the processor on processors that this machine isn't: the tests of the kernels, of graphs and models, and
# the program itself, under qemu's emulation of user programs.
#
#	scripts/test-processors.sh              Haswell, SandyBridge, Nehalem and aarch64, two at a time
#	scripts/test-processors.sh Haswell      one of them
#
# It first asserts which path the processor takes. An emulated processor is some 30 times slower than a real one, so of the suites it runs the
# tests whose code differs by path, under -short, with few of rapid's random shapes. It installs qemu-user where there is apt-get, and fails where qemu can't be had. Logs are in
# build/processors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
out=$root/build/processors

# Each processor: qemu's name, the architecture of the build, the path it must take.
processors=(
	"Haswell amd64 avx2"       # AVX2, FMA and BMI2, without AVX-512
	"SandyBridge amd64 generic" # AVX alone
	"Nehalem amd64 generic"     # SSE4.2
	"aarch64 arm64 neon"
)

# Each suite: the package, which of its tests (PATH becomes the path), and the flags of its random tests if it has any. The first ones meet every
# kernel in every shape of strip and length of array; the others are those of whole models.
kernels=(
	"internal/kernels/cpu/trap . "
	"internal/kernels/cpu ^(TestStripsOfEveryShape|TestLoopsOfEveryLength|TestExpOfSpecialValues|TestThePathIsTheOneAskedFor)\$/^(PATH|best)\$ "
	"internal/kernels/cpu ^(TestAPath.*|Test.*Guarded|TestPanics.*|TestEveryItemRunsOnce)\$ "
	"internal/graph . -rapid.checks=5"
)
models=(
	"internal/kernels/cpu ^(TestConformance|TestExpIsWithinTwoUlp|TestRowsOfAProduct.*|TestThreadsDoNotChangeABit)\$/^(PATH|best)\$ -rapid.checks=5"
	"internal/model ^(TestGolden.*|Test.*DecodeEqualsFullPass|TestReordered.*|TestPassesShareAnArena)\$ "
)
suites=("${kernels[@]}" "${models[@]}")

# light says which processors run the kernels' suites alone. As Haswell the models' take qemu too long, which computes fused multiply-adds in
# software: make test-paths runs them on that path. Nehalem takes SandyBridge's path.
light() { [ "$1" = Haswell ] || [ "$1" = Nehalem ]; }

require() {
	command -v qemu-x86_64 >/dev/null && command -v qemu-aarch64 >/dev/null && return
	if command -v apt-get >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y qemu-user >/dev/null || true
	fi
	command -v qemu-x86_64 >/dev/null && command -v qemu-aarch64 >/dev/null && return
	echo "test-processors: there is no qemu-x86_64 and qemu-aarch64 here, and they could not be installed (Debian's package is qemu-user)" >&2
	exit 1
}

# build ARCH cross-compiles the program and the suites.
build() {
	local suite package
	mkdir -p "$out/$1"
	for suite in "${suites[@]}"; do
		package=${suite%% *}
		CGO_ENABLED=0 GOARCH=$1 go test -c -o "$out/$1/$(basename "$package").test" "./$package"
	done
	CGO_ENABLED=0 GOARCH=$1 go build -o "$out/$1/dmtrain" ./cmd/dmtrain
}

# under PROCESSOR COMMAND... runs a command on a processor.
under() {
	local processor=$1
	shift
	case $processor in
	aarch64) qemu-aarch64 "$@" ;;
	*) qemu-x86_64 -cpu "$processor" "$@" ;;
	esac
}

# program PROCESSOR ARCH PATH uses the program itself: a run of a small model from its first step to a sample, which says which path it takes.
# (qemu computes a fused multiply-add in software, in tens of nanoseconds.)
program() {
	local dmtrain=$out/$2/dmtrain run=$out/$1.run
	rm -rf "$run"
	under "$1" "$dmtrain" train --device cpu --threads 1 --config configs/quickstart.yaml --set run.dir="$run" \
		--set train.steps=20 --set train.warmup=2 --set data.train='builtin:stories?mb=0.02' --set data.tokenizer.size=300 \
		--set model.layers=1 --set model.dim=24 --set model.heads=2 --set data.seq_len=16 --set train.batch_size=2 --set train.eval_batches=1 &&
		under "$1" "$dmtrain" eval --device cpu --run "$run" --which last --data .gitignore | tee "$out/$1.eval" &&
		grep -q "cpu $3\$" "$out/$1.eval" &&
		under "$1" "$dmtrain" sample --device cpu --run "$run" --max-tokens 20 --which last
}

# processor NAME ARCH PATH runs everything on one processor, and says how long each took.
processor() {
	local suite package tests flags start
	set -e
	start=$SECONDS
	program "$@"
	echo "=== $1, path $3: the program: ok ($((SECONDS - start)) s)"
	local mine=("${suites[@]}")
	! light "$1" || mine=("${kernels[@]}")
	for suite in "${mine[@]}"; do
		read -r package tests flags <<<"$suite"
		start=$SECONDS
		(cd "$package" && under "$1" "$out/$2/$(basename "$package").test" -test.short -test.timeout 15m $flags -test.run "${tests//PATH/$3}")
		echo "=== $1, path $3: $package: ok ($((SECONDS - start)) s)"
	done
}

# finish waits for the processors that were started and tells of each.
finish() {
	local name
	for name in "${!running[@]}"; do
		if wait "${running[$name]}"; then
			grep '^=== ' "$out/$name.log"
		else
			failed+=("$name")
			echo "=== $name: FAILED" && tail -n 40 "$out/$name.log"
		fi
	done
	running=()
}

require
declare -A built=() running=()
failed=() known=
for entry in "${processors[@]}"; do
	read -r name arch path <<<"$entry"
	[ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
	known=1
	[ -n "${built[$arch]:-}" ] || build "$arch"
	built[$arch]=1
	processor "$name" "$arch" "$path" >"$out/$name.log" 2>&1 &
	running[$name]=$!
	[ ${#running[@]} -lt 2 ] || finish
done
finish
if [ -z "$known" ]; then
	echo "test-processors: no such processor: $*" >&2
	exit 2
fi
if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED: ${failed[*]}"
	exit 1
fi

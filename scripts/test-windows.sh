#!/usr/bin/env bash
# Runs the Windows program under Wine: 20 steps of the quick start, a kill in the middle and a resume with the same bits, sample and
# eval, with paths that have spaces, backslashes and a drive letter; then the Go tests of the packages that work on files. On Debian
# it installs what it lacks. Where something can't be had it says so and is left out, or fails under CI=true.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(files textio checkpoint data config metrics)
# Not under Wine: thousands of small files, each many times slower than on Linux. (Tests skipped on Windows itself say so in their code.)
slow='^TestCrashAtEveryOperation$'

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

wine_program() { command -v wine64 || command -v wine || { [ -x /usr/lib/wine/wine64 ] && echo /usr/lib/wine/wine64; }; }

missing() {
	local lacks=()
	command -v x86_64-w64-mingw32-gcc >/dev/null || lacks+=(gcc-mingw-w64-x86-64)
	wine_program >/dev/null || lacks+=(wine64)
	echo "${lacks[*]}"
}

# install has Wine and a C compiler for Windows.
install() {
	local lacks
	lacks=$(missing)
	[ -n "$lacks" ] || return 0
	if command -v apt-get >/dev/null; then
		# shellcheck disable=SC2086
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $lacks >/dev/null || true
	fi
	lacks=$(missing)
	[ -z "$lacks" ] && return 0
	[ "${CI:-}" != true ] || fail "not installed, and can't be: $lacks"
	echo "left out: not installed: $lacks"
	exit 0
}

install
wine=$(wine_program)
tmp=$(mktemp -d)
export WINEDEBUG=-all WINEPREFIX="$tmp/prefix" WINEDLLOVERRIDES="mscoree,mshtml="
finish() {
	wine_server -k || true
	wine_server -w || true
	rm -rf "$tmp"
}
wine_server() { { command -v wineserver >/dev/null && wineserver "$@"; } || /usr/lib/wine/wineserver64 "$@"; } 2>/dev/null
trap finish EXIT

# prefix makes an empty Windows. Go programs draw random numbers by ProcessPrng, which Wine 8 lacks.
prefix() {
	"$wine" wineboot -i >/dev/null 2>&1
	wine_server -w || true
	cat >"$tmp/prng.c" <<-'C'
		#include <stddef.h>
		__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *, unsigned long); /* RtlGenRandom */
		__declspec(dllexport) int __stdcall ProcessPrng(void *to, size_t n) { return SystemFunction036(to, (unsigned long)n); }
	C
	x86_64-w64-mingw32-gcc -shared -O1 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$tmp/prng.c" -ladvapi32
}

# windows is a path of this system as Windows programs see it.
windows() { printf 'Z:%s' "$(realpath -m "$1" | tr / '\\')"; }

# dmtrain runs the program; as=exec makes it the shell's own process, which can be killed.
as="timeout -s KILL 300"
dmtrain() { $as "$wine" "$tmp/dmtrain.exe" "$@"; }

lines() { if [ -f "$1" ]; then grep -c '"kind":"step"' "$1" || true; else echo 0; fi; }

# quickstart RUN [FLAG...] trains 20 steps of the quick start.
quickstart() {
	local run=$1
	shift
	dmtrain train --config "$(windows configs/quickstart.yaml)" --set train.steps=20 --set train.save_every=4 --set train.eval_every=10 \
		--set "run.dir=$run" "$@"
}

# same RUN RUN: two runs have the same parameters, moments and measurements.
same() {
	local name
	for name in model.safetensors optimizer.safetensors; do
		cmp "$1/checkpoints/step-000020/$name" "$2/checkpoints/step-000020/$name" || fail "$2 differs from $1 in $name"
	done
	diff <(sed 's/,"time":.*//' "$1/metrics.jsonl") <(sed 's/,"time":.*//' "$2/metrics.jsonl") || fail "$2 measured other things than $1"
}

# killed trains, is killed before its end, and goes on.
killed() {
	local run="$models/killed" pid
	(as=exec GOMAXPROCS=1 quickstart 'C:\my models\killed' --quiet) &
	pid=$!
	while [ "$(lines "$run/metrics.jsonl")" -lt 7 ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
	kill -9 $pid 2>/dev/null || true
	wait $pid 2>/dev/null && fail "the run ended before it could be killed"
	wine_server -w || true
	echo "killed after $(lines "$run/metrics.jsonl") of 20 steps"
	[ "$(lines "$run/metrics.jsonl")" -lt 20 ] || fail "the run was at its end when it was killed"
	dmtrain train --config 'C:\my models\killed\config.yaml' --resume --quiet
	same "$models/whole" "$run"
}

program() {
	models="$WINEPREFIX/drive_c/my models"
	texts="$tmp/my texts"
	mkdir -p "$models" "$texts"
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -trimpath -o "$tmp/dmtrain.exe" ./cmd/dmtrain
	CGO_ENABLED=0 go build -trimpath -o "$tmp/dmtrain" ./cmd/dmtrain
	dmtrain version | grep -q ' windows/amd64' || fail "not a program for Windows"

	quickstart 'C:\my models\whole'
	killed
	"$tmp/dmtrain" train --config configs/quickstart.yaml --set train.steps=20 --set train.save_every=4 --set train.eval_every=10 \
		--set "run.dir=$tmp/linux" --quiet
	same "$tmp/linux" "$models/whole"

	dmtrain sample --run 'C:\my models\killed' --max-tokens 20 >"$tmp/sample"
	dmtrain sample --run 'C:/my models/whole' --max-tokens 20 | cmp - "$tmp/sample" || fail "a resumed run tells another story"
	[ -s "$tmp/sample" ] || fail "no sample"

	printf 'Mia had a red ball.\r\nTom had a boat.\r\n' >"$texts/one.txt"
	printf 'Once there was a cat.\r\n' >"$texts/two.txt"
	dmtrain eval --run 'C:\my models\whole' --json >"$tmp/eval"
	grep -q '"loss"' "$tmp/eval" || fail "no loss in $(cat "$tmp/eval")"
	dmtrain eval --checkpoint 'C:\my models\killed\last' --data "$(windows "$texts")\\*.txt" --per-token 'C:\my models\tokens.jsonl'
	[ -s "$models/tokens.jsonl" ] || fail "--per-token wrote nothing"
	"$tmp/dmtrain" eval --checkpoint "$models/killed/last" --data "$texts/*.txt" || fail "Linux can't follow a name made on Windows"
	dmtrain eval --checkpoint "$(windows "$tmp/linux/last")" --data "$(windows "$texts")" || fail "Windows can't follow a link"

	# A configuration as Windows' editors save it: a byte order mark, CRLF; and a path that is not quoted.
	dmtrain init | sed -e '1s/^/\xef\xbb\xbf/' -e 's/\r*$/\r/' >"$models/my own.yaml"
	dmtrain train --config 'C:\my models\my own.yaml' --set "data.train=$(windows "$texts/../my texts")" --set data.seq_len=8 --set train.steps=2 \
		--set 'run.dir=C:\my models\own' --quiet
	grep -F "my texts" "$models/own/config.yaml" || fail "the run keeps another path"
	local code=0
	dmtrain train --config 'C:\my models\none.yaml' 2>/dev/null || code=$?
	[ $code = 2 ] || fail "bad usage ends with $code, not 2"
	code=0
	quickstart 'C:\my models\whole' 2>/dev/null || code=$?
	[ $code = 1 ] || fail "training over a run ends with $code, not 1"
}

# Wine 8 answers Go's first way of deleting a file in a directory, which only the cleaning up after tests uses, in words that Go's second
# way doesn't wait for: tests are built to take the second at once.
overlay() {
	local source
	source=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
	sed 's/^var TestDeleteatFallback bool$/var TestDeleteatFallback = true/' "$source" >"$tmp/at_windows.go"
	! cmp -s "$source" "$tmp/at_windows.go" || fail "$source has no TestDeleteatFallback"
	printf '{"Replace": {"%s": "%s"}}\n' "$source" "$tmp/at_windows.go" >"$tmp/overlay.json"
}

tests() {
	local p
	overlay
	for p in "${packages[@]}"; do
		GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go test -overlay "$tmp/overlay.json" -c -o "$tmp/$p.exe" "./internal/$p"
		(cd "internal/$p" && "$wine" "$tmp/$p.exe" -test.timeout 5m -test.skip "$slow") || fail "the tests of internal/$p"
		echo "ok internal/$p"
	done
}

prefix
program
tests
echo "the Windows program does under Wine what it should"

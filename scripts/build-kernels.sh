#!/bin/sh
# Compiles kernels/*.cu to PTX for compute capability 8.0, which every later GPU's driver can compile for itself, into the folder
# of the package that embeds it. Any warning is an error.
#
#	scripts/build-kernels.sh          write internal/kernels/cuda/ptx/*.ptx
#	scripts/build-kernels.sh check    fail unless the PTX there is what the sources give
#	scripts/build-kernels.sh report   registers, shared memory and spills of every kernel; fail if one of attention's spills
#
# The committed PTX comes from CUDA 11.8, so that drivers from 520 on can load it. Another nvcc gives other text: check then says so.
set -eu
cd "$(dirname "$0")/.."
out=internal/kernels/cuda/ptx
nvcc=${NVCC:-nvcc}
version=11.8
archs='sm_80 sm_86 sm_89 sm_90'

command -v "$nvcc" >/dev/null 2>&1 || { echo "build-kernels: no nvcc here; scripts/setup-cuda.sh installs it" >&2; exit 1; }
have=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
[ "$have" = "$version" ] || echo "build-kernels: nvcc is $have, the committed PTX is from $version" >&2

# compile SOURCE TARGET: the header, with the build's number and date, is no part of the code.
compile() {
	"$nvcc" -ptx -arch=compute_80 -std=c++17 -Werror all-warnings -o "$2.tmp" "$1"
	grep -v '^//' "$2.tmp" | sed '/^$/d' >"$2"
	rm "$2.tmp"
}

# same SOURCE: whether it gives the committed PTX. In a long unrolled loop nvcc's optimiser lets addresses of its own memory decide
# which of two equal forms it writes; hence the tries.
same() {
	for try in 1 2 3 4; do
		compile "$1" "$fresh/x.ptx"
		if cmp -s "$fresh/x.ptx" "$out/$(basename "$1" .cu).ptx"; then return 0; fi
	done
	return 1
}

# report names each kernel once, with the registers it has on each capability.
report() {
	for arch in $archs; do
		for ptx in "$out"/*.ptx; do
			ptxas -arch="$arch" -v "$ptx" -o /dev/null 2>&1
		done
	done | awk -v archs="$archs" '
		/Compiling entry function/ { split($0, q, "\047"); name = q[2]; if (!(name in shared)) order[++n] = name }
		/bytes spill stores/ { spills[name] += $5 + $9 }
		/Used [0-9]+ registers/ {
			shared[name] = 0
			for (i = 2; i <= NF; i++) if ($i ~ /^smem/) shared[name] = $(i - 2)
			registers[name] = registers[name] sprintf(" %5d", $5)
			if (name ~ /^attention/ && spills[name] > 0 && !(name in told)) { bad = bad " " name; told[name] }
		}
		END {
			gsub("sm_", "   ", archs)
			printf "%-32s %s  bytes shared  spilled\n", "registers on sm_", archs
			for (i = 1; i <= n; i++) printf "%-32s%s  %12d  %7d\n", order[i], registers[order[i]], shared[order[i]], spills[order[i]]
			if (bad != "") { print "build-kernels: spills in" bad; exit 1 }
		}'
}

case "${1:-}" in
'')
	rm -f "$out"/*.ptx
	mkdir -p "$out"
	for source in kernels/*.cu; do compile "$source" "$out/$(basename "$source" .cu).ptx"; done
	;;
check)
	fresh=$(mktemp -d)
	trap 'rm -rf "$fresh"' EXIT
	bad=
	for source in kernels/*.cu; do same "$source" || bad="$bad $(basename "$source")"; done
	for ptx in "$out"/*.ptx; do [ -e "kernels/$(basename "$ptx" .ptx).cu" ] || bad="$bad $(basename "$ptx")"; done
	[ -z "$bad" ] || { echo "build-kernels: the committed PTX is not what the sources give:$bad; run scripts/build-kernels.sh and commit" >&2; exit 1; }
	;;
report) report ;;
*)
	echo "usage: $0 [check | report]" >&2
	exit 2
	;;
esac

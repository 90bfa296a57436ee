#!/bin/sh
# Makes build/gpu/: all that a machine with an NVIDIA GPU but without Go needs to test and time the CUDA backend, namely the program
# and the tests built with -tags cuda, what they read, and gpu-check.sh. Copy the folder there and run ./gpu-check.sh in it.
#
# Building it needs nvcc's headers (scripts/setup-cuda.sh), no GPU. DMTRAIN_GOLDEN names further golden cases to take along.
set -eu
cd "$(dirname "$0")/.."
out=build/gpu
packages="internal/gpu internal/gpu/nvidia internal/kernels/cuda internal/backend internal/graph internal/model internal/train internal/bench"

rm -rf "$out"
mkdir -p "$out/bench" "$out/configs"
go build -tags cuda -o "$out/dmtrain" ./cmd/dmtrain
for package in $packages; do
	mkdir -p "$out/$package"
	go test -c -tags cuda -o "$out/$package/" "./$package" | grep -v 'no test files' || true
	if [ -d "$package/testdata" ]; then cp -r "$package/testdata" "$out/$package/"; fi
	rmdir "$out/$package" 2>/dev/null || true
done
if [ -n "${DMTRAIN_GOLDEN:-}" ]; then
	mkdir -p "$out/golden"
	cp "$DMTRAIN_GOLDEN"/*.safetensors "$out/golden/"
fi
cp -r configs/. "$out/configs/"
cp bench/*.py "$out/bench/"
cp scripts/gpu-check.sh "$out/"
echo "gpu-bundle: $(du -sh "$out" | cut -f1) in $out; run ./gpu-check.sh in it on a machine with a GPU"

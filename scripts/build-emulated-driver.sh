#!/bin/sh
# Builds a library that stands for libcuda.so.1 and runs the emulated device (internal/gpu/emulator) behind its interface (internal/gpu/fakedriver), so that programs and tests
# built with -tags cuda go their whole way to a device on a machine without one:
#
#	scripts/build-emulated-driver.sh build/libcuda-emulated.so
#	DMTRAIN_LIBCUDA=$PWD/build/libcuda-emulated.so go test -tags cuda ./internal/gpu/... ./internal/kernels/cuda/...
#
# It needs g++ and cuda.h (scripts/setup-cuda.sh).
set -eu
cd "$(dirname "$0")/.."
out=${1:?usage: build-emulated-driver.sh LIBRARY}
mkdir -p "$(dirname "$out")"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
flags="-O2 -fPIC -Iinternal/gpu/emulator -Ikernels"
for source in internal/gpu/emulator/*.c; do
	cc $flags -c -o "$objects/$(basename "$source").o" "$source"
done
for source in internal/gpu/emulator/*.cpp; do
	g++ $flags -std=c++17 -fsanitize=thread -fno-exceptions -Wno-unknown-pragmas -DDMTRAIN_EMULATED -c -o "$objects/$(basename "$source").o" "$source"
done
g++ $flags -std=c++17 -Wall -Wextra -c -o "$objects/libcuda.o" internal/gpu/fakedriver/libcuda.cpp
g++ -shared -o "$out" "$objects"/*.o -lm

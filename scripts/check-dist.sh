#!/usr/bin/env bash
# Makes the archives of a release twice, in clones of this repository that differ in place, age, permissions, language and time zone, and
# fails unless all bytes are the same and an archive holds what it should.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# release UMASK DIRECTORY makes the archives from a clone.
release() (
	umask "$1"
	git clone -q . "$2"
	cd "$2"
	find . -name .git -prune -o -type f -exec touch -d "$3" {} +
	go run ./internal/dist
)

[ -z "$(git status --porcelain)" ] || echo "what is not committed is not tested here"
release 022 "$tmp/one" 2001-02-03
LC_ALL=C.UTF-8 TZ=Asia/Kathmandu release 077 "$tmp/another place" now
diff -r "$tmp/one/build/dist" "$tmp/another place/build/dist" || fail "two builds of one source differ"

cd "$tmp/one/build/dist"
sha256sum --quiet -c SHA256SUMS
[ "$(wc -l <SHA256SUMS)" = 6 ] || fail "not six archives"
tar -xzf dmtrain-*-"$(go env GOOS)-$(go env GOARCH)".tar.gz
cd dmtrain-*/
for file in README.md LICENSE completions/dmtrain.bash man/man1/dmtrain-train.1 licences/go/LICENSE licences/MODULES configs/quickstart.yaml; do
	[ -s "$file" ] || fail "no $file in the archive"
done
! grep -q "$tmp" dmtrain || fail "the program knows where it was built"
! ldd dmtrain 2>/dev/null | grep -q '=>' || fail "the program is not static"
./dmtrain train --config configs/quickstart.yaml --set train.steps=2 --quiet
./dmtrain version

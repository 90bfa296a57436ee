#!/bin/sh
# Installs what compiling CUDA needs on Debian or Ubuntu: nvcc and the driver API's headers and link stub
# (packages nvidia-cuda-toolkit and nvidia-cuda-dev). No GPU and no NVIDIA driver are needed to compile.
#
# The toolkit lives in Debian's non-free (with dependencies in contrib) and in Ubuntu's multiverse; where that is not
# enabled, a sources file of its own is added and nothing else is touched.
# Running a program needs only the driver's libcuda.so.1, and nothing of this.
set -eu

if command -v nvcc >/dev/null 2>&1 && [ -e /usr/include/cuda.h -o -e "${CUDA_HOME:-/usr/local/cuda}/include/cuda.h" ]; then
	echo "setup-cuda: nvcc is here already: $(nvcc --version | tail -n 1)"
	exit 0
fi
[ -r /etc/os-release ] || { echo "setup-cuda: no /etc/os-release: install a CUDA toolkit (11.8 to 12.x) by hand" >&2; exit 1; }
. /etc/os-release
case "$ID ${ID_LIKE:-}" in
*ubuntu*) component=multiverse keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
*debian*) component="contrib non-free" keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
*) echo "setup-cuda: $ID is neither Debian nor Ubuntu: install a CUDA toolkit (11.8 to 12.x) by hand" >&2; exit 1 ;;
esac
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo

candidate() { apt-cache policy nvidia-cuda-toolkit 2>/dev/null | awk '/Candidate:/ {print $2}'; }

case "$(candidate)" in ''|'(none)')
	$sudo apt-get update -qq
esac
case "$(candidate)" in ''|'(none)')
	# The mirror in use serves the other components too: take the main archive's address from what is configured.
	uri=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 2>/dev/null | awk -v r="$VERSION_CODENAME" '$2 == r {print $1; exit}')
	[ -n "$uri" ] || { echo "setup-cuda: enable the component $component of your package sources, then run this again" >&2; exit 1; }
	echo "setup-cuda: enabling $component of $uri"
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' \
		"$uri" "$VERSION_CODENAME" "$component" "$keyring" |
		$sudo tee /etc/apt/sources.list.d/dmtrain-cuda.sources >/dev/null
	$sudo apt-get update -qq
esac
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends nvidia-cuda-toolkit nvidia-cuda-dev >/dev/null
echo "setup-cuda: $(nvcc --version | tail -n 1)"

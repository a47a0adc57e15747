# What the scripts share. Sourced by bash, never run; sets ROOT and goes there.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
CACHE=${DYNAMODB_REPLICATOR_CACHE:-$ROOT/.cache}

say() { printf '==> %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# as_root COMMAND...: as root, or with sudo if that needs no question or somebody is there to answer it.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}
can_be_root() {
  [ "$(id -u)" = 0 ] && return 0
  have sudo || return 1
  sudo -n true 2>/dev/null || [ -t 0 ]
}

jobs_max() { nproc 2>/dev/null || echo 2; }

# The compiler cache makes a second build quick, in another clone too; a missing one is no loss.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
launcher() { have ccache && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache || true; }

# build PRESET [TARGET...]: configure if the cache is not there or the preset changed, then build.
build() {
  local preset=$1
  shift
  local targets=()
  [ $# -gt 0 ] && targets=(--target "$@")
  cmake --preset "$preset" $(launcher) >"$CACHE/cmake-$preset.log" 2>&1 || {
    cat "$CACHE/cmake-$preset.log" >&2
    die "cmake --preset $preset failed; script/bootstrap installs what it needs"
  }
  cmake --build "$(build_directory "$preset")" -j "$(jobs_max)" "${targets[@]}"
}
build_directory() {
  case $1 in
    release | release-tests) echo build ;;
    *) echo "build-$1" ;;
  esac
}
mkdir -p "$CACHE"

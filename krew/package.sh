#!/usr/bin/env bash
# Builds the archives of a release with their checksums, and the manifest by which krew installs them.
#
#   krew/package.sh                             all platforms
#   krew/package.sh linux-amd64 windows-amd64   some of them
#
# It needs Rust (rustup), python3 and GNU tar; for darwin macOS, or an Apple SDK in SDKROOT: its certificate store is a part
# of the system. The archives lie in OUT (target/krew); MANIFEST (plugin-manifests/wukong.yaml) names all that are there, so that
# those of another machine can be laid beside them. Their address is URI; without it, that of the release on GitHub of
# GITHUB_REPOSITORY.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

platforms=(linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64)
out=${OUT:-$PWD/target/krew}
manifest=${MANIFEST:-$PWD/plugin-manifests/wukong.yaml}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
homepage=${HOMEPAGE:-https://github.com/${GITHUB_REPOSITORY:-OWNER/kubectl-wukong}}
uri=${URI:-$homepage/releases/download/v$version}
# In what sed puts in, an ampersand is what it has found.
uri=${uri//&/\\&}
# The time of everything in an archive: that of the commit.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

# What Rust calls a platform of krew. On musl a program is static, and needs no libc of a certain age.
triple() {
  case $1 in
    linux-amd64) echo x86_64-unknown-linux-musl ;;
    linux-arm64) echo aarch64-unknown-linux-musl ;;
    darwin-amd64) echo x86_64-apple-darwin ;;
    darwin-arm64) echo aarch64-apple-darwin ;;
    windows-amd64) echo x86_64-pc-windows-gnu ;;
    windows-arm64) echo aarch64-pc-windows-gnullvm ;;
    *) echo "unknown platform $1: it is one of ${platforms[*]}" >&2; return 2 ;;
  esac
}

# One compiler and linker for the C parts on all platforms, from PyPI, pinned.
zig=$PWD/target/zig
tools() {
  if [[ $(uname -s) == Darwin ]]; then return; fi
  if ! [[ -x $zig/bin/cargo-zigbuild && $(cat "$zig/pinned" 2>/dev/null) == "$(cat krew/requirements.txt)" ]]; then
    python3 -m venv "$zig"
    "$zig/bin/pip" install --quiet --disable-pip-version-check --requirement krew/requirements.txt
    cp krew/requirements.txt "$zig/pinned"
  fi
  export PATH="$zig/bin:$PATH"
}

pack() {
  local platform=$1 target binary stage
  target=$(triple "$platform")
  binary=kubectl-wukong
  if [[ $platform == windows-* ]]; then binary+=.exe; fi
  rustup target list --installed | grep -qx "$target" || rustup target add "$target"
  local build=zigbuild
  if [[ $(uname -s) == Darwin ]]; then build=build; fi
  # No path of this machine stays in the program.
  RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo "$build" --locked --release --bin kubectl-wukong --target "$target"
  stage=$(mktemp -d)
  install -m 755 "${CARGO_TARGET_DIR:-target}/$target/release/$binary" "$stage/$binary"
  install -m 644 LICENSE "$stage/LICENSE"
  tar --create --directory="$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" \
    --format=ustar "$binary" LICENSE | gzip --no-name --best > "$out/kubectl-wukong-$platform.tar.gz"
  rm -r "$stage"
}

# The template ends with a platform, which is repeated for each archive that is there.
manifest() {
  local platform sum bin
  sed -n '1,/^  platforms:$/p' krew/wukong.yaml.template | sed "s|@TAG@|v$version|; s|@HOMEPAGE@|$homepage|"
  for platform in "$@"; do
    sum=$(cut -d ' ' -f 1 "$out/kubectl-wukong-$platform.tar.gz.sha256")
    bin=kubectl-wukong
    if [[ $platform == windows-* ]]; then bin+=.exe; fi
    sed '1,/^  platforms:$/d' krew/wukong.yaml.template |
      sed "s|@OS@|${platform%-*}|; s|@ARCH@|${platform#*-}|; s|@URI@|$uri|; s|@PLATFORM@|$platform|; s|@SHA256@|$sum|; s|@BIN@|$bin|"
  done
}

wanted=("$@")
if (($# == 0)); then wanted=("${platforms[@]}"); fi
for platform in "${wanted[@]}"; do
  triple "$platform" > /dev/null
  if [[ $platform == darwin-* && $(uname -s) != Darwin && -z ${SDKROOT:-} ]]; then
    echo "$platform needs macOS, or an Apple SDK whose folder is in SDKROOT" >&2
    exit 2
  fi
done
sum() { if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi; }
tools
mkdir -p "$out"
for platform in "${wanted[@]}"; do
  pack "$platform"
  (cd "$out" && sum "kubectl-wukong-$platform.tar.gz" | tee "kubectl-wukong-$platform.tar.gz.sha256")
  echo "$version" > "$out/$platform.version"
done
there=()
for platform in "${platforms[@]}"; do
  # What an older version left is not of this one.
  if [[ -e $out/kubectl-wukong-$platform.tar.gz.sha256 && $(cat "$out/$platform.version") == "$version" ]]; then
    there+=("$platform")
  fi
done
manifest "${there[@]}" > "$manifest"

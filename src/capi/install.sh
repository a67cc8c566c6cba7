#!/usr/bin/env bash
# Builds libwukong and installs it with its header and its pkg-config file: install.sh PREFIX [PROFILE]
# DESTDIR is put before the paths, for packages. On Linux and the BSDs.
set -euo pipefail
prefix=${1:?usage: install.sh PREFIX [PROFILE]}
profile=${2:-release}
[[ $prefix == /* ]] || { echo "the prefix $prefix is not absolute" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")"
target=${CARGO_TARGET_DIR:-$PWD/../../target}
# The static library needs these; the compiler of Rust says so.
private=$(cargo rustc --locked --package wukong-capi --lib --profile "$profile" --target-dir "$target" \
  -- --print native-static-libs 2>&1 | tee /dev/stderr | sed -n 's/.*native-static-libs: //p' | tail -1)
built=$target/${profile/#dev/debug}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
abi=$(sed -n 's/^const ABI: &str = "\(.*\)";/\1/p' build.rs)
root=${DESTDIR:-}$prefix
install -d "$root/lib/pkgconfig" "$root/include"
install -m 755 "$built/libwukong.so" "$root/lib/libwukong.so.$abi.$version"
ln -sf "libwukong.so.$abi.$version" "$root/lib/libwukong.so.$abi"
ln -sf "libwukong.so.$abi" "$root/lib/libwukong.so"
install -m 644 "$built/libwukong.a" "$root/lib/libwukong.a"
install -m 644 wukong.h "$root/include/wukong.h"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@PRIVATE@|$private|" wukong.pc.in \
  >"$root/lib/pkgconfig/wukong.pc"
echo "$root/lib/pkgconfig/wukong.pc"

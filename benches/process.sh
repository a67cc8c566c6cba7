#!/usr/bin/env bash
# Whole-process benchmark: `kubectl-wukong render` beside `virtctl create vm` and `helm template`, timed in one run on
# one machine, so that only ratios are judged. A missed target is printed and fails nothing: shared runners are noisy.
#
#   WUKONG_BIN   measure this binary instead of building target/release/kubectl-wukong
#   TMPDIR       where the generated inputs go; they are removed at exit
set -euo pipefail

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

need hyperfine "install it, for example with apt-get install hyperfine"
need python3 "it does the arithmetic on hyperfine's JSON"
if [[ -n ${WUKONG_BIN:-} ]]; then
  wukong=$(realpath "$WUKONG_BIN")
  [[ -x $wukong ]] || die "WUKONG_BIN=$WUKONG_BIN is not an executable file"
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(realpath "${CARGO_TARGET_DIR:-target}")
peers=$target/peers

# A folder whose name is the tool's; go.sum changes whenever the pinned version does.
build_peer() {
  [[ $peers/$1 -nt benches/peers/$1/go.sum ]] && return
  need go "it builds $1, which this benchmark compares with (version 1.24 or later, https://go.dev/dl)"
  printf 'building %s, once; this takes some minutes\n' "$1" >&2
  # Without cgo and symbols, as both projects build their releases.
  CGO_ENABLED=0 go build -C "benches/peers/$1" -buildvcs=false -trimpath -ldflags="-s -w" -o "$peers/" tool
}
build_peer helm
build_peer virtctl
if [[ -z ${WUKONG_BIN:-} ]]; then
  cargo build --release
  wukong=$target/release/kubectl-wukong
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/wukong-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# Nobody's settings, plugins or cluster may take part.
export KUBECONFIG=/dev/null HELM_CACHE_HOME=$tmp/helm HELM_CONFIG_HOME=$tmp/helm HELM_DATA_HOME=$tmp/helm

# The hash is made up: no password belongs to it.
# shellcheck disable=SC2016 # its dollars are not variables
hash='$6$rounds=4096$saltsalt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./abcdefghijklmnopqrstu1'
image=https://images.example/noble.img
machine="metadata: {name: NAME, namespace: bench, labels: {app.kubernetes.io/name: web}}
spec:
  cpu: 2
  memory: 4Gi
  disks:
    - {name: system, size: 20Gi, storageClassName: local-path, boot: true, image: \"$image\"}
    - {name: data, size: 50Gi, storageClassName: local-path}
  cloudInitUser: {name: ubuntu, passwordHash: \"$hash\"}
  highAvailability: {antiAffinity: true}"
document=$'---\napiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\n'$machine
# The chart gets the same machine as a list entry.
entry="  - ${machine//$'\n'/$'\n'    }"

# fleet TEXT COUNT: the text once per machine, each with a name of its own
fleet() {
  local i
  for ((i = 1; i <= $2; i++)); do printf '%s\n' "${1//NAME/web-$i}"; done
}
printf '%s\n' "${document//NAME/web}" >"$tmp/one.yaml"
printf 'machines:\n%s\n' "${entry//NAME/web}" >"$tmp/one-values.yaml"
{ printf 'machines:\n'; fleet "$entry" 1000; } >"$tmp/thousand-values.yaml"
fleet "$document" 100 >"$tmp/hundred.yaml"
fleet "$document" 1000 >"$tmp/thousand.yaml"
fleet "$document" 10000 >"$tmp/ten-thousand.yaml"
printf '%s' "$hash" >"$tmp/password"

# The closest virtctl can come, and less work: it has no CPUs, labels or affinity, and one object instead of four.
virtctl_one=("$peers/virtctl" create vm --name web-vm --run-strategy Always --memory 4Gi
  --volume-import "type:http,name:web-system,url:$image,size:20Gi,bootorder:1"
  --volume-import "type:blank,name:web-data,size:50Gi" --user ubuntu --password-file "$tmp/password")
helm_one=("$peers/helm" template web benches/peers/chart -f "$tmp/one-values.yaml")
helm_thousand=("$peers/helm" template web benches/peers/chart -f "$tmp/thousand-values.yaml")
wukong_one=("$wukong" render -f "$tmp/one.yaml")
wukong_thousand=("$wukong" render -f "$tmp/thousand.yaml")

# objects LABEL COMMAND...: shows how comparable the work is; a tool that cannot run stops the benchmark, saying why
objects() {
  local label=$1
  shift
  "$@" >"$tmp/out" 2>"$tmp/err" || { cat "$tmp/err" >&2; die "$label failed: $*"; }
  printf '  %-18s %5d objects %9d bytes\n' "$label" "$(grep -c '^kind: ' "$tmp/out" || true)" "$(wc -c <"$tmp/out")"
}
printf 'what each prints\n'
objects "wukong, 1" "${wukong_one[@]}"
objects "virtctl, 1" "${virtctl_one[@]}"
objects "helm, 1" "${helm_one[@]}"
objects "wukong, 1000" "${wukong_thousand[@]}"
objects "helm, 1000" "${helm_thousand[@]}"

# hyperfine runs without a shell and splits the words of a command itself.
words() { printf '%q ' "$@"; }
measure=(hyperfine -N --warmup 3 --style basic)
"${measure[@]}" --export-json "$tmp/one.json" -n wukong "$(words "${wukong_one[@]}")" \
  -n virtctl "$(words "${virtctl_one[@]}")" -n helm "$(words "${helm_one[@]}")" >&2
"${measure[@]}" --export-json "$tmp/thousand.json" -n wukong "$(words "${wukong_thousand[@]}")" \
  -n helm "$(words "${helm_thousand[@]}")" >&2

# table JSON PEER=TARGET...
table() {
  python3 - "$@" <<'PYTHON'
import json, sys
median = {r["command"]: r["median"] for r in json.load(open(sys.argv[1]))["results"]}
print(f"  {'wukong':<8} {median['wukong'] * 1e3:9.2f} ms")
for peer, target in (argument.split("=") for argument in sys.argv[2:]):
    ratio = median[peer] / median["wukong"]
    verdict = "met" if ratio >= float(target) else "MISSED"
    print(f"  {peer:<8} {median[peer] * 1e3:9.2f} ms {ratio:7.1f}x   target >= {target}x: {verdict}")
PYTHON
}
printf '\none machine (median)\n'
table "$tmp/one.json" virtctl=4 helm=10
printf '\n1,000 machines (median)\n'
table "$tmp/thousand.json" helm=5

# peak COMMAND...: the largest resident set, in KiB
peak() {
  if /usr/bin/time -v true >/dev/null 2>&1; then
    /usr/bin/time -v -o "$tmp/time" "$@" >/dev/null 2>&1 || die "failed: $*"
    awk -F': ' '/Maximum resident set size/ { print $2 }' "$tmp/time"
  else
    # Without GNU time. A child starts with its parent's peak, so Python's own size is the least this can report.
    python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // (1024 if sys.platform == "darwin" else 1))' "$@"
  fi
}
hundred=$(peak "$wukong" render -f "$tmp/hundred.yaml")
thousand=$(peak "$wukong" render -f "$tmp/thousand.yaml")
ten_thousand=$(peak "$wukong" render -f "$tmp/ten-thousand.yaml")
printf '\npeak memory of wukong render\n'
python3 - "$hundred" "$thousand" "$ten_thousand" <<'PYTHON'
import sys
previous = None
for machines, kib in zip((100, 1000, 10000), map(int, sys.argv[1:])):
    growth = f"   {(kib - previous[1]) / (machines - previous[0]):7.2f} KiB per further machine" if previous else ""
    print(f"  {machines:>6,} machines {kib:>9,} KiB{growth}")
    previous = machines, kib
megabytes = previous[1] * 1024 / 1e6
print(f"  {megabytes:.1f} MB for 10,000   target <= 100 MB: {'met' if megabytes <= 100 else 'MISSED'}")
PYTHON

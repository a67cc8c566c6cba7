#!/usr/bin/env bash
# Whole-process benchmark against the control planes of the tests: `kubectl-wukong diff` and `apply` beside kubectl's
# own, on the same 100 machines, in one run, so that only ratios are judged. A missed target is printed and fails nothing.
#
#   COUNT   how many machines (100)
set -euo pipefail

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
for tool in cargo go kubectl python3; do command -v "$tool" >/dev/null || die "$tool is missing"; done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
count=${COUNT:-100}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/wukong-bench.XXXXXX")
rig=
end() {
  [[ -z $rig ]] || { kill -INT "$rig" 2>/dev/null; wait "$rig" 2>/dev/null; } || true
  rm -rf "$tmp"
}
trap end EXIT

cargo build --release --locked
cargo build --locked --example cluster
wukong=$target/release/kubectl-wukong
"$target/debug/examples/cluster" --empty >"$tmp/rig" 2>"$tmp/rig.err" &
rig=$!
printf 'starting the control planes\n' >&2
until KUBECONFIG=$(sed -n 's/^ *export KUBECONFIG=//p' "$tmp/rig") && [[ -n $KUBECONFIG ]]; do
  kill -0 "$rig" 2>/dev/null || { cat "$tmp/rig.err" >&2; die "the control planes did not start"; }
  sleep 1
done
export KUBECONFIG KUBECACHEDIR=$tmp/kubectl KUBECTL_EXTERNAL_DIFF=

# Stopped machines, so that nothing but the writing is measured.
machines() {
  local i
  for ((i = 1; i <= count; i++)); do
    printf -- '---\napiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {name: web-%d, namespace: %s}\n' "$i" "$1"
    printf 'spec:\n  cpu: 2\n  memory: 4Gi\n  startStrategy: {autoStart: false}\n'
    printf '  disks: [{name: data, size: 1Gi, storageClassName: local-path}]\n  cloudInitUser: {name: ops}\n'
  done
}
for namespace in ours theirs; do
  kubectl create namespace "$namespace" >/dev/null
  machines "$namespace" >"$tmp/$namespace.yaml"
  "$wukong" render -f "$tmp/$namespace.yaml" >"$tmp/$namespace-rendered.yaml"
done
printf '%d machines, %d objects\n' "$count" "$(grep -c '^kind: ' "$tmp/ours-rendered.yaml")"

# seconds COMMAND...: how long it takes, wherever 0 and 1 are good ends
seconds() {
  local from to code=0
  from=$(date +%s%N)
  "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
  to=$(date +%s%N)
  ((code <= 1)) || { cat "$tmp/err" >&2; die "failed: $*"; }
  printf '%s' "$(((to - from) / 1000000))"
}
# row NAME TARGET OURS THEIRS
row() {
  python3 -c 'import sys
name, target, ours, theirs = sys.argv[1], *map(float, sys.argv[2:])
verdict = "met" if theirs / ours >= target else "MISSED"
print(f"  {name:<14} wukong {ours:8.0f} ms   kubectl {theirs:8.0f} ms {theirs / ours:7.1f}x   target >= {target:.0f}x: {verdict}")' "$@"
}
apply=(kubectl apply --server-side -f "$tmp/theirs-rendered.yaml")
diff=(kubectl diff --server-side -f "$tmp/theirs-rendered.yaml")
# Both are measured alone and in turn; kubectl first, so that what the server learns by the first run is in our favour
# nowhere but in its caches.
theirs=$(seconds "${apply[@]}")
ours=$(seconds "$wukong" apply -f "$tmp/ours.yaml")
row "apply, first" 5 "$ours" "$theirs"
theirs=$(seconds "${apply[@]}")
ours=$(seconds "$wukong" apply -f "$tmp/ours.yaml")
row "apply, no-op" 10 "$ours" "$theirs"
theirs=$(seconds "${diff[@]}")
ours=$(seconds "$wukong" diff -f "$tmp/ours.yaml")
row "diff" 5 "$ours" "$theirs"

# Sourced by the benchmarks against a cluster: builds the release and the control planes of the tests, starts them, and
# ends them with the script. Leaves `wukong`, `tmp`, KUBECONFIG.

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
for tool in cargo go kubectl python3; do command -v "$tool" >/dev/null || die "$tool is missing"; done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
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

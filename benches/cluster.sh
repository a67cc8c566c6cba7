#!/usr/bin/env bash
# Whole-process benchmark against the control planes of the tests: `kubectl-wukong diff` and `apply` beside kubectl's
# own, on the same 100 machines, in one run, so that only ratios are judged. A missed target is printed and fails nothing.
#
#   COUNT   how many machines (100)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
count=${COUNT:-100}

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

# A thousand files, one of which cannot be applied: it is told, and the others are not kept from it.
kubectl create namespace fleet >/dev/null
mkdir "$tmp/fleet"
for ((i = 1; i <= 1000; i++)); do
  count=1 machines fleet | sed "s/web-1,/web-$i,/" >"$tmp/fleet/web-$i.yaml"
done
count=1 machines nowhere >"$tmp/fleet/nowhere.yaml"
from=$(date +%s%N)
code=0
"$wukong" apply -f "$tmp/fleet" >"$tmp/out" 2>"$tmp/err" || code=$?
to=$(date +%s%N)
printf '  1,000 files    wukong %8d ms   exit %d: %s\n' "$(((to - from) / 1000000))" "$code" "$(tail -1 "$tmp/out")"

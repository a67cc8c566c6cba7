#!/usr/bin/env bash
# Whole-process benchmark against the control planes of the tests: `kubectl-wukong status -A` beside
# `kubectl get vm,vmi,datavolume,pvc,pv -A -o json`, which reads the same and explains nothing. A missed target is printed
# and fails nothing.
#
#   COUNT   how many machines, of three claims each (5000)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
count=${COUNT:-5000}

# Stopped machines in ten namespaces. Their claims wait for the first start.
for ((n = 0; n < 10; n++)); do kubectl create namespace "fleet-$n" >/dev/null; done
for ((i = 1; i <= count; i++)); do
  printf -- '---\napiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {name: web-%d, namespace: fleet-%d}\n' "$i" "$((i % 10))"
  printf 'spec:\n  cpu: 2\n  memory: 4Gi\n  startStrategy: {autoStart: false}\n  disks:\n'
  printf '  - {name: %s, size: 1Gi, storageClassName: local-path}\n' system data logs
done >"$tmp/fleet.yaml"
"$wukong" apply -f "$tmp/fleet.yaml" >"$tmp/out" 2>"$tmp/err" || { tail -5 "$tmp/err" >&2; die "the fleet was not applied"; }
printf '%d machines, %d claims\n' "$count" "$((count * 3))"

theirs=$(seconds kubectl get vm,vmi,datavolume,pvc,pv -A -o json)
ours=$(seconds "$wukong" status -A)
row "status -A" 1 "$ours" "$theirs"
"$wukong" status -A -v=6 2>"$tmp/requests" >/dev/null
printf '  lists: %d kinds, %d pages\n' "$(grep -o 'GET [^?]*' "$tmp/requests" | sort -u | wc -l)" "$(grep -c 'GET ' "$tmp/requests")"
where=$(seconds "$wukong" where-is-my-data -A -o table)
"$wukong" where-is-my-data -A -o table -v=6 2>"$tmp/requests" >/dev/null
printf '  where-is-my-data -A: %d ms; lists: %d kinds, %d pages\n' "$where" \
  "$(grep -o 'GET [^?]*' "$tmp/requests" | sort -u | wc -l)" "$(grep -c 'GET ' "$tmp/requests")"
python3 - "$wukong" <<'PY'
import resource, subprocess, sys
subprocess.run([sys.argv[1], "status", "-A"], stdout=subprocess.DEVNULL, check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"  peak memory of wukong status: {peak:.0f} MiB   target <= 500 MiB: {'met' if peak <= 500 else 'MISSED'}")
PY

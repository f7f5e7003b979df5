#!/usr/bin/env bash
# Run the review on a one-node Slurm cluster and compare every file with the local run's.
#
# The cluster lives in a temporary folder and on the loopback address only, and is stopped at the
# end, whatever happens. `make test-slurm` calls this after `make results`.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
compared=(results data/processed)
pids=()
tmp=

say() { echo "slurm: $*"; }
fail() {
  echo "slurm: $*" >&2
  exit 1
}
fail_with_logs() {
  tail -n 20 "$tmp"/*.log >&2
  find "$tmp" -path '*/logs/slurm/*.log' -exec tail -n 40 {} + >&2
  fail "$*"
}

# Stop what was started, last first, and remove the folder.
finish() {
  local status=$?
  trap - EXIT INT TERM
  set +e # a process that has ended already is no reason to leave the others running
  if [[ -n $tmp ]]; then
    [[ -S $tmp/munge/socket ]] && scancel --user="$(id -un)" >/dev/null 2>&1
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
      kill -- "-${pids[i]}" 2>/dev/null
      for _ in {1..50}; do
        kill -0 -- "-${pids[i]}" 2>/dev/null || break
        sleep 0.1
      done
      kill -KILL -- "-${pids[i]}" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$tmp"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Wait until a command succeeds, at most so many seconds.
wait_for() {
  local seconds=$1 what=$2
  shift 2
  for ((i = 0; i < seconds * 5; i++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  fail_with_logs "$what did not come up in $seconds s"
}

node_is_idle() { [[ $(sinfo --noheader --format=%T) == idle ]]; }

free_ports() {
  python3 - <<'PYTHON'
import socket

ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(port.getsockname()[1] for port in ports))
PYTHON
}

install_slurm() {
  local tool missing=
  for tool in slurmctld slurmd sbatch munged; do
    command -v "$tool" >/dev/null || missing=$tool
  done
  [[ -n $missing ]] || return 0
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    fail "$missing is missing; install slurm-wlm and munge"
  fi
  say "installing slurm-wlm and munge"
  apt-get update -qq >/dev/null
  # The packaged services would use system folders; this test starts its own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null 2>&1 ||
    fail "apt-get could not install slurm-wlm and munge"
}

configure() {
  local control_port node_port node memory
  read -r control_port node_port < <(free_ports)
  node=$(hostname -s)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  mkdir -p "$tmp"/{bin,munge,state,spool}
  chmod 755 "$tmp" "$tmp/munge"
  (umask 077 && head -c 128 /dev/urandom >"$tmp/munge/key")

  cat >"$tmp/slurm.conf" <<CONF
ClusterName=throwaway
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$control_port
SlurmdPort=$node_port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$tmp/munge/socket
CredType=cred/munge
StateSaveLocation=$tmp/state
SlurmdSpoolDir=$tmp/spool
SlurmctldPidFile=$tmp/slurmctld.pid
SlurmdPidFile=$tmp/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MpiDefault=none
ReturnToService=2
MinJobAge=600
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
  touch "$tmp/cgroup.conf"
  export SLURM_CONF=$tmp/slurm.conf

  # The executor takes SLURM_CONF away from the steps of a job, so srun sets it again.
  printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$(command -v srun)" >"$tmp/bin/srun"
  chmod 755 "$tmp/bin/srun"
  export PATH=$tmp/bin:$PATH
}

# start NAME COMMAND...: in a process group of its own, with its output in NAME.log
start() {
  local name=$1
  shift
  setsid "$@" >"$tmp/$name.log" 2>&1 </dev/null &
  pids+=($!)
}

start_cluster() {
  start munged munged --foreground --force --num-threads=2 --key-file="$tmp/munge/key" \
    --socket="$tmp/munge/socket" --pid-file="$tmp/munge/pid" --log-file="$tmp/munge/log" \
    --seed-file="$tmp/munge/seed"
  wait_for 20 munged test -S "$tmp/munge/socket"
  start slurmctld slurmctld -D -i -c
  wait_for 20 slurmctld scontrol ping
  start slurmd slurmd -D
  wait_for 60 "the node" node_is_idle
}

copy_repository() {
  mkdir "$tmp/review"
  tar -C "$root" --exclude=./.git --exclude=./.venv --exclude=./.snakemake --exclude=./logs \
    --exclude=./results --exclude=./data/processed -cf - . | tar -C "$tmp/review" -xf -
}

compare() {
  local folder files=0
  for folder in "${compared[@]}"; do
    diff -rq "$root/$folder" "$tmp/review/$folder" ||
      fail "$folder differs between the local run and the cluster's"
    files=$((files + $(find "$tmp/review/$folder" -type f | wc -l)))
  done
  say "$files files identical"
}

for folder in "${compared[@]}"; do
  [[ -d $root/$folder ]] || fail "$folder is missing; run make results first"
done
install_slurm
tmp=$(mktemp -d "${TMPDIR:-/tmp}/slurm.XXXXXX")
configure
start_cluster
copy_repository
say "$(sinfo --noheader --format='%D node, %c CPUs, %m MB, %T'); running the review"
SECONDS=0
cd "$tmp/review"
start snakemake timeout 900 snakemake --profile profiles/slurm \
  --slurm-init-seconds-before-status-checks 2 --latency-wait 10
# Waiting for a background process lets an interrupt reach the trap at once.
wait "${pids[-1]}" || fail_with_logs "the review failed on the cluster"
say "$(grep -c 'has been submitted with SLURM jobid' "$tmp/snakemake.log") submissions in $SECONDS s"
compare

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts a firn server, feeds it this host's own metrics and shows what to try. `./dev demo`
# builds firn and calls it.
#
#   demo.sh FIRN DIRECTORY [SECONDS]
#
# The server keeps its data in DIRECTORY/data, so a second demo finds what the first wrote.
# Ctrl-C, or the end of SECONDS, stops it; exit 0 if it stopped cleanly.
set -euo pipefail
firn=$1 directory=$2 seconds=${3:-}
listen=${FIRN_DEMO_LISTEN:-127.0.0.1:7070}
url=http://$listen
data=$directory/data
here=$(cd "$(dirname "$0")" && pwd)
ready_within_s=15
stop_within_s=30

fail() {
  printf 'demo: %s\n' "$1" >&2
  [[ ! -s $directory/server.log ]] || tail -n 5 "$directory/server.log" >&2
  exit 1
}

# Answers `count`, the number of series the query has, or fails.
series() {
  curl -fsS --max-time 5 -G "$url/api/v1/query" --data-urlencode "query=$1" |
    python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]["result"]))'
}

wait_for() {
  local what=$1 deadline=$((SECONDS + ready_within_s))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail "the server ended by itself"
    ((SECONDS < deadline)) || fail "$what took more than $ready_within_s s"
    sleep 0.1
  done
}
has_samples() { (($(series node_load1) > 0)); }

server='' feeder='' status=0
stop() {
  trap - EXIT INT TERM HUP
  [[ -z $feeder ]] || { kill "$feeder" && wait "$feeder"; } 2>/dev/null || true
  if [[ -n $server ]] && kill -TERM "$server" 2>/dev/null; then
    local deadline=$((SECONDS + stop_within_s))
    while kill -0 "$server" 2>/dev/null; do
      if ((SECONDS >= deadline)); then
        echo "demo: the server did not stop within $stop_within_s s" >&2
        kill -KILL "$server"
        status=1
      fi
      sleep 0.1
    done
    wait "$server" || { status=$?; echo "demo: the server ended with exit $status" >&2; }
    ((status != 0)) || echo "demo: stopped; $data keeps what was written"
  fi
  exit "$status"
}
trap 'status=$?; stop' EXIT
# The person asked for the end, so this is not a failure.
trap 'echo; status=0; stop' INT TERM HUP

mkdir -p "$directory"
! curl -s --max-time 2 -o /dev/null "$url/" ||
  fail "something already listens on $listen: stop it, or set FIRN_DEMO_LISTEN=127.0.0.1:7171"

# A session of its own: Ctrl-C reaches this script, which then stops the server in order.
setsid "$firn" serve --data "$data" --listen "$listen" >"$directory/server.log" 2>&1 &
server=$!
wait_for "starting the server" curl -fs --max-time 2 "$url/-/ready"
setsid python3 "$here/host_metrics.py" --url "$url/api/v1/write" --every 1 \
  >"$directory/feeder.log" 2>&1 &
feeder=$!
wait_for "the first sample" has_samples

python=$(compgen -G "${FIRN_DEPS:-$HOME/.cache/firn}/interop-*/bin/python" | head -n 1 || true)
cat <<END

firn is serving on $url and takes this host's metrics once a second.

Open:  $url/metrics        its own metrics
       $url                as a Prometheus data source, in Grafana or anything like it

Paste into another terminal:
  $firn promql --server $url 'sum by (mode) (rate(node_cpu_seconds_total[30s]))'
  $firn sql --server $url 'SELECT metric, count(*) AS samples FROM metrics.samples GROUP BY metric ORDER BY metric'
  curl -X POST $url/-/settle
  ${python:-python3} examples/read_with_pyiceberg.py $data/warehouse

END
if [[ $seconds ]]; then
  echo "It stops by itself after $seconds s, or with Ctrl-C."
else
  echo "Ctrl-C stops it."
fi

end=$((SECONDS + ${seconds:-1000000000}))
while ((SECONDS < end)); do
  kill -0 "$server" 2>/dev/null || fail "the server ended by itself"
  kill -0 "$feeder" 2>/dev/null || fail "the feeder ended: $(tail -n 1 "$directory/feeder.log")"
  sleep 1
done

echo "The last minute, asked in PromQL: avg_over_time(node_load1[1m])"
curl -fsS --max-time 5 -G "$url/api/v1/query" \
  --data-urlencode 'query=avg_over_time(node_load1[1m])'
echo

# Sourced by the benches: timed NAME COMMAND..., then show NAME... and ratio A B TEXT AIM. $work is theirs, with a directory tmp in it.
declare -A best rss
timed() { # NAME COMMAND...: keeps the minimum of wall seconds, the maximum of peak memory
    local name=$1; shift
    sync; sleep 1
    python3 - "$work/time" "$@" <<'P' || { echo "$name failed:"; tail -n 5 "$work/out"; exit 1; }
import os, resource, subprocess, sys, time
log = open(os.path.dirname(sys.argv[1]) + "/out", "w")
t = time.monotonic()
rc = subprocess.call(sys.argv[2:], env=dict(os.environ, TMPDIR=os.path.dirname(sys.argv[1]) + "/tmp"), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
d = time.monotonic() - t
open(sys.argv[1], "w").write("%.2f %d" % (d, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
sys.exit(rc)
P
    read -r s m <"$work/time"
    if [ -z "${best[$name]:-}" ] || awk "BEGIN{exit !($s < ${best[$name]})}"; then best[$name]=$s; fi
    [ "${rss[$name]:-0}" -ge "$m" ] || rss[$name]=$m
    grep -h '^zonestrap: .* in ' "$work/out" | sed "s/^/    $name: /"
}
show() { # TITLE NAME...: the table
    local n
    echo; printf '%-26s %8s %8s\n' "$1" seconds "MB peak"; shift
    for n; do printf '%-26s %8s %8s\n' "$n" "${best[$n]}" "${rss[$n]}"; done
}
ratio() { awk "BEGIN{printf \"%-62s %.2f  (aim %s)\n\", \"$3\", ${best[$1]} / ${best[$2]}, \"$4\"}"; }

# Sourced by the benches: timed NAME COMMAND..., then show NAME... and ratio A B TEXT AIM. $work is theirs, with a directory tmp in it.
declare -A best rss cpu
is_less() { [ -z "$2" ] || awk "BEGIN{exit !($1 < $2)}"; }
timed() { # NAME COMMAND...: keeps the minima of wall and of processor seconds, the maximum of peak memory
    local name=$1; shift
    sync; sleep 1
    python3 - "$work/time" "$@" <<'P' || { echo "$name failed:"; tail -n 5 "$work/out"; exit 1; }
import os, resource, subprocess, sys, time
log = open(os.path.dirname(sys.argv[1]) + "/out", "w")
t = time.monotonic()
rc = subprocess.call(sys.argv[2:], env=dict(os.environ, TMPDIR=os.path.dirname(sys.argv[1]) + "/tmp"), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
d = time.monotonic() - t
u = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write("%.2f %d %.2f" % (d, u.ru_maxrss // 1024, u.ru_utime + u.ru_stime))
sys.exit(rc)
P
    read -r s m c <"$work/time"
    is_less "$s" "${best[$name]:-}" && best[$name]=$s
    is_less "$c" "${cpu[$name]:-}" && cpu[$name]=$c
    [ "${rss[$name]:-0}" -ge "$m" ] || rss[$name]=$m
    grep -h '^zonestrap: .* in ' "$work/out" | sed "s/^/    $name: /"
}
show() { # TITLE NAME...: the table
    local n
    echo; printf '%-26s %8s %8s %8s\n' "$1" seconds cpu "MB peak"; shift
    for n; do printf '%-26s %8s %8s %8s\n' "$n" "${best[$n]}" "${cpu[$n]}" "${rss[$n]}"; done
}
ratio() { awk "BEGIN{printf \"%-62s %.2f  (aim %s)\n\", \"$3\", ${best[$1]} / ${best[$2]}, \"$4\"}"; }

#!/bin/bash
# create debian/bookworm zone:NAME, interrupted and killed at many moments: nothing is left, or what zone remove takes away.
. "$(dirname "$0")/../flow/lib.sh"
here=$top/tests/flow
. "$here/managed.sh"
managed_enter
. "$here/mirror.sh"
zone=zs-test-$$
at() { # SIGNAL SECONDS STATUS
    local pid rc
    "$zs" create --cache-dir "$shared_cache" --progress none --manager $m --net none debian/bookworm "zone:$zone" </dev/null >"$work/said" 2>&1 & pid=$!
    sleep "$2"; kill "-$1" $pid 2>/dev/null; wait $pid; rc=$?
    [ $rc = "$3" ] || [ $rc = 0 ] || { echo "exit status $rc"; cat "$work/said"; return 1; }
    [ $rc != 130 ] || nothing_left "$zone" || return
    if [ -e "$zones/$zone.zone" ]; then
        [ $rc = 0 ] || { state_is "$zone" half && fails_with 7 'not whole' zs_ zone boot "$zone"; } || return
        zs_ zone remove "$zone" || return
    elif [ $rc = 137 ]; then rm -f "$zones/$zone.lock"
    fi
    nothing_left "$zone" && ! find /var/lib/lxc /var/lib/machines -mindepth 1 2>/dev/null | grep .
}
for m in lxc nspawn; do
    why=$(managed_why $m)
    [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
    [ -z "$why" ] || { skipped "$m interrupted" "$why"; continue; }
    for s in 0.1 0.5 1 2 3 4 6 8 9 10; do
        case_ "$m: interrupted after $s s" at INT $s 130
        case_ "$m: killed after $s s" at KILL $s 137
    done
done
done_

#!/bin/bash
# Zones of LXC and systemd-nspawn whose init is sysvinit: they shut down by their manager's signal, and however they end, the
# file system that they are on stays writable (it is one in memory here: see managed.sh).
. "$(dirname "$0")/../flow/lib.sh"
here=$top/tests/flow
. "$here/managed.sh"
managed_enter
. "$here/mirror.sh"
zone=zs-test-$$
up() { until_ state_is "$zone" running && until_ grep -aq "$zone login:" "$zones/$zone.console"; }
made() {
    zs_ create --cache-dir "$shared_cache" --progress none --manager $m --net none -i sysvinit-core -x systemd-sysv debian/bookworm "zone:$zone" && up &&
        [ -z "$(managed_in "$zone" /usr/bin/dpkg --audit)" ] && [ "$(managed_in "$zone" /bin/cat /proc/1/comm)" = init ]
}
halted() {
    local s; s=$(date +%s); zs_ zone halt "$zone" && [ $(($(date +%s) - s)) -lt 4 ] && grep -aq 'INIT: Sending processes' "$zones/$zone.console" && writable && zs_ zone boot "$zone" && zs_ zone halt "$zone" &&
        state_is "$zone" halted && writable && zs_ zone boot "$zone" && up
}
inside() {
    local command; for command in reboot poweroff halt; do
        managed_in "$zone" /sbin/$command; sleep 2
        if [ $command = reboot ]; then up || return; else until_ state_is "$zone" halted && writable && zs_ zone boot "$zone" && up || return; fi
    done
}
finishing_itself() {
    zs_ create --cache-dir "$shared_cache" --progress none --manager $m --net none -i sysvinit-core -x systemd-sysv --second-stage first-boot debian/bookworm "zone:$zone" && for i in 1 2 3 4 5 6 7 8; do up >/dev/null 2>&1 && break; done
    up && [ -z "$(managed_in "$zone" /usr/bin/dpkg --audit)" ] && zs_ zone halt "$zone" && writable && zs_ zone remove "$zone" && nothing_left "$zone"
}
removed() { zs_ zone remove "$zone" && nothing_left "$zone"; }
for m in lxc nspawn; do
    manager=$m
    why=$(managed_why $m)
    [ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
    for c in made halted inside removed finishing_itself; do
        if [ -n "$why" ]; then skipped "$m $c" "$why"; else case_ "$m $c" $c; fi
    done
done
done_

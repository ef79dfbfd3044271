#!/bin/bash
# The main job on real input: a bookworm system from the mirror that the host's apt uses, finished and run.
# tests/run: alone
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped create_debian "needs root"; done_; }
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped create_debian "the host's apt configuration names no Debian mirror that answers"; done_; }
root=$work/root
sort /proc/self/mountinfo >"$work/mounts"
create() { "$zs" create --cache-dir "$shared_cache" --progress none "$@"; }
t_create() { create debian/bookworm "$root" 2>&1 | tee "$work/said"; [ "${PIPESTATUS[0]}" = 0 ]; }
case_ "create debian/bookworm" t_create
in_root() { "$zs" run "$root" -- "$@"; }
t_audit() { [ -z "$(in_root dpkg --audit 2>&1)" ]; }
case_ "dpkg --audit prints nothing" t_audit
t_installed() { in_root dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' >"$work/dpkg" && [ "$(grep -c '^ii ' "$work/dpkg")" = 88 ] && ! grep -v '^ii ' "$work/dpkg"; }
case_ "88 packages, all of them ii" t_installed
t_plan() { "$zs" plan --cache-dir "$shared_cache" --names debian/bookworm | sort | diff - <(sed 's/^ii *//' "$work/dpkg" | sort); }
case_ "the packages of the plan, no other" t_plan
t_alias() { "$zs" plan --cache-dir "$shared_cache" --names --keyring security=<(cat "$top"/distros/keys/debian-*.asc) debian/oldstable | diff - <("$zs" plan --cache-dir "$shared_cache" --names debian/bookworm); }
case_ "an alias from the signed index, with a key for one repository alone" t_alias
t_verify() { [ -z "$(in_root dpkg --verify 2>&1)" ] || { in_root dpkg --verify; return 1; }; }
case_ "dpkg --verify finds every file as shipped" t_verify
t_clean() {
    cd "$root" || return 1
    [ ! -e zonestrap ] && [ ! -e usr/sbin/policy-rc.d ] && [ ! -s etc/machine-id ] && [ ! -e etc/resolv.conf ] &&
    [ -z "$(ls -A var/lib/apt/lists | grep -v -e partial -e auxfiles -e lock)" ] && [ -z "$(find . -xdev -name '*.dpkg-*')" ] &&
    [ -z "$(find var/cache/apt/archives -name '*.deb')" ] && [ ! -e var/cache/ldconfig/aux-cache ] && [ -z "$(ls -A "$work" | grep partial)" ]
}
case_ "nothing of the second stage or of the host is left" t_clean
t_sources() { grep -q "^URIs: $mirror" "$root"/etc/apt/sources.list.d/*.sources && grep -q '^Signed-By: /usr/share/keyrings/' "$root"/etc/apt/sources.list.d/*.sources; }
case_ "apt sources: deb822, this mirror, Signed-By" t_sources
t_apt() { in_root apt-get -o Acquire::Check-Valid-Until=false update >"$work/apt" 2>&1 && ! grep -qE '^(W|E):' "$work/apt" && in_root apt-get -s install hello | grep -q '^Inst hello'; }
case_ "apt works in the root" t_apt
t_status() { in_root sh -c 'exit 7'; [ $? = 7 ]; }
case_ "run gives the command's exit status" t_status
t_pending() { fails_with 2 'no second stage is pending' "$zs" second-stage "$root"; }
case_ "second-stage on a finished root says so" t_pending
t_mounts() { sort /proc/self/mountinfo | diff "$work/mounts" -; }
case_ "the host's mounts are as before" t_mounts
# The second stage left for later, killed in the middle, taken up again.
t_resume() {
    create --second-stage later debian/bookworm "$work/s1" && [ -e "$work/s1/zonestrap/second-stage" ] || return 1
    "$zs" second-stage --progress none "$work/s1" & local pid=$!
    sleep 1; kill -KILL $pid; wait $pid 2>/dev/null
    timeout 20 flock "$work/s1" true # until its watcher has taken the zone down
    [ -e "$work/s1/zonestrap/second-stage" ] || { echo "it was too quick to be killed"; return 1; }
    "$zs" second-stage --progress none "$work/s1" && [ ! -e "$work/s1/zonestrap" ] && [ -z "$("$zs" run "$work/s1" -- dpkg --audit)" ] &&
    [ -z "$("$zs" run "$work/s1" -- dpkg --verify)" ] && [ "$("$zs" run "$work/s1" -- dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii')" = 88 ]
}
case_ "a second stage for later, killed in the middle, resumed" t_resume
done_

#!/bin/bash
# A real distribution: 97 packages of CentOS 7.6 over HTTP with signatures on. Stage 1 against the list of a real installation;
# the second stage with CentOS's own rpm 4.11.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped rpm_centos7 "needs root"; done_; }
. "$here/rpm_repo.sh"
. "$here/rpm_centos7_repo.sh"
. "$here/rpm_server.sh"
rpm_key
rpm_centos7_repo "$www/centos" || { not_ok "the repository is made"; done_; }
rpm_centos7_recipe "$url/centos"
oracle=$data/rpm/oracle
stage1=$work/stage1 root=$work/root
in_zone() { "$zs" run "$root" -- "$@"; }

nevras() { python3 -c '
import json, sys
for p in json.load(open(sys.argv[1]))["packages"]:
    print("{name}-{version}.{arch}".format(**p))' "$1" | LC_ALL=C sort; }
t_plan() { zs_local plan --json mine/one >"$work/plan.json" && nevras "$work/plan.json" | diff "$top/tests/golden/rpm/centos7.txt" -; }
case_ "plan: the 97 packages that dnf chooses" t_plan
t_first() { python3 -c '
import json, sys
names = [p["name"] for p in json.load(open(sys.argv[1]))["packages"]]
assert names[:2] == ["filesystem", "setup"], names[:4]' "$work/plan.json"; }
case_ "plan: filesystem and setup come first" t_first
t_stage1() { zs_local create --second-stage never mine/one "$stage1"; }
case_ "stage 1 over HTTP, signatures checked" t_stage1
t_requests() {
    local n; n=$(grep -c 'GET .*/Packages/.*\.rpm' "$work/log")
    [ "$n" -eq 97 ] || { echo "$n packages were asked for"; return 1; }
    [ -z "$(grep -o '/Packages/[^ ]*' "$work/log" | sort | uniq -d)" ] && ! grep -q 'other.xml' "$work/log"
}
case_ "every package is fetched once, and no index without a use" t_requests

# Packages of the plan that the list's installation did not have: what they ship may be there.
cut -d' ' -f1 "$oracle/centos7.6-closure63.list" | sort >"$work/listed"
for f in $(python3 -c '
import json, sys
for p in json.load(open(sys.argv[1]))["packages"]:
    print(p["url"].rsplit("/", 1)[1])' "$work/plan.json"); do
    grep -qxF "$f" "$work/listed" || rpm -qlp --nosignature "$www/centos/Packages/$f"
done | grep '^/' >"$work/others"
t_oracle() { python3 "$here/rpm_oracle.py" "$1" "$oracle/centos7.6-tree-scripts.txt.xz" "$work/others" "$here/rpm_centos7.allow" "$2"; }
case_ "stage 1 equals a real installation but for what scriptlets do" t_oracle "$stage1" stage1

t_create() { zs_local create --second-stage now mine/one "$root"; }
case_ "create with its second stage" t_create
t_installed() {
    in_zone rpm -qa --qf '%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\n' >"$work/qa" || return 1
    grep -v '^gpg-pubkey-' "$work/qa" | LC_ALL=C sort | diff "$top/tests/golden/rpm/centos7.txt" -
}
case_ "rpm -qa names the 97 packages" t_installed
t_keys() { [ "$(grep -c '^gpg-pubkey-' "$work/qa")" -eq 2 ] && in_zone rpm -qa gpg-pubkey --qf '%{VERSION}\n' | grep -qx f4a80eb5; }
case_ "and both keys" t_keys
t_verify() {
    in_zone rpm -Va >"$work/va"
    diff - "$work/va" <<'V'
.M.......  g /etc/pki/ca-trust/extracted/java/cacerts
.M.......  g /etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt
.M.......  g /etc/pki/ca-trust/extracted/pem/email-ca-bundle.pem
.M.......  g /etc/pki/ca-trust/extracted/pem/objsign-ca-bundle.pem
.M.......  g /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
V
}
case_ "rpm -Va prints exactly the five expected lines" t_verify
t_bash() { [ "$(in_zone bash -c 'echo $BASH_VERSION')" = "4.2.46(2)-release" ] && in_zone bash -c 'tar --version && ip -V && less --version && ls -l /usr/bin/passwd | grep rwsr' >/dev/null; }
case_ "bash runs, and others" t_bash
t_groups() { grep -qx 'utempter:x:35:' "$root/etc/group" && [ "$(stat -c %g:%a "$root/usr/libexec/utempter")" = 35:755 ] && [ "$(stat -c %g:%a "$root/usr/libexec/utempter/utempter")" = 22:2711 ]; }
case_ "a group that a scriptlet makes owns its files" t_groups
t_left() {
    [ ! -e "$root/zonestrap" ] || { ls -R "$root/zonestrap"; return 1; }
    local f; f=$(find "$root" \( -name '*.rpmnew' -o -name '*.rpmorig' -o -name '*.rpmsave' -o -name '*;????????' \)); [ -z "$f" ] || { echo "$f"; return 1; }
}
case_ "nothing of the second stage is left" t_left
case_ "the second stage equals a real installation" t_oracle "$root" stage2

# The recipe without CentOS's key: the first package says whose signature it has.
t_key() {
    sed 's/^keys .*/keys mine.asc/' "$recipes/mine.distro" >"$recipes/keyless.distro"
    fails_with 4 '24c6a8a7f4a80eb5|24C6A8A7F4A80EB5' zs_local create --second-stage never keyless/one "$work/keyless" && [ ! -e "$work/keyless" ]
}
case_ "without the distribution's key: refused, the key is named" t_key
done_

#!/bin/bash
# A modern rpm distribution finishes itself at its first boot, also when that is cut off; and an ordinary user makes its
# finished tarball, to the last byte that root makes.
. "$(dirname "$0")/../flow/lib.sh"
here=$top/tests/flow
[ "$(id -u)" = 0 ] || { skipped rpm_first_boot "needs root"; done_; }
. "$here/boot.sh"
. "$here/rpm_repo.sh"
. "$here/rpm_modern_repo.sh"
rpm_key
rpm_modern_repo "$work/repo" || { not_ok "the repository is made"; done_; }
rpm_modern_recipe "file://$work/repo"
create() { zs_local create "$@"; }
verify() { "$zs" run "$1" -- rpm -Va | grep -v ' [cg] ' >"$work/va"; [ ! -s "$work/va" ] || { cat "$work/va"; return 1; }; }

t_first_boot() { # STEP...: what cuts the boots before the last one off
    local r=$boots/root step
    rm -rf "$r"; mkdir "$r" && create --second-stage first-boot mine/one "$work/b.tar" && tar -C "$r" --xattrs --xattrs-include='*' -xpf "$work/b.tar" && rm "$work/b.tar" && [ -x "$r/usr/bin/init" ] || return 1
    for step; do boot "$work/log" "$step" -- "$r" /sbin/init && [ -e "$r/zonestrap/second-stage" ] || return 1; done
    boot "$work/log" 'wait 60 second stage is finished' 'wait 9 this root has no init' 'send echo there-$(rpm -qa | grep -vc ^gpg-pubkey)' 'wait 20 there-20' 'send exit' 'end 9' -- "$r" /sbin/init &&
        [ ! -e "$r/zonestrap" ] && [ ! -e "$r/usr/bin/init" ] && [ -z "$(find "$r" -xdev -name '*;????????' -o -name '*.rpmnew' -o -name '*.rpmorig')" ] && verify "$r" && getcap "$r/usr/bin/tool-caps" | grep -q cap_net_raw
}
boot_start
why=$(boot_why)
if [ -n "$why" ]; then skipped "first boot" "$why"; else
    case_ "a root without an init finishes itself" t_first_boot
    case_ "its first boot is cut off twice" t_first_boot 'wait 30 [1-4][05] % install' 'wait 30 [6-9][05] % install'
fi

as_user() { # COMMAND...: an ordinary user with subordinate ids, as a machine may have one; this one's files are not changed
    chmod 755 "$work" "$recipes"; chmod -R a+rX "$work/repo" "$recipes"; mkdir -p -m 777 "$work/user"; cp -f "$zs" "$work/zs-copy"
    echo zstest:200000:65536 >"$work/subids"; { cat /etc/passwd; echo "zstest:x:4321:4321::$work/user:/bin/sh"; } >"$work/passwd"
    unshare --mount --propagation private bash -c 'for f in subuid subgid; do mount --bind "$1/subids" /etc/$f || exit 99; done; mount --bind "$1/passwd" /etc/passwd || exit 99
        cd "$1/user" && shift && unset TMPDIR && HOME=$PWD XDG_CACHE_HOME=$PWD/c XDG_CONFIG_HOME=$PWD/c exec setpriv --reuid=4321 --regid=4321 --clear-groups --inh-caps=-all "$@"' - "$work" "$@"
}
t_user() {
    create mine/one "$work/a.tar" && as_user "$work/zs-copy" create --recipes "$recipes" --arch x86_64 --progress none mine/one u.tar && cmp "$work/a.tar" "$work/user/u.tar"
}
t_unpacked() {
    mkdir "$work/x" && tar -C "$work/x" --xattrs --xattrs-include='*' --delay-directory-restore -xpf "$work/user/u.tar" && verify "$work/x" && getcap "$work/x/usr/bin/tool-caps" | grep -q cap_net_raw &&
        [ "$(stat -c %t:%T "$work/x/usr/lib/tools/null")" = 1:3 ] && [ "$(stat -c %u "$work/x/var/lib/svc")" = "$modern_id" ]
}
if command -v newuidmap >/dev/null && [ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]; then
    case_ "an ordinary user makes the same finished tarball" t_user
    case_ "capabilities, a device node and owners are in it; rpm finds all in order" t_unpacked
else
    skipped "an ordinary user" "newuidmap or user namespaces are missing"
fi
done_

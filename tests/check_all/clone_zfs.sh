#!/bin/bash
# clone and remove on ZFS: a pool on a file, under zfs-fuse in a mount namespace of its own.
. "$(dirname "$0")/../flow/lib.sh"
. "$(dirname "$0")/../flow/clone_root.sh"
[ "$(id -u)" -eq 0 ] || { skipped clone_zfs "needs root"; done_; }
[ -x /bin/busybox ] || { skipped clone_zfs "no /bin/busybox (Debian: busybox-static)"; done_; }
command -v zfs-fuse >/dev/null && command -v zpool >/dev/null || { skipped clone_zfs "zfs-fuse is missing"; done_; }
[ -c /dev/fuse ] || { skipped clone_zfs "there is no /dev/fuse"; done_; }
if [ "${1:-}" != inside ]; then
    unshare --mount --propagation private true 2>/dev/null || { skipped clone_zfs "no mount namespaces here"; done_; }
    cleanup
    exec unshare --mount --propagation private "$0" inside
fi

# Its socket and its lock have fixed places: other daemons shall not meet.
mount -t tmpfs none /run && mkdir -p /run/zfs /run/lock/zfs /var/lock/zfs || { skipped clone_zfs "cannot mount here"; done_; }
zfs-fuse --no-daemon --no-kstat-mount >"$work/zfs-fuse.log" 2>&1 &
daemon=$!
pool=zonestrap-test-$$
stop() { cd /; umount /sbin/zfs 2>/dev/null; zpool destroy -f "$pool" >/dev/null 2>&1; kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; }
cleanup_hooks="$cleanup_hooks stop"
for i in $(seq 100); do [ -S /run/zfs/zfs_socket ] && break; sleep 0.1; done
truncate -s 1G "$work/pool.img"
p=$work/pool
zpool create -o cachefile=none -o ashift=9 -m "$p" "$pool" "$work/pool.img" >"$work/out" 2>&1 ||
    { skipped clone_zfs "no pool can be made: $(tail -n 1 "$work/out")"; done_; }
zfs create "$pool/a" && zfs create "$pool/zones" && clone_root "$p/a"

datasets() { zfs list -H -t all -o name | sort; }
zfs list -H -t all -o name | sort >"$work/datasets"
as_before() { datasets | diff "$work/datasets" - && [ -z "$(clone_hidden "$p")$(clone_hidden "$p/zones")" ] && [ ! -e "$p/zones/web1" ]; }
whole() { # TARGET [options]
    local target=$1; shift
    "$zs" clone "$@" "$p/a" "$target" >"$work/said" 2>&1 && grep -q '(zfs)' "$work/said" || { cat "$work/said"; return 1; }
    clone_equal "$p/a" "$target" && clone_own "$target" "$(basename "$target")" || return 1
    [ "$(zfs get -H -o value zonestrap:clone "$(df --output=source "$target" | tail -n 1)")" = "$p/a" ] || return 1
    [ "$("$zs" run "$target" -- hostname)" = "$(basename "$target")" ] || { echo "does not run"; return 1; }
    echo changed >"$target/usr/share/large"; [ "$(stat -c %s "$p/a/usr/share/large")" = 4000000 ] || { echo "it shows in the source"; return 1; }
    "$zs" remove "$target" && [ ! -e "$target" ] && as_before
}
case_ "a clone" whole "$p/zones/web1"
case_ "beside the source, by name" whole "$p/web2" --how zfs
measured() {
    local i t used best=999999
    for i in 1 2 3 4 5; do
        t=$(date +%s%N); "$zs" clone -q "$p/a" "$p/zones/m$i" || return 1
        t=$((($(date +%s%N) - t) / 1000000)); [ $t -lt $best ] && best=$t
    done
    sync -f "$p"; sleep 6
    used=$(zfs get -Hp -o value used "$pool/zones/m5")
    echo "# $best ms, $used bytes"
    echo "$best ms, $used bytes" >"$work/measured"
    for i in 1 2 3 4 5; do "$zs" remove -q "$p/zones/m$i" || return 1; done
    [ "$best" -le 1000 ] && [ "$used" -le 200000 ] && as_before
}
case_ "time and room" measured
sed 's/^/# /' "$work/measured"
of_clone() { "$zs" clone "$p/a" "$p/c1" && "$zs" clone "$p/c1" "$p/c2" && clone_equal "$p/a" "$p/c2" && clone_own "$p/c2" c2 || return 1
    fails_with 7 '(has children|dependent clones|clone)' "$zs" remove "$p/c1" && clone_own "$p/c1" c1 &&
        "$zs" remove "$p/c2" && "$zs" remove "$p/c1" && as_before; }
case_ "a clone of a clone" of_clone
refused() {
    fails_with 7 '--how zfs: .*does not stand in the pool of' "$zs" clone --how zfs "$p/a" "$work/out1" &&
        fails_with 7 'is there already' "$zs" clone --how zfs "$p/a" "$p/zones" &&
        fails_with 7 'is no name for a dataset' "$zs" clone --how zfs --hostname x "$p/a" "$p/a+b" &&
        { mkdir -p "$p/dir/etc" "$p/dir/usr"; fails_with 7 'is not where a dataset is mounted' "$zs" clone --how zfs "$p/dir" "$p/x"; } &&
        rm -r "$p/dir" && as_before
}
case_ "what is refused" refused
elsewhere() { "$zs" clone "$p/a" "$work/copy1" 2>"$work/said" && grep -q '(copy)' "$work/said" && clone_equal "$p/a" "$work/copy1" && "$zs" remove "$work/copy1"; }
case_ "auto copies out of the pool" elsewhere
not_ours() { zfs create "$pool/other" && cp -a "$p/a/." "$p/other/" && "$zs" remove "$p/other" && [ -z "$(ls -A "$p/other")" ] &&
    until_ zfs destroy "$pool/other" && as_before; }
until_() { local i; for i in $(seq 50); do "$@" 2>/dev/null && return 0; sleep 0.1; done; "$@"; }
case_ "a dataset that is not ours stays, empty" not_ours
busy() { "$zs" clone "$p/a" "$p/b1" || return 1
    sleep 60 <"$p/b1/etc/passwd" & local pid=$!
    fails_with 7 'busy; stop what runs there' "$zs" remove "$p/b1"; local rc=$?
    kill "$pid"; wait "$pid" 2>/dev/null; [ $rc -eq 0 ] && clone_own "$p/b1" b1 && "$zs" remove "$p/b1" && as_before; }
case_ "in use" busy

# A zfs that fails, or dies with its caller, at one of its commands.
cp /sbin/zfs "$work/zfs-real"
cat >"$work/zfs-stand-in" <<END
#!/bin/sh
case \$1 in \$(cat $work/at)) case \$(cat $work/what) in
    fail) echo "cannot do that: made up" >&2; exit 1 ;;
    before) kill -9 \$PPID; exit 1 ;;
    after) $work/zfs-real "\$@"; kill -9 \$PPID; exit 1 ;;
    busy) n=\$(cat $work/n); echo \$((n + 1)) >$work/n; [ \$n -ge 3 ] || { echo "cannot destroy: dataset is busy" >&2; exit 1; } ;;
esac ;; esac
exec $work/zfs-real "\$@"
END
chmod 755 "$work/zfs-stand-in"
echo none >"$work/at"; echo none >"$work/what"
mount --bind "$work/zfs-stand-in" /sbin/zfs || { skipped "failing zfs" "cannot bind a file here"; done_; }
with() { echo "$1" >"$work/at"; echo "$2" >"$work/what"; shift 2; "$@"; local rc=$?; echo none >"$work/at"; return $rc; }
failing() { with "$1" fail fails_with 7 'made up' "$zs" clone --how zfs "$p/a" "$p/zones/web1" && as_before; }
for at in list snapshot clone set; do case_ "zfs $at fails" failing "$at"; done
killed() { # COMMAND before|after: nothing in its place, the next run succeeds and leaves nothing
    with "$1" "$2" "$zs" clone --how zfs "$p/a" "$p/zones/web1" >/dev/null 2>&1
    [ $? -eq 137 ] || { echo "not killed"; return 1; }
    if [ "$1 $2" = "set after" ]; then clone_equal "$p/a" "$p/zones/web1" && clone_own "$p/zones/web1" web1 && "$zs" remove "$p/zones/web1" || return 1
    else [ ! -e "$p/zones/web1" ] || { echo "there is something"; return 1; }; fi
    whole "$p/zones/web1"
}
for at in list snapshot clone set; do
    case_ "killed before zfs $at" killed "$at" before
    case_ "killed after zfs $at" killed "$at" after
done
retried() { "$zs" clone "$p/a" "$p/r1" && echo 0 >"$work/n" && with destroy busy "$zs" remove "$p/r1" && as_before; }
case_ "busy for a moment" retried
no_zfs() { umount /sbin/zfs; mount --bind /dev/null /sbin/zfs; "$zs" clone "$p/a" "$p/n1" 2>"$work/said" && grep -q '(copy)' "$work/said" && "$zs" remove "$p/n1"; local rc=$?; umount /sbin/zfs; return $rc; }
case_ "without a zfs command" no_zfs
done_

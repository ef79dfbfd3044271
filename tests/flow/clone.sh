#!/bin/bash
# clone, remove and create --template: what comes out on each file system, and what goes wrong. ZFS: tests/check_all/clone_zfs.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/clone_root.sh"
[ -n "${ZONESTRAP:-}" ] || [ ! -x "$top/build-asan/zonestrap" ] || zs=$top/build-asan/zonestrap
[ "$(id -u)" -eq 0 ] || { skipped clone "needs root"; done_; }
[ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || { skipped clone "no static /bin/busybox (Debian: busybox-static)"; done_; }

# mounted NAME FS [options]: a file system of that kind on a file, at $work/NAME. What is mounted goes at the end, the images'
# memory last.
unmount_all() { local i; for i in 1 2; do grep -oE " $work/[^ ]* " /proc/self/mounts | sort -r | while read -r m; do umount "$m" 2>/dev/null; done; done; }
mkdir "$work/img" && mount -t tmpfs -o size=1300M none "$work/img" 2>/dev/null # without, they are on disk
cleanup_hooks="$cleanup_hooks unmount_all"
mounted() {
    local name=$1 fs=$2; shift 2
    command -v "mkfs.$fs" >/dev/null || { no_fs="mkfs.$fs is missing"; return 1; }
    mkdir "$work/$name" && truncate -s 400M "$work/img/$name.img"
    case $fs in ext4) set -- -qF "$@" ;; xfs) set -- -q -m reflink=1 "$@" ;; *) set -- -q "$@" ;; esac
    "mkfs.$fs" "$@" "$work/img/$name.img" >/dev/null 2>&1 && mount -o loop "$work/img/$name.img" "$work/$name" 2>"$work/mount.err" ||
        { no_fs="$fs cannot be mounted here: $(head -n 1 "$work/mount.err" 2>/dev/null)"; rmdir "$work/$name"; return 1; }
}
clone_by() { # WAY ARGUMENTS...: succeeds, and says that it went this way
    local way=$1; shift
    "$zs" clone "$@" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
    tail -n 1 "$work/said" | grep -q "($way)" || { cat "$work/said"; return 1; }
}
# whole WAY SOURCE TARGET [options]: a clone, equal, of its own, running, apart from its source; and its end.
whole() {
    local way=$1 source=$2 target=$3 before; shift 3
    before=$(ls "$(dirname "$target")")
    clone_by "$way" "$@" "$source" "$target" && clone_equal "$source" "$target" && clone_own "$target" "$(basename "$target")" || return 1
    grep -qx "source $(realpath "$source")" "$target/etc/zonestrap-clone" && grep -qx "how $way" "$target/etc/zonestrap-clone" || return 1
    [ "$("$zs" run "$target" -- hostname)" = "$(basename "$target")" ] || { echo "does not run"; return 1; }
    echo changed >"$target/usr/share/large" && rm -r "$target/usr/share/deep" && echo new >"$target/new"
    [ "$(stat -c %s "$source/usr/share/large")" = 4000000 ] && [ -e "$source/usr/share/deep/er/1" ] && [ ! -e "$source/new" ] ||
        { echo "it shows in the source"; return 1; }
    "$zs" remove "$target" || return 1
    [ "$(ls -A "$(dirname "$target")")" = "$before" ] || { echo "left:"; ls -A "$(dirname "$target")"; return 1; }
}

ext4= btrfs= xfs=
if mounted e ext4; then ext4=$work/e; clone_root "$ext4/a"; else skipped "ext4" "$no_fs"; fi
if mounted x xfs; then xfs=$work/x; clone_root "$xfs/a"; else skipped "xfs" "$no_fs"; fi
if mounted b btrfs; then
    btrfs=$work/b; btrfs -q subvolume create "$btrfs/a" >/dev/null; clone_root "$btrfs/a"; clone_root "$btrfs/plain"
else skipped "btrfs" "$no_fs"; fi
plain=${ext4:-$work}
[ -n "$ext4" ] || clone_root "$work/a"

[ -z "$ext4" ] || case_ "ext4: a copy" whole copy "$ext4/a" "$ext4/web1"
[ -z "$ext4" ] || case_ "ext4: one thread" whole copy "$ext4/a" "$ext4/web1" --jobs 1
[ -z "$xfs" ] || case_ "xfs: contents are shared" whole reflink "$xfs/a" "$xfs/web1"
[ -z "$xfs" ] || case_ "xfs: --how copy" whole copy "$xfs/a" "$xfs/web1" --how copy
if [ -n "$btrfs" ]; then
    case_ "btrfs: a subvolume's snapshot" whole btrfs "$btrfs/a" "$btrfs/web1"
    case_ "btrfs: a directory's contents are shared" whole reflink "$btrfs/plain" "$btrfs/web1"
    case_ "btrfs: --how reflink of a subvolume" whole reflink "$btrfs/a" "$btrfs/web1" --how reflink
    is_subvolume() { clone_by btrfs "$btrfs/a" "$btrfs/c" && [ "$(stat -c %i "$btrfs/c")" = 256 ] &&
        clone_by btrfs "$btrfs/c" "$btrfs/d" && clone_own "$btrfs/d" d && "$zs" remove "$btrfs/c" && "$zs" remove "$btrfs/d"; }
    case_ "btrfs: a clone of a clone" is_subvolume
    nested() { btrfs -q subvolume create "$btrfs/a/var/lib/machines" && echo x >"$btrfs/a/var/lib/machines/x" || return 1
        fails_with 7 'has subvolumes in it, which a snapshot leaves out' "$zs" clone --how btrfs "$btrfs/a" "$btrfs/n" &&
            clone_by reflink "$btrfs/a" "$btrfs/n" && [ -e "$btrfs/n/var/lib/machines/x" ] && "$zs" remove "$btrfs/n" || return 1
        btrfs -q subvolume delete "$btrfs/a/var/lib/machines" >/dev/null
        clone_by btrfs "$btrfs/a" "$btrfs/n" && btrfs -q subvolume create "$btrfs/n/var/own" && "$zs" remove "$btrfs/n" && [ ! -e "$btrfs/n" ]; }
    case_ "btrfs: subvolumes inside" nested
fi
if mount -t tmpfs -o size=100M none "$(mkdir -p "$work/t" && echo "$work/t")" 2>/dev/null; then
    case_ "tmpfs: a copy from another file system" whole copy "$plain/a" "$work/t/web1"
    into_mount() { mkdir -p "$work/t/m" && mount -t tmpfs none "$work/t/m" && clone_by copy --hostname m "$plain/a" "$work/t/m" &&
        clone_equal "$plain/a" "$work/t/m" && "$zs" remove "$work/t/m" && [ -z "$(ls -A "$work/t/m")" ] && umount "$work/t/m" && rmdir "$work/t/m"; }
    case_ "into an empty mount point" into_mount
fi

over=${xfs:-$plain}
if mkdir "$work/o1" "$work/o2" "$work/o3" "$work/o4" && mount -t overlay overlay -o "lowerdir=$work/o1,upperdir=$plain/a/root" "$work/o4" 2>/dev/null ||
    grep -q 'overlay$' /proc/filesystems; then
    case_ "overlay" whole overlay "$over/a" "$over/web1" --how overlay
    overlay_rest() {
        clone_by overlay --how overlay "$over/a" "$over/o" && fails_with 7 "$over/o is an overlay over it" "$zs" remove "$over/a" &&
            fails_with 7 'there is an overlay of this name' "$zs" clone --how overlay "$over/a" "$over/o" || return 1
        umount "$over/o" && $(sed -n 's/^mount //p' "$over/.o.zonestrap-overlay/record") && clone_own "$over/o" o || { echo "not mounted again"; return 1; }
        umount "$over/o" && "$zs" remove "$over/o" && [ ! -e "$over/o" ] && [ -z "$(clone_hidden "$over")" ]
    }
    case_ "overlay: mounted again, removed unmounted" overlay_rest
    overlay_busy() { clone_by overlay --how overlay "$over/a" "$over/o" || return 1
        sleep 60 <"$over/o/etc/passwd" & local pid=$!
        fails_with 7 "$over/o: cannot be unmounted: .*busy; stop what runs there" "$zs" remove "$over/o"; local rc=$?
        kill "$pid"; wait "$pid" 2>/dev/null; [ $rc -eq 0 ] && clone_own "$over/o" o && "$zs" remove "$over/o"; }
    case_ "overlay: in use" overlay_busy
else skipped "overlay" "this system has none"; fi
umount "$work/o4" 2>/dev/null

a=$plain/a
marked() { mkdir -p "$work/marked/etc" "$work/marked/usr"; touch "$work/marked/.zonestrap-incomplete"
    fails_with 7 'marked: is incomplete: the run that made it was interrupted' "$zs" clone "$work/marked" "$work/m2" && "$zs" remove "$work/marked"; }
pending() { cp -a "$a" "$plain/p" && mkdir "$plain/p/zonestrap" && touch "$plain/p/zonestrap/second-stage"
    fails_with 7 'its second stage is pending; .*--unfinished' "$zs" clone "$plain/p" "$plain/p2" && [ ! -e "$plain/p2" ] &&
        "$zs" clone --unfinished "$plain/p" "$plain/p2" && [ -e "$plain/p2/zonestrap/second-stage" ] && "$zs" remove "$plain/p2" && "$zs" remove "$plain/p"; }
case_ "an incomplete source" marked
case_ "a source whose second stage is pending" pending
case_ "no such source" fails_with 7 'none: No such file' "$zs" clone "$work/none" "$work/x1"
case_ "a source that is a file" fails_with 7 'passwd: is no directory' "$zs" clone "$a/etc/passwd" "$work/x1"
case_ "a source that is no root" fails_with 7 'is no root: it has no /etc or no /usr' "$zs" clone "$a/usr" "$work/x1"
case_ "the system's own root" fails_with 7 'is the root of this system' "$zs" clone / "$work/x1"
case_ "source and target the same" fails_with 2 'source and target are the same' "$zs" clone "$a" "$a/../a"
case_ "target in the source" fails_with 2 'lies in the source' "$zs" clone "$a" "$a/usr/share/new"
case_ "target's parent missing" fails_with 7 'the directory above it: No such file.*make it first' "$zs" clone "$a" "$work/no/such"
case_ "target not empty" fails_with 7 'is not empty' "$zs" clone "$a" "$a/../a/../a/usr/../../$(mkdir -p "$plain/full/x" && echo full)"
case_ "target a file" fails_with 7 'no directory|Not a directory' "$zs" clone "$a" "$(touch "$plain/file" && echo "$plain/file")"
case_ "target without a name" fails_with 2 'is no name for a root' "$zs" clone "$a" "$plain/.."
case_ "target's name no host name" fails_with 2 "a_b: the target's name is no host name.*--hostname" "$zs" clone "$a" "$plain/a_b"
case_ "target a tarball" fails_with 2 'x.tar.gz: a clone is a directory' "$zs" clone "$a" "$plain/x.tar.gz"
case_ "--how: unknown" fails_with 2 '--how: .magic. is none of' "$zs" clone --how magic "$a" "$plain/x1"
case_ "operands" fails_with 2 'clone takes SOURCE and TARGET' "$zs" clone "$a"
case_ "--how zfs elsewhere" fails_with 7 '--how zfs: .*(dataset|zfs)' "$zs" clone --how zfs "$a" "$plain/x1"
case_ "--how btrfs elsewhere" fails_with 7 '--how btrfs: .* does not stand on btrfs' "$zs" clone --how btrfs "$a" "$plain/x1"
[ -z "$ext4" ] || case_ "--how reflink elsewhere" fails_with 7 'the file system cannot share contents' "$zs" clone --how reflink "$a" "$plain/x1"
if [ -n "$btrfs" ] && [ -n "$ext4" ]; then
    case_ "--how btrfs to another file system" fails_with 7 'is on another file system than' "$zs" clone --how btrfs "$btrfs/a" "$ext4/x1"
    case_ "--how reflink to another file system" fails_with 7 'source and target cannot share contents' "$zs" clone --how reflink "$btrfs/a" "$ext4/x1"
    case_ "--how btrfs of a directory" fails_with 7 'no subvolume of btrfs' "$zs" clone --how btrfs "$btrfs/plain" "$btrfs/x1"
    case_ "auto copies to another file system" whole copy "$btrfs/a" "$ext4/web2"
fi
nothing_left() { [ ! -e "$plain/x1" ] && [ -z "$(clone_hidden "$plain")" ] || { ls -A "$plain"; return 1; }; }
case_ "failures leave nothing" nothing_left

full() {
    mkdir -p "$work/small" && mount -t tmpfs -o size=3M none "$work/small" || return 1
    fails_with 7 'No space left' "$zs" clone "$a" "$work/small/x1" && [ -z "$(ls -A "$work/small")" ] && umount "$work/small"
}
case_ "the disk is full" full
left_out() { mkdir -p "$a/mnt" && mount -t tmpfs none "$a/mnt" && touch "$a/mnt/not" && "$zs" clone "$a" "$plain/x1" 2>"$work/err"
    local rc=$?; umount "$a/mnt"; [ $rc -eq 0 ] && grep -q 'mnt is mounted in the source' "$work/err" && [ -d "$plain/x1/mnt" ] &&
        [ ! -e "$plain/x1/mnt/not" ] && "$zs" remove "$plain/x1"; rc=$?; rmdir "$a/mnt"; return $rc; }
case_ "what is mounted in the source" left_out

# killed SYSCALL N WAY SOURCE TARGET [options]: killed there; nothing in the target's place; the next run succeeds.
killed() {
    local call=$1 n=$2 way=$3 source=$4 target=$5; shift 5
    strace -f -qq -e trace="$call" -e inject="$call:signal=KILL:when=$n" -o "$work/strace" "$zs" clone "$@" "$source" "$target" >/dev/null 2>&1
    [ $? -eq 137 ] || { echo "not killed"; return 1; }
    [ ! -e "$target" ] || [ -z "$(ls -A "$target")" ] || { echo "there is something"; ls -A "$target"; return 1; }
    whole "$way" "$source" "$target" "$@" 2>&1 | tail -n 20 >"$work/whole"; [ "${PIPESTATUS[0]}" -eq 0 ] || { cat "$work/whole"; return 1; }
}
if command -v strace >/dev/null && strace -qq -o /dev/null -e inject=getppid:signal=CONT true 2>/dev/null; then
    for at in mkdirat:1 mkdirat:9 fchown:50 pwrite64:40 linkat:1 syncfs:1 renameat2:1; do
        case_ "copy killed at $at" killed "${at%:*}" "${at#*:}" copy "$a" "$plain/k1"
    done
    [ -z "$btrfs" ] || for at in syncfs:1 renameat:1 renameat:3 unlinkat:1; do
        case_ "btrfs: killed at $at" killed "${at%:*}" "${at#*:}" btrfs "$btrfs/a" "$btrfs/k1"
    done
    for at in fsmount:1 syncfs:1 mkdirat:4; do
        case_ "overlay killed at $at" killed "${at%:*}" "${at#*:}" overlay "$over/a" "$over/k1" --how overlay
    done
else skipped "killed" "strace cannot inject signals here"; fi
interrupted() { # TERM while it copies
    clone_bytes=60000000; clone_root "$plain/big"
    "$zs" clone "$plain/big" "$plain/x1" 2>"$work/err" & local pid=$!
    local i; for i in $(seq 200); do [ -z "$(clone_hidden "$plain")" ] || break; sleep 0.01; done
    kill -TERM $pid; wait $pid; local rc=$?
    [ $rc -eq 130 ] && grep -q interrupted "$work/err" || { echo "exit status $rc"; cat "$work/err"; return 1; }
    "$zs" remove "$plain/big"; nothing_left
}
case_ "interrupted" interrupted
two() { "$zs" clone "$a" "$plain/x1" >/dev/null 2>&1 & "$zs" clone "$a" "$plain/x1" >/dev/null 2>&1; local one=$?; wait $!
    [ $((one + $?)) -eq 7 ] && clone_equal "$a" "$plain/x1" && "$zs" remove "$plain/x1" && nothing_left; }
case_ "two at a time: one wins" two

mkdir "$work/foreign" && touch "$work/foreign/file"
case_ "remove: not ours" fails_with 7 'does not look like a root that zonestrap made; --force' "$zs" remove "$work/foreign"
forced() { "$zs" remove --force "$work/foreign" && [ ! -e "$work/foreign" ]; }
case_ "remove --force" forced
case_ "remove: not there" fails_with 7 'none: No such file' "$zs" remove "$work/none"
case_ "remove: the system" fails_with 2 'is no name for a root' "$zs" remove /
case_ "remove: a link" fails_with 7 'is no directory' "$zs" remove "$(ln -s a "$plain/ln" && echo "$plain/ln")"
mounted_in() { "$zs" clone "$a" "$plain/x1" && mount -t tmpfs none "$plain/x1/tmp" &&
    fails_with 7 'x1/tmp is mounted in it; ' "$zs" remove "$plain/x1" && clone_equal "$a" "$plain/x1"; umount "$plain/x1/tmp"; "$zs" remove "$plain/x1"; }
case_ "remove: something is mounted in it" mounted_in
case_ "remove: operands" fails_with 2 'remove takes one ROOT' "$zs" remove

template() { "$zs" create --template "$a" --hostname t9 "$plain/x1" && clone_equal "$a" "$plain/x1" && clone_own "$plain/x1" t9 && "$zs" remove "$plain/x1"; }
by_name() { unshare --mount --propagation private sh -ec 'mount -t tmpfs none /var/lib; mkdir -p /var/lib/zonestrap/templates
    cp -a "$2" /var/lib/zonestrap/templates/web; "$1" create --template web "$3"' - "$zs" "$a" "$plain/x1" && clone_own "$plain/x1" x1 && "$zs" remove "$plain/x1"; }
case_ "create --template ROOT" template
case_ "create --template NAME" by_name
case_ "create --template: none of that name" fails_with 7 '/var/lib/zonestrap/templates/none-such: No such file' "$zs" create --template none-such "$plain/x1"
case_ "create --template: packages" fails_with 2 "--include does not go with --template" "$zs" create --template "$a" --include x "$plain/x1"
case_ "create --template: operands" fails_with 2 'takes a TARGET alone' "$zs" create --template "$a" distro "$plain/x1"
case_ "create --how without a template" fails_with 2 'it needs --template' "$zs" create --how copy distro "$plain/x1"
done_

#!/bin/bash
# The root that boots as a zone boots under another kernel, too: User-Mode Linux, with the directory as its root (hostfs, which
# has no extended attributes, so no file capabilities: as a zone of lx). Single-user before any of its programs has run, and a first
# boot from the bare tarball.
. "$(dirname "$0")/../flow/lib.sh"
. "$top/tests/flow/boot.sh"
. "$top/tests/flow/mirror.sh"
cases="single_user first_boot again"
why=
[ "$(id -u)" = 0 ] || why="needs root"
command -v linux.uml >/dev/null || why="no User-Mode Linux (Debian: user-mode-linux)"
[ -n "$mirror" ] || why="the host's apt configuration names no Debian mirror that answers"
if [ -n "$why" ]; then
    for c in $cases; do skipped "boot_uml $c" "$why"; done
    done_
fi
boot_start
root=$boots/root
create() { "$zs" create --cache-dir "$shared_cache" --progress none --zone lx "$@"; }
uml() { # LOG STEP... -- ARGUMENT...: hostfs= keeps the kernel inside the root
    local log=$1 steps=(); shift
    while [ "$1" != -- ]; do steps+=("$1"); shift; done
    shift
    HOME=$work boot_with "$log" "${steps[@]}" -- linux.uml mem=512M uml_dir="$work/" hostfs="$root" root=/dev/root rootfstype=hostfs rootflags=/ rw \
        con=null con0=fd:0,fd:1 "$@"
}
single_user() {
    create --second-stage later debian/bookworm "$root" &&
        uml "$work/log" 'wait 60 to continue' 'enter 30 # ' 'send echo in $RUNLEVEL: $(dpkg -l | grep -c ^ii), $(uname -r)' 'wait 20 in S: 0, ' 'send sync; poweroff -f' 'end 20' -- single &&
        [ -e "$root/zonestrap/second-stage" ]
    local rc=$?; rm -rf "$root"; return $rc
}
first_boot() {
    mkdir "$root" && create --second-stage first-boot debian/bookworm - | tar -C "$root" -xpf - &&
        uml "$work/log" 'wait 60 the packages are being installed' 'wait 900 second stage is finished' 'wait 120 Entering runlevel: 2' 'wait 60 login:' -- && whole
}
again() { # switched off by a signal of the console's: the kernel's own Ctrl-Alt-Del is not there
    sed -i 's,^root:[^:]*:,root::,' "$root/etc/shadow" &&
        uml "$work/log" 'wait 120 login:' 'send root' 'wait 20 # ' 'send poweroff' 'wait 60 System halted' 'end 30' -- && ! grep -aq zonestrap: "$work/log" && whole
}
whole() {
    local said; said=$("$zs" run "$root" -- sh -c 'dpkg --audit; dpkg --verify' 2>&1)
    [ -z "$said" ] && [ ! -e "$root/zonestrap" ] || { echo "$said" | head -n 5; return 1; }
}
for c in ${CASES:-$cases}; do
    begin=$SECONDS
    case_ "boot_uml $c" "$c"
    echo "# $((SECONDS - begin)) s"
done
done_

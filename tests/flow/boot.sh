# Sourced after lib.sh by tests that boot a root with systemd-nspawn. $boots is a file system of its own for the roots, so that
# a zone that remounts its root or empties its /run has nothing of the host's at hand; the zones run in control groups of
# their own, by which nothing of them is left.
#   boot_why              what is missing, on standard output; nothing when all is there
#   boot_in PROGRAM...    runs in the zone that is up: for `run` steps
#   boot LOG STEP... -- ROOT ARGUMENT...   boots with a console: see console.py; then the power goes off
#   boot_uml LOG STEP... -- IMAGE ARGUMENT...   the same in User-Mode Linux
boots=$work/boots
boot_groups=

boot_why() {
    [ "$(id -u)" = 0 ] || { echo "needs root"; return; }
    command -v systemd-nspawn >/dev/null || { echo "no systemd-nspawn (Debian: systemd-container)"; return; }
    local probe=$work/probe
    mkdir -p "$probe"/{usr,bin,etc} && cp /bin/busybox "$probe/bin/" 2>/dev/null && ln -sf busybox "$probe/bin/sh" || { echo "no /bin/busybox (Debian: busybox-static)"; return; }
    boot "$work/probe.log" 'end 20' -- "$probe" /bin/sh -c 'exit 0' >"$work/probe.status" 2>&1
    [ "$(cat "$work/probe.status")" = 0 ] || echo "systemd-nspawn cannot run a zone here: $(tr -d '\r' <"$work/probe.log" | tail -n 1)"
}
boot_start() {
    local h
    mkdir -p "$boots" && mount -t tmpfs -o mode=755,size=4g zs-boots "$boots" || return
    for h in /sys/fs/cgroup /sys/fs/cgroup/*; do
        [ -e "$h/cgroup.procs" ] && mkdir "$h/zs-boot.$$" 2>/dev/null && boot_groups="$boot_groups $h/zs-boot.$$"
    done
    export boot_groups
}
boot_pids() { local g; for g in $boot_groups; do find "$g" -name cgroup.procs -exec cat {} + 2>/dev/null; done | sort -u; }
boot_in() {
    local p
    for p in $(boot_pids); do
        grep -qsE '^NSpid:[[:space:]][0-9]+[[:space:]]1$' "/proc/$p/status" || continue
        nsenter -t "$p" -m -u -i -n -p -- "$@"
        return
    done
    echo "no zone is up"; return 1
}
export -f boot_in boot_pids
boot_off() { # every process of the zones, then their groups
    local g pids i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        pids=$(boot_pids)
        [ -n "$pids" ] || break
        kill -KILL $pids 2>/dev/null
        sleep 0.1
    done
    for g in $boot_groups; do find "$g" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null; done
    rm -f "$boots"/.#*.lck
}
boot_end() {
    local g
    boot_off
    for g in $boot_groups; do rmdir "$g" 2>/dev/null; done
    ! mountpoint -q "$boots" || umount "$boots" || umount -l "$boots"
}
cleanup_hooks="$cleanup_hooks boot_end"

boot() {
    local log=$1 root steps=(); shift
    while [ "$1" != -- ]; do steps+=("$1"); shift; done
    root=$2; shift 2
    boot_with "$log" "${steps[@]}" -- systemd-nspawn -q --keep-unit --register=no --private-network --timezone=off --resolv-conf=off \
        --link-journal=no -D "$root" "$@"
}
boot_uml() { # as boot, with a kernel of its own; ROOT is an image of ext4, what follows is for the kernel
    local log=$1 disk steps=(); shift
    while [ "$1" != -- ]; do steps+=("$1"); shift; done
    disk=$2; shift 2
    HOME=$work boot_with "$log" "${steps[@]}" -- linux.uml mem=256M uml_dir="$work/" ubd0="$disk" root=/dev/ubda con=null con0=fd:0,fd:1 "$@"
}
boot_with() { # LOG STEP... -- PROGRAM ARGUMENT...
    local log=$1 g rc
    (
        for g in $boot_groups; do echo 0 >"$g/cgroup.procs" || true; done 2>/dev/null
        exec python3 "$top/tests/flow/console.py" "$@" </dev/null
    )
    rc=$?
    boot_off
    [ $rc = 0 ] || { echo "the console's last lines:"; tr -d '\r' <"$log" | tail -n 30; echo; }
    return $rc
}

# Sourced after lib.sh and repo.sh by the tests of illumos and FreeBSD: stand-ins for their zone managers' programs, which keep
# the state that the real ones would, record every call, and fail where they are told to.
#   standins_enter "$@"    the whole test goes into a mount namespace of its own; first of all
#   standins_start PROGRAM...   puts them where zonestrap looks for programs
#   standins_reset         no zones, no calls, nothing told
#   standins_calls         what was done, a line each; what was only asked is left out
# $state holds: calls, asked, zones/, jails/, vnics/, zfs/, mounts, modules; and what they are told:
#   nth        the number of the call that fails before it has done anything
#   fail       patterns (ERE) of calls that fail so
#   half       of calls that fail when they have done half
#   fails      every second stage fails
#   early      of second stages that end too early, and of which nobody says so
#   hang       of calls that never end: `hanging` has the number of their process group
#   quick      a second stage is over at once: the roots have no shell
state=$work/state
# What runs a zone's programs is always built for Linux: ZONESTRAP may not be.
linux_zs=${ZONESTRAP_LINUX:-$zs}
standins_why() {
    [ "$(id -u)" = 0 ] || { echo "needs root"; return; }
    unshare -m true 2>/dev/null || { echo "no mount namespace can be made here"; return; }
}
standins_enter() {
    [ -z "$(standins_why)" ] && [ -z "${ZS_STANDINS:-}" ] || return 0
    rm -rf "$work"
    ZS_STANDINS=1 exec unshare -m --propagation private bash "$0" "$@"
}
standins_start() {
    local p place
    mkdir -p "$work/standins" /usr/local/sbin
    mkdir -p /var/lib/zonestrap # it stays: removed, it would go from under another test that runs
    /bin/mount -t tmpfs none /var/lib/zonestrap && /bin/mount -t tmpfs none /usr/local/sbin || exit 1
    standins_script >"$work/standins/all"
    chmod 755 "$work/standins/all"
    for p; do
        ln -s "$work/standins/all" "/usr/local/sbin/$p"
        for place in "/sbin/$p" "/usr/sbin/$p"; do # these are found first
            [ ! -e "$place" ] || [ "$place" -ef "$work/standins/all" ] || /bin/mount --bind "$work/standins/all" "$(readlink -f "$place")"
        done
    done
    standins_reset
}
standins_reset() {
    rm -rf "$state" /var/lib/zonestrap/*
    mkdir -p "$state"/{zones,jails,vnics,zfs}
    : >"$state/mounts" && : >"$state/calls" && : >"$state/asked"
}
# The zone manager's programs in the way that every case needs them: kind, manager, paths below $work.
standins_kind() { # KIND MANAGER
    kind=$1 manager=$2
    repo_key
    mkdir -p "$tree/alpha/usr/bin"; printf '#!/bin/sh\n' >"$tree/alpha/usr/bin/sh"
    repo_deb alpha 1
    repo_deb dpkg 1; repo_deb coreutils 1; repo_deb dash 1 # what a second stage cannot do without
    repo_deb systemd-sysv 252
    mkdir -p "$tree/sysvinit-core/usr/share/sysvinit"; echo id:2:initdefault: >"$tree/sysvinit-core/usr/share/sysvinit/inittab"
    repo_deb sysvinit-core 3
    repo_index "$work/repo" one
    repo_packages="alpha dpkg coreutils dash"
    repo_recipe "file://$work/repo"
    printf '[layout]\nlink /bin usr/bin\nlink /sbin usr/sbin\n' >>"$recipes/mine.distro"
    sed "s,/zones/{name}\$,$work/zones/{name},; s,/jails/,$work/jails/,; s,/etc/jail.conf.d/,$work/jail.conf.d/,g" "$top/fixups/$kind.zone" >"$recipes/$kind.zone"
    printf '%s\n' '# the host' 'nameserver 127.0.0.1' 'nameserver 192.0.2.53' 'search example.org' 'nameserver 2001:db8::53' >"$work/resolv.conf"
}
# A zone out of the small repository; its second stage is over at once.
make_zone() { : >"$state/quick"; zs_local create --manager "$manager" -z "$kind" "$@" mine/one zone:web; }
zone() { "$zs" zone "$@"; }
zone_is() { # STATE, or nothing: of zone web, as list shows it
    local got; got=$(zone list | awk '$1 == "web" { print $2 }')
    [ "$got" = "$1" ] || { echo "zone list: web is \`$got', not \`$1'"; return 1; }
}
did() { # what is left of the calls, one an argument, is exactly this
    { [ $# = 0 ] || printf '%s\n' "$@"; } >"$work/want"; standins_calls | diff "$work/want" - || return 1
}
# What --dry-run prints, but for what zonestrap does itself.
shown() { grep -vE '^(    |mkdir |write |rm |zonestrap )' "$1"; }
# A command in the background, ended by SIGNAL when a stand-in hangs.
when_hanging() { # SIGNAL STATUS COMMAND...
    local signal=$1 want=$2 pid rc i; shift 2
    "$@" >"$work/said" 2>&1 </dev/null &
    pid=$!
    for i in $(seq 200); do [ -s "$state/hanging" ] && break; sleep 0.05; done
    [ -s "$state/hanging" ] || { cat "$work/said"; return 1; }
    kill -"$signal" "$(pgrep -P "$pid" -x zonestrap || echo "$pid")"
    wait "$pid"; rc=$?
    kill -KILL -- "-$(cat "$state/hanging")" 2>/dev/null
    rm -f "$state/hang" "$state/hanging"
    [ $rc = "$want" ] || { echo "exit status $rc"; cat "$work/said"; return 1; }
}
standins_calls() { cat "$state/calls"; }
# Nothing is left of any zone, on any side.
standins_clean() {
    local left
    left=$(cd "$state" && find zones jails vnics zfs -mindepth 1; cat "$state/mounts"; find /var/lib/zonestrap/zones -mindepth 1 2>/dev/null
        find "$work/zones" "$work/jails" "$work/jail.conf.d" -mindepth 1 2>/dev/null)
    [ -z "$left" ] || { echo "left: $left"; return 1; }
}
standins_script() {
    printf '#!/bin/bash\nstate=%q zs=%q\n' "$state" "$linux_zs"
    cat <<'X'
me=${0##*/}
call="$me $*"
die() { echo "$me: $*" >&2; exit 1; }
told() { [ -s "$state/$1" ] && grep -Eqf "$state/$1" <<<"$call"; }
case $call in
'zoneadm list '* | 'zoneadm -z '*' list' | 'dladm show'* | 'zfs get'* | 'zfs list'* | 'jls '* | 'mount -p') echo "$call" >>"$state/asked" ;;
*)
    echo "$call" >>"$state/calls"
    [ "$(wc -l <"$state/calls")" != "$(cat "$state/nth" 2>/dev/null)" ] || die "told to fail"
    ;;
esac
told fail && die "told to fail"
if told hang; then echo $$ >"$state/hanging"; sleep 1000; fi
inside() { # ROOT COMMAND...: the zone's programs
    local root=$1 rc; shift
    if [ -e "$state/quick" ]; then
        case $* in "/bin/sh /zonestrap/second-stage") ;; *first-boot*) [ -e "$root/zonestrap/first-boot" ] || return 0 ;; *) return 0 ;; esac
        if told half || [ -e "$state/fails" ]; then echo "zonestrap: second stage: configure: told to fail"; return 1; fi
        told early && return 0
        rm -rf "$root/zonestrap"
        return 0
    fi
    "$zs" run "$root" -- "$@" </dev/null
}

# --- illumos
zone() { z=$state/zones/$1; [ -d "$z" ] || die "$1: No such zone configured"; s=$(cat "$z/state"); root=$(cat "$z/path")/root; }
state_is() { local w; for w; do [ "$s" != "$w" ] || return 0; done; die "zone '$name': $1 operation is invalid for zones in state '$s'"; }
zonecfg() {
    [ "$1" = -z ] || die usage
    name=$2
    if [ "$3 $4" = "delete -F" ]; then
        zone "$name"
        [ "$s" = configured ] || die "Zone $name is $s: delete not allowed"
        rm -r "$z"; return
    fi
    [ "$3" = -f ] || die usage
    [ ! -e "$state/zones/$name" ] || die "Zone $name already exists"
    scope= n=0
    while IFS= read -r line; do # of the grammar what the files need
        n=$((n + 1))
        case $scope:$line in
        *:'#'* | *:) ;;
        :'create -b') created=1 ;;
        :'add net' | :'add attr') scope=${line#add } ;;
        :set\ zonepath=/?* | :set\ brand=lx | :set\ autoboot=false | :set\ ip-type=exclusive | :set\ max-lwps=[0-9]*) ;;
        net:set\ physical=?* | attr:set\ name=?* | attr:set\ type=string | attr:set\ value=\"?*\") ;;
        net:add\ property\ \(name=ips,value=\"?*\"\) | net:add\ property\ \(name=gateway,value=\"?*\"\) | net:add\ property\ \(name=primary,value=\"true\"\)) ;;
        net:end | attr:end) scope= ;;
        :verify) ;;
        :commit) committed=1 ;;
        *) die "On line $n of $4: syntax error: $line" ;;
        esac
    done <"$4"
    [ "${created:-}${committed:-}$scope" = 11 ] || die "$4: not whole"
    mkdir "$state/zones/$name"
    sed -n 's/^set zonepath=//p' "$4" >"$state/zones/$name/path"
    cp "$4" "$state/zones/$name/config"
    echo configured >"$state/zones/$name/state"
}
zoneadm() {
    if [ "$*" = "list -cp" ]; then
        echo '0:global:running:/::ipkg:shared:0'
        for z in "$state"/zones/*; do
            [ ! -d "$z" ] || echo "-:${z##*/}:$(cat "$z/state"):$(cat "$z/path")::lx:excl:-"
        done
        return
    fi
    [ "$1" = -z ] || die usage
    name=$2; zone "$name"; shift 2
    case $1 in
    list) echo "$name" ;;
    install)
        state_is configured
        [ "$2" = -s ] && [ -f "$3" ] || die "Source file '$3' not found"
        [ -d "${root%/*/*}" ] || die "could not verify zonepath ${root%/*}"
        [ ! -e "$root" ] || die "zonepath ${root%/*}: root exists"
        echo incomplete >"$z/state"
        mkdir -p -m 700 "${root%/*}"
        mkdir "$root"
        mkdir "${root%/*}/log"
        told half && { : >"$root/half"; echo 'ERROR: no space' >"${root%/*}/log/zone.log"; die "zone '$name': brand-specific installation failed"; }
        tar -C "$root" -xzpf "$3" || die "tar"
        echo installed >"$z/state" ;;
    clone)
        state_is configured
        from=$(cat "$state/zones/$2/path" 2>/dev/null) && [ "$(cat "$state/zones/$2/state")" = installed ] || die "zone '$2': must be installed to be cloned"
        echo incomplete >"$z/state"
        mkdir -p -m 700 "${root%/*}"
        told half && { mkdir "$root"; die "zone '$name': clone failed"; }
        cp -a "$from/root" "$root"
        echo installed >"$z/state" ;;
    uninstall)
        [ "$s" != configured ] || die "zone '$name': must be installed before uninstall."
        state_is incomplete installed
        rm -rf "${root%/*}"; echo configured >"$z/state" ;;
    boot)
        state_is installed
        for v in $(sed -n 's/^set physical=//p' "$z/config"); do [ -e "$state/vnics/$v" ] || die "zone '$name': network interface $v does not exist"; done
        echo running >"$z/state" ;;
    halt) state_is running ready shutting_down down; echo installed >"$z/state" ;;
    shutdown)
        state_is running
        told half && { echo shutting_down >"$z/state"; die "zone '$name': unable to shutdown zone"; }
        echo installed >"$z/state" ;;
    *) die usage ;;
    esac
}
zlogin() {
    [ "$1" = -S ] || die usage
    name=$2; zone "$name"; shift 2
    [ "$s" = running ] || die "login allowed only to running zones ($name is '$s')."
    inside "$root" "$@"
    rc=$?
    [ $rc -lt 128 ] || exit 0 # as WEXITSTATUS() has it
    exit $rc
}
dladm() {
    case $1 in
    create-vnic)
        [ "$2" = -l ] && [[ $4 =~ ^[a-zA-Z][a-zA-Z0-9_]*[0-9]$ ]] && [ ${#4} -le 31 ] || die "invalid link name '$4'"
        [ ! -e "$state/vnics/$4" ] || die "vnic creation over $3 failed: object already exists"
        echo "$3" >"$state/vnics/$4" ;;
    delete-vnic)
        [ -e "$state/vnics/$2" ] || die "invalid vnic name '$2': object not found"
        for z in "$state"/zones/*; do
            [ "$(cat "$z/state" 2>/dev/null)" != running ] || ! grep -qx "set physical=$2" "$z/config" || die "vnic deletion failed: link busy"
        done
        rm "$state/vnics/$2" ;;
    show-vnic) [ -e "$state/vnics/$2" ] || die "invalid vnic name '$2': object not found" ;;
    esac
}

# --- ZFS: a file for each file system, with its mount point
zfs() {
    local ds=${!#} file
    file=$state/zfs/${ds//\//:}
    case $1 in
    get) [ -e "$file" ] || die "cannot open '$ds': dataset does not exist"; cat "$file" ;;
    list) [ -e "$file" ] || die "cannot open '$ds': dataset does not exist"; echo "$ds" ;;
    create)
        [ ! -e "$file" ] || die "cannot create '$ds': dataset already exists"
        mkdir -p "${3#mountpoint=}" && echo "${3#mountpoint=}" >"$file" ;;
    destroy)
        [ -e "$file" ] || die "cannot open '$ds': dataset does not exist"
        ! grep -qF " $(cat "$file")/" "$state/mounts" || die "cannot unmount '$(cat "$file")': pool or dataset is busy"
        rm -rf "$(cat "$file")"; rm "$file" ;;
    esac
}

# --- FreeBSD
conf() { # FILE NAME
    [ -f "$1" ] && grep -qx "\"$2\" {" "$1" || die "$1: no jail $2"
    root=$(sed -n 's/^ *path = "\(.*\)";/\1/p' "$1") fstab=$(sed -n 's/^ *mount.fstab = "\(.*\)";/\1/p' "$1")
}
in_jail() { # FILE PARAMETER: its commands, one after the other
    local command
    while IFS= read -r command; do inside "$root" /bin/sh -c "$command" || return; done < <(sed -n "s/^ *$2 +\{0,1\}= \"\(.*\)\";/\1/p" "$1")
}
unmount_all() { sed -i "\\, $root/,d" "$state/mounts"; }
jail() {
    if [ "$1" = -R ]; then [ -e "$state/jails/$2" ] || die "\"$2\" not found"; rm "$state/jails/$2"; return; fi
    [ "$1" = -f ] || die usage
    file=$2 name=$4; conf "$2" "$4"
    case $3 in
    -c)
        [ ! -e "$state/jails/$name" ] || die "\"$name\" already exists"
        grep -qw linux64 "$state/modules" 2>/dev/null || die "$name: unknown parameter: linux.osrelease"
        while read -r dev at type rest; do
            [ "${dev#\#}" = "$dev" ] || continue
            case $at in "$root"/dev/*) ;; "$root"/*) [ -d "$at" ] && [ ! -L "$at" ] || { unmount_all; die "$name: mount.fstab: $at: No such file or directory"; } ;; *) die "$at" ;; esac
            echo "$dev $at $type $rest" >>"$state/mounts"
        done <"$fstab"
        told half && die "$name: killed" # without a chance to unmount
        console=$(sed -n 's/^ *exec.consolelog = "\(.*\)";/\1/p' "$file")
        in_jail "$file" exec.start >>"$console" 2>&1 || { unmount_all; die "$name: exec.start: failed"; }
        echo "$root" >"$state/jails/$name"
        echo "$name: created" ;;
    -r)
        [ -e "$state/jails/$name" ] || die "\"$name\" not found"
        told half && die "$name: exec.stop: failed"
        in_jail "$file" exec.stop || die "$name: exec.stop: failed"
        rm "$state/jails/$name"; unmount_all
        echo "$name: removed" ;;
    esac
}
jls() { ls "$state/jails"; }
jexec() { root=$(cat "$state/jails/$1" 2>/dev/null) || die "jail \"$1\" not found"; shift; inside "$root" "$@"; }
kldload() { shift; printf '%s\n' "$@" >>"$state/modules"; }
mount() { cat "$state/mounts"; }
umount() { grep -qF " $2 " "$state/mounts" || die "$2: not a file system root directory"; tac "$state/mounts" | awk -v at="$2" '$2 == at && !n++ { next } 1' | tac >"$state/mounts.new"; mv "$state/mounts.new" "$state/mounts"; }
"$me" "$@"
X
}

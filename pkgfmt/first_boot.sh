#!/bin/sh
# zonestrap: stands in for init until the second stage is finished.
# Runs the second stage in /zonestrap, then puts the real init back and becomes it. It stays init until everything
# is done, so that a boot that was cut off goes on at the next one. What it stands in for is kept beside it as
# NAME.zonestrap. A second stage that was started by other means calls its copy in /zonestrap with `put-back`.
set -f

# Where a booter looks for init. The first is the kernel's own, made where no package ships it; systemd-nspawn, and
# systemd in an initramfs, try systemd's before.
inits='
/sbin/init
/lib/systemd/systemd
/usr/lib/systemd/systemd
'
zs=/zonestrap
log=/var/log/zonestrap.log
mark='# zonestrap: stands in for init'

say() { echo "zonestrap: $*"; }

put_back_one() { # PLACE
    if [ -e "$1.zonestrap" ] || [ -L "$1.zonestrap" ]; then
        mv -f "$1.zonestrap" "$1"
    elif [ -f "$1" ] && grep -q "^$mark" "$1"; then
        rm -f "$1"
    fi
}

# The place that was booted comes last: cut off in between, the next boot finds this script again.
put_back() {
    last=
    for place in $inits; do
        if [ "$place" = "$0" ]; then
            last=$place
        else
            put_back_one "$place" || return
        fi
    done
    [ -z "$last" ] || put_back_one "$last"
}

# Its words are nobody's business, and there may be no place for them yet.
try() { _said=$("$@" 2>&1); }

# test -w does not know of read-only file systems in every shell.
writable() {
    try rmdir /.zonestrap-rw
    try mkdir /.zonestrap-rw && try rmdir /.zonestrap-rw
}

own_mount() { # TYPE PLACE
    [ -d "$2" ] || try mkdir "$2"
    if try mount -t "$1" -o nosuid "$1" "$2"; then mounted="$2 $mounted"; fi
}

node() { # NAME MODE MAJOR MINOR
    [ -c "/dev/$1" ] || try mknod -m "$2" "/dev/$1" c "$3" "$4"
}

# Never in a zone: its console would be the host's.
bare_dev() {
    try mount -t devtmpfs -o nosuid devtmpfs /dev
    node null 666 1 3
    node zero 666 1 5
    node full 666 1 7
    node random 666 1 8
    node urandom 666 1 9
    node tty 666 5 0
    node console 600 5 1
}

# What a kernel's bare boot lacks. In a zone most is there, and the rest may be forbidden.
prepare() {
    [ -e /proc/self/fd ] || own_mount proc /proc
    if ! writable && try mount -o remount,rw /; then remounted=yes; fi
    [ -c /dev/null ] || bare_dev
    for link in 'fd /proc/self/fd' 'stdin fd/0' 'stdout fd/1' 'stderr fd/2'; do
        [ -e "/dev/${link%% *}" ] || try ln -s "${link#* }" "/dev/${link%% *}"
    done
    [ -e /sys/kernel ] || own_mount sysfs /sys
    grep -q ' /run ' /proc/self/mounts 2>/dev/null || own_mount tmpfs /run
    [ -d /run/lock ] || try mkdir -m 1777 /run/lock # where the root's own /var/lock leads
    name=$(cat /proc/sys/kernel/hostname 2>/dev/null)
    if [ "$name" = '(none)' ] && [ -s /etc/hostname ]; then
        try cp /etc/hostname /proc/sys/kernel/hostname
    fi
}

# The real init finds what the booter left. The root cannot be read-only while this script, a removed file now, is open.
become() {
    undo="${remounted:+mount -o remount,ro /; }${mounted:+umount $mounted; }"
    PATH=$path
    [ -n "$undo" ] || exec "$0" "$@"
    exec /bin/sh -c "_said=\$({ $undo} 2>&1); exec \"\$0\" \"\$@\"" "$0" "$@"
}

# A command on what the booter gave; where that is nothing, on the console, if there is one.
on_console() {
    case $(readlink "/proc/$$/fd/1") in
    '' | */null*)
        if (: </dev/console >/dev/console) 2>/dev/null; then
            "$@" </dev/console >/dev/console 2>&1
            return
        fi
        ;;
    esac
    "$@"
}

# Every twentieth of the way is told, and every step.
show() {
    status=1 told=
    while IFS= read -r line; do
        case $line in
        'zs-progress '*)
            # shellcheck disable=SC2086 # into its words
            set -- ${line#zs-progress }
            if [ "$#" -lt 3 ] || [ "$2" -eq 0 ]; then continue; fi
            percent=$(($1 * 100 / $2)) now=$(($1 * 20 / $2)):$3
            shift 2
            [ "$now" = "$told" ] || say "$percent % $*"
            told=$now
            ;;
        'zs-warning '*) say "warning: ${line#zs-warning }" ;;
        'zs-exit '*) status=${line#zs-exit } ;;
        *) echo "$line" ;;
        esac
    done
    return "$status"
}

second_stage() {
    say "first boot: the packages are being installed; the log is $log"
    {
        # shellcheck disable=SC3045 # dash and bash have it: some programs close every descriptor that they might
        ulimit -n 1024 2>/dev/null # have, which may be a thousand million
        /bin/sh "$zs/second-stage" first-boot </dev/null 2>&1
        echo "zs-exit $?"
    } | show
}

attempt() {
    if ! writable; then
        say "the root cannot be written, nor mounted so that it can"
        return 1
    fi
    if [ -e "$zs/second-stage" ]; then
        second_stage || return
    fi
    [ ! -d "$zs" ] || rmdir "$zs"
    put_back
}

shell() {
    if setsid -c true 2>/dev/null; then
        setsid -c /bin/sh -i
    else
        /bin/sh -i
    fi
}

work() {
    until attempt; do
        say "THE SECOND STAGE HAS FAILED, what it said stands above; the log is $log"
        [ -t 0 ] || return 1
        say "this is a shell to mend it with; when you leave it, and at every boot, the second stage goes on"
        shell
        sleep 1
    done
    say "the second stage is finished"
    # systemd throws away what the console has not taken when it starts.
    sleep 0.2 2>/dev/null || sleep 1
}

# There is none: neither has the kernel anything better to offer.
login_shell() {
    say "this root has no init; this is a shell"
    cd /root 2>/dev/null && export HOME=/root
    [ ! -x /bin/bash ] || exec /bin/bash -l
    exec /bin/sh -l
}

# Somebody other than the booter wants it: the one that this script stands in for. A package may ask init to read its
# configuration or itself anew: it will.
real_init() {
    case ${1-} in [QqUu]) exit 0 ;; esac
    for place in "$0" $inits; do
        # A link to another of the places leads here again.
        if [ ! -x "$place.zonestrap" ] || grep -q "^$mark" "$place.zonestrap"; then continue; fi
        exec "$place.zonestrap" "$@"
    done
    say "there is no init before the second stage is finished" >&2
    exit 1
}

main() {
    case $0 in
    "$zs"/*)
        put_back
        exit
        ;;
    esac
    [ $$ -eq 1 ] || real_init "$@"
    path=${PATH-} mounted='' remounted=''
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    prepare
    (on_console work) || exit
    [ ! -x "$0" ] || become "$@"
    on_console login_shell
}

main "$@"

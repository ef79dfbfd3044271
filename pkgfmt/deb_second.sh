# Debian's part of the second stage, behind second.sh: dpkg unpacks and configures every package, each of which counts
# twice to the progress.
# shellcheck shell=sh disable=SC2154,SC2317 # second.sh sets and calls them

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
db=/var/lib/dpkg
policy=/usr/sbin/policy-rc.d
mark='# zonestrap: the second stage is running'

# Runs dpkg for a step whose first package is the Nth. Its status lines become progress; the first error names the
# package.
run_dpkg() { # STEP N ARGUMENT...
    step=$1 n=$2
    shift 2
    rm -f "$zs/failed"
    {
        dpkg --status-fd 3 --force-confold --force-unsafe-io "$@" 3>&1 >>"$log" 2>&1 </dev/null
        echo "exit $?"
    } | {
        status=1
        while IFS= read -r line; do
            case $line in
            'processing: install: '* | 'processing: configure: '*)
                progress "$n" "$step ${line##*: }"
                [ "$n" -ge "$total" ] || n=$((n + 1))
                ;;
            'status: '*' : error : '*)
                what=${line#status: } what=${what%% *} what=${what##*/}
                [ -e "$zs/failed" ] || echo "${what%%_*}" >"$zs/failed"
                ;;
            'exit '*) status=${line#exit } ;;
            esac
        done
        exit "$status"
    } && return
    [ -e "$zs/failed" ] && fail "$step" "$(cat "$zs/failed") failed"
    fail "$step" "dpkg failed"
}

write_script() { # FILE EXIT-STATUS
    printf '#!/bin/sh\n%s\nexit %s\n' "$mark" "$2" >"$1" || fail prepare "cannot write $1"
    chmod 755 "$1"
}

# Nothing is started or stopped while packages are configured: by invoke-rc.d, nor by a script that does it itself.
step_prepare() {
    # An empty one is ours, too: cut off before it was written.
    if [ -s "$policy" ] && ! grep -q "^$mark" "$policy"; then
        mv "$policy" "$zs/policy-rc.d" || fail prepare "$policy cannot be kept aside"
    fi
    write_script "$policy" 101
    for ssd in /usr/sbin/start-stop-daemon /sbin/start-stop-daemon; do
        [ -e "$ssd" ] || [ -e "$ssd.REAL" ] || continue
        [ -e "$ssd.REAL" ] || mv "$ssd" "$ssd.REAL" || fail prepare "cannot put $ssd aside"
        write_script "$ssd" 0
    done
}

# dpkg's database must be empty: after a kill it would take the files of the package that it was at for an older
# version's, and remove them from the root.
step_unpack() {
    rm -rf "$db/info" "$db/updates" "$db/triggers" "$db"/status* "$db"/lock*
    mkdir -p "$db/info" "$db/updates" "$db/triggers" "$zs/home" || fail unpack "cannot make $db"
    : >"$db/status"
    : >"$db/available"
    { # read as $HOME/.dpkg.cfg; the last filter that matches wins
        cat "$zs/dpkg.cfg"
        echo path-exclude=/sbin/start-stop-daemon
        echo path-exclude=/usr/sbin/start-stop-daemon
    } >"$zs/home/.dpkg.cfg"
    files=$(sed -n "s|^package [^ ]* |$zs/packages/|p" "$zs/plan")
    HOME=$zs/home
    # shellcheck disable=SC2086 # the names have no blanks
    run_dpkg unpack 0 --force-depends --unpack $files
    HOME=/root
}

step_configure() {
    run_dpkg configure "$count" --configure -a
}

step_check() {
    audit=$(dpkg --audit 2>&1)
    echo "$audit" >>"$log"
    [ -z "$audit" ] || fail check "dpkg --audit finds packages that are not whole"
    have=$(dpkg-query -W -f '${db:Status-Abbrev}\n' | grep -c '^ii ')
    [ "$have" -eq "$count" ] || fail check "$have packages are installed, expected $count"
}

# Hooks may install what they like, another dpkg, too, and leave what they like.
step_restore() {
    for ssd in /usr/sbin/start-stop-daemon /sbin/start-stop-daemon; do
        [ ! -e "$ssd.REAL" ] || mv "$ssd.REAL" "$ssd" || fail restore "cannot put $ssd back"
    done
    rm -f /var/cache/apt/archives/*.deb
    find /etc -xdev -type f -name '*.dpkg-dist' -exec rm -f {} +
}

# Takes away what only the second stage needed, and what differs from one installation to the next.
step_clean() {
    progress "$total" clean
    if [ -e "$zs/policy-rc.d" ]; then
        mv "$zs/policy-rc.d" "$policy"
    elif [ -e "$policy" ] && grep -q "^$mark" "$policy"; then
        rm -f "$policy"
    fi
    rm -f "$db"/*-old /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
    : >"$db/available"
    empty_logs /var/log/*.log /var/log/apt/*
}

main 2 verify prepare unpack configure fixups check restore

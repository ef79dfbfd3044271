#!/bin/sh
# The second stage of a root that zonestrap unpacked: dpkg installs every package of /zonestrap/plan, so that
# maintainer scripts, conffiles, database and triggers are those of any installation. Runs inside the zone as its
# root; what is finished stands in /zonestrap/done, and a run that was killed goes on from there. Everything goes
# to the log; standard output gets `zs-progress DONE TOTAL WHAT` lines, and when it fails the log's end and why.
# The argument `first-boot` says that what stands in for init calls it: see first_boot.sh.
# shellcheck disable=SC2317 # steps are called by name

zs=/zonestrap
log=/var/log/zonestrap.log
db=/var/lib/dpkg
policy=/usr/sbin/policy-rc.d
mark='# zonestrap: the second stage is running'

if [ "${ZONESTRAP_SECOND-}" != clean ]; then
    exec env -i ZONESTRAP_SECOND=clean HOME=/root TERM=dumb LC_ALL=C \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true /bin/sh "$zs/second-stage" "$@"
fi
caller=${1-}
umask 022
cd / || exit 1

fail() { # STEP WHAT
    tail -n 3 "$log"
    echo "zonestrap: second stage: $1: $2" | tee -a "$log"
    exit 1
}

is_done() {
    while read -r finished; do
        [ "$finished" = "$1" ] && return 0
    done <"$zs/done"
    return 1
}

# A machine may lose its power at any time: what was done is on disk before it is noted, and noted before more is done.
note_done() { # STEP
    [ "$caller" != first-boot ] || sync
    echo "$1" >>"$zs/done"
    [ "$caller" != first-boot ] || sync
}

run_step() {
    is_done "$1" && return
    echo "== $1" >>"$log"
    "step_$1"
    note_done "$1"
}

progress() { # PACKAGES-DONE WHAT; each package counts twice, unpacked and configured
    echo "zs-progress $1 $((2 * count)) $2"
}

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
                [ "$n" -ge $((2 * count)) ] || n=$((n + 1))
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

step_verify() {
    command -v sha256sum >/dev/null || return 0
    bad=$(cd "$zs" && sha256sum -c --quiet digests 2>>"$log") || fail verify "$bad"
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

step_fixups() {
    progress "$((2 * count))" fixups
    /bin/sh "$zs/fixups.sh" >>"$log" 2>&1 </dev/null 9>&- || fail fixups "exit status $?"
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

# The user's own programs, each of them a step. What they install starts nothing: policy-rc.d is there still.
run_hooks() {
    for hook in "$zs"/hooks/*; do
        name=${hook##*/}
        if [ ! -f "$hook" ] || is_done "hook $name"; then continue; fi
        progress "$((2 * count))" "hook $name"
        echo "== hook $name" >>"$log"
        chmod 755 "$hook"
        (
            unset ZONESTRAP_SECOND OLDPWD
            exec "$hook"
        ) >>"$log" 2>&1 </dev/null 9>&- || fail "hook $name" "exit status $?"
        note_done "hook $name"
    done
}

# Takes away what only the second stage needed, and what differs from one installation to the next.
step_clean() {
    progress "$((2 * count))" clean
    if [ -e "$zs/policy-rc.d" ]; then
        mv "$zs/policy-rc.d" "$policy"
    elif [ -e "$policy" ] && grep -q "^$mark" "$policy"; then
        rm -f "$policy"
    fi
    rm -f "$db"/*-old /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache
    : >"$db/available"
    for file in /var/log/*.log /var/log/apt/*; do
        [ ! -f "$file" ] || [ "$file" = "$log" ] || : >"$file"
    done
}

main() {
    # A second run would empty the database below the first. dpkg inherits the lock: it may outlive its script.
    if command -v flock >/dev/null; then
        exec 9<"$zs/second-stage"
        flock -n 9 || fail start "another run is at it"
    fi
    # Without a plan everything was finished and the removal interrupted.
    if [ -e "$zs/plan" ]; then
        count=$(sed -n 's/^count //p' "$zs/plan")
        # What is dated by the day of the installation (shadow(5)) is the same whenever that is.
        SOURCE_DATE_EPOCH=$(sed -n 's/^epoch //p' "$zs/plan")
        export SOURCE_DATE_EPOCH
        for step in verify prepare unpack configure fixups check restore; do
            run_step "$step"
        done
        run_hooks
        run_step clean
        rm -f "$zs/plan"
    fi
    if [ "$caller" != first-boot ] && [ -e "$zs/first-boot" ]; then
        /bin/sh "$zs/first-boot" put-back >>"$log" 2>&1 || fail end "init cannot be put back"
    fi
    for file in "$zs"/* "$zs"/.[!.]*; do
        case $file in
        "$zs/second-stage" | "$zs/first-boot") ;;
        *) rm -rf "$file" ;;
        esac
    done
    rm -f "$zs/first-boot" "$zs/second-stage"
    rmdir "$zs"
    exit 0
}

main

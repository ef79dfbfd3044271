#!/bin/sh
# The second stage of a root that zonestrap unpacked: the package manager in it installs every package of
# /zonestrap/plan, so that scripts, configuration files and database are those of any installation. Runs inside the
# zone as its root; what is finished stands in /zonestrap/done, and a run that was killed goes on from there.
# Everything goes to the log; standard output gets `zs-progress DONE TOTAL WHAT` and `zs-warning WHAT` lines, and when
# it fails the log's end and why. The argument `first-boot` says that what stands in for init calls it: see first_boot.sh;
# `fresh`, that the process that made the root does.
# What the package format does about it follows behind this part: its steps, by name, and `main PARTS STEP...`.
# shellcheck disable=SC2317 # steps are called by name

zs=/zonestrap
log=/var/log/zonestrap.log

if [ "${ZONESTRAP_SECOND-}" != clean ]; then
    exec env -i ZONESTRAP_SECOND=clean HOME=/root TERM=dumb LC_ALL=C \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh "$zs/second-stage" "$@"
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

progress() { # DONE WHAT
    echo "zs-progress $1 $total $2"
}

step_verify() {
    command -v sha256sum >/dev/null || return 0
    bad=$(cd "$zs" && sha256sum -c --quiet digests 2>>"$log") || fail verify "$bad"
}

step_fixups() {
    progress "$total" fixups
    /bin/sh "$zs/fixups.sh" >>"$log" 2>&1 </dev/null 9>&- || fail fixups "exit status $?"
}

# The user's own programs, each of them a step. What they install starts nothing.
run_hooks() {
    for hook in "$zs"/hooks/*; do
        name=${hook##*/}
        if [ ! -f "$hook" ] || is_done "hook $name"; then continue; fi
        progress "$total" "hook $name"
        echo "== hook $name" >>"$log"
        chmod 755 "$hook"
        (
            unset ZONESTRAP_SECOND OLDPWD
            exec "$hook"
        ) >>"$log" 2>&1 </dev/null 9>&- || fail "hook $name" "exit status $?"
        note_done "hook $name"
    done
}

empty_logs() { # FILE...
    for file in "$@"; do
        [ ! -f "$file" ] || [ "$file" = "$log" ] || : >"$file"
    done
}

# The steps, the hooks, the step `clean`; then what only the second stage needed goes. Each package counts PARTS times
# to the progress.
main() { # PARTS STEP...
    parts=$1
    shift
    # A second run would empty the database below the first. Whatever runs inherits the lock: it may outlive its
    # script.
    if command -v flock >/dev/null; then
        exec 9<"$zs/second-stage"
        flock -n 9 || fail start "another run is at it"
    fi
    # Without a plan everything was finished and the removal interrupted.
    if [ -e "$zs/plan" ]; then
        count=$(sed -n 's/^count //p' "$zs/plan")
        total=$((parts * count))
        # What is dated by the day of the installation (shadow(5)) is the same whenever that is.
        SOURCE_DATE_EPOCH=$(sed -n 's/^epoch //p' "$zs/plan")
        export SOURCE_DATE_EPOCH
        for step in "$@"; do
            # Nobody has touched what was made a moment ago.
            if [ "$step" = verify ] && [ "$caller" = fresh ]; then
                note_done verify
                continue
            fi
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

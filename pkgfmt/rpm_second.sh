# rpm's part of the second stage, behind second.sh: one transaction that installs every package into an empty database.
# shellcheck shell=sh disable=SC2154,SC2317 # second.sh sets and calls them

# systemctl acts on files alone.
export SYSTEMD_OFFLINE=1

# Where this rpm has its database. Nothing is removed from any place that is not surely one.
find_db() {
    db=$(rpm --eval '%{_dbpath}' 2>>"$log")
    case $db in
    */../* | */..) ;;
    /?*/?*) return ;;
    esac
    fail install "rpm says that its database is at \`$db'"
}

empty_db() {
    mkdir -p "$db" || fail install "cannot make $db"
    rm -rf "${db:?}"/* "$db"/.[!.]*
    rpm --initdb >>"$log" 2>&1 </dev/null || fail install "rpm cannot make a database in $db"
}

# For what is installed later; the packages here were verified before. A recipe's keys may be of other releases, too,
# and of kinds that this rpm does not know.
import_keys() {
    for key in "$zs"/keys/*; do
        [ ! -f "$key" ] || rpm --import "$key" >>"$log" 2>&1 </dev/null ||
            echo "rpm does not take the key ${key##*/}" >>"$log"
    done
}

# rpm's lines become progress: without a terminal it says each package's name, epoch, version, release and architecture
# when it comes to it. The first error is kept; behind a colon it goes on in the next line.
watch_rpm() {
    n=0 status=1 what=
    names=" $(sed -n 's/^package [^ ]* \(.*\)\.rpm$/\1/p' "$zs/plan" | sed 's/%3a/:/g; s/%5e/^/g' | tr '\n' ' ')"
    while IFS= read -r line; do
        case $line in
        'zs-exit '*)
            status=${line#zs-exit }
            continue
            ;;
        'error: '*)
            [ -n "$what" ] || what=${line#error: }
            ;;
        'warning: '*'scriptlet failed'*) echo "zs-warning ${line#warning: }" ;;
        '' | *' '*)
            case $what in *:) what="$what $(printf '%s\n' "$line" | sed 's/^[[:blank:]]*//')" ;; esac
            ;;
        *)
            case $names in
            *" $line "*)
                progress "$n" "install ${line%-*-*}"
                [ "$n" -ge "$total" ] || n=$((n + 1))
                ;;
            esac
            ;;
        esac
        printf '%s\n' "$line" >>"$log"
    done
    [ -z "$what" ] || printf '%s\n' "$what" >"$zs/failed"
    return "$status"
}

# rpm writes a file under its name, `;' and eight digits of the time, which is SOURCE_DATE_EPOCH's if it looks there, and
# fails where there is one. What else a killed run leaves, step_restore finds.
remove_begun() { # FILE...
    end=$(printf ';%08x' "$SOURCE_DATE_EPOCH")
    rpm -qpl --nosignature --nodigest "$@" 2>>"$log" </dev/null | while IFS= read -r path; do
        if [ -e "$path$end" ] || [ -L "$path$end" ]; then rm -f "$path$end"; fi
    done
}

# A database that a killed run has begun knows packages that are not whole: begin anew. What the plan says is what is
# installed, whatever rpm finds of the machine; stage 1 has written every file, so that there is room for them, and has
# checked the signatures.
step_install() {
    find_db
    [ ! -e "$zs/begun" ] || : >"$zs/resumed"
    : >"$zs/begun"
    empty_db
    import_keys
    rm -f "$zs/failed"
    tmp=$(rpm --eval '%{_tmppath}' 2>>"$log")
    case $tmp in /*) mkdir -p "$tmp" ;; esac
    # shellcheck disable=SC3045 # some shells have it: rpm closes every descriptor that it might have
    ulimit -n 1024 2>/dev/null
    files=$(sed -n "s|^package [^ ]* |$zs/packages/|p" "$zs/plan")
    # shellcheck disable=SC2086 # the names have no blanks
    [ ! -e "$zs/resumed" ] || remove_begun $files
    {
        # shellcheck disable=SC2086
        rpm -Uv --replacepkgs --replacefiles --ignorearch --ignoreos --ignoresize --nosignature --nodigest \
            --define "_netsharedpath $(cat "$zs/netshared")" $files 2>&1 </dev/null
        echo "zs-exit $?"
    } | watch_rpm && return
    [ -e "$zs/failed" ] && fail install "$(cat "$zs/failed")"
    fail install "rpm failed"
}

# Whether a difference that rpm -Va finds has a reason: what scriptlets and fixups do to a root, and what belongs to
# the kernel. ATTRIBUTE is c, d, g ... or empty.
is_explained() { # DIFFERENCES ATTRIBUTE PATH
    case $3 in /dev/* | /proc/* | /run/* | /sys/* | /dev | /proc | /run | /sys) return ;; esac
    case $2 in c | g) return ;; esac
    # Neither missing, nor another size, type, digest, device or link.
    case $1 in missing | *[S5DL]*) ;; *) return ;; esac
    grep -qxF -e "$3" "$zs/expected"
}

# rpm has compared each file's digest when it wrote it, a moment ago.
check_files() {
    rpm -Va --nodeps --nofiledigest --nosignature --nodigest >"$zs/verify" 2>>"$log" </dev/null
    cat "$zs/verify" >>"$log"
    bad=0 worst=
    while read -r differences attribute path; do
        case $attribute in /*) path=$attribute${path:+ $path} attribute= ;; esac
        case $differences:$path in
        missing:/*) ;;
        *[!.?SM5DLUGTP]*:* | *:[!/]* | *:) continue ;; # not about a file
        esac
        is_explained "$differences" "$attribute" "$path" && continue
        bad=$((bad + 1))
        [ -n "$worst" ] || worst="$differences $path"
    done <"$zs/verify"
    [ "$bad" -eq 0 ] || fail check \
        "rpm -Va finds files that are not as they were packaged ($bad): $worst; $zs/expected lists what may be so"
}

# rpm installs what it can when a package fails, and its exit status has not always said so.
step_check() {
    sed -n 's/^package \([^ ]*\) .*/\1/p' "$zs/plan" | sort >"$zs/want"
    rpm -qa --qf '%{NAME}\n' 2>>"$log" | grep -v '^gpg-pubkey$' | sort >"$zs/have"
    if [ "$(cat "$zs/want")" != "$(cat "$zs/have")" ]; then
        missing=$(grep -vxF -f "$zs/have" "$zs/want" | head -n 1)
        fail check "$(grep -c . "$zs/have") packages are installed, expected $count${missing:+; $missing is not}"
    fi
    check_files
}

# A configuration file that was there in another form is left beside the new one.
step_restore() {
    while IFS= read -r path; do
        rm -f "$path.rpmnew" "$path.rpmorig"
    done <"$zs/expected"
    # A run that was killed leaves files that rpm had not renamed yet, and had scripts change configuration files
    # before.
    if [ ! -e "$zs/resumed" ] || ! command -v find >/dev/null; then return; fi
    find / -xdev -path "$zs" -prune -o ! -type d \( -name '*;????????' -o -name '*.rpmnew' -o -name '*.rpmorig' \) -print |
        while IFS= read -r path; do
            rpm -qf "$path" >/dev/null 2>&1 || rm -f "$path"
        done
}

# An account that was made today is dated by the epoch, as shadow(5) programs that know SOURCE_DATE_EPOCH do it.
date_accounts() {
    day=$((SOURCE_DATE_EPOCH / 86400)) today=$(($(date +%s) / 86400))
    for file in /etc/shadow /etc/shadow-; do
        grep -q "^[^:]*:[^:]*:\($today\|$((today - 1))\):" "$file" 2>>"$log" || continue
        cp -p "$file" "$file.zonestrap-new" &&
            sed "s/^\([^:]*:[^:]*\):\($today\|$((today - 1))\):/\1:$day:/" "$file" >"$file.zonestrap-new" &&
            mv -f "$file.zonestrap-new" "$file"
    done
}

# Takes away what only the second stage needed, and what differs from one installation to the next.
step_clean() {
    progress "$total" clean
    find_db
    rm -f "$db"/__db.* "$db"/.*.lock /var/cache/ldconfig/aux-cache
    [ -s "$db/rpmdb.sqlite-wal" ] || rm -f "$db"/rpmdb.sqlite-wal "$db"/rpmdb.sqlite-shm
    rm -rf /var/cache/dnf/* /var/cache/libdnf5/* /var/cache/yum/* /var/cache/zypp/*
    rm -f /var/tmp/rpm-tmp.*
    date_accounts
    empty_logs /var/log/*.log
}

main 1 verify install fixups check restore

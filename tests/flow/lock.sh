#!/bin/bash
# Locks: written, installed to the byte from whatever mirror still has it, compared with today's index.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped lock "needs root"; done_; }
command -v python3 >/dev/null || { skipped lock "python3 is missing"; done_; }
. "$here/repo.sh"
repo_key
mkdir -p "$tree/alpha/usr/bin" "$tree/alpha/usr/share/both"
echo alpha >"$tree/alpha/usr/bin/alpha"; chmod 4755 "$tree/alpha/usr/bin/alpha"; echo from-alpha >"$tree/alpha/usr/share/both/file"
mkdir -p "$tree/beta/usr/share/both"; echo from-beta >"$tree/beta/usr/share/both/file"
repo_deb alpha 1.0 "Depends: beta" "Replaces: beta"
repo_deb beta 1.0
repo_deb gamma 1.0
repo_deb vim 1.0
www=$work/www
repo_index "$www/debian" one "Valid-Until: $(date -u -R -d '+1 day' | sed 's/+0000/UTC/')"
python3 "$here/server.py" --root "$www" --log "$work/log" >"$work/port" 2>"$work/server.log" &
server=$!
cleanup_hooks="$cleanup_hooks stop_server"
stop_server() { kill $server 2>/dev/null; }
for i in $(seq 50); do [ -s "$work/port" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$work/port")
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
repo_packages="alpha gamma"
repo_recipe m
sed -i 's/^keys .*/&\nsuite-alias stable\ndefault stable/' "$recipes/mine.distro"
printf '[release two]\n' >>"$recipes/mine.distro"
mirrors() { { echo '[mirrors]'; echo "url $url/debian"; printf '%s\n' "$@"; } >"$recipes/m.mirrors"; }
mirrors
lock=$work/one.lock
plan() { zs_local plan "$@"; }
# What comes into the root comes from a mirror: the cache is empty each time.
create() { rm -rf "$work/c" "$work/root"; cache=$work/c zs_local create --second-stage never "$@" "$work/root"; }
tarball() { rm -rf "$work/c" "$work/t"; mkdir "$work/t"; cache=$work/c zs_local create --second-stage never "$@" "$work/t/t.tar.gz"; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %l %n %T@\n' | sort; find . -type f -exec sha256sum {} + | sort -k2); }

t_write() {
    plan --lock "$lock" mine/one >"$work/said" && grep -q '^mine/one amd64: 3 packages' "$work/said" && [ "$(stat -c %a "$lock")" = 644 ] || return 1
    plan --lock - mine/one | cmp - "$lock" && plan --lock "$work/again" --names mine/one >/dev/null && cmp "$lock" "$work/again" &&
    [ "$(sed -n 's/^package \([a-z]*\) .*/\1/p' "$lock" | tr '\n' ' ')" = "$(plan mine/one | sed '$d' | cut -d' ' -f1 | tr '\n' ' ')" ] &&
    grep -Eqx "package beta 1.0 all $(stat -c %s "$debs/beta_1.0.deb") [0-9]+ sha256:$(sha256sum "$debs/beta_1.0.deb" | cut -d' ' -f1) main pool/beta_1.0.deb" "$lock" &&
    grep -qx "index *sha256:$(sha256sum "$www/debian/dists/one/InRelease" | cut -d' ' -f1)" "$lock" &&
    grep -qx 'mirrors *m' "$lock" && [ -z "$(ls "$work" | grep 'lock\.')" ]
}
case_ "plan --lock: a line a package, in the plan's order, the same every time" t_write
t_stdout() {
    fails_with 2 'lock - and --json' plan --lock - --json mine/one && fails_with 2 'lock - and --locked' plan --lock - --locked "$lock" mine/one &&
    fails_with 2 'lock: /dev/null: no regular file.*standard output' plan --lock /dev/null mine/one && [ -c /dev/null ] &&
    fails_with 7 'lock: .*No such file' plan --lock "$work/none/x" mine/one && [ -z "$(ls "$work" | grep none)" ]
}
case_ "plan --lock: standard output is for one thing; what is no file is left alone" t_stdout
in_full() {
    cp "$lock" "$work/m/x" && { cat /dev/zero >"$work/m/fill"; fails_with 7 'lock: .*No space left' plan --lock "$work/m/x" mine/one; } 2>/dev/null &&
    cmp "$lock" "$work/m/x" && [ "$(ls "$work/m" | tr '\n' ' ')" = "fill x " ]
}
t_full() { mkdir "$work/m" && mount -t tmpfs -o size=64k zs-test "$work/m" || return 1; in_full; local rc=$?; umount "$work/m"; return $rc; }
case_ "plan --lock on a full disk: the old lock stays whole" t_full
t_create() {
    create mine/one && listing "$work/root" >"$work/plain" || return 1
    : >"$work/log"
    create --locked "$lock" mine/one && listing "$work/root" | diff "$work/plain" - && [ "$(grep -c GET "$work/log")" = 3 ] && ! grep dists "$work/log"
}
case_ "create --locked: the same root, and no index is fetched" t_create
t_expired() { fails_with 4 'expired' create --now 4000000000 mine/one && create --now 4000000000 --locked "$lock" mine/one; }
case_ "create --locked: long past Valid-Until" t_expired
t_names() {
    create --locked "$lock" mine && create --locked "$lock" -a x86_64 mine/one && [ -e "$work/root/usr/bin/alpha" ] || return 1
    fails_with 2 'one.lock: the lock is of mine/one; which release mine/stable is.*say mine/one' create --locked "$lock" mine/stable &&
    fails_with 2 'one.lock: the lock is of mine/one, not of mine/two.*say mine/one' create --locked "$lock" mine/two &&
    fails_with 2 'one.lock: the lock is of mine/one, not of debian' create --locked "$lock" debian/bookworm &&
    fails_with 2 'one.lock: the lock is for architecture amd64, not for arm64' create --locked "$lock" --arch arm64 mine/one &&
    fails_with 2 'no architecture .vax' create --locked "$lock" --arch vax mine/one &&
    fails_with 2 'one.lock: the lock is for architecture amd64, not for arm64' tarball --locked "$lock" --arch arm64 mine/one && [ -z "$(ls -A "$work/t")" ] &&
    fails_with 7 'locked: .*No such file' create --locked "$work/none" mine/one && [ ! -e "$work/root" ]
}
case_ "create --locked: of another release, another architecture, an alias" t_names
t_options() {
    local o
    for o in --include=x --exclude=x --set=base --suites=all --components=main "--repo=x m one main" --weak; do
        fails_with 2 "${o%%=*} and --locked: a lock is installed as it is" create --locked "$lock" "$o" mine/one || return 1
    done
}
case_ "create --locked: options that choose packages are refused" t_options
t_offline() {
    cache=$work/c zs_local create --second-stage never --locked "$lock" mine/one "$work/root-o" && rm -rf "$work/root-o" &&
    cache=$work/c zs_local create --second-stage never --offline --locked "$lock" mine/one "$work/root-o" || return 1
    cache=$work/c9 fails_with 3 'not in the cache' zs_local create --second-stage never --offline --locked "$lock" mine/one "$work/root-9"
}
case_ "create --locked --offline: from the cache" t_offline
t_mirror() { create --locked "$lock" --mirror "$www/debian" mine/one && listing "$work/root" | diff "$work/plain" -; }
case_ "create --locked: from another mirror" t_mirror

t_same() { [ "$(plan --locked "$lock" mine/one)" = "mine/one amd64: nothing to change: 3 packages as in $lock" ] && [ "$(plan --locked "$lock" mine | wc -l)" = 1 ]; }
case_ "plan --locked: nothing to change" t_same
t_request() {
    plan --include vim --exclude delta --lock "$work/vim.lock" mine/one >/dev/null && grep -qx 'include *vim' "$work/vim.lock" && grep -qx 'exclude *delta' "$work/vim.lock" &&
    plan --locked "$work/vim.lock" mine/one | grep -q 'nothing to change: 4 packages' &&
    plan --locked "$lock" --include vim mine/one | grep -Eqx 'added +vim +1.0'
}
case_ "plan --locked: what the lock was asked for is asked for again" t_request
t_wrong() {
    fails_with 2 'lock is of mine/one, not of mine/two' plan --locked "$lock" mine/two && fails_with 2 'architecture amd64, not for arm64' plan --locked "$lock" -a arm64 mine/one &&
    fails_with 2 'locked and --why' plan --locked "$lock" --why alpha mine/one && fails_with 2 'locked and --names' plan --locked "$lock" --names mine/one
}
case_ "plan --locked: of another release or architecture" t_wrong

# The distribution moves on: alpha superseded, beta rebuilt, gamma gone, delta new, epsilon back to an older version.
cp "$lock" "$work/old.lock"; cp -r "$www/debian" "$work/yesterday"
t_moved() {
    (repo_deb epsilon 2; repo_index "$www/debian" one; sed -i 's/^packages .*/packages alpha gamma epsilon/' "$recipes/mine.distro") &&
    plan --lock "$work/moving.lock" mine/one >/dev/null || return 1
    rm -f "$www"/debian/pool/* "$debs"/*; rm -rf "$tree/gamma" "$tree/epsilon"
    (echo more >"$tree/beta/usr/share/both/more"; repo_deb alpha 1.1 "Depends: beta, delta"; repo_deb beta 1.0; repo_deb delta 1; repo_deb epsilon 1~rc; repo_index "$www/debian" one
     sed -i 's/^packages .*/packages alpha epsilon/' "$recipes/mine.distro")
    plan --locked "$work/moving.lock" mine/one >"$work/said" || return 1
    sed 's/  */ /g' "$work/said" | sed '$s/[0-9.]* [kM]*B/N/' | diff - <(cat <<'W'
upgraded alpha 1.0 -> 1.1
rebuilt beta 1.0, other bytes
added delta 1
downgraded epsilon 2 -> 1~rc
removed gamma 1.0
mine/one amd64: 1 added, 1 removed, 1 upgraded, 1 downgraded, 1 rebuilt, 0 unchanged, N to transfer
W
    )
}
case_ "plan --locked: what would change, sorted, with totals" t_moved
t_json() {
    plan --locked "$work/moving.lock" --json --lock "$work/new.lock" mine/one | python3 -c '
import json, sys
p = json.load(sys.stdin)
assert (p["added"], p["removed"], p["upgraded"], p["downgraded"], p["rebuilt"], p["unchanged"]) == (1, 1, 1, 1, 1, 0), p
c = {x["name"]: x for x in p["changes"]}
assert list(c) == sorted(c) and len(c) == 5
assert c["alpha"]["change"] == "upgraded" and c["alpha"]["old"]["version"] == "1.0" and c["alpha"]["new"]["version"] == "1.1"
assert c["beta"]["old"]["digest"] != c["beta"]["new"]["digest"] and c["beta"]["change"] == "rebuilt"
assert "old" not in c["delta"] and "new" not in c["gamma"]
assert p["download_bytes"] == sum(x["new"]["size"] for x in p["changes"] if "new" in x)
' && plan --locked "$work/new.lock" --json mine/one | grep -q '"changes":\[\]'
}
case_ "plan --locked --json, and a new lock at once" t_json
t_diff() { [ "$(diff "$work/moving.lock" "$work/new.lock" | grep -c '^[<>] package ')" = 8 ]; }
case_ "two locks differ in the lines of what has changed" t_diff

# What the lock names is superseded on the mirror.
t_gone() {
    fails_with 3 'gamma 1.0: http.*snapshot archive, with --mirror, or plan a new lock' create --locked "$work/gamma.lock" mine/one && [ ! -e "$work/root" ]
}
grep -v '^package [ab]' "$lock" | sed 's/^packages .*/packages 1/' >"$work/gamma.lock"
case_ "create --locked: no mirror has it any more" t_gone
stamp=$(date -u -d "@$(($(sed -n 's/^date *\([0-9]*\).*/\1/p' "$lock") + 86400))" +%Y%m%dT%H%M%SZ)
mkdir -p "$www/snap/$stamp"
t_no_snapshot() { mirrors "snapshot $url/404/snap/{timestamp}"; fails_with 3 "gamma 1.0: .*debian: .*404/snap/$stamp: .*404" create --locked "$work/gamma.lock" mine/one; }
case_ "create --locked: neither mirror nor snapshot archive has it" t_no_snapshot
t_snapshot() {
    mv "$work/yesterday" "$www/snap/$stamp/debian" && mirrors "snapshot $url/snap/{timestamp}/debian" && : >"$work/log" &&
    create --locked "$lock" mine/one && listing "$work/root" | diff "$work/plain" - || return 1
    # The mirror is asked first, each time.
    [ "$(grep -c " /debian/pool" "$work/log")" = 3 ] && [ "$(grep -c " /snap/$stamp/debian/pool.* 200" "$work/log")" = 3 ] && ! grep dists "$work/log" || { cat "$work/log"; return 1; }
}
case_ "create --locked falls through to the snapshot archive" t_snapshot
t_only_locked() { : >"$work/log"; create mine/one && ! grep snap "$work/log" && ! grep -r snap "$work/root/etc"; }
case_ "no other run asks a snapshot archive" t_only_locked
t_own_mirror() { : >"$work/log"; fails_with 3 'gamma 1.0' create --locked "$work/gamma.lock" --mirror "$www/debian" mine/one && ! grep . "$work/log"; }
case_ "--mirror takes the snapshot archive's place, too" t_own_mirror
t_bytes() {
    mirrors; grep -v '^package [ag]' "$lock" | sed 's/^packages .*/packages 1/' >"$work/beta.lock"
    fails_with 4 'beta 1.0: .*debian: ' create --locked "$work/beta.lock" mine/one && grep -q 'see what has changed with plan --locked' "$work/err" && [ ! -e "$work/root" ] &&
    fails_with 4 'beta 1.0: .*debian: ' tarball --locked "$work/beta.lock" mine/one && [ -z "$(ls -A "$work/t")" ]
}
case_ "create --locked: other bytes under the same name" t_bytes
t_corrupt() {
    mkdir -p "$www/snap/$stamp"; mirrors "snapshot $url/corrupt/snap/{timestamp}/debian"
    fails_with 4 'gamma 1.0: .*404.*corrupt/snap' create --locked "$work/gamma.lock" mine/one
}
case_ "create --locked: a snapshot archive that flips bytes" t_corrupt

# Damage: the unit test has every kind, here is what the user sees.
bad() { local pattern=$1 edit=$2; sed "$edit" "$lock" >"$work/bad.lock"; fails_with 2 "bad.lock:[0-9]+:[0-9]+: .*$pattern" create --locked "$work/bad.lock" mine/one; }
t_damage() {
    bad 'unknown keyword .distribution' 's/^distro /distribution /' && bad 'the section has no .suite' '/^suite/d' && bad '.soon. is no number' 's/^epoch .*/epoch soon/' &&
    bad 'no sha256 digest' 's/sha256:\(.*\)[0-9a-f]\{3\} main/sha256:\1 main/' && bad 'sha1 proves nothing' 's/sha256:.* main/sha1:0 main/' &&
    bad 'no path from' 's/pool/\/pool/' && bad 'no path from' 's/pool/x\/..\/pool/' && bad 'stands in line .* already' 's/^package gamma/package alpha/' &&
    bad 'control byte 0x1b' $'s/gamma/gam\033ma/' && bad 'version .2. of the lock format' 's/^version .*/version 2/' && bad 'says that there are 3' '$d' || return 1
    : >"$work/huge.lock"; truncate -s 100M "$work/huge.lock"
    fails_with 2 'huge.lock:1:1: over [0-9]* bytes' create --locked "$work/huge.lock" mine/one
}
case_ "a damaged lock: file, line, column" t_damage
t_secret() {
    sed "s, m  *{release}, http://me:s3cret@${url#http://}/debian  {release}," "$recipes/mine.distro" >"$recipes/priv.distro"
    plan --lock "$work/priv.lock" priv/one >/dev/null && grep -qx "mirrors *$url/debian" "$work/priv.lock" && ! grep -q 's3cret\|me:' "$work/priv.lock" && create --locked "$work/priv.lock" priv/one
}
case_ "no user name or password in a lock" t_secret
t_keys() {
    local r="other file://$www/debian one main"
    plan --repo "$r" --keyring "other=$key_asc" --lock "$work/key.lock" mine/one >/dev/null && grep -q "^keyring *sha256:$(sha256sum "$key_asc" | cut -d' ' -f1)" "$work/key.lock" &&
    fails_with 2 'repository .other. has keys of its own.*--keyring other=FILE' create --locked "$work/key.lock" mine/one &&
    fails_with 4 'keys for repository .other. are not the lock' create --locked "$work/key.lock" --keyring "other=$top/distros/keys/debian-archive-trixie-stable.asc" mine/one &&
    create --locked "$work/key.lock" --keyring "other=$key_asc" mine/one
}
case_ "a repository's own keys belong to what a lock fixes" t_keys

# The real thing.
. "$here/mirror.sh"
[ -n "$mirror" ] || { skipped "debian/bookworm from a lock" "the host's apt configuration names no Debian mirror that answers"; done_; }
t_debian() {
    local o="--cache-dir $shared_cache --progress none"
    "$zs" plan $o --lock "$work/b.lock" debian/bookworm >/dev/null && "$zs" plan $o --locked "$work/b.lock" debian/12 | grep -q 'nothing to change: 88 packages' &&
    "$zs" create $o --second-stage never --locked "$work/b.lock" debian/bookworm "$work/b1" && "$zs" create $o --second-stage never debian/bookworm "$work/b2" || return 1
    diff <(cd "$work/b1" && find . -printf '%P %y %m %U:%G %s %l\n' | sort) <(cd "$work/b2" && find . -printf '%P %y %m %U:%G %s %l\n' | sort) &&
    [ "$(sed -n 's/^package \([^ ]*\) .*/\1/p' "$work/b.lock" | sort)" = "$("$zs" plan $o --names debian/bookworm)" ]
}
case_ "debian/bookworm from a lock is what it is without" t_debian
done_

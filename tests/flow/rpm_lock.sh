#!/bin/bash
# Locks of rpm plans: versions, names and paths that only rpm has, mirrors that are asked for, and what a lock cannot vouch for.
. "$(dirname "$0")/lib.sh"
. "$here/rpm_repo.sh"
. "$here/rpm_server.sh"
rpm_key
rpm_key other@example.org "$work/other.asc"

arch=x86_64 rpm_simple alpha 1.0 "Requires: beta" "Requires: Caps-c++ >= 3:1.0~" "Recommends: weakling"
rpm_simple beta 1.0
rpm_simple gamma 1.0
rpm_simple weakling 1.0
release=2.el9_1 rpm_simple Caps-c++ '1.0~rc1^20240101git' "Epoch: 3"
rpm_simple fixme 1.0
release=2 rpm_simple fixme 1.0
release=3 rpm_simple fixme 1.0
rpm_simple third 1.0
rpm_simple yum 1.0
rpm_sign "$rpms"/*.rpm
cat >"$work/updateinfo.xml" <<'X'
<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="t@example.org" status="final" type="security" version="1"><id>T-1</id><title>fixme</title>
<issued date="2026-01-01 00:00:00"/><severity>Important</severity><pkglist><collection short="T"><name>T</name>
<package name="fixme" version="1.0" release="2" epoch="0" arch="noarch"><filename>fixme-1.0-2.noarch.rpm</filename></package>
</collection></pkglist></update></updates>
X
# The release in one place, updates in another, packages in directories by their letter.
os=r/os/x86_64 up=r/updates/1/x86_64
put() { mkdir -p "$www/$1/Packages/${2:0:1}" && mv "$rpms/$2"*.rpm "$www/$1/Packages/${2:0:1}/"; }
put $up fixme-1.0-2; put $up fixme-1.0-3
for p in alpha beta gamma weakling Caps fixme yum third; do
    if [ $p = third ]; then put third/repo $p; else put $os $p; fi
done
index() { rpm_index "$www/$1" && { [ "$1" != $up ] || { modifyrepo_c --mdtype=updateinfo --compress --compress-type=gz "$work/updateinfo.xml" "$www/$1/repodata" >/dev/null && rpm_root_sign "$www/$1"; }; }; }
index $os && index $up && index third/repo || { not_ok "the repositories are made"; done_; }
recipe() { # MIRROR [LINES...]: more lines of [release one]
    { printf '[distro]\ntitle Mine\nformat rpm\narch x86_64=x86_64 aarch64=aarch64\nkeys %s\ntrust %s\nship-sources gamma\n' "${rpm_keys:-mine.asc}" "${trust:-signature}"
      printf 'repo os %s os/{arch}\n[release one]\nrepo updates %s updates/1/{arch}\n' "$1" "$1"; shift; printf '%s\n' "$@"
      printf '[release two]\n[set base]\npackages %s\n[set other]\npackages beta\n[layout]\nfirst Caps-c++\n' "${packages:-alpha gamma}"; } >"$recipes/mine.distro"
}
lock=$work/one.lock
plan() { zs_local plan "$@"; }
# What comes into the root comes from a mirror: the cache is empty each time.
create() { rm -rf "$work/c" "$work/x.tar"; : >"$work/log"; cache=$work/c zs_local create --second-stage never "$@" "$work/x.tar"; }
same() { cmp "$work/plain.tar" "$work/x.tar"; }
served() { grep -c -- "$1" "$work/log"; }
recipe "$url/r"

t_write() {
    plan --lock "$lock" mine/one >"$work/said" && plan --lock - mine/one | cmp - "$lock" || return 1
    local f="Packages/C/Caps-c++-1.0~rc1^20240101git-2.el9_1.noarch.rpm"
    grep -Fqx "package Caps-c++ 3:1.0~rc1^20240101git-2.el9_1 noarch $(stat -c %s "$www/$os/$f") 9 sha256:$(sha256sum "$www/$os/$f" | cut -d' ' -f1) os $f" "$lock" &&
    grep -q '^package alpha 1.0-1 x86_64 .* os Packages/a/alpha-1.0-1.x86_64.rpm$' "$lock" && grep -qx 'suite *updates/1/x86_64' "$lock" && grep -qx "mirrors *$url/r" "$lock" &&
    ! grep -q '^components' "$lock" && [ "$(sed -n 's/^package \([^ ]*\) .*/\1/p' "$lock" | head -n 1)" = Caps-c++ ] || { cat "$lock"; return 1; }
}
case_ "plan --lock: epochs, carets and tildes in versions, capitals and plus signs in names, directories in paths" t_write
t_create() {
    create mine/one && mv "$work/x.tar" "$work/plain.tar" && [ "$(served repodata)" -ge 4 ] || return 1
    create --locked "$lock" mine/one && same && [ "$(served GET)" = 4 ] && [ "$(served repodata)" = 0 ]
}
case_ "create --locked: the same tarball to the byte, and no index is fetched" t_create
t_offline() { cache=$work/c zs_local create --second-stage never --offline --locked "$lock" mine/one "$work/off.tar" && cmp "$work/plain.tar" "$work/off.tar"; }
case_ "create --locked --offline: from the cache" t_offline
t_mirror() { recipe "http://127.0.0.1:9/r"; sed "s,^mirrors .*,mirrors http://127.0.0.1:9/r," "$lock" >"$work/dead.lock"; create --locked "$work/dead.lock" --mirror "$www/r" --target-mirror "$url/r" mine/one && same; local rc=$?; recipe "$url/r"; return $rc; }
case_ "create --locked: from another mirror" t_mirror
t_insecure() { create --insecure --locked "$lock" mine/one && same && create --keyring "$work/other.asc" --locked "$lock" mine/one; }
case_ "create --locked: --insecure and --keyring change nothing that is unpacked" t_insecure
t_other_arch() { fails_with 2 'one.lock: the lock is for architecture x86_64, not for aarch64; plan a lock' create --locked "$lock" --arch aarch64 mine/one; }
case_ "create --locked: a lock of another architecture" t_other_arch
t_options() {
    local o
    for o in --include=x --exclude=x --set=base --suites=all --components=main "--repo=x m one" --weak --security; do
        fails_with 2 "${o%%=*} and --locked: a lock is installed as it is" create --locked "$lock" "$o" mine/one || return 1
    done
}
case_ "create --locked: options that choose are refused" t_options

# What was asked for.
t_security() {
    plan --include fixme --lock "$work/new.lock" mine/one >/dev/null && grep -q '^package fixme 1.0-3 ' "$work/new.lock" && ! grep -q '^security' "$work/new.lock" &&
    plan --security --include fixme --lock "$work/sec.lock" mine/one >/dev/null && grep -q '^package fixme 1.0-2 ' "$work/sec.lock" && grep -qx 'security *yes' "$work/sec.lock" &&
    plan --locked "$work/sec.lock" mine/one | grep -q 'nothing to change: 5 packages' && plan --locked "$work/new.lock" --security mine/one | grep -Eq '^downgraded +fixme +1.0-3 -> 1.0-2'
}
case_ "plan --security: in the lock, and asked for again" t_security
t_weak() {
    plan --weak --lock "$work/weak.lock" mine/one >/dev/null && grep -qx 'weak *yes' "$work/weak.lock" && grep -q '^package weakling' "$work/weak.lock" &&
    plan --locked "$work/weak.lock" mine/one | grep -q 'nothing to change: 5 packages'
}
case_ "plan --weak" t_weak
t_words() {
    plan --include 'Caps-c++ >= 3:1.0~,/usr/share/weakling/data' --lock "$work/cap.lock" mine/one >/dev/null && grep -qx 'include *Caps-c++ >= 3:1.0~' "$work/cap.lock" && grep -q '^package weakling' "$work/cap.lock" &&
    plan --locked "$work/cap.lock" mine/one | grep -q 'nothing to change: 5 packages'
}
case_ "plan --include: a capability and a file, in the lock, and asked for again" t_words
t_unknown() {
    local w
    for w in nosuch /no/such 'no(such)' 'beta > 9' 'beta-9' beta.i686 '(none if beta)'; do fails_with 2 "asked for: there is no package .$(sed 's/[()/]/./g' <<<"$w")'" plan --include "$w" mine/one || return 1; done
    fails_with 2 'there is no group .@nosuch.; no repository has groups' plan --include @nosuch mine/one || return 1
    for w in @core /usr/share/beta/data 'beta >= 1' '(a if b)'; do fails_with 2 "exclude: .$(sed 's/[()/]/./g' <<<"$w"). is no name of a package" plan --exclude "$w" mine/one || return 1; done
    plan --exclude nosuch mine/one >/dev/null 2>"$work/err" && [ "$(grep -c 'warning: --exclude nosuch: there is no such package' "$work/err")" = 1 ] || { cat "$work/err"; return 1; }
    fails_with 6 'alpha Requires: beta, but beta is excluded' plan --exclude beta mine/one && fails_with 2 'both included and excluded' plan --include beta --exclude beta mine/one
}
case_ "plan --include, --exclude: what there is not" t_unknown
t_shown() {
    plan --why beta mine/one | tail -n 1 | grep -qx 'alpha Requires: beta' && [ "$(plan --names mine/one | tr '\n' ' ')" = "Caps-c++ alpha beta gamma " ] || return 1
    plan mine/one | sed '$d' | awk '{ r = index($0, " os   "); if (at && r != at) exit 1; at = r }' &&
    plan --json mine/one | python3 -c '
import json, sys
p = json.load(sys.stdin); c = {x["name"]: x for x in p["packages"]}["Caps-c++"]
assert c["version"] == "3:1.0~rc1^20240101git-2.el9_1" and c["reason"] == "alpha Requires: Caps-c++ >= 3:1.0~", c
assert c["url"].endswith("/r/os/x86_64/Packages/C/Caps-c++-1.0~rc1%5E20240101git-2.el9_1.noarch.rpm"), c
assert [r["suite"] for r in p["repos"]] == ["os/x86_64", "updates/1/x86_64"] and p["second_stage_bytes"] == p["download_bytes"]'
}
case_ "plan: columns, --why, --names, --json" t_shown
t_suites() {
    plan --suites release --include fixme --lock "$work/rel.lock" mine/one >/dev/null && grep -q '^package fixme 1.0-1 ' "$work/rel.lock" && ! grep -q '^.repo updates' "$work/rel.lock" &&
    plan --locked "$work/rel.lock" mine/one | grep -q 'nothing to change' && fails_with 2 "neither release nor all" plan --suites some mine/one
}
case_ "plan --suites release: without updates" t_suites
t_updates_only() {
    printf '[distro]\nformat rpm\narch x86_64=x86_64\nkeys mine.asc\n[release one]\nrepo updates %s updates/1/{arch}\n[set base]\npackages fixme\n' "$url/r" >"$recipes/upd.distro"
    plan --names upd/one >/dev/null && fails_with 2 'suites release: the recipe has updates alone' plan --suites release upd/one
}
case_ "plan --suites release: where there is nothing but updates" t_updates_only
t_components() { fails_with 2 'components: repositories of the format rpm have no components' plan --components main mine/one; }
case_ "plan --components: rpm has none" t_components

# One more repository.
t_repo() {
    local spec="third $url/third repo"
    plan --repo "$spec" --include third,yum --lock "$work/third.lock" mine/one >/dev/null && grep -q '^package third 1.0-1 .* third Packages/t/third-1.0-1.noarch.rpm$' "$work/third.lock" || return 1
    create --repo "$spec" --include third,yum mine/one && mv "$work/x.tar" "$work/third.tar" && create --locked "$work/third.lock" mine/one && cmp "$work/third.tar" "$work/x.tar" || return 1
    # gamma ships the sources of the recipe's own; so the root gets those of the other alone.
    [ "$(sources)" = "$url/third/repo " ] || { sources; return 1; }
}
sources() { tar -xOf "$work/x.tar" ./etc/yum.repos.d/zonestrap.repo | sed -n 's/^baseurl=//p' | tr '\n' ' '; }
case_ "--repo: in the lock, and the root's own sources are the same" t_repo
t_ids() {
    fails_with 2 'repo: there is a repository .os. already; give the new one an ID of its own; --mirror' plan --repo "os $url/third repo" mine/one &&
    fails_with 2 'repo: there is a repository .third. already' plan --repo "third $url/third repo" --repo "third $url/third repo" mine/one &&
    fails_with 2 'ID MIRRORS SUITE' plan --repo "third $url/third" mine/one && fails_with 3 'third: ' plan --repo "third $url/third none" mine/one
}
case_ "--repo: an ID that is taken, a word too few, a path that is not there" t_ids
t_target() {
    local spec="third $url/third repo" o="--set other --include yum"
    create $o mine/one && [ "$(sources)" = "$url/r/os/x86_64 $url/r/updates/1/x86_64 " ] || { sources; return 1; }
    create $o --repo "$spec" --target-mirror https://m.example/pub/ mine/one && [ "$(sources)" = "https://m.example/pub/os/x86_64 https://m.example/pub/updates/1/x86_64 $url/third/repo " ] || { sources; return 1; }
    create $o --mirror "$www/r" mine/one && [ "$(sources)" = "$url/r/os/x86_64 $url/r/updates/1/x86_64 " ] || { sources; return 1; }
    printf '[mirrors]\nurl %s\ncanonical https://first.example/pub\n' "$url/r" >"$recipes/m.mirrors"; recipe m
    create $o --mirror m="$www/r" --target-mirror canonical mine/one && [ "$(sources)" = "https://first.example/pub/os/x86_64 https://first.example/pub/updates/1/x86_64 " ]
    local rc=$?; recipe "$url/r"; [ $rc = 0 ] || { sources; return 1; }
}
case_ "--target-mirror, --mirror: what the root's own sources name" t_target
t_keyring() {
    local spec="third $url/third repo"
    fails_with 4 'third: .*not signed by a trusted key' plan --repo "$spec" --keyring "third=$work/other.asc" --include third mine/one &&
    fails_with 2 'there is no repository .fourth.' plan --keyring "fourth=$key_asc" mine/one &&
    plan --repo "$spec" --keyring "third=$key_asc" --include third --lock "$work/key.lock" mine/one >/dev/null && grep -q "^keyring *sha256:$(sha256sum "$key_asc" | cut -d' ' -f1)" "$work/key.lock" &&
    fails_with 2 'repository .third. has keys of its own.*--keyring third=FILE' create --locked "$work/key.lock" mine/one &&
    fails_with 4 'keys for repository .third. are not the lock' create --locked "$work/key.lock" --keyring "third=$work/other.asc" mine/one &&
    create --locked "$work/key.lock" --keyring "third=$key_asc" mine/one && tar -tf "$work/x.tar" | grep -q 'share/third/data'
}
case_ "--keyring ID=FILE: for that repository alone, and part of the lock" t_keyring

# As Amazon Linux has it: the packages of all states of a repository lie beside them.
t_beside() {
    local d=$www/all/core/guids/now/x86_64
    mkdir -p "$d" "$www/all/blobstore" && cp "$www"/third/repo/Packages/t/*.rpm "$www/all/blobstore" && createrepo_c --quiet --no-database --location-prefix ../../../../ -o "$d" "$www/all" && rpm_root_sign "$d" || return 1
    printf '[distro]\nformat rpm\narch x86_64=x86_64\nkeys mine.asc\nrepo main %s core/guids/now/x86_64\n[release one]\n[set base]\npackages third\n' "$url/all" >"$recipes/beside.distro"
    plan --lock "$work/beside.lock" beside/one >/dev/null && grep -q ' main ../../../../blobstore/third-1.0-1.noarch.rpm$' "$work/beside.lock" || { cat "$work/beside.lock"; return 1; }
    create beside/one && grep -q 'GET /all/blobstore/third-1.0-1.noarch.rpm' "$work/log" && mv "$work/x.tar" "$work/beside.tar" && create --locked "$work/beside.lock" beside/one && cmp "$work/beside.tar" "$work/x.tar"
}
case_ "packages beside their repository" t_beside

# Mirrors that are asked for.
mkdir -p "$www/lists"
echo "$url/r/os/x86_64" >"$www/lists/os"; echo "$url/r/updates/1/x86_64" >"$www/lists/updates"
lists() { recipe http://127.0.0.1:9/r "mirrorlist os $url/lists/os" "mirrorlist updates $url/lists/updates"; }
t_list() {
    lists; plan --lock "$work/list.lock" mine/one >/dev/null && grep -qx 'mirrors *http://127.0.0.1:9/r' "$work/list.lock" && ! grep -q lists "$work/list.lock" &&
    create mine/one && mv "$work/x.tar" "$work/list.tar" && create --locked "$work/list.lock" mine/one && cmp "$work/list.tar" "$work/x.tar" && [ "$(served 'GET /lists/')" = 2 ] && [ "$(served repodata)" = 0 ]
}
case_ "create --locked: the mirrors are those of a list alone" t_list
t_list_offline() { : >"$work/log"; rm -f "$work/off.tar"; cache=$work/c zs_local create --second-stage never --offline --locked "$work/list.lock" mine/one "$work/off.tar" && cmp "$work/list.tar" "$work/off.tar" && [ "$(served GET)" = 0 ]; }
case_ "create --locked --offline: nobody is asked" t_list_offline
t_list_gone() {
    recipe "$url/r" "mirrorlist os $url/404/lists/os"; rm -rf "$work/c" "$work/x.tar"
    cache=$work/c zs_local create --second-stage never -v --locked "$lock" mine/one "$work/x.tar" 2>"$work/err" && same && grep -q 'warning: os: .*404.*going on with the mirrors that are known' "$work/err" || { cat "$work/err"; return 1; }
    recipe http://127.0.0.1:9/r "mirrorlist os $url/404/lists/os"; fails_with 3 '127.0.0.1:9' create --locked "$work/dead.lock" mine/one
}
case_ "create --locked: no list, with other mirrors and without" t_list_gone
t_list_override() { lists; create --locked "$work/list.lock" --mirror "$url/r" mine/one && [ "$(served 'GET /lists/')" = 0 ]; }
case_ "create --locked --mirror: no list is asked for" t_list_override

# Nothing but the packages vouches for the index: nor does its lock.
t_packages() { trust=packages recipe "$url/r"; plan --lock "$work/pkg.lock" mine/one >/dev/null && create --locked "$work/pkg.lock" mine/one && same; }
case_ "trust packages: the same from a lock" t_packages
t_foreign() {
    cp -r "$www/r" "$work/good"; local f=$www/$os/Packages/b/beta-1.0-1.noarch.rpm
    rpmsign --delsign "$f" >/dev/null 2>&1; rpm_signer=other@example.org rpm_sign "$f" && index $os && plan --lock "$work/foreign.lock" mine/one >/dev/null || return 1
    fails_with 4 'beta.*[0-9A-Fa-f]{16}' create --locked "$work/foreign.lock" mine/one && [ ! -e "$work/x.tar" ] && create --insecure --locked "$work/foreign.lock" mine/one &&
    create --locked "$work/foreign.lock" --keyring "$work/both.asc" mine/one
    local rc=$?; rm -rf "$www/r"; mv "$work/good" "$www/r"; return $rc
}
cat "$key_asc" "$work/other.asc" >"$work/both.asc"
case_ "trust packages: a lock of packages that nobody trusted signed" t_foreign
t_no_key() {
    sed -i '/^keys/d' "$recipes/mine.distro"; fails_with 4 'the recipe names no key; name a keyring' create --locked "$work/pkg.lock" mine/one || return 1
    sed -i 's,^trust .*,&\nkeys-at https://keys.example.org/{release}/{arch},' "$recipes/mine.distro"
    fails_with 4 'the recipe names no key; the distribution publishes its key at https://keys.example.org/one/x86_64: name it with --keyring FILE' create --locked "$work/pkg.lock" mine/one &&
    fails_with 4 'names no key; the distribution publishes its key at https://keys' plan mine/one && fails_with 4 'names no key; the distribution' create mine/one &&
    "$zs" check "$recipes/mine.distro" && plan --keyring "$key_asc" --names mine/one >/dev/null
    local rc=$?; recipe "$url/r"; return $rc
}
case_ "a recipe without a key" t_no_key

# The distribution moves on.
t_moved() {
    packages="alpha gamma" recipe "$url/r"; plan --lock "$work/moving.lock" mine/one >/dev/null || return 1
    arch=x86_64 rpm_simple alpha 1.1 "Requires: beta" "Requires: delta" && rpm_simple delta 1.0 && release=1 rpm_simple beta 1.0 "Provides: rebuilt" && rpm_sign "$rpms"/*.rpm || return 1
    rm -r "$www/$os/Packages/g"; put $os alpha; put $os delta; put $os beta; index $os; packages=alpha recipe "$url/r"
    plan --locked "$work/moving.lock" mine/one >"$work/said" || return 1
    sed 's/  */ /g' "$work/said" | sed '$s/[0-9.]* [kM]*B/N/' | diff - <(cat <<'W'
removed Caps-c++ 3:1.0~rc1^20240101git-2.el9_1
upgraded alpha 1.0-1 -> 1.1-1
rebuilt beta 1.0-1, other bytes
added delta 1.0-1
removed gamma 1.0-1
mine/one x86_64: 1 added, 2 removed, 1 upgraded, 0 downgraded, 1 rebuilt, 0 unchanged, N to transfer
W
    )
}
case_ "plan --locked: what would change" t_moved
t_bytes() { fails_with 4 'beta 1.0-1: ' create --locked "$lock" mine/one && grep -q 'see what has changed with plan --locked' "$work/err" && [ ! -e "$work/x.tar" ]; }
sed -i '/^package [ag]/d; s/^packages .*/packages 2/' "$lock"
case_ "create --locked: other bytes under the same name" t_bytes
t_gone() { grep -v '^package [aC]' "$work/moving.lock" | grep -v '^package beta' | sed 's/^packages .*/packages 1/' >"$work/gamma.lock"; fails_with 3 'gamma 1.0-1: .*snapshot archive, with --mirror, or plan a new lock' create --locked "$work/gamma.lock" mine/one; }
case_ "create --locked: no mirror has it any more" t_gone
done_

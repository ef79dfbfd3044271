#!/bin/bash
# Stage 1 from a repository of the test's own: what stands in the root, at any --jobs, without any program run.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped create_local "needs root"; done_; }
. "$here/repo.sh"
repo_key
repo_packages="alpha"
mkdir -p "$tree/alpha/usr/bin" "$tree/alpha/bin" "$tree/alpha/usr/share/both" "$tree/alpha/etc"
echo alpha >"$tree/alpha/usr/bin/alpha"; chmod 4755 "$tree/alpha/usr/bin/alpha"
ln "$tree/alpha/usr/bin/alpha" "$tree/alpha/usr/bin/alpha-hard"
ln -s alpha "$tree/alpha/usr/bin/alpha-soft"
echo tool >"$tree/alpha/bin/tool"
echo from-alpha >"$tree/alpha/usr/share/both/file"
mkdir -p "$tree/beta/usr/share/both" "$tree/beta/etc"
echo from-beta >"$tree/beta/usr/share/both/file"
chmod 2750 "$tree/beta/usr/share/both"
head -c 3000000 /dev/zero >"$tree/beta/usr/share/both/zero"
repo_deb alpha 1.0 "Depends: beta (>= 1), gamma | delta" "Replaces: beta"
comp=xz repo_deb beta 2.0
repo_deb beta 1.5
comp=zstd repo_deb gamma 1
repo_deb delta 1
repo_index "$work/repo" one
repo_recipe "file://$work/repo"

stage1() { zs_local create --second-stage never "$@"; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %l %n\n' | sort; find . -type f -exec sha256sum {} + | sort -k2); }

t_names() { [ "$(zs_local plan --names mine/one | tr '\n' ' ')" = "alpha beta gamma " ]; }
case_ "plan: dependencies, the highest version, the first alternative" t_names
t_json() { zs_local plan --json mine/one >"$work/plan.json" && python3 - "$work/plan.json" <<'P'
import json, sys
p = json.load(open(sys.argv[1]))
assert p["distro"] == "mine" and p["release"] == "one" and p["arch"] == "amd64" and p["set"] == "base", p
assert {x["name"] for x in p["packages"]} == {"alpha", "beta", "gamma"}
assert [x["name"] for x in p["packages"]].index("alpha") < [x["name"] for x in p["packages"]].index("beta"), "the replacing one comes first"
assert p["download_bytes"] == sum(x["size"] for x in p["packages"])
assert all(x["digest"].startswith("sha256:") and x["url"].startswith("file://") for x in p["packages"])
P
}
case_ "plan --json" t_json
t_why() { zs_local plan --why gamma mine/one | tee "$work/why" && grep -q 'alpha.*gamma' "$work/why"; }
case_ "plan --why" t_why
t_create() { stage1 mine/one "$work/root"; }
case_ "create" t_create
t_content() {
    cd "$work/root" || return 1
    [ "$(stat -c %a usr/bin/alpha)" = 4755 ] && [ "$(stat -c %h usr/bin/alpha)" = 2 ] && [ "$(readlink usr/bin/alpha-soft)" = alpha ] &&
    [ "$(cat usr/share/both/file)" = from-alpha ] && [ "$(stat -c %s usr/share/both/zero)" = 3000000 ] && [ ! -e usr/share/delta ] &&
    [ ! -e zonestrap ] && [ -z "$(ls -A .. | grep zonestrap-partial)" ]
}
case_ "the root holds what the packages ship; the plan's order wins a shared path" t_content
t_jobs() {
    local n
    listing "$work/root" >"$work/list.1"
    for n in 1 2 3 8; do
        rm -rf "$work/root-j"; stage1 --jobs $n mine/one "$work/root-j" || return 1
        listing "$work/root-j" | diff "$work/list.1" - || return 1
    done
}
case_ "the same root at any --jobs" t_jobs
t_surroundings() {
    rm -rf "$work/root-j"
    (umask 077; export TZ=Asia/Kathmandu LC_ALL=C.UTF-8 TMPDIR=$work; cd / && stage1 mine/one "$work/root-j") && listing "$work/root-j" | diff "$work/list.1" -
}
case_ "the same root whatever umask, locale, time zone and directory" t_surroundings
t_again() { fails_with 7 'not empty' stage1 mine/one "$work/root"; }
case_ "a target that is not empty is refused" t_again
t_pending() {
    mkdir -p "$work/pending/zonestrap"; : >"$work/pending/zonestrap/second-stage"
    fails_with 7 "not empty; its second stage is pending: .zonestrap second-stage $work/pending' goes on" stage1 mine/one "$work/pending"
}
case_ "a target whose second stage is pending: what goes on with it" t_pending
t_empty() { mkdir -m 700 "$work/there" "$work/there/lost+found" && stage1 mine/one "$work/there" && [ -e "$work/there/usr/bin/alpha" ] && ! ls -A "$work/there" | grep -q incomplete; }
case_ "an existing empty directory is filled in place" t_empty
t_offline() { stage1 --offline mine/one "$work/root-off"; }
case_ "--offline with a file: mirror" t_offline
t_exec() {
    command -v strace >/dev/null || { echo "strace is missing"; return 1; }
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=execve,execveat,fork,vfork -o "$work/trace" "$zs" create --recipes "$recipes" --cache-dir "$work/c2" --arch amd64 --progress none --second-stage never mine/one "$work/root-s" &&
    [ "$(grep -c exec "$work/trace")" -eq 1 ] && ! grep -Eq 'v?fork\(' "$work/trace"
}
case_ "stage 1 runs no program: one execve, its own" t_exec
# A second repository, signed by another key: the root's sources name that key, and it is there.
t_other_key() {
    (repo_deb apt 1; repo_index "$work/repo" one) &&
    (debs=$work/debs2 tree=$work/pkg2; mkdir -p "$debs" "$tree"; GNUPGHOME=$work/gpg2 key_asc=$work/other.asc; export GNUPGHOME
     repo_key other@example.org; repo_deb extra 1; repo_index "$work/repo2" two; gpgconf --kill all) || return 1
    sed 's/^keys .*/&\nsigned-by \/usr\/share\/keyrings\/mine.gpg/' "$recipes/mine.distro" >"$recipes/both.distro"
    zs_local create --second-stage never --include apt,extra --repo "other file://$work/repo2 two main" --keyring "other=$work/other.asc" both/one "$work/root-k" &&
    cmp "$work/other.asc" "$work/root-k/usr/share/keyrings/other.asc" &&
    sed -n '/repo2/,$p' "$work/root-k/etc/apt/sources.list.d/both.sources" | grep -qx 'Signed-By: /usr/share/keyrings/other.asc' &&
    grep -qx 'Signed-By: /usr/share/keyrings/mine.gpg' "$work/root-k/etc/apt/sources.list.d/both.sources" &&
    fails_with 2 'ID MIRRORS SUITE' zs_local plan --repo "../x file://$work/repo2 two main" both/one
}
case_ "a repository with a key of its own, in the root too" t_other_key
t_progress() { zs_local create --second-stage never --progress json mine/one "$work/root-p" | python3 -c '
import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert rows[-1]["stage"] == "done", rows[-1]
assert {"plan", "fetch", "unpack"} <= {r["stage"] for r in rows}, rows
'; }
case_ "--progress=json" t_progress
t_json_error() {
    zs_local create --second-stage never --progress json mine/one "$work/root-p" >"$work/o" 2>/dev/null; [ $? = 7 ] || return 1
    python3 -c 'import json,sys; e=json.loads(open(sys.argv[1]).read().splitlines()[-1])["error"]; assert e["class"]=="host" and "not empty" in e["message"], e' "$work/o"
}
case_ "an error as JSON" t_json_error
done_

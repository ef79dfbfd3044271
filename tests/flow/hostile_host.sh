#!/bin/bash
# Other users of the same host; repositories of a user's own.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
repo_key
repo_deb alpha 1.0
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
plan() { zs_local plan --names "$@"; }

t_open_cache() {
    cache=$work/open-cache; mkdir -m 1777 "$cache"
    plan mine/one >"$work/names" 2>"$work/err" && grep -qx alpha "$work/names" || return 1
    grep -q 'no cache.*others may write there' "$work/err" && [ -z "$(ls -A "$cache")" ]
}
case_ "a cache that others may write to is not used" t_open_cache
t_others_cache() {
    cache=$work/others-cache; mkdir "$cache"; chown 12345 "$cache"
    plan mine/one >/dev/null 2>"$work/err" && grep -q 'no cache.*belongs to user 12345' "$work/err" && [ -z "$(ls -A "$cache")" ]
}
t_others_target() {
    mkdir -m 1777 "$work/theirs"; chown 12345 "$work/theirs"
    zs_local create --second-stage never mine/one "$work/theirs" && [ "$(stat -c %u:%a "$work/theirs")" = 0:755 ]
}
if [ "$(id -u)" = 0 ]; then
    case_ "a cache that another user owns is not used" t_others_cache
    case_ "a target that another user owns is taken over" t_others_target
else
    skipped "other users" "needs root"
fi

# A second repository, signed by a key of its own, is trusted by that key alone, and the key for nothing else.
t_own_key() {
    local spec="other file://$work/repo2 one main"
    cp -a "$work/repo" "$work/repo2"
    gpg --batch --quiet --passphrase '' --quick-generate-key other@example.org ed25519 sign never 2>/dev/null
    gpg --batch --quiet --armor --export other@example.org >"$work/other.asc"
    repo_sign "$work/repo2" one -u other@example.org
    fails_with 4 'other:.*not signed by a trusted key' plan --repo "$spec" mine/one || return 1
    plan --repo "$spec" --keyring "other=$work/other.asc" mine/one || return 1
    fails_with 4 'other:.*not signed by a trusted key' plan --repo "$spec" --keyring "other=$key_asc" mine/one || return 1
    repo_sign "$work/repo" one -u other@example.org
    fails_with 4 'main:.*not signed by a trusted key' plan --repo "$spec" --keyring "other=$work/other.asc" mine/one || return 1
    plan --keyring "main=$work/other.asc" mine/one || return 1
    fails_with 2 'no repository .nosuch' plan --keyring "nosuch=$work/other.asc" mine/one || return 1
    repo_sign "$work/repo" one -u mine@example.org
}
case_ "a key for one repository" t_own_key

# A flat repository in a directory of its own: its Release names no suite.
t_flat() {
    local d=$work/flat/sub; mkdir -p "$d"; cp "$debs/alpha_1.0.deb" "$d/"
    (cd "$work/flat" && dpkg-scanpackages -m sub 2>/dev/null) >"$d/Packages"
    { echo "Date: $(date -u -R -d '-1 hour' | sed 's/+0000/UTC/')"; echo "SHA256:"
      echo " $(sha256sum "$d/Packages" | cut -d' ' -f1) $(stat -c %s "$d/Packages") Packages"; } >"$d/Release"
    gpg --batch --quiet -u mine@example.org --clearsign -o "$d/InRelease" "$d/Release"
    sed "s,^repo .*,repo main file://$work/flat sub/," "$recipes/mine.distro" >"$recipes/flat.distro"
    plan flat/one | grep -qx alpha
}
case_ "a flat repository in a directory" t_flat
done_

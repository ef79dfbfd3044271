#!/bin/bash
# Signatures, digests, expiry, suites: every lie of a mirror is one clear line and exit status 4.
. "$(dirname "$0")/lib.sh"
. "$here/repo.sh"
repo_key
repo_deb alpha 1.0
repo_index "$work/repo" one
repo_recipe "file://$work/repo"
plan() { zs_local plan --names "$@"; }
fresh() { rm -rf "$work/r"; cp -a "$work/repo" "$work/r"; }
at() { plan --mirror "file://$work/r" "$@"; } # the recipe's list is an URL: its ID is the URL itself
repo_at() { sed "s,file://$work/repo,file://$work/r," "$recipes/mine.distro" >"$recipes/bent.distro"; plan "$@" bent/one; }

case_ "good" plan mine/one
t_no_key() { printf '[distro]\ntitle x\nformat deb\narch x86_64=amd64\nrepo main file://%s {release} main\n[release one]\n[set base]\npackages alpha\n' "$work/repo" >"$recipes/nokey.distro"
    fails_with 4 'names no key' plan nokey/one; }
case_ "no key" t_no_key
t_wrong_key() {
    (GNUPGHOME=$work/gpg2; export GNUPGHOME; mkdir -m 700 "$GNUPGHOME"
     gpg --batch --quiet --passphrase '' --quick-generate-key other@example.org ed25519 sign never 2>/dev/null
     gpg --batch --quiet --armor --export other@example.org >"$work/other.asc"; gpgconf --kill all)
    fails_with 4 'main:.*(not signed by a trusted key|unknown)' plan --keyring "$work/other.asc" mine/one
}
case_ "wrong key" t_wrong_key
t_unsigned() { fresh; rm "$work/r"/dists/one/{InRelease,Release.gpg}; fails_with 4 'not signed' repo_at; }
case_ "unsigned" t_unsigned
t_insecure() { fresh; rm "$work/r"/dists/one/{InRelease,Release.gpg}; repo_at --insecure 2>&1 | grep -qx alpha; }
case_ "--insecure takes the unsigned" t_insecure
t_insecure_inline() { fresh; rm "$work/r"/dists/one/{Release,Release.gpg}; repo_at --insecure --keyring "$work/nowhere" 2>&1 | grep -qx alpha; }
case_ "--insecure takes a signed text of whatever key" t_insecure_inline
t_detached() { fresh; rm "$work/r"/dists/one/InRelease; repo_at; }
case_ "Release with Release.gpg" t_detached
t_bent() { fresh; sed -i 's/^Origin: T/Origin: U/' "$work/r/dists/one/InRelease"; fails_with 4 'main:.*(bad|wrong|BAD)' repo_at; }
case_ "a bent text" t_bent
t_bad_beside_good() {
    fresh
    gpg --batch --quiet --passphrase '' --quick-generate-key second@example.org rsa2048 sign never 2>/dev/null
    gpg --batch --quiet --armor --export mine@example.org second@example.org >"$work/both.asc"
    # A good signature over the text, and one by the second key over another text, in one file.
    sed 's/^Origin: T/Origin: U/' "$work/r/dists/one/Release" >"$work/other"
    gpg --batch --quiet -u mine@example.org --detach-sign -o "$work/s1" "$work/r/dists/one/Release"
    gpg --batch --quiet -u second@example.org --detach-sign -o "$work/s2" "$work/other"
    rm "$work/r/dists/one/InRelease"; cat "$work/s1" "$work/s2" >"$work/r/dists/one/Release.gpg"
    fails_with 4 'main:.*(bad|wrong|BAD)' repo_at --keyring "$work/both.asc" || return 1
    cat "$work/s2" "$work/s1" >"$work/r/dists/one/Release.gpg"
    fails_with 4 'main:.*(bad|wrong|BAD)' repo_at --keyring "$work/both.asc" || return 1
    # The same two files by an unknown second key are fine: one trusted signature suffices.
    repo_at
}
case_ "a bad signature beside a good one" t_bad_beside_good
t_sha1() {
    fresh
    gpg --batch --quiet --passphrase '' --quick-generate-key third@example.org rsa2048 sign never 2>/dev/null
    gpg --batch --quiet --armor --export third@example.org >"$work/third.asc"
    repo_sign "$work/r" one -u third@example.org --digest-algo SHA1 --allow-weak-digest-algos --weak-digest SHA512
    grep -q 'Hash: SHA1' "$work/r/dists/one/InRelease" || { echo "gpg made no SHA1 signature"; return 1; }
    fails_with 4 '[Ww]eak|SHA1|sha1' repo_at --keyring "$work/third.asc"
}
case_ "a SHA1-only signature" t_sha1
stored=$data/openpgp/debian-release
expired() { # SUITE CLOCK [options]: the stored InRelease as a mirror, with a clock
    local suite=$1 clock=$2; shift 2
    mkdir -p "$work/stored/dists/$suite"; cp "$stored/$suite/InRelease" "$work/stored/dists/$suite/"
    "$zs" plan --names --cache-dir "$work/c3" --suites release --arch amd64 --mirror "debian=$work/stored" --now "$clock" "$@" debian/$suite
}
t_expired() {
    local until; until=$(sed -n 's/^Valid-Until: //p' "$stored/sid/InRelease")
    until=$(date -d "$until" +%s) || return 1
    fails_with 4 'main:.*expired on .*--ignore-expiry' expired sid $((until + 60)) || return 1
    # In time, or with the override, it is accepted: what fails then is the index that this mirror lacks.
    fails_with 3 'Packages' expired sid $((until - 60)) || return 1
    fails_with 3 'Packages' expired sid $((until + 60)) --ignore-expiry
}
if [ -r "$stored/sid/InRelease" ]; then case_ "an expired index" t_expired; else skipped "an expired index" "no stored InRelease"; fi
t_future() { fresh; sed -i "s/^Date: .*/Date: $(date -u -R -d '+3 days' | sed 's/+0000/UTC/')/" "$work/r/dists/one/Release"; repo_sign "$work/r" one; fails_with 4 'clock' repo_at; }
case_ "an index from the future" t_future
t_other_suite() {
    fresh; cp -a "$work/r/dists/one" "$work/r/dists/two"; sed -i 's/^.release one.$/[release one]\n[release two]/' "$recipes/mine.distro"
    sed "s,file://$work/repo,file://$work/r," "$recipes/mine.distro" >"$recipes/bent.distro"
    fails_with 4 "main:.*suite .one.*not for .two." plan bent/two
}
case_ "another suite served" t_other_suite
bend_index() { printf X | dd of="$1" bs=1 seek=20 conv=notrunc status=none; }
t_index_digest() { fresh; for f in "$work/r"/dists/one/main/binary-amd64/{Packages.gz,Packages,by-hash/SHA256/*}; do bend_index "$f"; done
    cache=$work/c-index fails_with 4 'Packages.*(digest|expected)' repo_at; }
case_ "an index with a wrong digest" t_index_digest
t_index_size() { fresh; for f in "$work/r"/dists/one/main/binary-amd64/{Packages.gz,Packages,by-hash/SHA256/*}; do echo more >>"$f"; done
    cache=$work/c-size fails_with 4 'Packages.*(size|bytes|expected)' repo_at; }
case_ "an index with a wrong size" t_index_size
t_md5() { fresh; sed -i 's/^SHA256:/MD5Sum:/; s/^ \([0-9a-f]\{32\}\)[0-9a-f]*/ \1/' "$work/r/dists/one/Release"; repo_sign "$work/r" one; fails_with 4 'SHA256|digest' repo_at; }
case_ "digests that are MD5 alone" t_md5
if [ "$(id -u)" = 0 ]; then
    bent_create() { repo_at >/dev/null; zs_local create --second-stage never bent/one "$work/root-bent"; }
    t_package() { fresh; bend_index "$work/r/pool/alpha_1.0.deb"; cache=$work/c-pkg fails_with 4 'alpha.*(digest|expected)' bent_create && [ ! -e "$work/root-bent" ]; }
    case_ "a package with a wrong digest leaves no target" t_package
    t_package_size() { fresh; echo more >>"$work/r/pool/alpha_1.0.deb"; cache=$work/c-pkg2 fails_with 4 'alpha.*(size|bytes|expected)' bent_create && [ ! -e "$work/root-bent" ] && [ -z "$(ls -A "$work" | grep partial)" ]; }
    case_ "a package with a wrong size leaves no target" t_package_size
else
    skipped "a package with a wrong digest" "needs root"
fi
done_

# Sourced after lib.sh by flow tests that need a repository of their own: small packages, signed with a key of its own.
#   repo_key                     makes the signing key; $key_asc is its public half
#   repo_deb NAME VERSION [FIELD...]   builds $debs/NAME_VERSION.deb from $tree/NAME (made with one file if absent)
#   repo_index DIR SUITE [DATE-FIELDS...]  lays out DIR with pool, Packages and a signed Release
#   repo_recipe URL              writes $recipes/mine.distro for it
for tool in gpg dpkg-deb dpkg-scanpackages; do
    command -v $tool >/dev/null || { skipped "$(basename "$0" .sh)" "$tool is missing"; exit 0; }
done
# The sanitizers watch where they were built (make check does).
[ -n "${ZONESTRAP:-}" ] || [ ! -x "$top/build-asan/zonestrap" ] || zs=$top/build-asan/zonestrap
debs=$work/debs tree=$work/pkg recipes=$work/recipes key_asc=$work/recipes/mine.asc
mkdir -p "$debs" "$tree" "$recipes"
export GNUPGHOME=$work/gpg

repo_key() {
    mkdir -p -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key "${1:-mine@example.org}" ed25519 sign never 2>/dev/null
    gpg --batch --quiet --armor --export "${1:-mine@example.org}" >"$key_asc"
}
cleanup_hooks="$cleanup_hooks repo_stop_agent"
repo_stop_agent() { gpgconf --kill all >/dev/null 2>&1 || true; }

repo_deb() {
    local name=$1 version=$2 dir=$tree/$1; shift 2
    if [ ! -d "$dir" ]; then
        mkdir -p "$dir/usr/share/$name"; echo "$name" >"$dir/usr/share/$name/data"
    fi
    mkdir -p "$dir/DEBIAN"
    { echo "Package: $name"; echo "Version: $version"; echo "Architecture: ${arch_field:-all}"; echo "Maintainer: T <t@example.org>"
      echo "Installed-Size: ${installed_size:-$(du -sk "$dir" | cut -f1)}"; printf '%s\n' "$@"; echo "Description: test"; } | grep . >"$dir/DEBIAN/control"
    dpkg-deb --root-owner-group --uniform-compression -Z"${comp:-gzip}" -b "$dir" "$debs/${name}_$version.deb" >/dev/null
}

repo_release() { # DIR SUITE FIELDS...: Release over what stands in dists/SUITE
    local dir=$1 suite=$2 f; shift 2
    { echo "Origin: T"; echo "Suite: $suite"; echo "Codename: $suite"; echo "Date: $(date -u -R -d '-1 hour' | sed 's/+0000/UTC/')"
      echo "Architectures: all amd64 arm64"; echo "Components: main"; echo "Acquire-By-Hash: yes"; printf '%s\n' "$@"; echo "SHA256:"
      (cd "$dir/dists/$suite" && find . -name 'Packages*' -not -path '*by-hash*' | sed 's,^\./,,' | sort | while read -r f; do
          printf ' %s %s %s\n' "$(sha256sum "$f" | cut -d' ' -f1)" "$(stat -c %s "$f")" "$f"; done)
    } | grep . >"$dir/dists/$suite/Release"
}
repo_sign() { # DIR SUITE [gpg options]
    local d=$1/dists/$2; shift 2
    rm -f "$d/InRelease"
    gpg --batch --quiet --yes "$@" --clearsign -o "$d/InRelease" "$d/Release"
    gpg --batch --quiet --yes "$@" --armor --detach-sign -o "$d/Release.gpg" "$d/Release"
}
repo_index() {
    local dir=$1 suite=$2 a; shift 2
    mkdir -p "$dir/pool"; cp "$debs"/*.deb "$dir/pool/"
    for a in amd64 arm64; do
        mkdir -p "$dir/dists/$suite/main/binary-$a"
        (cd "$dir" && dpkg-scanpackages -m pool 2>/dev/null) >"$dir/dists/$suite/main/binary-$a/Packages"
        gzip -9nk -f "$dir/dists/$suite/main/binary-$a/Packages"
        repo_byhash "$dir/dists/$suite/main/binary-$a"
    done
    repo_release "$dir" "$suite" "$@"
    repo_sign "$dir" "$suite"
}
repo_byhash() {
    local f; mkdir -p "$1/by-hash/SHA256"
    for f in "$1"/Packages*; do cp "$f" "$1/by-hash/SHA256/$(sha256sum "$f" | cut -d' ' -f1)"; done
}
repo_recipe() {
    cat >"$recipes/mine.distro" <<R
[distro]
title     Mine
format    deb
arch      x86_64=amd64 aarch64=arm64
keys      mine.asc
repo      main  $1  {release}  main
[release one]
[set base]
packages  ${repo_packages:-alpha}
R
}
# What every run of these tests uses: nothing of the user's, a cache of its own.
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/xdg
zs_local() { local c=$1; shift; "$zs" "$c" --recipes "$recipes" --cache-dir "${cache:-$work/cache}" --arch amd64 --progress none "$@"; }

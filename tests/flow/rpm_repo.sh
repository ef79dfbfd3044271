# Sourced after lib.sh by flow tests that need a repository of rpm packages: small ones, signed with a key of their own.
#   rpm_key [NAME]               makes a signing key (RSA 3072: rpm 4.11 knows no other); $key_asc is its public half
#   rpm_build SPEC...            builds the packages of spec files into $rpms, the same bytes every time
#   rpm_simple NAME VERSION [PREAMBLE-LINE...]   builds $rpms/NAME-VERSION-1.noarch.rpm from $tree/NAME (made with one file
#                                if absent); $release, $arch; $files: the %files lines instead of all that stands there;
#                                $body: scriptlets and other sections
#   rpm_sign FILE...             signs packages: the header, and for rpm 4.11 header and payload
#   rpm_index DIR [OPTION...]    DIR's repodata (createrepo_c, $comp: gz, xz or zstd) with its signature; OPTIONs are createrepo_c's
#   rpm_root_sign DIR [gpg OPTION...]   the signature alone, anew
#   rpm_recipe URL               writes $recipes/mine.distro for it; $rpm_packages, $rpm_layout, $rpm_trust,
#                                $rpm_keys, $rpm_recipe_more
for tool in gpg rpmbuild rpmsign createrepo_c modifyrepo_c python3 zstd; do
    command -v $tool >/dev/null || { skipped "$(basename "$0" .sh)" "$tool is missing"; exit 0; }
done
# The sanitizers watch where they were built (make check does).
[ -n "${ZONESTRAP:-}" ] || [ ! -x "$top/build-asan/zonestrap" ] || zs=$top/build-asan/zonestrap
rpms=$work/rpms tree=$work/pkg specs=$work/specs recipes=$work/recipes key_asc=$work/recipes/mine.asc
mkdir -p "$rpms" "$tree" "$specs" "$recipes"
# Nothing of the user's: rpm, gpg and zonestrap read below these.
export HOME=$work XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/xdg GNUPGHOME=$work/gpg
cleanup_hooks="$cleanup_hooks rpm_stop_agent"
rpm_stop_agent() { gpgconf --kill all >/dev/null 2>&1 || true; }
rpm_epoch=1700000000

cat >"$work/.rpmmacros" <<M
%_topdir $work/rpmbuild
%_rpmdir $rpms
%_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm
%_tmppath $work/rpmbuild/tmp
%_buildhost builder.example.org
%use_source_date_epoch_as_buildtime 1
%clamp_mtime_to_source_date_epoch 1
%_build_id_links none
%debug_package %{nil}
%__os_install_post %{nil}
%_binary_payload ${rpm_payload:-w6.gzdio}
%__gpg $(command -v gpg)
%_gpg_name mine@example.org
%_gpg_digest_algo sha256
%_gpg_sign_cmd_extra_args --batch --pinentry-mode loopback --passphrase ''
M
mkdir -p "$work/rpmbuild/tmp"

rpm_key() {
    local name=${1:-mine@example.org}
    mkdir -p -m 700 "$GNUPGHOME"
    gpg --batch --quiet --passphrase '' --quick-generate-key "$name" rsa3072 sign never 2>/dev/null
    gpg --batch --quiet --armor --export "$name" >"${2:-$key_asc}"
}
rpm_build() {
    local spec
    for spec; do
        SOURCE_DATE_EPOCH=$rpm_epoch rpmbuild --quiet -bb --nodeps ${rpm_target:+--target "$rpm_target"} "$spec" >"$work/rpmbuild/log" 2>&1 ||
            { cat "$work/rpmbuild/log" >&2; return 1; }
    done
}
# The lines of %files for a directory: what is no directory, and directories that are empty or whose mode is unusual.
rpm_files() {
    (cd "$1" && find . -mindepth 1 \( -type d \( -empty -o ! -perm 755 \) -printf '%%dir "/%P"\n' \) -o ! -type d -printf '"/%P"\n' | LC_ALL=C sort -k2)
}
rpm_simple() {
    local name=$1 version=$2 dir=$tree/$1; shift 2
    if [ ! -d "$dir" ]; then
        mkdir -p "$dir/usr/share/$name"; echo "$name" >"$dir/usr/share/$name/data"
    fi
    find "$dir" -exec touch -h -d "@$rpm_epoch" {} +
    { printf '%s\n' "Name: $name" "Version: $version" "Release: ${release:-1}" "Summary: test" "License: MIT" "AutoReqProv: no"
      [ "${arch:-noarch}" != noarch ] || echo "BuildArch: noarch"
      printf '%s\n' "$@" "%description" test "%install" "mkdir -p %{buildroot}" "cp -a '$dir/.' %{buildroot}" "%files" "%defattr(-,root,root,-)"
      printf '%s\n' "${files-$(rpm_files "$dir")}" "${body:-}"; } >"$specs/$name-$version.spec"
    rpm_target=${arch:-} rpm_build "$specs/$name-$version.spec"
}
rpm_sign() { rpmsign --addsign --rpmv3 ${rpm_signer:+--define "_gpg_name $rpm_signer"} "$@" >"$work/rpmbuild/log" 2>&1 || { cat "$work/rpmbuild/log" >&2; return 1; }; }
rpm_index() {
    local dir=$1 how=${comp:-gz}; shift
    [ "$how" != zstd ] || how=gz
    rm -rf "$dir/repodata"
    createrepo_c --quiet --no-database --general-compress-type "$how" --revision $rpm_epoch --set-timestamp-to-revision "$@" "$dir" || return 1
    rpm_root_sign "$dir"
}
# Signs last: with $comp zstd it brings the index files to that first.
rpm_root_sign() {
    local dir=$1; shift
    [ "${comp:-}" != zstd ] || python3 "$here/rpm_zstd.py" "$dir/repodata" || return 1
    gpg --batch --quiet --yes -u "${rpm_signer:-mine@example.org}" "$@" --armor --detach-sign -o "$dir/repodata/repomd.xml.asc" "$dir/repodata/repomd.xml"
}
rpm_recipe() {
    cat >"$recipes/mine.distro" <<R
[distro]
title     Mine
format    rpm
arch      x86_64=x86_64 aarch64=aarch64
keys      ${rpm_keys:-mine.asc}
trust     ${rpm_trust:-signature}
repo      main  $1  .
[release one]
[set base]
packages  ${rpm_packages:-alpha}
${rpm_layout:+[layout]
$rpm_layout}
${rpm_recipe_more:-}
R
}
zs_local() { local c=$1; shift; "$zs" "$c" --recipes "$recipes" --cache-dir "${cache:-$work/cache}" --arch "${zs_arch:-x86_64}" --progress none "$@"; }

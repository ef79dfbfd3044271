#!/bin/bash
# As new.sh, for rpm packages: a derivative, and a distribution from scratch.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped new_rpm "needs root"; done_; }
. "$here/rpm_repo.sh"
rpm_key
repo=$work/repo
mkdir -p "$repo/1/os"
for p in bash coreutils filesystem glibc rpm setup own-release; do rpm_simple $p 1; done
rpm_sign "$rpms"/*.rpm && cp "$rpms"/*.rpm "$repo/1/os/" && rpm_index "$repo/1/os" || { not_ok "a repository"; done_; }
fill() { sed -i "s|^#\{0,1\}$2.*|$3|" "$recipes/$1.distro"; }
t_scratch() {
    "$zs" new --recipes "$recipes" --format rpm own >"$work/said" && cat "$work/said" && grep -q "to be filled in: .*no .repo' for own/1 on x86_64" "$work/said" &&
    fill own keys "keys mine.asc" && fill own 'repo  *main' "repo main $repo {release}/os" && "$zs" check "$recipes/own.distro" &&
    zs_local create --second-stage never own "$work/root" && cat "$work/root/usr/share/bash/data" && "$zs" list --recipes "$recipes" own | grep -q '^own: own (rpm)'
}
case_ "new --format rpm, filled in: check, create, list" t_scratch
t_like() {
    "$zs" new --recipes "$recipes" --like own kin >"$work/said" && grep -q 'kin.distro: written, valid as it stands' "$work/said" &&
    fill kin '\[set base' "[set base distro=kin]" && fill kin packages "packages own-release" && fill kin keys "keys mine.asc" &&
    "$zs" check "$recipes/kin.distro" && [ "$(zs_local plan --names kin | tr '\n' ' ')" = "bash coreutils filesystem glibc own-release rpm setup " ]
}
case_ "new --like a recipe of one's own: one more package" t_like
for d in fedora rocky opensuse; do
    t_real() { "$zs" new --recipes "$recipes" --like $d "my-$d" >"$work/said"; cat "$work/said"; grep -q 'valid as it stands' "$work/said" && "$zs" check "$recipes/my-$d.distro"; }
    case_ "new --like $d" t_real
done
t_unsigned() { mv "$key_asc" "$work/k"; fails_with 2 "own.distro:[0-9]+:[0-9]+: no key file matches" "$zs" check "$recipes/own.distro"; local rc=$?; mv "$work/k" "$key_asc"; return $rc; }
case_ "check: the key file is missing" t_unsigned
done_

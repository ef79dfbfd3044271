#!/bin/bash
# What is unpacked from rpm packages is what rpm says of them: some of the test data's packages (all of them:
# tests/check_all/rpm_unpack_agree.sh), and one tree of CentOS 7's against rpm's installation of the same.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped rpm-unpack-agree "needs root"; done_; }
for tool in rpm rpmkeys rpm2archive python3; do
    command -v $tool >/dev/null || { skipped rpm-unpack-agree "no $tool"; done_; }
done
[ -d "$data/rpm" ] || { skipped rpm-unpack-agree "no test data"; done_; }
tool=${RPM_UNPACK_TEST:-$top/build/unit/rpm_unpack_test}
[ -x "$tool" ] || { skipped rpm-unpack-agree "$tool is not built"; done_; }

every=${RPM_AGREE_EVERY:-8}
# built N HOW...: one of everything that rpmbuild can pack, in each compression. huge: a file of 4 GB, which brings 07070X entries.
built() {
    local b=$work/build spec=$work/built.spec
    mkdir -p "$b"
    cat >"$spec" <<'SPEC'
Name: built
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/usr/share/b/d %{buildroot}/usr/bin %{buildroot}/var/log
cd %{buildroot}/usr/share/b
echo one >one; ln one two; ln one d/three; : >empty; ln empty empty2
seq 100000 >large; ln -s one link; ln -s /nowhere/at/all dangling; mkfifo fifo
echo cfg >cfg; printf 'odd name' >'a b%%c'; echo su >../../bin/su; echo cap >../../bin/cap; : >%{buildroot}/var/log/ghost
%if 0%{?huge}
truncate -s 4G huge
%endif
%files
%dir %attr(2750,root,mail) /usr/share/b
/usr/share/b/d
/usr/share/b/o*
/usr/share/b/t*
/usr/share/b/e*
/usr/share/b/l*
/usr/share/b/dangling
%attr(0600,nobody,nogroup) /usr/share/b/fifo
%attr(0640,some-user,some-group) %config(noreplace) /usr/share/b/cfg
"/usr/share/b/a?b%%c"
%attr(4755,root,root) /usr/bin/su
%caps(cap_net_raw,cap_net_admin=ep) /usr/bin/cap
%dev(c,1,3) %attr(0666,root,root) /dev/built
%ghost /var/log/ghost
%if 0%{?huge}
/usr/share/b/huge
%endif
SPEC
    local how huge n=$1; shift
    for how; do
        huge=0; [ $how = huge ] && { huge=1 how=w1.zstdio; }
        rpmbuild -bb --quiet --define "_topdir $b/$how.$huge" --define "_binary_payload $how" --define "huge $huge" \
            --define "__spec_install_post %{nil}" --define "__os_install_post %{nil}" "$spec" || return 1
    done
    mapfile -t made < <(find "$b" -name '*.rpm' ! -name '*.src.rpm')
    [ ${#made[@]} -eq "$n" ] || { echo "${#made[@]} packages built"; return 1; }
    python3 "$here/rpm_agree.py" packages "$tool" "$work" 1 "${made[@]}"
}
if command -v rpmbuild >/dev/null; then
    case_ "packages of rpmbuild" built 6 w9.gzdio w6.xzdio w3.zstdio w9.bzdio w6.lzdio w.ufdio
    if [ "$every" = 1 ]; then case_ "a package of over 4 GB" built 7 huge; fi
else
    skipped "packages of rpmbuild" "no rpmbuild"
fi
mapfile -t packages < <(find "$data/rpm" "$data/repomd" -name '*.rpm')
case_ "every $every. of ${#packages[@]} packages" python3 "$here/rpm_agree.py" packages "$tool" "$work" "$every" "${packages[@]}"
grep -h '^# ' "$work/case.out" | tail -n 5
mapfile -t broken < <(find "$data/evil" -name '*.rpm')
case_ "broken packages" python3 "$here/rpm_agree.py" packages "$tool" "$work" 1 "${broken[@]}"
case_ "CentOS 7: 63 packages as rpm installs them" python3 "$here/rpm_agree.py" oracle "$tool" "$work" "$data/rpm/oracle" \
    "$data/rpm/base-centos7.6-x86_64/Packages" "$here/rpm_oracle.allow"
grep -h '^# ' "$work/case.out"
done_

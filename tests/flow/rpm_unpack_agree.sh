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
mapfile -t packages < <(find "$data/rpm" "$data/evil" "$data/repomd" -name '*.rpm')
case_ "every $every. of ${#packages[@]} packages" python3 "$here/rpm_agree.py" packages "$tool" "$work" "$every" "${packages[@]}"
grep -h '^# ' "$work/case.out" | tail -n 5
case_ "CentOS 7: 63 packages as rpm installs them" python3 "$here/rpm_agree.py" oracle "$tool" "$work" "$data/rpm/oracle" \
    "$data/rpm/base-centos7.6-x86_64/Packages" "$here/rpm_oracle.allow"
grep -h '^# ' "$work/case.out"
done_

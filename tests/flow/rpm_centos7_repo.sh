# Sourced after rpm_repo.sh: a repository of real CentOS 7.6 packages, out of the test data, in place.
#   rpm_centos7_packages         the set
#   rpm_centos7_repo DIR         lays out DIR: links to the packages, which keep CentOS's signature, stand-ins for the four that
#                                the data lacks, signed by the test key, and the index
#   rpm_centos7_recipe URL       its recipe, with the layout and both keys
centos7=$data/rpm/base-centos7.6-x86_64/Packages
centos7_key=$data/rpm/keys/distribution-gpg-keys/centos/RPM-GPG-KEY-CentOS-7
[ -d "$centos7" ] && [ -r "$centos7_key" ] || { skipped "$(basename "$0" .sh)" "no CentOS packages in $data"; exit 0; }
rpm_centos7_packages="bash rpm coreutils util-linux passwd iproute iputils less tar vim-minimal centos-release"

rpm_centos7_standins() {
    local d=$tree/shadow-utils
    mkdir -p "$d/usr/sbin" "$tree/systemd/usr/bin" "$tree/glibc-common/usr/bin" "$tree/elfutils-libs/usr/share/doc/elfutils-libs-0.172"
    cat >"$d/usr/sbin/groupadd" <<'S'
#!/bin/sh
# groupadd [-r] [-f] [-g GID] NAME, with nothing but the shell
gid= force= taken=
while getopts g:rfo o; do
    case $o in g) gid=$OPTARG;; f) force=1;; esac
done
shift $((OPTIND - 1))
[ -n "$gid" ] && [ $# = 1 ] || { echo "usage: groupadd [-r] [-f] -g GID NAME" >&2; exit 2; }
while IFS=: read -r n p g m; do
    [ "$n" != "$1" ] || { [ -n "$force" ] && exit 0; exit 9; }
    [ "$g" != "$gid" ] || taken=1
done </etc/group
[ -z "$taken" ] || { echo "groupadd: GID '$gid' already exists" >&2; exit 4; }
echo "$1:x:$gid:" >>/etc/group
echo "$1:!::" >>/etc/gshadow
S
    printf '#!/bin/sh\nexit 0\n' >"$tree/systemd/usr/bin/systemctl"
    printf '#!/bin/sh\n# getent passwd|group NAME, from the file alone\nwhile IFS= read -r l; do case $l in "$2":*) echo "$l"; exit 0;; esac; done <"/etc/$1"\nexit 2\n' >"$tree/glibc-common/usr/bin/getent"
    echo "stands in for the library" >"$tree/elfutils-libs/usr/share/doc/elfutils-libs-0.172/README"
    chmod 755 "$d/usr/sbin/groupadd" "$tree/systemd/usr/bin/systemctl" "$tree/glibc-common/usr/bin/getent"
    arch=x86_64
    release=260.el7 rpm_simple glibc-common 2.17 "Requires: glibc = 2.17-260.el7" &&
    release=62.el7 rpm_simple systemd 219 &&
    release=2.el7 rpm_simple elfutils-libs 0.172 "Provides: libdw.so.1()(64bit)" &&
    release=5.el7 rpm_simple shadow-utils 4.1.5.1 "Epoch: 2" "Requires: setup" "Requires: /bin/sh"
    local rc=$?; unset arch; return $rc
}
rpm_centos7_repo() {
    local dir=$1
    mkdir -p "$dir/Packages"
    cp -s "$centos7"/*.rpm "$dir/Packages/" && rpm_centos7_standins && rpm_sign "$rpms"/*.el7*.rpm && cp "$rpms"/*.el7*.rpm "$dir/Packages/" && rpm_index "$dir"
}
rpm_centos7_recipe() {
    rpm_packages=$rpm_centos7_packages rpm_keys="mine.asc centos7.asc"
    cp "$centos7_key" "$recipes/centos7.asc"
    rpm_layout='first     filesystem setup
link      /bin usr/bin
link      /sbin usr/sbin
link      /lib usr/lib
link      /lib64 usr/lib64
link      /var/run ../run
link      /var/lock ../run/lock'
    rpm_recipe "$1"
}

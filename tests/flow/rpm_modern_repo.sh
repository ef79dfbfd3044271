# Sourced after rpm_repo.sh: a small modern distribution of the host's own programs. rpm 4.16 or later with a sqlite
# database, zstd payloads, v4 signatures, file triggers, lua scriptlets, sysusers provides, file capabilities, ghosts,
# %config, usr-merge and bin-merge made by filesystem's %pretrans.
#   rpm_modern_repo DIR          builds the packages and the repository, comps, modules and updateinfo included
#   rpm_modern_recipe URL        its recipe: sets base, tiny (no program in it; x86_64 and aarch64)
#   $rpm_modern_base             what `base` asks for
[ "$(uname -m)" = x86_64 ] || { skipped "$(basename "$0" .sh)" "its packages are made of an x86_64 host's programs"; exit 0; }
rpm --eval '%_db_backend' | grep -qx sqlite && [ -r /usr/lib/rpm/rpmrc ] || { skipped "$(basename "$0" .sh)" "the host's rpm has no sqlite database"; exit 0; }
rpm_modern_base="filesystem setup modern-release bash coreutils sed grep findutils rpm tools svc conf ghosts links epoched modal basesystem"
modern_id=321

# modern_program PACKAGE PROGRAM...: the host's program as /usr/bin/PROGRAM, and the libraries that it needs noted
modern_program() {
    local d=$tree/$1 p f; shift
    mkdir -p "$d/usr/bin"
    for p; do
        f=$(type -P "$p") || continue
        f=$(readlink -f "$f"); cp "$f" "$d/usr/bin/$p"; chmod 755 "$d/usr/bin/$p"
        ldd "$f" 2>/dev/null | grep -o '/[^ ]*' >>"$work/modern-libs"
    done
}
# The loader's path with its directory as the host has it; all below /usr.
modern_libs() {
    local f d=$tree/glibc
    sort -u "$work/modern-libs" | while read -r f; do
        mkdir -p "$d/usr$(dirname "${f#/usr}")"
        cp -L "$f" "$d/usr${f#/usr}"; chmod 755 "$d/usr${f#/usr}"
    done
}
modern_filesystem() {
    local d=$tree/filesystem x
    mkdir -p "$d"/{boot,dev,etc,home,media,mnt,opt,proc,root,run,srv,sys,tmp,usr/{bin,lib,lib64,share,local/bin},var/{cache,empty,lib/misc,log,spool/mail,tmp}}
    for x in bin lib lib64; do ln -s usr/$x "$d/$x"; done
    ln -s usr/bin "$d/sbin"; ln -s bin "$d/usr/sbin"; ln -s ../run "$d/var/run"; ln -s ../run/lock "$d/var/lock"
    # As Fedora's: the links are ghosts, made before the first payload of the transaction.
    files='%ghost /bin
%ghost /sbin
%ghost /lib
%ghost /lib64
%ghost /usr/sbin
%ghost /var/run
%ghost /var/lock
%dir /boot
%dir /dev
%dir /etc
%dir /home
%dir /media
%dir /mnt
%dir /opt
%ghost %attr(555,root,root) /proc
%ghost %attr(555,root,root) /sys
%dir %attr(550,root,root) /root
%dir /run
%dir /srv
%dir %attr(1777,root,root) /tmp
%dir /usr
%dir %attr(555,root,root) /usr/bin
%dir %attr(555,root,root) /usr/lib
%dir %attr(555,root,root) /usr/lib64
%dir /usr/share
/usr/local
%dir /var
%dir /var/cache
%dir %attr(555,root,root) /var/empty
/var/lib
%dir /var/log
%dir /var/spool
%dir %attr(775,root,mail) /var/spool/mail
%dir %attr(1777,root,root) /var/tmp' \
    body='%pretrans -p <lua>
posix.mkdir("/usr")
for _, d in ipairs({"bin", "lib", "lib64"}) do
    posix.mkdir("/usr/" .. d)
    posix.symlink("usr/" .. d, "/" .. d)
end
posix.symlink("usr/bin", "/sbin")
posix.symlink("bin", "/usr/sbin")
for _, d in ipairs({"/proc", "/sys", "/run", "/var"}) do
    posix.mkdir(d)
end
posix.chmod("/proc", 0555)
posix.chmod("/sys", 0555)
posix.symlink("../run", "/var/run")
posix.symlink("../run/lock", "/var/lock")' rpm_simple filesystem 3.18
}
modern_setup() {
    local d=$tree/setup
    mkdir -p "$d/etc"
    printf '%s\n' 'root:x:0:0:Super User:/root:/bin/bash' 'bin:x:1:1:bin:/bin:/usr/sbin/nologin' 'mail:x:8:12:mail:/var/spool/mail:/usr/sbin/nologin' \
        'nobody:x:65534:65534:Kernel Overflow User:/:/usr/sbin/nologin' >"$d/etc/passwd"
    printf '%s\n' root:x:0: bin:x:1: mail:x:12: tape:x:33: nobody:x:65534: >"$d/etc/group"
    printf '%s\n' 'root:!unprovisioned::0:99999:7:::' >"$d/etc/shadow"; printf '%s\n' root::: >"$d/etc/gshadow"
    echo '# profile' >"$d/etc/profile"; echo /bin/bash >"$d/etc/shells"; printf '%s\n' 'passwd: files' 'group: files' >"$d/etc/nsswitch.conf"
    files='%config(noreplace) /etc/passwd
%config(noreplace) /etc/group
%attr(0000,root,root) %config(noreplace,missingok) /etc/shadow
%attr(0000,root,root) %config(noreplace,missingok) /etc/gshadow
%config /etc/profile
%config(noreplace) /etc/shells
%config(noreplace) /etc/nsswitch.conf' rpm_simple setup 2.14 "Requires(pre): filesystem"
}
modern_release() {
    local d=$tree/modern-release
    mkdir -p "$d/usr/lib" "$d/etc"
    printf '%s\n' 'NAME="Modern"' 'ID=modern' 'VERSION_ID=1' 'PRETTY_NAME="Modern 1"' >"$d/usr/lib/os-release"
    ln -s ../usr/lib/os-release "$d/etc/os-release"
    rpm_simple modern-release 1 "Provides: system-release = 1"
}
modern_rpm() {
    local d=$tree/rpm
    mkdir -p "$d/usr/lib/rpm/macros.d" "$d/usr/lib/sysimage/rpm" "$d/var/lib"
    cp /usr/lib/rpm/macros /usr/lib/rpm/rpmrc /usr/lib/rpm/platform "$d/usr/lib/rpm/" -r
    cp /usr/lib/rpm/rpmpopt-* "$d/usr/lib/rpm/"
    printf '%s\n' '%_dbpath /usr/lib/sysimage/rpm' '%_db_backend sqlite' >"$d/usr/lib/rpm/macros.d/macros.modern"
    ln -s rpm "$d/usr/bin/rpmquery"; ln -s rpm "$d/usr/bin/rpmverify"
    files="$(rpm_files "$d" | grep -v sysimage)
%dir /usr/lib/sysimage
%dir /usr/lib/sysimage/rpm" arch=x86_64 rpm_simple rpm 4.18.0 "Requires: glibc" "Requires: bash coreutils" "Recommends: weakling"
}
modern_programs() {
    local x
    : >"$work/modern-libs"
    modern_program bash bash; ln -s bash "$tree/bash/usr/bin/sh"
    modern_program coreutils '[' basename cat chgrp chmod chown cp cut date dirname env false head id install ln ls mkdir mkfifo mknod mktemp mv \
        printf readlink realpath rm rmdir sha256sum sleep sort stat sync tail tee test touch tr true uname uniq wc yes
    for x in sed grep; do modern_program $x $x; done
    modern_program findutils find xargs
    modern_program coreutils mawk cmp diff
    ln -s mawk "$tree/coreutils/usr/bin/awk"
    modern_program rpm rpm rpmkeys rpmdb
    modern_libs
    arch=x86_64 rpm_simple glibc 2.36 "Requires: (glibc-minimal-langpack if rpm)" &&
    rpm_simple glibc-minimal-langpack 2.36 && rpm_simple glibc-all-langpacks 2.36 &&
    arch=x86_64 rpm_simple bash 5.2 "Requires(pre): filesystem" "Requires: glibc" "Provides: /bin/sh" &&
    arch=x86_64 rpm_simple coreutils 9.1 "Requires: glibc" && arch=x86_64 rpm_simple sed 4.9 "Requires: glibc" &&
    arch=x86_64 rpm_simple grep 3.8 "Requires: glibc" && arch=x86_64 rpm_simple findutils 4.9 "Requires: glibc" && modern_rpm
}
modern_features() {
    local d=$tree/tools x
    mkdir -p "$d/usr/bin" "$d/usr/share/tools" "$d/usr/lib/tools"
    for x in caps suid sgid both; do printf '#!/bin/sh\necho %s\n' $x >"$d/usr/bin/tool-$x"; done
    seq 1 900000 >"$d/usr/share/tools/large"
    touch "$d/usr/share/tools/"{"a name",ünï}
    mkdir -p "$d/var/lib/tools/"{sticky,setgid,closed,readonly}
    files='%attr(755,root,root) %caps(cap_net_raw=ep) /usr/bin/tool-caps
%attr(4755,root,root) /usr/bin/tool-suid
%attr(2755,root,tape) /usr/bin/tool-sgid
%attr(6711,bin,mail) /usr/bin/tool-both
/usr/share/tools
%dir /usr/lib/tools
%dev(c,1,3) %attr(666,root,root) /usr/lib/tools/null
%dir %attr(1777,root,root) /var/lib/tools/sticky
%dir %attr(2775,root,mail) /var/lib/tools/setgid
%dir %attr(700,bin,bin) /var/lib/tools/closed
%dir %attr(555,root,root) /var/lib/tools/readonly' arch=x86_64 rpm_simple tools 1.0 "Requires: /bin/sh" "Requires: coreutils" || return 1

    # A user as rpm 4.19 makes it, and as 4.18 wants it made, with the same number. The length needs no padding, which 4.18 refuses.
    local line="u svc $modern_id \"The service\" /var/lib/svc"
    mkdir -p "$tree/svc/var/lib/svc" "$tree/svc/usr/lib/sysusers.d"; echo "$line" >"$tree/svc/usr/lib/sysusers.d/svc.conf"; echo secret >"$tree/svc/var/lib/svc/key"
    files='/usr/lib/sysusers.d/svc.conf
%dir %attr(750,svc,svc) /var/lib/svc
%attr(640,root,svc) /var/lib/svc/key' \
    body="%pre -p <lua>
for path, line in pairs({[\"/etc/group\"] = \"svc:x:$modern_id:\", [\"/etc/passwd\"] = \"svc:x:$modern_id:$modern_id:The service:/var/lib/svc:/usr/sbin/nologin\"}) do
    local there = false
    for l in io.lines(path) do
        if l:match(\"^svc:\") then there = true end
    end
    if not there then
        local f = assert(io.open(path, \"a\"))
        f:write(line .. \"\\n\")
        f:close()
    end
end" rpm_simple svc 1.0 "Provides: user(svc) = $(printf '%s' "$line" | base64 -w0)" "Provides: group(svc) = $(printf 'g svc %s' $modern_id | base64 -w0)" "Requires(pre): setup" || return 1

    mkdir -p "$tree/triggers/usr/share/watched" "$tree/triggers/var/lib/triggers"; touch "$tree/triggers/usr/share/watched/own" "$tree/triggers/usr/share/known"
    files='%dir /usr/share/watched
/usr/share/watched/own
/usr/share/known
%dir /var/lib/triggers
%ghost /var/lib/triggers/each
%ghost %attr(644,root,root) /var/lib/triggers/all
%ghost %attr(644,root,root) /var/lib/triggers/lua' \
    body='%filetriggerin -- /usr/share/watched
while read f; do echo "$f" >>/var/lib/triggers/each; done
%transfiletriggerin -- /usr/share/watched
while read f; do echo "$f" >>/var/lib/triggers/all; done
%transfiletriggerin -p <lua> -- /usr/share/links
local f = io.open("/var/lib/triggers/lua", "a")
file = rpm.next_file()
while file do
    f:write(file .. "\n")
    file = rpm.next_file()
end
f:close()' rpm_simple triggers 1.0 "Requires: bash" || return 1

    mkdir -p "$tree/conf/etc/conf.d" "$tree/conf/usr/share/watched"; touch "$tree/conf/usr/share/watched/conf"
    for x in plain keep untouched; do echo "$x = 1" >"$tree/conf/etc/conf.d/$x"; done
    files='%dir /etc/conf.d
%config /etc/conf.d/plain
%config(noreplace) /etc/conf.d/keep
%config(noreplace) %attr(640,root,mail) /etc/conf.d/untouched
/usr/share/watched/conf' rpm_simple conf 1.0 "Requires: setup" || return 1

    mkdir -p "$tree/ghosts/var/log/ghosts" "$tree/ghosts/usr/share/ghosts"; touch "$tree/ghosts/var/log/ghosts.log" "$tree/ghosts/usr/share/ghosts/real"
    files='%ghost %attr(640,root,mail) /var/log/ghosts.log
%ghost %dir %attr(750,root,mail) /var/log/ghosts
/usr/share/ghosts' body='%post
[ "$1" = 1 ] && : >/var/log/ghosts.log && chmod 640 /var/log/ghosts.log && chgrp mail /var/log/ghosts.log
exit 0' rpm_simple ghosts 1.0 "Requires(post): coreutils bash" || return 1

    d=$tree/links; mkdir -p "$d/usr/share/links" "$d/usr/lib/links"
    echo content >"$d/usr/share/links/a"; ln "$d/usr/share/links/a" "$d/usr/share/links/b"; ln "$d/usr/share/links/a" "$d/usr/lib/links/z"
    : >"$d/usr/share/links/empty1"; ln "$d/usr/share/links/empty1" "$d/usr/share/links/empty2"
    ln -s a "$d/usr/share/links/soft"; ln -s /usr/share/links/a "$d/usr/share/links/absolute"; ln -s no/where "$d/usr/share/links/dangling"
    rpm_simple links 1.0 || return 1
    # Through the links that filesystem made: /sbin, and /usr/sbin, which is /usr/bin.
    mkdir -p "$tree/modal/sbin" "$tree/modal/usr/sbin"
    printf '#!/bin/sh\necho old\n' >"$tree/modal/sbin/modal-old"; printf '#!/bin/sh\necho new\n' >"$tree/modal/usr/sbin/modal-new"; chmod 755 "$tree"/modal/{,usr/}sbin/*
    rpm_simple modal 1.0 "Requires: /bin/sh" "Requires: /usr/share/known" || return 1
    rpm_simple epoched 1.0 "Epoch: 3" && rpm_simple epoched 9.0 && mkdir -p "$tree/basesystem" &&
        rpm_simple basesystem 11 "Requires: setup filesystem" && rpm_simple weakling 1.0
}
# What only plans and stage 1 look at: module streams, advisories, another architecture, a fifo (rpm 4.18.0 opens it and waits
# for a writer).
modern_others() {
    mkdir -p "$tree/pipes/usr/lib/pipes"; mkfifo "$tree/pipes/usr/lib/pipes/fifo"
    files='%dir /usr/lib/pipes
%attr(620,root,tape) /usr/lib/pipes/fifo' rpm_simple pipes 1.0 "Requires: setup" || return 1
    release=1.module1 rpm_simple streamed 1.0 && release=1.module2 rpm_simple streamed 2.0 && release=1 rpm_simple fixme 1.0 && release=2 rpm_simple fixme 1.0 && release=3 rpm_simple fixme 1.0 || return 1
    local a
    for a in x86_64 aarch64; do
        mkdir -p "$tree/native/usr/bin"; printf '#!/bin/sh\necho %s\n' $a >"$tree/native/usr/bin/native"; chmod 755 "$tree/native/usr/bin/native"
        arch=$a rpm_simple native 1.0 "Requires: setup" || return 1
    done
}
modern_metadata() {
    cat >"$work/comps.xml" <<'X'
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>core</id><name>Core</name><description>x</description><default>false</default><uservisible>false</uservisible>
    <packagelist>
      <packagereq type="mandatory">basesystem</packagereq><packagereq type="mandatory">modern-release</packagereq>
      <packagereq type="default">links</packagereq><packagereq type="optional">tools</packagereq>
    </packagelist></group>
</comps>
X
    cat >"$work/modules.yaml" <<'Y'
---
document: modulemd-defaults
version: 1
data:
  module: streamed
  stream: "1"
  profiles: {}
---
document: modulemd
version: 2
data:
  name: streamed
  stream: "1"
  version: 1
  context: aaaaaaaa
  arch: x86_64
  summary: x
  description: x
  license:
    module: [MIT]
  artifacts:
    rpms:
    - streamed-0:1.0-1.module1.noarch
---
document: modulemd
version: 2
data:
  name: streamed
  stream: "2"
  version: 1
  context: bbbbbbbb
  arch: x86_64
  summary: x
  description: x
  license:
    module: [MIT]
  artifacts:
    rpms:
    - streamed-0:2.0-1.module2.noarch
...
Y
    cat >"$work/updateinfo.xml" <<'X'
<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="t@example.org" status="final" type="security" version="1"><id>T-2026-1</id><title>fixme</title>
    <issued date="2026-01-01 00:00:00"/><severity>Important</severity>
    <pkglist><collection short="T"><name>T</name>
      <package name="fixme" version="1.0" release="2" epoch="0" arch="noarch"><filename>fixme-1.0-2.noarch.rpm</filename></package>
    </collection></pkglist></update>
  <update from="t@example.org" status="final" type="enhancement" version="1"><id>T-2026-2</id><title>fixme</title>
    <issued date="2026-01-02 00:00:00"/>
    <pkglist><collection short="T"><name>T</name>
      <package name="fixme" version="1.0" release="3" epoch="0" arch="noarch"><filename>fixme-1.0-3.noarch.rpm</filename></package>
    </collection></pkglist></update>
</updates>
X
}
# rpm_modern_index DIR: with $comp (zstd)
rpm_modern_index() {
    local x how=${comp:-zstd}
    [ $how != zstd ] || how=gz
    comp=$how rpm_index "$1" -g "$work/comps.xml" || return 1
    for x in modules.yaml updateinfo.xml; do
        modifyrepo_c --mdtype=${x%.*} --compress --compress-type=$how "$work/$x" "$1/repodata" >/dev/null || return 1
    done
    comp=${comp:-zstd} rpm_root_sign "$1"
}
rpm_payload() { sed -i "s/^%_binary_payload .*/%_binary_payload $1/" "$work/.rpmmacros"; }
rpm_modern_repo() {
    rpm_payload w3.zstdio
    modern_filesystem && modern_setup && modern_release && modern_programs && rpm_payload w2.xzdio && modern_features &&
        rpm_payload w3.zstdio && modern_others && modern_metadata || return 1
    rpmsign --addsign "$rpms"/*.rpm >"$work/rpmbuild/log" 2>&1 || { cat "$work/rpmbuild/log" >&2; return 1; }
    mkdir -p "$1/Packages" && cp "$rpms"/*.rpm "$1/Packages/" && rpm_modern_index "$1"
}
rpm_modern_recipe() {
    rpm_packages=${rpm_packages:-$rpm_modern_base}
    rpm_layout='first     filesystem setup
link      /bin usr/bin
link      /sbin usr/bin
link      /lib usr/lib
link      /lib64 usr/lib64
link      /usr/sbin bin
link      /var/run ../run
link      /var/lock ../run/lock'
    rpm_recipe_more='[set tiny]
packages  filesystem setup native links'
    rpm_recipe "$1"
}

#!/bin/bash
# A modern rpm distribution of the host's own programs: what CentOS 7 lacks, in every kind of target and with the second stage.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skipped rpm_modern "needs root"; done_; }
command -v getcap >/dev/null || { skipped rpm_modern "getcap is missing"; done_; }
. "$here/rpm_repo.sh"
. "$here/rpm_modern_repo.sh"
rpm_key
rpm_modern_repo "$work/repo" || { not_ok "the repository is made"; done_; }
rpm_modern_recipe "file://$work/repo"
# Edits of both kinds of configuration files.
cat >"$recipes/conf.fixup" <<'F'
[match]
package conf
[before-boot]
append /etc/conf.d/keep kept = 2
F
stage1() { zs_local create --second-stage "${when:-never}" "$@"; }
listing() { (cd "$1" && find . -printf '%P %y %m %U:%G %s %l %n %T@\n' | sort; find . -type f -exec sha256sum {} + | sort -k2; getcap -r . | sort); }
root=$work/root one=$work/one
in_zone() { "$zs" run "$root" -- "$@"; }
names() { zs_local plan --names "$@" mine/one | tr '\n' ' '; }

# --- plans
all="basesystem bash conf coreutils epoched filesystem findutils ghosts glibc glibc-minimal-langpack grep links modal modern-release rpm sed setup svc tools triggers "
t_plan() { [ "$(names)" = "$all" ] || { names; return 1; }; }
case_ "plan: a conditional dependency, a file that only filelists know, no weak ones" t_plan
t_weak() { names --weak | grep -qw weakling; }
case_ "plan --weak" t_weak
t_epoch() {
    zs_local plan --json mine/one | python3 -c '
import json, sys
p = {x["name"]: x for x in json.load(sys.stdin)["packages"]}
assert p["epoched"]["version"] == "3:1.0-1", p["epoched"]
assert p["tools"]["arch"] == "x86_64" and p["links"]["arch"] == "noarch"'
}
case_ "plan: the epoch decides" t_epoch
t_module() { zs_local plan --include streamed mine/one | grep -Eq '^streamed +1\.0-1\.module1'; }
case_ "plan: a package of a stream that is no default is not seen" t_module
t_security() {
    zs_local plan --include fixme mine/one | grep -Eq '^fixme +1\.0-3' && zs_local plan --security --include fixme mine/one | grep -Eq '^fixme +1\.0-2'
}
case_ "plan --security: the advisory's version, not the newest" t_security
t_group() {
    [ "$(names --set group)" = "basesystem filesystem links modern-release setup " ] || { names --set group; return 1; }
}
printf '[set group]\npackages  @core\n' >>"$recipes/mine.distro"
case_ "plan: a group of comps, its mandatory and default packages" t_group
t_index() {
    local c
    for c in xz gz bz2; do
        cp -a "$work/repo" "$work/repo-$c" && comp=$c rpm_modern_index "$work/repo-$c" && sed "s,file://$work/repo,&-$c," "$recipes/mine.distro" >"$recipes/packed.distro" || return 1
        [ "$(zs_local plan --names packed/one | tr '\n' ' ')" = "$all" ] || { echo "$c"; return 1; }
    done
    rm -rf "$work"/repo-* "$recipes/packed.distro"
}
case_ "indexes as xz, gz and bz2" t_index

# --- stage 1
t_stage1() { stage1 mine/one "$one"; }
case_ "stage 1" t_stage1
at() { # PATH WHAT: type, mode, owner
    local s; s=$(stat -c '%A %u:%g' "$one/$1") || return 1
    [ "$s" = "$2" ] || { echo "$1: $s, expected $2"; return 1; }
}
t_modes() {
    at usr/bin/tool-suid '-rwsr-xr-x 0:0' && at usr/bin/tool-sgid '-rwxr-sr-x 0:33' && at usr/bin/tool-both '-rws--s--x 1:12' &&
    at usr/lib/tools/null 'crw-rw-rw- 0:0' && [ "$(stat -c %t:%T "$one/usr/lib/tools/null")" = 1:3 ] && at var/lib/tools/sticky 'drwxrwxrwt 0:0' &&
    at var/lib/tools/setgid 'drwxrwsr-x 0:12' && at var/lib/tools/closed 'drwx------ 1:1' && at var/lib/tools/readonly 'dr-xr-xr-x 0:0' &&
    at etc/shadow '---------- 0:0' && at root 'dr-xr-x--- 0:0' && at var/spool/mail 'drwxrwxr-x 0:12' && at etc/conf.d/untouched '-rw-r----- 0:12'
}
case_ "stage 1: modes and owners by the tree's own names, a device node" t_modes
t_caps() { getcap "$one/usr/bin/tool-caps" | grep -q 'cap_net_raw[=+]ep$' && [ -z "$(getcap "$one/usr/bin/tool-suid")" ]; }
case_ "stage 1: file capabilities" t_caps
t_user() { at var/lib/svc "drwxr-x--- $modern_id:$modern_id" && at var/lib/svc/key "-rw-r----- 0:$modern_id"; }
case_ "stage 1: a user that a package provides owns its files" t_user
t_ghosts() {
    local f
    for f in var/log/ghosts.log var/log/ghosts var/lib/triggers/each; do [ ! -e "$one/$f" ] || { echo "$f is there"; return 1; }; done
    [ -e "$one/usr/share/ghosts/real" ]
}
case_ "stage 1: ghosts are absent" t_ghosts
t_links() {
    cd "$one" || return 1
    [ "$(readlink bin sbin lib lib64 usr/sbin | tr '\n' ' ')" = "usr/bin usr/bin usr/lib usr/lib64 bin " ] && [ "$(readlink var/run)" = ../run ] &&
    [ "$(stat -c %h usr/share/links/a)" = 3 ] && [ usr/share/links/a -ef usr/lib/links/z ] && [ "$(cat usr/share/links/b)" = content ] &&
    [ "$(stat -c '%h %s' usr/share/links/empty1)" = "2 0" ] && [ "$(readlink usr/share/links/absolute)" = /usr/share/links/a ] &&
    [ -L usr/share/links/dangling ] && [ -x usr/bin/modal-old ] && [ -x usr/bin/modal-new ] && [ "$(wc -l <usr/share/tools/large)" = 900000 ] &&
    [ -e "usr/share/tools/a name" ] && [ -e usr/share/tools/ünï ]
}
case_ "stage 1: hard links, links, merged directories, names" t_links
t_whole() { # every file of every package, by the header's word
    local bad
    bad=$(for f in $(zs_local plan --json mine/one | python3 -c 'import json, sys; [print(p["url"][7:]) for p in json.load(sys.stdin)["packages"]]'); do
        rpm -qp --nosignature --qf '[%{FILEFLAGS:fflags}\t%{FILEMODES:octal}\t%{FILEDIGESTS}\t%{FILENAMES}\n]' "$f"
    done | while IFS=$'\t' read -r flags mode digest path; do
        case $flags$path in *g*/*|*/keep|*/etc/passwd|*/etc/group) continue;; esac
        case $mode in
        040*) [ -d "$one$path" ] && [ "$(printf %o 0x"$(stat -c %f "$one$path")")" = "${mode#0}" ] || echo "$path";;
        0100*) [ "$(sha256sum <"$one$path")" = "$digest  -" ] && [ "$(printf %o 0x"$(stat -c %f "$one$path")")" = "${mode#0}" ] || echo "$path";;
        esac
    done)
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}
case_ "stage 1: every file has the mode and digest of its package's header" t_whole
t_fifo() {
    stage1 --include pipes --set tiny mine/one "$work/p" && [ "$(stat -c '%F %a %g' "$work/p/usr/lib/pipes/fifo")" = "fifo 620 33" ]
}
case_ "stage 1: a fifo" t_fifo
t_exec() {
    ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=execve,execveat,fork,vfork -o "$work/trace" "$zs" create --recipes "$recipes" --cache-dir "$work/c2" --arch x86_64 \
        --progress none --second-stage never mine/one "$work/s" && [ "$(grep -c exec "$work/trace")" -eq 1 ] && ! grep -Eq 'v?fork\(' "$work/trace"
}
if command -v strace >/dev/null; then case_ "stage 1 runs no program" t_exec; else skipped "stage 1 runs no program" "strace is missing"; fi
t_jobs() {
    local n; listing "$one" >"$work/list.1"
    for n in 1 2 7; do
        rm -rf "$work/j"; (umask 077; export TZ=Asia/Kathmandu; stage1 --jobs $n mine/one "$work/j") && listing "$work/j" | diff "$work/list.1" - || return 1
    done
}
case_ "the same root at any --jobs, umask and time zone" t_jobs

# --- tarballs
t_tar() {
    stage1 mine/one "$work/a.tar" && stage1 --jobs 1 mine/one "$work/b.tar" && cmp "$work/a.tar" "$work/b.tar" &&
    mkdir "$work/x" && tar -C "$work/x" --xattrs --xattrs-include='*' --delay-directory-restore -xpf "$work/a.tar" && listing "$work/x" | diff "$work/list.1" -
}
case_ "a stage-1 tarball: twice the same bytes, unpacked the directory" t_tar
t_nobody() {
    chmod 755 "$work"; mkdir -m 777 "$work/nobody"; cp "$zs" "$work/zs-copy"
    (cd "$work/nobody" && export HOME=$PWD XDG_CACHE_HOME=$PWD/c XDG_CONFIG_HOME=$PWD/c &&
     setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$work/zs-copy" create --recipes "$recipes" --arch x86_64 \
        --progress none --second-stage never mine/one n.tar && cmp n.tar "$work/a.tar")
}
case_ "a user without any rights makes the same bytes" t_nobody
t_foreign() {
    rm -f "$work/f.tar"
    zs_arch=aarch64 stage1 --set tiny mine/one "$work/f.tar" && tar -xOf "$work/f.tar" ./usr/bin/native | grep -qx 'echo aarch64' &&
    [ "$(zs_arch=aarch64 zs_local plan --names --set tiny mine/one | tr '\n' ' ')" = "filesystem links native setup " ]
}
case_ "--arch aarch64: its own packages and those of no architecture" t_foreign

# --- the second stage
t_create() { when=now stage1 --manifest "$work/manifest" --sbom "$work/sbom.json" mine/one "$root"; }
case_ "create with its second stage" t_create
verify_is() { # expected lines on standard input
    in_zone rpm -Va >"$work/va"; diff - "$work/va"
}
expected_va() {
    cat <<'V'
S.5......  c /etc/conf.d/keep
S.5....T.  c /etc/group
S.5....T.  c /etc/passwd
.M.......  g /var/lib/triggers/each
V
}
t_verify() { in_zone rpm -Va | sort -k3 >"$work/va"; expected_va | sort -k3 | diff - "$work/va"; }
case_ "rpm -Va prints exactly the expected lines: the edited file, the user, a ghost without a mode" t_verify
# What rpm was given was not compressed any more.
t_stored() {
    local f='%{payloadcompressor} %{sigmd5} %{sha256header} %{payloaddigest} %{rsaheader}\n'
    rpm -qp --qf "$f" "$work"/repo/Packages/tools-[0-9]*.x86_64.rpm 2>/dev/null >"$work/want" && grep -q '^xz ' "$work/want" && in_zone rpm -q --qf "$f" tools | diff "$work/want" -
}
case_ "a package with an xz payload is in the database as its maker signed it" t_stored
t_qa() { [ "$(in_zone rpm -qa --qf '%{NAME}\n' | grep -v '^gpg-pubkey$' | sort | tr '\n' ' ')" = "$all" ] && [ "$(in_zone rpm -qa gpg-pubkey | wc -l)" = 1 ]; }
case_ "rpm -qa names every package, and the key" t_qa
t_database() { [ -s "$root/usr/lib/sysimage/rpm/rpmdb.sqlite" ] && [ ! -e "$root/var/lib/rpm" ] && [ ! -e "$root/root/.rpmdb" ]; }
case_ "the database is where this rpm keeps it" t_database
t_triggers() {
    diff "$root/var/lib/triggers/all" - <<'F' && diff <(sort "$root/var/lib/triggers/each") <(sort "$root/var/lib/triggers/all") && [ "$(wc -l <"$root/var/lib/triggers/lua")" -ge 7 ]
/usr/share/watched
/usr/share/watched/own
/usr/share/watched/conf
F
}
case_ "file triggers ran: for each package, for the transaction, in lua" t_triggers
t_scripts() { [ "$(stat -c '%a %g' "$root/var/log/ghosts.log")" = "640 12" ]; }
case_ "scriptlets ran as on a first installation" t_scripts
t_kept() {
    [ "$(cat "$root/etc/conf.d/keep")" = "$(printf 'keep = 1\nkept = 2')" ] && [ "$(cat "$root/etc/conf.d/plain")" = "plain = 1" ] &&
    [ -z "$(find "$root" -name '*.rpmnew' -o -name '*.rpmorig' -o -name '*.rpmsave')" ] && [ ! -e "$root/zonestrap" ]
}
case_ "what a fixup edited is kept, and nothing is left" t_kept
t_caps2() { getcap "$root/usr/bin/tool-caps" | grep -q 'cap_net_raw[=+]ep$' && [ "$(stat -c %a "$root/usr/bin/tool-suid")" = 4755 ] && [ "$(stat -c %u "$root/var/lib/svc")" = $modern_id ]; }
case_ "capabilities, modes and owners after it" t_caps2
t_equal() { # what the second stage leaves of stage 1, but for what scriptlets and triggers make
    diff <(cd "$one" && find . -mindepth 1 ! -path './dev*' -printf '%P %y %m %U:%G %l\n' | sort) <(cd "$root" && find . -mindepth 1 ! -path './dev*' -printf '%P %y %m %U:%G %l\n' | sort) |
        grep '^[<>]' | grep -Ev '^> (usr/lib/sysimage/rpm/[^ ]*|var/lib/triggers/(all|each|lua)|var/log/(ghosts|zonestrap)\.log) ' >"$work/rest"
    [ ! -s "$work/rest" ] || { cat "$work/rest"; return 1; }
}
case_ "the second stage changes nothing else" t_equal
t_manifest() { cut -f1 "$work/manifest" | tr '\n' ' ' | diff <(printf %s "$all") - && grep -qP '^epoched\t3:1.0-1\tnoarch$' "$work/manifest"; }
case_ "--manifest" t_manifest
t_sbom() {
    python3 - "$work/sbom.json" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
p = {x["name"]: x for x in d["packages"]}
assert p["tools"]["licenseDeclared"] == "MIT", p["tools"]
refs = [r["referenceLocator"] for r in p["epoched"]["externalRefs"]]
assert any(r.startswith("pkg:rpm/mine/epoched@1.0-1?") and "epoch=3" in r for r in refs), refs
P
}
case_ "--sbom: licences and package URLs" t_sbom
t_later() {
    rm -rf "$work/l" "$work/l.tar"; mkdir "$work/l"
    when=later stage1 mine/one "$work/l.tar" && tar -C "$work/l" --xattrs --xattrs-include='*' --delay-directory-restore -xpf "$work/l.tar" && [ -x "$work/l/zonestrap/second-stage" ] &&
    "$zs" second-stage --progress none "$work/l" && (root=$work/l; t_verify && t_qa && t_kept && t_triggers)
}
case_ "a stage-1 tarball, unpacked, finishes with second-stage" t_later
# The second stage cut off: what is installed is the same, but for the lines that triggers append with every run.
same_root() { listing "$1" | grep -Ev '^(\./)?(dev/|usr/lib/sysimage/rpm/|var/lib/triggers/|var/log/zonestrap\.log)|  \./(dev/|usr/lib/sysimage/rpm/|var/lib/triggers/|var/log/zonestrap\.log)' | sed 's/ [0-9.]*$//' >"$1.list"; }
cut_at() { # CONDITION: of a pending root, seen from in it
    local r=$work/cut pid
    rm -rf "$r" && cp -a "$work/pending" "$r" || return 1
    "$zs" second-stage --progress none "$r" 2>/dev/null & pid=$!
    for _ in $(seq 2000); do (cd "$r" && eval "$1") 2>/dev/null && break; kill -0 $pid 2>/dev/null || break; sleep 0.005; done
    kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null
    timeout 20 flock "$r" true # until its watcher has taken the zone down
    [ -e "$r/zonestrap/second-stage" ] || { echo "it was finished before it was cut off"; return 1; }
    finish_cut "$r"
}
finish_cut() {
    local r=$1
    "$zs" second-stage --progress none "$r" && (root=$r; t_verify && t_qa && t_kept) && same_root "$r" && same_root "$root" && diff "$root.list" "$r.list"
}
t_cut_off() {
    when=later stage1 mine/one "$work/pending" || return 1
    cut_at '[ -e zonestrap/begun ]' && cut_at '[ -n "$(ls -d usr/bin/*\;* usr/lib/x86_64-linux-gnu/*\;*)" ]' && cut_at 'grep -q "^conf-1.0-1" var/log/zonestrap.log' && cut_at '[ -s var/lib/triggers/each ]'
}
case_ "killed at several points, it goes on to the same root" t_cut_off
# Where that is not how a killed run ended above: files that rpm had not renamed yet.
t_begun() {
    local r=$work/begun f
    cp -a "$work/pending" "$r" && touch "$r/zonestrap/begun" && for f in usr/bin/sed usr/share/links/a etc/conf.d/keep; do echo half >"$r/$f;$(printf %08x $rpm_epoch)" || return 1; done &&
        ln -s nowhere "$r/usr/share/links/soft;$(printf %08x $rpm_epoch)" && echo half >"$r/usr/bin/grep;12345678" && ln -s nowhere "$r/usr/share/links/soft;12345678" && finish_cut "$r" && [ -z "$(find "$r" -name '*;????????')" ]
}
case_ "files that a killed rpm had not renamed are no hindrance, and do not stay" t_begun
t_finished() {
    local n
    for n in 1 2; do when=now SOURCE_DATE_EPOCH=1750000000 stage1 mine/one "$work/done$n.tar" || return 1; done
    tar -tf "$work/done1.tar" | grep -q 'rpmdb.sqlite' && tar -tvf "$work/done1.tar" | sort >"$work/t1" && tar -tvf "$work/done2.tar" | sort | diff "$work/t1" -
}
case_ "a finished tarball, twice with the same entries" t_finished
t_finished_same() { cmp "$work/done1.tar" "$work/done2.tar"; }
case_ "a finished tarball, twice the same bytes" t_finished_same
t_locked() {
    zs_local plan --lock "$work/lock" mine/one >/dev/null && stage1 --locked "$work/lock" mine/one "$work/k" && listing "$work/k" | diff "$work/list.1" - &&
    stage1 --offline --locked "$work/lock" mine/one "$work/k.tar" && cmp "$work/k.tar" "$work/a.tar"
}
case_ "--locked: the same root, and offline" t_locked
t_no_rpm() { fails_with 6 'no rpm, which the second stage runs' zs_local create --second-stage now --set tiny mine/one "$work/t" && [ ! -e "$work/t" ]; }
case_ "a set without rpm: no second stage, said before anything is made" t_no_rpm

# --- the first boot
. "$here/boot.sh"
t_boot() {
    local r=$boots/modern
    boot_start && mkdir "$r" && when=first-boot stage1 mine/one "$work/boot.tar" && tar -C "$r" --xattrs --xattrs-include='*' --delay-directory-restore -xpf "$work/boot.tar" && [ -x "$r/sbin/init" ] || return
    boot "$work/log" 'wait 60 second stage is finished' 'wait 9 this root has no init' 'send echo count-$(rpm -qa | wc -l)-$(rpm -Va | wc -l)' \
        'wait 20 count-21-4' 'send exit' 'end 9' -- "$r" /sbin/init || { tail -n 20 "$work/log"; return 1; }
    [ ! -e "$r/zonestrap" ] && [ ! -e "$r/sbin/init" ] && getcap "$r/usr/bin/tool-caps" | grep -q cap_net_raw
}
why=$(boot_why)
if [ -z "$why" ]; then case_ "the root finishes itself at its first boot" t_boot; else skipped "the first boot" "$why"; fi
done_

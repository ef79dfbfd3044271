# Sourced after lib.sh by tests that need an ordinary user with subordinate ids.
# as_user SUBIDS COMMAND...: in a directory of the user's, as a machine may have one; this one's files are not changed. HIDE: a
# file in whose place BY stands, or nothing that is a file.
as_user() {
    local ids=$1; shift
    chmod 755 "$work"; mkdir -p -m 777 "$work/user"; cp -f "$zs" "$work/zs-copy"
    echo "$ids" >"$work/subids"; { cat /etc/passwd; echo "zstest:x:4321:4321::$work/user:/bin/sh"; } >"$work/passwd"
    unshare --mount --propagation private bash -c 'for f in subuid subgid; do mount --bind "$1/subids" /etc/$f || exit 99; done; mount --bind "$1/passwd" /etc/passwd || exit 99; [ -z "${HIDE:-}" ] || mount --bind "${BY:-/dev/null}" "$HIDE" || exit 99
        cd "$1/user" && shift && unset TMPDIR && HOME=$PWD XDG_CACHE_HOME=$PWD/c XDG_CONFIG_HOME=$PWD/c exec setpriv --reuid=4321 --regid=4321 ${GROUPS_:---clear-groups} --inh-caps=-all "$@"' - "$work" "$@"
}

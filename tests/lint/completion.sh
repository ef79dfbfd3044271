#!/bin/bash
# The completion script parses, and offers what --help lists.
. "$(dirname "$0")/../flow/lib.sh"
script=$work/zonestrap.bash
"$zs" completion bash >"$script" || { not_ok "zonestrap completion bash"; done_; }
commands=$("$zs" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
PATH=$(dirname "$zs"):$PATH

# complete_ WORD...: what the last word is completed to, one a line, sorted.
complete_() {
    bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _zonestrap; printf "%s\n" "${COMPREPLY[@]}"' - "$script" zonestrap "$@" 2>&1 | LC_ALL=C sort
}
gives() { # gives "EXPECTED WORDS" WORD...
    local want=$1 got; shift
    got=$(echo $(complete_ "$@"))
    [ "$got" = "$want" ] || { echo "got: $got"; echo "want: $want"; return 1; }
}
all_options() {
    local c=$1
    "$zs" "$c" --help | grep -oE '^  (-[a-z], |    )--[a-z-]+' | grep -oE -- '--[a-z-]+' | LC_ALL=C sort >"$work/want"
    [ -s "$work/want" ] || { echo "no options in --help"; return 1; }
    complete_ "$c" -- | diff "$work/want" -
}
offers() { # offers WORD among the completions of what follows
    local want=$1; shift
    complete_ "$@" | grep -qxF -- "$want" || { complete_ "$@"; return 1; }
}

case_ "bash -n" bash -n "$script"
case_ "it registers itself" bash --norc -c '. "$1" && complete -p zonestrap' - "$script"
case_ "a prefix" gives "--second-stage --second-stage-full --security" create --sec
case_ "another command's option is not offered" gives "" list --sec
for c in $commands; do
    case_ "command: $c" offers "$c" "$c"
    case_ "options: $c" all_options "$c"
done
case_ "values" gives "auto bar json none plain" create --progress ""
case_ "a value's prefix" gives "never now" create --second-stage n
case_ "zone kinds" gives "lx lxc" create --zone lx
case_ "zone kinds of the short option" gives "jail" plan -z j
case_ "distributions" offers debian plan deb
cd "$work" && mkdir some-root
case_ "a distribution to be like" gives "debian" new --like deb
case_ "files" offers some-root second-stage some-r
case_ "nothing to offer" gives "" create --nothing-like-this
done_

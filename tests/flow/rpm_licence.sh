#!/bin/bash
# The License tags of all rpm packages in the test data: each becomes a valid expression of SPDX 2.3.
. "$(dirname "$0")/lib.sh"
py=$(for p in python3 /usr/bin/python3; do $p -c 'import license_expression' 2>/dev/null && { echo $p; break; }; done)
[ -n "$py" ] || { skipped rpm_licence "no python3 with license_expression"; done_; }
filter=${zs%/*}/unit/rpm_licence_test
[ -x "$filter" ] || { skipped rpm_licence "$filter is not built"; done_; }
checked() { "$filter" - <"$1" >"$work/rows" && "$py" "$here/spdx_expression.py" <"$work/rows"; }

headers() {
    find "$data/rpm" -name '*.rpm' -print0 | xargs -0 rpm -qp --nosignature --nodigest --qf '%{LICENSE}\n' 2>/dev/null | sort -u >"$work/tags"
    [ "$(wc -l <"$work/tags")" -gt 50 ] && checked "$work/tags"
}
if [ ! -d "$data/rpm" ]; then skipped headers "no rpm packages in the test data"
elif ! command -v rpm >/dev/null; then skipped headers "no rpm"
else case_ "the tags of packages" headers; fi

indexes() {
    find "$data/repomd" -name '*primary.xml.gz' -exec gzip -dc {} + | sed -n 's|.*<rpm:license>\(.*\)</rpm:license>.*|\1|p' |
        sed 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | sort -u >"$work/tags"
    [ "$(wc -l <"$work/tags")" -gt 400 ] && checked "$work/tags"
}
if [ -d "$data/repomd" ]; then case_ "the tags in indexes" indexes; else skipped indexes "no rpm indexes in the test data"; fi

odd() {
    printf '%s\n' 'MIT"\' '<a> & b' "$(printf 'x\xff\xc3')" '((((MIT))))' 'MIT+ WITH LLVM-exception' 'a|b=c' "$(head -c 300000 /dev/zero | tr '\0' '(')" >"$work/tags"
    "$filter" - <"$work/tags" | sed 's/\t\([^\t=|]*\)=[^\t]*$/\t\1/' >"$work/rows" && "$py" "$here/spdx_expression.py" <"$work/rows"
}
case_ "hostile tags" odd
wrong() { ! printf 'x\t%s\t%s\n' "$1" "$2" | "$py" "$here/spdx_expression.py" 2>/dev/null; }
case_ "the check finds wrong identifiers, references and operators" eval \
    'wrong MITT "" && wrong mit "" && wrong "MIT and ISC" "" && wrong LicenseRef-a "" && wrong MIT LicenseRef-a=a && wrong "MIT ISC" "" && wrong "(MIT" ""'
done_

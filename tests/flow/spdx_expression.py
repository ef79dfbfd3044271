"""Whether licence expressions are valid: SPDX 2.3, annex D. As a program reads lines of a tag, its expression and the
references that came with it (ID=NAME, parted by |), all parted by tabs, and prints how many there were."""
import os
import re
import sys

import license_expression

spdx = license_expression.get_spdx_licensing()
lists = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "pkgfmt")


def newer(name):
    """What the project's list has and the library, which may be some years old, has not; it knows no licence `ID+`."""
    with open(os.path.join(lists, name), encoding="ascii") as f:
        return {line.strip() for line in f if not line.startswith("#")} - set(spdx.known_symbols)


licences, exceptions = newer("spdx.licences"), newer("spdx.exceptions")


def check_expression(text, refs):
    """The references in it, which must be some of refs. A reference counts as some licence, as does what is newer."""
    used = set(re.findall(r"LicenseRef-[A-Za-z0-9.-]+", text))
    assert used <= refs, (text, used - refs)
    plain = re.sub(r"LicenseRef-[A-Za-z0-9.-]+", "0BSD", text)
    plain = re.sub(r"([A-Za-z0-9.-]+)\+", r"\1", plain)
    plain = re.sub(r"(?<= WITH )[A-Za-z0-9.-]+", lambda m: "LLVM-exception" if m[0] in exceptions else m[0], plain)
    plain = re.sub(r"[A-Za-z0-9.-]+", lambda m: "0BSD" if m[0] in licences else m[0], plain)
    found = spdx.validate(plain)
    assert not found.errors and found.normalized_expression == plain, (text, found)
    return used


def main():
    tags = whole = 0
    for line in sys.stdin.buffer.read().decode(errors="replace").split("\n")[:-1]:
        tag, expression, refs = line.split("\t")
        ids = {ref.partition("=")[0] for ref in refs.split("|")} - {""}
        assert check_expression(expression, ids) == ids, line
        assert all(re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", i) for i in ids), ids
        tags += 1
        whole += not ids
    print(tags, "tags,", whole, "of them in SPDX's identifiers alone")
    assert tags > 0


if __name__ == "__main__":
    main()

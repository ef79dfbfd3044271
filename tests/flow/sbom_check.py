"""Usage: sbom_check.py FILE [SCHEMA]. Checks a bill of materials: what SPDX 2.3 says in words (identifiers, references,
licence expressions, package URLs) and, where the official schema is at hand, that. Prints `NAME VERSION LICENCE PURL`, a
package a line, parted by tabs."""
import json
import re
import sys

import jsonschema

sys.dont_write_bytecode = True
from spdx_expression import check_expression

TEXT = {"type": "string", "minLength": 1}
NOTHING_MORE = {"additionalProperties": False}


def table(required, **more):
    """An object of texts; `more` gives the members that are something else, or need not be there."""
    members = {name: TEXT for name in required.split()}
    return {"type": "object", "properties": {**members, **more}, "required": required.split(), **NOTHING_MORE}


def listing(of):
    return {"type": "array", "items": of, "minItems": 1}


CHECKSUM = table("algorithm checksumValue", algorithm={"enum": ["SHA256", "SHA384", "SHA512"]},
                 checksumValue={"type": "string", "pattern": "^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$"})
PACKAGE = table(
    "SPDXID name downloadLocation filesAnalyzed licenseConcluded licenseDeclared copyrightText primaryPackagePurpose supplier",
    filesAnalyzed={"const": False},  # otherwise packageVerificationCode is due
    primaryPackagePurpose={"enum": ["INSTALL", "OPERATING_SYSTEM"]},
    supplier={"type": "string", "pattern": "^(NOASSERTION|Organization: .+)$"},
    downloadLocation={"type": "string", "pattern": "^(NOASSERTION|https?://[^@ ]+)$"},
    versionInfo=TEXT, summary=TEXT, sourceInfo=TEXT, checksums=listing(CHECKSUM),
    externalRefs=listing(table("referenceCategory referenceType referenceLocator",
                               referenceCategory={"const": "PACKAGE-MANAGER"}, referenceType={"const": "purl"})))
DOCUMENT = table(
    "spdxVersion dataLicense SPDXID name documentNamespace creationInfo packages relationships",
    spdxVersion={"const": "SPDX-2.3"}, dataLicense={"const": "CC0-1.0"}, SPDXID={"const": "SPDXRef-DOCUMENT"},
    documentNamespace={"type": "string", "pattern": r"^https://[a-z0-9./A-Z_-]+-[0-9a-f]{64}$"},
    creationInfo=table("created creators", created={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                       creators=listing({"type": "string", "pattern": r"^Tool: zonestrap-\d+\.\d+\.\d+$"})),
    packages=listing(PACKAGE), relationships=listing(table("spdxElementId relationshipType relatedSpdxElement")),
    hasExtractedLicensingInfos=listing(table("licenseId name extractedText")))

def main(path, schema=None):
    doc = json.load(open(path, encoding="utf-8"))
    jsonschema.validate(doc, DOCUMENT)
    if schema:
        schema = json.load(open(schema, encoding="utf-8"))
        assert schema["$id"] == "http://spdx.org/rdf/terms/2.3", schema["$id"]
        jsonschema.validators.validator_for(schema).check_schema(schema)
        jsonschema.validate(doc, schema)
    refs = [x["licenseId"] for x in doc.get("hasExtractedLicensingInfos", [])]
    assert refs == sorted(set(refs)), "each licence once, sorted"
    assert all(re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", r) for r in refs), refs
    ids = [p["SPDXID"] for p in doc["packages"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids), ids
    root, packages = doc["packages"][0], doc["packages"][1:]
    links = [(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in doc["relationships"]]
    assert links == [("SPDXRef-DOCUMENT", "DESCRIBES", root["SPDXID"])] + \
        [(root["SPDXID"], "CONTAINS", p["SPDXID"]) for p in packages], links
    used = set()
    for p in packages:
        purl = p["externalRefs"][0]["referenceLocator"]
        assert re.fullmatch(r"pkg:deb/([a-z0-9._~%-]+/)?[A-Za-z0-9._~%:-]+@[A-Za-z0-9._~%:-]+\?arch=[a-z0-9-]+&distro=[a-z0-9.-]+|"
                            r"pkg:rpm/[a-z0-9._~%-]+/[A-Za-z0-9._~%-]+@[A-Za-z0-9._~%-]+\?arch=[a-z0-9_]+&distro=[a-z]+-[a-z0-9.-]+"
                            r"(&epoch=[1-9][0-9]*)?", purl), purl
        if p["licenseDeclared"] != "NOASSERTION":
            used |= check_expression(p["licenseDeclared"], set(refs))
        print(p["name"], p["versionInfo"], p["licenseDeclared"], purl, sep="\t")
    assert used == set(refs), set(refs) - used
    assert [p["name"] for p in packages] == sorted(p["name"] for p in packages)


main(*sys.argv[1:])

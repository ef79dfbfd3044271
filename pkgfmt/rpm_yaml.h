/* Lines of the YAML that createrepo and modulemd write: block mappings and sequences with plain or quoted
   scalars and one-line flow sequences. What other shapes YAML has is passed over with the key that holds it.
 */
#ifndef PKGFMT_RPM_YAML_H
#define PKGFMT_RPM_YAML_H

#include <stdbool.h>

#include "base/str.h"

/* Zero but for rest: a valid start. */
struct rpm_yaml {
    struct str rest;
    unsigned long line_no;
    /* Of the line: */
    unsigned start;   /* columns before the line's text */
    unsigned indent;  /* columns before the key or scalar: behind "- " where there is one */
    bool item;        /* the line starts with "- " */
    bool separator;   /* "---" or "..." */
    struct str key;   /* of "key: value"; empty: an item or text alone */
    struct str value; /* without quotes; empty when there is none */
};

/* Looks at the next line that is no comment and not blank, without taking it: *y = *next does. False at the
   end. Block scalars (| and >) and what is indented below them are left to rpm_yaml_skip(). */
bool rpm_yaml_peek(const struct rpm_yaml *y, struct rpm_yaml *next);
/* Takes all lines that are indented deeper than `indent`, items at that indent too. */
void rpm_yaml_skip(struct rpm_yaml *y, unsigned indent);
/* Cuts the next scalar off the inside of a flow sequence "[a, 'b']"; false when there is none. *flow: the
   value, then what is left. */
bool rpm_yaml_flow(struct str *flow, struct str *scalar);

#endif

/* Reading JSON (RFC 8259) where it stands: values are pieces of the text, nothing is copied or decoded. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>

#include "base/str.h"

enum { JSON_DEPTH_MAX = 64 };

/* Whether the text is one whole value, blanks around it allowed, nested at most JSON_DEPTH_MAX deep. What the
   functions below are given must have passed this, or be a piece that they gave. Strings are not checked for
   being UTF-8. */
bool json_valid(struct str text);
/* The value of the object's first member of that name; false when the text is no object or has none. A name
   that is written with escapes is not found. */
bool json_member(struct str object, const char *name, struct str *value);
/* Begins with *rest the array, then gives one element after the other; false at the end, and for what is no
   array. *rest is then what stands behind the last element: the closing bracket comes first in it. */
bool json_element(struct str *rest, struct str *element);
bool json_is_array(struct str value);
bool json_is_object(struct str value);
/* The text of a string that is written without escapes; false for anything else. */
bool json_plain(struct str value, struct str *text);
/* Whether the value is the string text, written without escapes. */
bool json_is(struct str value, const char *text);

#endif

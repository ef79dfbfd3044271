/* A growing list of borrowed strings. */
#ifndef PKGFMT_DEB_LIST_H
#define PKGFMT_DEB_LIST_H

#include <stdbool.h>

#include "base/str.h"

/* Zero is a valid start; free() v, or deb_list_free(). */
struct deb_list {
    struct str *v;
    size_t n, cap;
};

void deb_list_add(struct deb_list *l, struct str s);
void deb_list_sort(struct deb_list *l);
bool deb_list_has(const struct deb_list *l, struct str s); /* of a sorted list */
void deb_list_free(struct deb_list *l);                    /* back to zero */

#endif

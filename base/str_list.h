/* A growing list of borrowed strings. */
#ifndef BASE_STR_LIST_H
#define BASE_STR_LIST_H

#include <stdbool.h>

#include "base/str.h"

/* Zero is a valid start; free() v, or str_list_free(). */
struct str_list {
    struct str *v;
    size_t n, cap;
};

void str_list_add(struct str_list *l, struct str s);
void str_list_sort(struct str_list *l);
bool str_list_has(const struct str_list *l, struct str s); /* of a sorted list */
void str_list_free(struct str_list *l);                    /* back to zero */

#endif

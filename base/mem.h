/* Memory that is there: allocation never returns NULL. When memory runs out the handler that cmd/ set is
   called, which cleans up and exits with ERR_HOST; sizes that come from input are bounded by the caller
   before they get here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n); /* zeroed; free() it */
void *mem_grow(void *p, size_t n,
               size_t sz); /* realloc to n elements of sz bytes, overflow checked; not zeroed */
char *mem_dup(const char *s);
void mem_on_exhaustion(void (*handler)(void)); /* must not return; default: abort() */

#endif

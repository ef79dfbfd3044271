/* The ranges of ids that /etc/subuid and /etc/subgid give a user. */
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/zone/linux.h"

static const uint64_t id_end = UINT32_MAX; /* the last number is no id: (uid_t)-1 */

static void add(struct linux_subids *ids, uint64_t first, uint64_t end)
{
    if (first >= end || ids->n == LINUX_SUBIDS_MAX)
        return;
    ids->v[ids->n].first = (uint32_t)first;
    ids->v[ids->n++].count = (uint32_t)(end - first);
}

static int by_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The kernel refuses a map with an id in it twice; the same range may stand under name and number. */
static void cut_overlaps(struct linux_subids *ids)
{
    struct linux_subids all = *ids;
    uint64_t next = 0;
    qsort(all.v, all.n, sizeof *all.v, by_first);
    *ids = (struct linux_subids){.n = 0};
    for (size_t i = 0; i < all.n; i++) {
        uint64_t first = all.v[i].first, end = first + all.v[i].count;
        first = first < next ? next : first;
        if (first >= end)
            continue;
        add(ids, first, end);
        ids->total += end - first;
        next = end;
    }
}

int linux_subids_read(const char *path, const char *user, uid_t uid, uint32_t own, struct linux_subids *ids,
                      struct err *e)
{
    AUTO_BUF text = {0};
    struct str rest, line, owner, first_text, count_text;
    uint64_t first, count, number;
    *ids = (struct linux_subids){.n = 0};
    if (file_read(path, 16 << 20, &text, e) != 0)
        return e->sys == ENOENT ? 0 : -1;
    rest = buf_view(&text);
    while (str_line(&rest, &line)) {
        if (!str_cut(&line, ':', &owner) || !str_cut(&line, ':', &first_text) ||
            !str_cut(&line, ':', &count_text) || !str_u64(first_text, &first) ||
            !str_u64(count_text, &count) || first >= id_end)
            continue;
        if ((user == NULL || !str_is(owner, user)) && (!str_u64(owner, &number) || number != uid))
            continue;
        uint64_t end = count > id_end - first ? id_end : first + count;
        if (own >= first && own < end) {
            add(ids, first, own);
            first = (uint64_t)own + 1;
        }
        add(ids, first, end);
    }
    cut_overlaps(ids);
    return 0;
}

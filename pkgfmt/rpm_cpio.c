#include "pkgfmt/rpm_cpio.h"

enum {
    MAGIC = 6,
    DIGITS = 8,
    FIELDS = 13,
    STRIPPED = MAGIC + DIGITS,
    NAME_BYTES_MAX = 4096,
    ZEROS_MAX = 64 << 10
};
/* Of the 13 fields behind newc's magic, cpio(5). */
enum { MODE = 1, SIZE = 6, NAME_SIZE = 11, CHECK = 12 };

void rpm_cpio_init(struct rpm_cpio *c, rpm_cpio_read *read, void *ctx)
{
    *c = (struct rpm_cpio){.read = read, .ctx = ctx};
}

void rpm_cpio_free(struct rpm_cpio *c)
{
    buf_free(&c->name);
}

static int cut_off(const struct rpm_cpio *c, struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "payload: the archive ends at byte %llu, within an entry or before its trailer",
                   (unsigned long long)c->off);
}

/* At least one byte at c->at: 1; 0 at the archive's end. */
static int more(struct rpm_cpio *c, struct err *e)
{
    const void *p;
    while (c->n == 0) {
        int r = c->read(c->ctx, &p, &c->n, e);
        if (r <= 0) {
            c->n = 0;
            return r;
        }
        c->at = p;
    }
    return 1;
}

static void use(struct rpm_cpio *c, size_t n)
{
    c->at += n;
    c->n -= n;
    c->off += n;
}

/* out NULL: they are skipped. */
static int take(struct rpm_cpio *c, char *out, size_t n, struct err *e)
{
    while (n > 0) {
        int r = more(c, e);
        if (r <= 0)
            return r < 0 ? -1 : cut_off(c, e);
        size_t part = c->n < n ? c->n : n;
        if (out != NULL) {
            memcpy(out, c->at, part);
            out += part;
        }
        use(c, part);
        n -= part;
    }
    return 0;
}

/* Entries, names and contents begin at multiples of four. */
static int pad(struct rpm_cpio *c, struct err *e)
{
    return take(c, NULL, (size_t)(-c->off & 3), e);
}

static int number(const struct rpm_cpio *c, const char *digits, uint32_t *out, struct err *e)
{
    *out = 0;
    for (int i = 0; i < DIGITS; i++) {
        static const char hex[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = digits[i] != '\0' ? strchr(hex, digits[i]) : NULL;
        if (at == NULL)
            return err_set(e, ERR_FORMAT,
                           "payload: no hexadecimal number in the entry before byte %llu: `%.8s'",
                           (unsigned long long)c->off, digits);
        *out = *out << 4 | ((uint32_t)(at - hex) & 15);
    }
    return 0;
}

static int read_name(struct rpm_cpio *c, size_t n, struct err *e)
{
    if (n < 2 || n > NAME_BYTES_MAX)
        return err_set(e, ERR_FORMAT, "payload: an entry with a name of %zu bytes before byte %llu", n,
                       (unsigned long long)c->off);
    buf_clear(&c->name);
    buf_reserve(&c->name, n);
    if (take(c, c->name.p, n, e) < 0)
        return -1;
    c->name.n = n - 1;
    if (memchr(c->name.p, '\0', n) != c->name.p + n - 1)
        return err_set(e, ERR_FORMAT,
                       "payload: an entry whose name does not end where it says, before byte %llu",
                       (unsigned long long)c->off);
    return pad(c, e);
}

/* head has the magic and one number already. */
static int read_newc(struct rpm_cpio *c, const char head[STRIPPED], struct rpm_cpio_entry *en, struct err *e)
{
    char rest[(FIELDS - 1) * DIGITS + 1] = {0};
    uint32_t field[FIELDS];
    if (take(c, rest, sizeof rest - 1, e) < 0 || number(c, head + MAGIC, &field[0], e) < 0)
        return -1;
    for (size_t i = 1; i < FIELDS; i++)
        if (number(c, rest + (i - 1) * DIGITS, &field[i], e) < 0)
            return -1;
    if (read_name(c, field[NAME_SIZE], e) < 0)
        return -1;
    en->path = buf_view(&c->name);
    en->mode = field[MODE];
    en->size = c->left = field[SIZE];
    c->summed = head[MAGIC - 1] == '2';
    c->want_sum = field[CHECK];
    return 0;
}

static int read_end(struct rpm_cpio *c, struct err *e)
{
    uint64_t from = c->off;
    int r;
    while ((r = more(c, e)) > 0) {
        size_t zeros = 0;
        while (zeros < c->n && c->at[zeros] == 0)
            zeros++;
        bool garbage = zeros < c->n;
        use(c, c->n);
        if (garbage || c->off - from > ZEROS_MAX)
            return err_set(e, ERR_FORMAT, "payload: bytes that belong to nothing behind the archive's end");
    }
    return r;
}

static int skip_content(struct rpm_cpio *c, struct err *e)
{
    const void *p;
    size_t n;
    int r;
    while ((r = rpm_cpio_data(c, &p, &n, e)) > 0)
        ;
    return r;
}

int rpm_cpio_next(struct rpm_cpio *c, struct rpm_cpio_entry *en, struct err *e)
{
    char head[STRIPPED + 1] = {0};
    *en = (struct rpm_cpio_entry){0};
    if (skip_content(c, e) < 0 || pad(c, e) < 0 || take(c, head, STRIPPED, e) < 0)
        return -1;
    c->sum = 0;
    c->summed = false;
    if (memcmp(head, "07070X", MAGIC) == 0) {
        en->stripped = true;
        return number(c, head + MAGIC, &en->index, e) < 0 || pad(c, e) < 0 ? -1 : 1;
    }
    if (memcmp(head, "070701", MAGIC) != 0 && memcmp(head, "070702", MAGIC) != 0)
        return err_set(e, ERR_FORMAT, "payload: no cpio entry at byte %llu",
                       (unsigned long long)(c->off - STRIPPED));
    if (read_newc(c, head, en, e) < 0)
        return -1;
    if (!str_is(en->path, "TRAILER!!!"))
        return 1;
    if (c->left > 0)
        return err_set(e, ERR_FORMAT, "payload: a trailer with content");
    return read_end(c, e);
}

void rpm_cpio_size(struct rpm_cpio *c, uint64_t size)
{
    c->left = size;
}

int rpm_cpio_data(struct rpm_cpio *c, const void **p, size_t *n, struct err *e)
{
    if (c->left == 0) {
        if (c->summed && c->sum != c->want_sum)
            return err_set(e, ERR_FORMAT,
                           "payload: %" STR_FMT ": its content has not the sum that its entry says",
                           STR_ARG(buf_view(&c->name)));
        return 0;
    }
    int r = more(c, e);
    if (r <= 0)
        return r < 0 ? -1 : cut_off(c, e);
    *p = c->at;
    *n = c->left < c->n ? (size_t)c->left : c->n;
    for (size_t i = 0; c->summed && i < *n; i++)
        c->sum += (unsigned char)c->at[i];
    c->left -= *n;
    use(c, *n);
    return 1;
}

#include "cmd/changes.h"

#include <solv/pool.h>

#include "base/auto.h"
#include "tests/unit/test.h"

enum { PACKAGES = 8 };

/* "NAME VERSION BYTES [ARCH]", where BYTES is a digit that digest and size are made of; an upper-case letter
 * behind it stands for SHA512. */
static void read_plan(const char *const *lines, struct arena *a, struct plan *out)
{
    *out = (struct plan){.pkgs = arena_array(a, PACKAGES, sizeof *out->pkgs)};
    for (; lines[out->n] != NULL; out->n++) {
        struct str rest = str_c(lines[out->n]), name, version, bytes, arch;
        struct plan_pkg *p = &out->pkgs[out->n];
        str_word(&rest, &name);
        str_word(&rest, &version);
        str_word(&rest, &bytes);
        p->name = arena_str(a, name);
        p->version = arena_str(a, version);
        p->arch = str_word(&rest, &arch) ? arena_str(a, arch) : "all";
        p->size = (uint64_t)(bytes.p[0] - '0');
        p->digest.kind = bytes.n > 1 ? DIGEST_SHA512 : DIGEST_SHA256;
        p->digest.bytes[0] = (uint8_t)bytes.p[0];
    }
}

/* "upgraded a 1 2; ... | counts | bytes" */
static const char *find(const char *const *old, const char *const *now, struct arena *a)
{
    struct plan x, y;
    struct changes c;
    struct solve *s;
    struct err e = {0};
    AUTO_BUF b = {0};
    if (solve_open(&s, DISTTYPE_DEB, "amd64", NULL, &e) < 0)
        return arena_dup(a, e.msg);
    read_plan(old, a, &x);
    read_plan(now, a, &y);
    changes_find(&x, &y, s, a, &c);
    for (size_t i = 0; i < c.n; i++) {
        const struct change *v = &c.v[i];
        buf_printf(&b, "%s %s %s %s; ", change_name(v->kind), v->old ? v->old->name : v->now->name,
                   v->old ? v->old->version : "-", v->now ? v->now->version : "-");
    }
    for (int k = 0; k < CHANGE_KINDS; k++)
        buf_printf(&b, "%s%zu", k ? " " : "| ", c.count[k]);
    buf_printf(&b, " | %llu", (unsigned long long)c.download);
    solve_close(s);
    return arena_str(a, buf_view(&b));
}

static void every_kind(void)
{
    AUTO_ARENA a = {0};
    static const char *const old[] = {"up 1:1.9 1",  "down 2 1",  "same 1 1",  "gone 1 1",
                                      "rebuilt 1 1", "kinds 1 3", "tilde 1 1", NULL};
    static const char *const now[] = {"added 1 7",    "rebuilt 1 2", "up 1:1.10 2", "same 1 1",
                                      "down 2~rc1 1", "kinds 1 3S",  "tilde 1.0 4", NULL};
    CHECK_STR(find(old, now, &a),
              "added added - 1; downgraded down 2 2~rc1; removed gone 1 -; rebuilt rebuilt 1 1; "
              "upgraded tilde 1 1.0; upgraded up 1:1.9 1:1.10; | 2 1 1 2 1 1 | 16");
}

static void nothing(void)
{
    AUTO_ARENA a = {0};
    static const char *const none[] = {NULL}, *const one[] = {"b 1 1", "a 1 1", NULL},
                             *const other[] = {"a 1 1", "b 1 1", NULL};
    CHECK_STR(find(none, none, &a), "| 0 0 0 0 0 0 | 0");
    CHECK_STR(find(one, other, &a), "| 2 0 0 0 0 0 | 0");
    CHECK_STR(find(one, none, &a), "removed a 1 -; removed b 1 -; | 0 0 2 0 0 0 | 0");
    CHECK_STR(find(none, one, &a), "added a - 1; added b - 1; | 0 2 0 0 0 0 | 2");
}

/* Several packages of a name, of an architecture each. */
static void architectures(void)
{
    AUTO_ARENA a = {0};
    static const char *const two[] = {"c 1 1 x86_64", "c 1 2 i686", NULL},
                             *const newer[] = {"c 2 3 i686", "c 1 1 x86_64", NULL},
                             *const one[] = {"c 2 1 x86_64", NULL}, *const other[] = {"c 1 1 noarch", NULL};
    CHECK_STR(find(two, newer, &a), "upgraded c 1 2; | 1 0 0 1 0 0 | 3");
    CHECK_STR(find(two, one, &a), "upgraded c 1 2; removed c 1 -; | 0 0 1 1 0 0 | 1");
    CHECK_STR(find(one, two, &a), "downgraded c 2 1; added c - 1; | 0 1 0 0 1 0 | 3");
    CHECK_STR(find(other, one, &a), "upgraded c 1 2; | 0 0 0 1 0 0 | 1");
    CHECK_STR(find(other, two, &a), "rebuilt c 1 1; added c - 1; | 0 1 0 0 0 1 | 3");
}

int main(void)
{
    RUN(every_kind);
    RUN(architectures);
    RUN(nothing);
    return test_done();
}

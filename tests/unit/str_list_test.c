#include "base/str_list.h"

#include "tests/unit/test.h"

static void sorted_and_found(void)
{
    struct str_list l = {0};
    char texts[100][4];
    CHECK(!str_list_has(&l, STR("a")));
    str_list_sort(&l);
    for (int i = 0; i < 100; i++) {
        snprintf(texts[i], sizeof texts[i], "%d", (i * 37) % 100);
        str_list_add(&l, str_c(texts[i]));
    }
    str_list_sort(&l);
    CHECK(l.n == 100);
    for (size_t i = 1; i < l.n; i++)
        CHECK(str_cmp(l.v[i - 1], l.v[i]) < 0);
    CHECK(str_list_has(&l, STR("7")) && str_list_has(&l, STR("99")) && !str_list_has(&l, STR("100")) &&
          !str_list_has(&l, STR("")));
    str_list_free(&l);
    CHECK(l.n == 0 && l.v == NULL);
}

int main(void)
{
    RUN(sorted_and_found);
    return test_done();
}

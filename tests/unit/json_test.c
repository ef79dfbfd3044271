/* JSON texts, good and bad. */
#include "base/json.h"

#include <stdlib.h>

#include "tests/unit/test.h"

static void valid(void)
{
    static const char *const good[] = {"{}",
                                       " [ ] ",
                                       "null",
                                       "-0.5e+10",
                                       "0",
                                       "1E-2",
                                       "\"\"",
                                       "\"\\u00aF \\\\ \\\" \\/ \xff\"",
                                       "[1, [true , false], {\"a\":{\"b\" : []}}]\n",
                                       "{\"a\":1,\"a\":2}"};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "[,1]",
                                      "{a:1}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "01",
                                      "1.",
                                      ".5",
                                      "-",
                                      "1e",
                                      "+1",
                                      "tru",
                                      "nulls",
                                      "\"",
                                      "\"\\",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u12\"",
                                      "\"a\nb\"",
                                      "[1 2]",
                                      "{} {}",
                                      "[\"a\" : 1]",
                                      "{1:2}",
                                      "'a'",
                                      "[1]]",
                                      "{\"a\":1 \"b\":2}",
                                      "\x01"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(json_valid(str_c(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!json_valid(str_c(bad[i])));
        if (json_valid(str_c(bad[i])))
            printf("# %s\n", bad[i]);
    }
    CHECK(!json_valid((struct str){"\"a\0b\"", 5}) && !json_valid((struct str){"1\0", 2}));
}

/* Every beginning of a text, in memory of exactly its size for the sanitizers. */
static void cut_short(void)
{
    static const char text[] = "{\"a\": [1.5e3, \"\\u0041\\n\", true, null], \"b\": {\"c\": -0}}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *p = malloc(n + 1);
        if (n > 0)
            memcpy(p, text, n);
        CHECK(!json_valid((struct str){p, n}));
        p = realloc(p, n > 0 ? n : 1);
        CHECK(!json_valid((struct str){p, n}));
        free(p);
    }
    CHECK(json_valid(STR(text)));
}

static void depth(void)
{
    char text[2 * JSON_DEPTH_MAX + 8];
    for (size_t n = JSON_DEPTH_MAX; n <= JSON_DEPTH_MAX + 2; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        CHECK(json_valid((struct str){text, 2 * n}) == (n <= JSON_DEPTH_MAX));
    }
    memset(text, '[', sizeof text);
    CHECK(!json_valid((struct str){text, sizeof text}));
}

static void members(void)
{
    struct str text = STR("\n{ \"a\" : \"x\\\"y\" , \"b\":[ 1 , {\"c\":2} ,\"s\"] ,\"\\u0061\":3}"), v, e;
    CHECK(json_valid(text) && json_is_object(text) && !json_is_array(text));
    CHECK(json_member(text, "a", &v) && str_is(v, "\"x\\\"y\"") && !json_is(v, "x\"y"));
    CHECK(!json_member(text, "c", &v) && !json_member(STR("[1]"), "a", &v) &&
          !json_member(STR("{}"), "a", &v));
    CHECK(json_member(text, "b", &v) && json_is_array(v));
    CHECK(json_element(&v, &e) && str_is(e, "1"));
    CHECK(json_element(&v, &e) && json_member(e, "c", &e) && str_is(e, "2"));
    CHECK(json_element(&v, &e) && json_is(e, "s") && !json_is(e, "S") && !json_is(e, ""));
    CHECK(!json_element(&v, &e) && str_is(v, "]"));
    v = STR(" [ ]");
    CHECK(!json_element(&v, &e) && str_is(v, "]"));
    v = STR("{}");
    CHECK(!json_element(&v, &e));
}

int main(void)
{
    RUN(valid);
    RUN(cut_short);
    RUN(depth);
    RUN(members);
    return test_done();
}

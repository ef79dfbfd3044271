/* Signatures, cleartext-signed and inline-signed messages, keyrings. */
#include "base/data.h"
#include "mirrors/openpgp.h"
#include "tests/fuzz/fuzz.h"

enum { NOW = 1795500000 };

/* The program's own keys. */
static struct openpgp_keyring *keyring(void)
{
    static struct openpgp_keyring *k;
    AUTO_ARENA a = {0};
    const char **names;
    struct str text;
    struct err e;
    size_t n;
    if (k != NULL)
        return k;
    k = openpgp_keyring_new();
    if (data_list(NULL, "distros/keys", "*.asc", &a, &names, &n, &e) < 0 || n == 0)
        abort();
    for (size_t i = 0; i < n; i++)
        if (data_read(NULL, "distros/keys", names[i], &a, &text, NULL, &e) != 0 ||
            openpgp_keyring_add(k, names[i], text, &e) < 0)
            abort();
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct str in = {(const char *)p, n};
    struct err e = {0};
    AUTO_BUF clear = {0}, inline_text = {0}, plain = {0};
    /* A message may be found good only as the text that --insecure would read. */
    if (openpgp_verify_clear(keyring(), in, NOW, &clear, NULL, &e) == 0 &&
        (openpgp_clear_text(in, &plain, &e) != 0 || !str_eq(buf_view(&clear), buf_view(&plain))))
        abort();
    openpgp_verify_inline(keyring(), in, NOW, &inline_text, NULL, &e);
    if (openpgp_verify_detached(keyring(), STR("text"), in, NOW, NULL, &e) == 0)
        abort();
    struct openpgp_keyring *own = openpgp_keyring_new();
    if (openpgp_keyring_add(own, "fuzz", in, &e) == 0) {
        openpgp_verify_detached(own, STR("text"), in, NOW, NULL, &e);
        openpgp_verify_clear(own, in, NOW, &plain, NULL, &e);
    }
    openpgp_keyring_free(own);
    return 0;
}

/* Build tool: writes the table of base/data.h for the files named as arguments (sorted by the caller). */
#include <stdio.h>

static int emit(const char *path, int i)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return -1;
    }
    printf("static const unsigned char f%d[] = {", i);
    for (int c, n = 0; (c = getc(f)) != EOF; n++)
        printf("%s%d,", n % 24 == 0 ? "\n" : "", c);
    puts("\n0};");
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    puts("#include \"base/data.h\"");
    for (int i = 1; i < argc; i++)
        if (emit(argv[i], i) < 0)
            return 1;
    puts("const struct data_file data_builtin[] = {");
    for (int i = 1; i < argc; i++)
        printf("{\"%s\", f%d, sizeof f%d - 1},\n", argv[i], i, i);
    puts("{0}};");
    return 0;
}

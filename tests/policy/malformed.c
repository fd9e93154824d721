/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: malformed files: which byte is blamed, how, and that nothing else is.
 * Thread: main. Ownership: each test frees its own.
 */
#include "policy/support.h"

#include <string.h>

/* Lines 1 to 4 of most files: a section without any diagnostic. */
#define GOOD "[Device a]\nPath=01.1/00.0\nId=10de:2230\nAllowUser=alice\n"
#define DENY "[Deny d]\nPath=1c.0/00.0\n"

#define E PCA_SEVERITY_ERROR
#define W PCA_SEVERITY_WARNING
#define N PCA_SEVERITY_NOTE

typedef struct {
    const char *text;
    guint line, column;
    PcaSeverity severity;
    const char *says; /* a part of the message */
} Row;

/* Each has this one diagnostic only. */
static const Row rows[] = {
    /* Lines. */
    {GOOD "rubbish\n", 5, 1, E, "neither Key=Value"},
    {GOOD "Path\n", 5, 1, E, "neither Key=Value"},
    {GOOD "; no comment\n", 5, 1, E, "nor a comment (#)"},
    {GOOD "Functions: all\n", 5, 1, E, "neither Key=Value"},
    {GOOD "=all\n", 5, 1, E, "no key before '='"},
    {GOOD " Functions=one\n" DENY, 5, 1, E, "white space at the start"},
    {GOOD "\tFunctions=one\n", 5, 1, E, "white space at the start"},
    {GOOD "  # indented\n", 5, 1, E, "white space at the start"},
    {GOOD "  " DENY, 5, 1, E, "white space at the start"},
    {GOOD "Functions =one\n", 5, 10, E, "before '='"},
    {GOOD "Functions\t=one\n", 5, 10, E, "before '='"},
    {GOOD "Functions= one\n", 5, 11, E, "write Functions=VALUE"},
    {GOOD "Functions=one \n", 5, 14, E, "white space at the end"},
    {GOOD "Functions=one\t\n", 5, 14, E, "white space at the end"},
    {GOOD "Description=text  \n", 5, 17, E, "white space at the end"},
    {GOOD "Functions=one # why\n", 5, 15, E, "a line of its own"},
    {GOOD "Functions=one\t# why\n", 5, 15, E, "a line of its own"},
    {GOOD "AllowGroup=kvm #why\n", 5, 16, E, "a line of its own"},
    {"[Deny d] # why\nPath=1c.0/00.0\n", 1, 10, E, "a line of its own"},
    {"[Deny d]\r\nPath=1c.0/00.0\r\n", 1, 9, E, "CR LF"},
    {GOOD "# cut\rhere\n", 5, 6, E, "U+000D"},
    {"\xef\xbb\xbf[Deny d]\nPath=1c.0/00.0\n", 1, 1, E, "byte order mark"},
    {GOOD "Description=a\x1b[31mb\n", 5, 14, E, "U+001B"},
    {GOOD "Description=a\x7f\n", 5, 14, E, "U+007F"},
    {GOOD "Description=a\xc2\x9b\n", 5, 14, E, "U+009B"},
    {GOOD "Description=a\tb\n", 5, 14, E, "a tab"},
    {GOOD "Description=caf\xe9\n", 5, 16, E, "0xe9 is not UTF-8"},
    {GOOD "# \xc0\xaf\n", 5, 3, E, "not UTF-8"},
    {GOOD "# \xed\xa0\x80\n", 5, 3, E, "not UTF-8"},
    {GOOD "# cut short \xe2\x82", 5, 13, E, "not UTF-8"},
    {"Path=01.1/00.0\n" GOOD, 1, 1, E, "before the first section"},
    /* Section headers. */
    {GOOD "[Deny d\nPath=1c.0/00.0\n", 5, 8, E, "']' is missing"},
    {GOOD "[Deny d]x\nPath=1c.0/00.0\n", 5, 9, E, "nothing may follow"},
    {GOOD "[Deny d] \nPath=1c.0/00.0\n", 5, 9, E, "white space at the end"},
    {GOOD "[Deny d]]\nPath=1c.0/00.0\n", 5, 9, E, "nothing may follow"},
    {GOOD "[]\nPath=1c.0/00.0\n", 5, 2, E, "kind is missing"},
    {GOOD "[ Deny d]\nPath=1c.0/00.0\n", 5, 2, E, "kind is missing"},
    {GOOD "[Deny]\nPath=1c.0/00.0\n", 5, 6, E, "[Deny NAME]"},
    {GOOD "[Deny ]\nPath=1c.0/00.0\n", 5, 7, E, "no name"},
    {GOOD "[Deny  d]\nPath=1c.0/00.0\n", 5, 7, E, "one space"},
    {GOOD "[Deny\td]\nPath=1c.0/00.0\n", 5, 6, E, "one space"},
    {GOOD "[Deny d e]\nPath=1c.0/00.0\n", 5, 8, E, "letters, digits"},
    {GOOD "[Deny d/e]\nPath=1c.0/00.0\n", 5, 8, E, "letters, digits"},
    {GOOD "[Deny \"d\"]\nPath=1c.0/00.0\n", 5, 7, E, "letters, digits"},
    {GOOD "[Deny caf\xc3\xa9]\nPath=1c.0/00.0\n", 5, 10, E, "letters, digits"},
    {GOOD "[Deny .d]\nPath=1c.0/00.0\n", 5, 7, E, "start with '.'"},
    {GOOD "[Deny -d]\nPath=1c.0/00.0\n", 5, 7, E, "start with '-'"},
    {GOOD "[Deny "
          "a123456789a123456789a123456789a123456789a123456789a123456789a1234]\n"
          "Path=1c.0/00.0\n",
     5, 71, E, "at most 64"},
    {GOOD "[deny d]\nPath=1c.0/00.0\n", 5, 2, E, "did you mean 'Deny'"},
    {GOOD "[Devcie d]\nPath=1c.0/00.0\n", 5, 2, E, "did you mean 'Device'"},
    {GOOD "[Network d]\nPath=1c.0/00.0\n", 5, 2, E, "unknown section 'Network': expected"},
    {GOOD "[Pool d]\nId=8086:1889\n", 5, 2, E, "[Pool] is not supported yet"},
    {GOOD "[Device b]\nPath=02.0/00.0\nAllowUser=b\nId=1:2\n", 8, 5, E, "is not an id"},
    {DENY DENY, 3, 1, E, "[Deny d] is already at a.conf:1"},
    /* Keys. */
    {GOOD "Alow User=bob\n", 5, 1, E, "did you mean 'AllowUser'"},
    {GOOD "functions=all\n", 5, 1, E, "did you mean 'Functions'"},
    {GOOD "AllowUser+=bob\n", 5, 1, E, "did you mean 'AllowUser'"},
    {GOOD "AllowUnits=a.service\n", 5, 1, E, "did you mean 'AllowUnit'"},
    {GOOD "VirtualFunctionsOf=01.1/00.0\n", 5, 1, E, "'VirtualFunctionOf' (not supported yet)"},
    {GOOD "VirtualFunctionOf=01.1/00.0\n", 5, 1, E, "VirtualFunctionOf is not supported yet"},
    {GOOD "Colour=red\n", 5, 1, E, "unknown key 'Colour'"},
    {GOOD "AVeryLongKeyThatIsNearToNoneOfOursAndGoesOnAndOnAndOn=1\n", 5, 1, E, "…'"},
    {GOOD "AllowUser=bob\n", 5, 1, E, "AllowUser is already on line 4"},
    {GOOD "Path=01.1/00.0\n", 5, 1, E, "Path is already on line 2"},
    {DENY "Functions=all\n", 3, 1, E, "[Deny] may not have Functions"},
    {DENY "AllowUser=alice\n", 3, 1, E, "[Deny] may not have AllowUser"},
    {DENY "AllowGroup=kvm\n", 3, 1, E, "[Deny] may not have AllowGroup"},
    {"[Deny d]\nPaht=1c.0/00.0\n", 2, 1, E, "did you mean 'Path'"},
    {"[Deny d]\nVirtualFunctionOf=01.0\n", 2, 1, E, "VirtualFunctionOf is not supported yet"},
    {GOOD "Description=\n", 5, 13, E, "Description has no value"},
    {GOOD "AllowGroup= \n", 5, 12, E, "AllowGroup has no value"},
    {"[Deny d]\nPath=\n", 2, 6, E, "Path has no value"},
    /* Whole sections. */
    {"[Deny d]\n", 1, 1, E, "needs Path, Id, Subsystem, Class, Serial or Address"},
    {GOOD "\n[Deny e]\nDescription=x\n\n" DENY, 6, 1, E,
     "needs Path, Id, Subsystem, Class, Serial or Address"},
    {"[Device d]\nId=10de:2230\nAllowUser=bob\n", 1, 1, E, "Id alone says what"},
    {"[Device d]\nPath=01.0\nAllowUser=bob\n", 1, 1, W, "identity is not pinned"},
    {"[Device d]\nPath=01.0\nId=10de:2230\n", 1, 1, N, "only root"},
    {GOOD "Functions=all\n", 3, 1, W, "one Id with Functions=all"},
    {"[Device d]\nPath=01.0\nId=10de:2230 10de:1aef\nAllowUser=b\n", 3, 1, W, "several Ids"},
    {"[Device d]\nPath=01.0/00.0/vf1\nId=8086:1889 8086:188a\nAllowUser=b\nFunctions=all\n", 5, 1,
     E, "virtual function"},
    {GOOD "[Device b]\nPath=0000:00:01.1/00.0\nId=10de:2230\nAllowUser=bob\n", 6, 6, E,
     "[Device a] at a.conf:1 has the same Path"},
    {GOOD "[Device b]\nPath=01.1/00.1\nId=10de:2230 10de:1aef\nAllowUser=bob\nFunctions=all\n", 6,
     6, W, "[Device a] at a.conf:1 is of the same slot"},
};

static void parse_row(const Row *row, const PcaPolicyFile *file) {
    g_autoptr(GPtrArray) diagnostics = pca_diagnostics_new();
    g_autoptr(PcaPolicy) policy = pca_policy_parse(file, 1, diagnostics);
    g_autofree char *all = format_all(diagnostics);
    ck_assert_msg(diagnostics->len == 1, "expected one line on\n%s\ngot:\n%s", file->text, all);
    const PcaDiagnostic *d = g_ptr_array_index(diagnostics, 0);
    ck_assert_msg(d->line == row->line && d->column == row->column &&
                      d->severity == row->severity && strstr(d->text, row->says),
                  "expected %u:%u '%s', got: %s", row->line, row->column, row->says, all);
    ck_assert_str_eq(d->file, "a.conf");
    ck_assert_int_eq(policy == NULL, row->severity == E);
}

START_TEST(malformed) {
    const Row *row = &rows[_i];
    PcaPolicyFile file = {.name = "a.conf", .text = row->text, .length = strlen(row->text)};
    parse_row(row, &file);
}
END_TEST

/* A value, in a section that has all else it needs; the column counts from the value. */
static const struct {
    const char *key, *value;
    guint column;
    const char *says;
} values[] = {
    {"Path", "01:00.0", 1, "an address, not a path"},
    {"Path", "0000:01:", 9, "two hex digits of a device, found the end"},
    {"Path", "000:01:00.0", 4, "four to eight hex digits"},
    {"Path", "000000000:01:00.0", 9, "':'"},
    {"Path", "0000:1:00.0", 7, "root bus"},
    {"Path", "0000:001:00.0", 8, "':'"},
    {"Path", "0000:01/00.0", 8, "':'"},
    {"Path", "gpu", 1, "two hex digits of a device, found 'g'"},
    {"Path", "1.0", 2, "two hex digits of a device"},
    {"Path", "01", 3, "'.'"},
    {"Path", "001.0", 3, "'.'"},
    {"Path", "20.0", 1, "a device from 00 to 1f"},
    {"Path", "01.8", 4, "a function from 0 to 7"},
    {"Path", "01.", 4, "a function from 0 to 7"},
    {"Path", "01.0/", 6, "two hex digits"},
    {"Path", "/01.0", 1, "two hex digits"},
    {"Path", "01.0//00.0", 6, "two hex digits"},
    {"Path", "01.0\\00.0", 5, "'/'"},
    {"Path", "01.00/00.0", 5, "'/'"},
    {"Path", "01.0 02.0", 5, "'/', found ' '"},
    {"Path", "01.0\xc3\xa9", 5, "found '\xc3\xa9'"},
    {"Path", "vf1", 1, "two hex digits"},
    {"Path", "01.0/vf", 8, "virtual function"},
    {"Path", "01.0/vf01", 8, "virtual function"},
    {"Path", "01.0/vf65536", 8, "virtual function"},
    {"Path", "01.0/vf99999999999999999999", 8, "virtual function"},
    {"Path", "01.0/vf1/00.0", 9, "the end of the line"},
    {"Path", "01.0/vfx", 8, "virtual function"},
    {"Path", "\"01.0\"", 1, "two hex digits"},
    {"Id", "10de", 5, "four hex digits each"},
    {"Id", "10de:", 6, "four hex digits each"},
    {"Id", "10de:223", 9, "four hex digits each"},
    {"Id", "10de:22300", 10, "four hex digits each"},
    {"Id", "0x10de:2230", 2, "four hex digits each"},
    {"Id", "10de-2230", 5, "four hex digits each"},
    {"Id", "10dg:2230", 4, "four hex digits each"},
    {"Id", "10de:2230,10de:1aef", 10, "not by ','"},
    {"Id", "10de:2230 10DE:2230", 11, "twice"},
    {"Id", "10de:2230 x", 11, "'x' is not an id"},
    {"AllowUser", "alice\tbob", 6, "not by tabs"},
    {"Functions", "ALL", 1, "'ALL' is not a value of Functions"},
    {"Functions", "all one", 1, "expected 'one' or 'all'"},
    {"Functions", "0", 1, "expected 'one' or 'all'"},
    {"Functions", "one#", 1, "did you mean 'one'"},
    {"AllowUser", "0day", 1, "'0day' is not a user"},
    {"AllowUser", "0x0", 1, "'0x0' is not a user"},
    {"AllowUser", "-1", 1, "'-1' is not a user"},
    {"AllowUser", "+1", 1, "'+1' is not a user"},
    {"AllowUser", "4294967295", 1, "from 0 to 4294967294"},
    {"AllowUser", "4294967296", 1, "from 0 to 4294967294"},
    {"AllowUser", "18446744073709551616", 1, "from 0 to 4294967294"},
    {"AllowUser", "00", 1, "leading zeros"},
    {"AllowUser", "01000", 1, "leading zeros"},
    {"AllowUser", "1000k", 1, "'1000k' is not a user"},
    {"AllowUser", "-alice", 1, "'-alice' is not a user"},
    {"AllowUser", "ali:ce", 4, "names have letters"},
    {"AllowUser", "al$ce", 3, "names have letters"},
    {"AllowUser", "$", 1, "names have letters"},
    {"AllowUser", "*", 1, "names have letters"},
    {"AllowUser", "al\xc3\xa9", 3, "names have letters"},
    {"AllowUser", "alice,bob", 6, "not by ','"},
    {"AllowUser", "alice;bob", 6, "not by ';'"},
    {"AllowUser", "alice bob alice", 11, "twice"},
    {"AllowUser", "alice  bob", 7, "single spaces"},
    {"AllowGroup", "0day", 1, "'0day' is not a group"},
    {"AllowGroup", "@kvm", 1, "'@kvm' is not a group"},
    {"AllowGroup", "7 8 7", 5, "twice"},
};

static void append_unless(GString *text, const char *key, const char *other, const char *value) {
    if (!g_str_equal(key, other))
        g_string_append_printf(text, "%s=%s\n", other, value);
}

START_TEST(bad_value) {
    const char *key = values[_i].key;
    g_autoptr(GString) text = g_string_new("[Device a]\n");
    g_string_append_printf(text, "%s=%s\n", key, values[_i].value);
    append_unless(text, key, "Path", "01.1/00.0");
    append_unless(text, key, "Id", "10de:2230");
    append_unless(text, key, "AllowUser", "zoe");
    guint column = (guint)strlen(key) + 1 + values[_i].column;
    Row row = {text->str, 2, column, E, values[_i].says};
    PcaPolicyFile file = {.name = "a.conf", .text = text->str, .length = text->len};
    parse_row(&row, &file);
}
END_TEST

START_TEST(nul_byte) {
    static const char text[] = GOOD "Description=a\0b\n" DENY;
    Row row = {text, 5, 14, E, "NUL"};
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = sizeof text - 1};
    parse_row(&row, &file);
}
END_TEST

START_TEST(vendor_grants_nothing) {
    static const char text[] = DENY GOOD;
    Row row = {text, 3, 2, E, "a package may deny, but not grant"};
    PcaPolicyFile file = {
        .name = "a.conf", .text = text, .length = strlen(text), .is_vendor = TRUE};
    parse_row(&row, &file);
}
END_TEST

/* The longest line that is read, and one byte more. */
START_TEST(line_length) {
    g_autofree char *most = g_strnfill(4096, '#');
    g_autofree char *text = g_strdup_printf("%s\n" GOOD, most);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    g_autofree char *more = g_strdup_printf("#%s", text);
    Row row = {more, 1, 4097, E, "longer than 4096 bytes"};
    PcaPolicyFile file = {.name = "a.conf", .text = more, .length = strlen(more)};
    parse_row(&row, &file);
}
END_TEST

/* One huge line, of several beginnings. */
START_TEST(huge_line) {
    static const char *const beginnings[] = {"", "#", "[Device ", "Path=", "Id=10de:2230 ", "="};
    g_autofree char *fill = g_strnfill(1 << 20, 'a');
    g_autofree char *text = g_strdup_printf(GOOD "%s%s", beginnings[_i], fill);
    Row row = {text, 5, 4097, E, "longer than 4096 bytes"};
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = strlen(text)};
    parse_row(&row, &file);
}
END_TEST

void add_malformed(Suite *suite) {
    PCA_TABLE(suite, "malformed", malformed, rows);
    PCA_TABLE(suite, "bad values", bad_value, values);
    TCase *rest = tcase_create("malformed, the rest");
    tcase_add_test(rest, nul_byte);
    tcase_add_test(rest, vendor_grants_nothing);
    tcase_add_test(rest, line_length);
    tcase_add_loop_test(rest, huge_line, 0, 6);
    suite_add_tcase(suite, rest);
}

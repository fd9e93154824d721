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

/* Each has this one diagnostic only. */
static const Complaint rows[] = {
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
    {DENY "AllowUnit=a.service\n", 3, 1, E, "[Deny] may not have AllowUnit"},
    {DENY "RequireUnit=a.service\n", 3, 1, E, "[Deny] may not have RequireUnit"},
    {DENY "RequireLabel=x\n", 3, 1, E, "[Deny] may not have RequireLabel"},
    {DENY "Authorize=polkit\n", 3, 1, E, "[Deny] may not have Authorize"},
    {DENY "PerUser=1\n", 3, 1, E, "[Deny] may not have PerUser"},
    {DENY "MaxMemory=1G\n", 3, 1, E, "[Deny] may not have MaxMemory"},
    {DENY "Reset=flr\n", 3, 1, E, "[Deny] may not have Reset"},
    {DENY "Driver=auto\n", 3, 1, E, "[Deny] may not have Driver"},
    {DENY "OnRelease=host\n", 3, 1, E, "[Deny] may not have OnRelease"},
    {DENY "Siblings=stub\n", 3, 1, E, "[Deny] may not have Siblings"},
    {DENY "AllowInUse=sound\n", 3, 1, E, "[Deny] may not have AllowInUse"},
    {DENY "SysfsFiles=yes\n", 3, 1, E, "[Deny] may not have SysfsFiles"},
    {DENY "Reserve=no\n", 3, 1, E, "[Deny] may not have Reserve"},
    {GOOD "alowunit=a.service\n", 5, 1, E, "did you mean 'AllowUnit'"},
    {GOOD "RequreLabel=a\n", 5, 1, E, "did you mean 'RequireLabel'"},
    {GOOD "Authorise=polkit\n", 5, 1, E, "did you mean 'Authorize'"},
    {GOOD "MaxMemry=1G\n", 5, 1, E, "did you mean 'MaxMemory'"},
    {GOOD "SysfsFile=no\n", 5, 1, E, "did you mean 'SysfsFiles'"},
    {GOOD "AllowUnit=a.service\nAllowUnit=b.service\n", 6, 1, E, "already on line 5"},
    {GOOD "AllowUnit=\n", 5, 11, E, "AllowUnit has no value"},
    {GOOD "Reserve=boot\n", 5, 9, E, "Reserve=boot is not supported yet"},
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
    {"[Device d]\nAddress=01:00.0\nAllowUser=bob\n", 1, 1, E, "Address alone"},
    {"[Device d]\nClass=03\nAllowUser=bob\n", 1, 1, E, "matches nothing"},
    {"[Deny d]\nAddress=01:00.0\n", 2, 1, W, "may be another device's"},
    {"[Deny d]\nClass=02\nAddress=01:00.0\n", 3, 1, W, "may be another device's"},
    {GOOD "Subsystem=1028:0001 1028:0002\n", 5, 1, W, "several Subsystems"},
    {"[Device d]\nPath=01.0\nId=10de:2230\nAuthorize=polkit\n", 4, 1, W,
     "Authorize narrows what AllowUser"},
    {"[Device d]\nPath=01.0\nId=10de:2230\nRequireLabel=x\nRequireUnit=a.service\n", 5, 1, W,
     "RequireUnit narrows"},
    {"[Device d]\nPath=01.0\nId=10de:2230\nRequireLabel=x\n", 4, 1, W, "RequireLabel narrows"},
    {"[Device d]\nPath=01.0\nId=10de:2230\nAuthorize=none\n", 1, 1, N, "only root"},
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

START_TEST(malformed) {
    const Complaint *row = &rows[_i];
    PcaPolicyFile file = {.name = "a.conf", .text = row->text, .length = strlen(row->text)};
    expect_complaint(row, &file);
}
END_TEST

START_TEST(nul_byte) {
    static const char text[] = GOOD "Description=a\0b\n" DENY;
    Complaint row = {text, 5, 14, E, "NUL"};
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = sizeof text - 1};
    expect_complaint(&row, &file);
}
END_TEST

START_TEST(vendor_grants_nothing) {
    static const char text[] = DENY GOOD;
    Complaint row = {text, 3, 2, E, "a package may deny, but not grant"};
    PcaPolicyFile file = {
        .name = "a.conf", .text = text, .length = strlen(text), .is_vendor = TRUE};
    expect_complaint(&row, &file);
}
END_TEST

/* The longest line that is read, and one byte more. */
START_TEST(line_length) {
    g_autofree char *most = g_strnfill(4096, '#');
    g_autofree char *text = g_strdup_printf("%s\n" GOOD, most);
    g_autoptr(PcaPolicy) policy = parse_good(text);
    g_autofree char *more = g_strdup_printf("#%s", text);
    Complaint row = {more, 1, 4097, E, "longer than 4096 bytes"};
    PcaPolicyFile file = {.name = "a.conf", .text = more, .length = strlen(more)};
    expect_complaint(&row, &file);
}
END_TEST

/* One huge line, of several beginnings. */
START_TEST(huge_line) {
    static const char *const beginnings[] = {"", "#", "[Device ", "Path=", "Id=10de:2230 ", "="};
    g_autofree char *fill = g_strnfill(1 << 20, 'a');
    g_autofree char *text = g_strdup_printf(GOOD "%s%s", beginnings[_i], fill);
    Complaint row = {text, 5, 4097, E, "longer than 4096 bytes"};
    PcaPolicyFile file = {.name = "a.conf", .text = text, .length = strlen(text)};
    expect_complaint(&row, &file);
}
END_TEST

void add_malformed(Suite *suite) {
    PCA_TABLE(suite, "malformed", malformed, rows);
    TCase *rest = tcase_create("malformed, the rest");
    tcase_add_test(rest, nul_byte);
    tcase_add_test(rest, vendor_grants_nothing);
    tcase_add_test(rest, line_length);
    tcase_add_loop_test(rest, huge_line, 0, 6);
    suite_add_tcase(suite, rest);
}

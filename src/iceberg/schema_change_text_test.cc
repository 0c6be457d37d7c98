// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_change_text.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace firn::iceberg {
namespace {

// What was read, or else what is wrong.
template <typename Change>
std::string Text(const Result<Change>& change,
                 const std::function<std::string(const Change&)>& show) {
  return change.ok() ? show(*change) : std::string(change.status().message());
}
std::string Add(std::string_view text) {
  return Text<AddColumn>(ParseAddColumn(text), [](const AddColumn& add) {
    return "[" + add.parent + "] [" + add.name + "] " + add.type.ToString() +
           (add.required ? " required" : "") +
           (add.doc.empty() ? "" : " '" + add.doc + "'");
  });
}
std::string Drop(std::string_view text) {
  return Text<DropColumn>(ParseDropColumn(text),
                          [](const DropColumn& drop) { return drop.path; });
}
std::string Rename(std::string_view text) {
  return Text<RenameColumn>(ParseRenameColumn(text), [](const RenameColumn& rename) {
    return rename.path + " to " + rename.name;
  });
}
std::string Widen(std::string_view text) {
  return Text<WidenType>(ParseWidenType(text), [](const WidenType& widen) {
    return widen.path + " to " + ToString(widen.type);
  });
}
std::string Move(std::string_view text) {
  return Text<MoveColumn>(ParseMoveColumn(text), [](const MoveColumn& move) {
    constexpr const char* kPlaces[] = {" first", " before ", " after "};
    return move.path + kPlaces[static_cast<int>(move.place)] + move.sibling;
  });
}
std::string Doc(std::string_view text) {
  return Text<SetDoc>(ParseSetDoc(text),
                      [](const SetDoc& doc) { return doc.path + ": " + doc.doc; });
}

TEST(SchemaChangeText, AColumnToAddIsAPathAndAType) {
  EXPECT_EQ(Add("zone string"), "[] [zone] string");
  EXPECT_EQ(Add("host.zone: text not null 'where'"),
            "[host] [zone] string required 'where'");
  EXPECT_EQ(Add("points.element.x decimal(9, 2)"), "[points.element] [x] decimal(9, 2)");
  EXPECT_EQ(Add("\"http.code\" int"), "[] [http.code] int");
  EXPECT_EQ(Add("host.\"the zone\" int"), "[host] [the zone] int");
  EXPECT_EQ(Add("\"the host\".zone int"), "[the host] [zone] int");
  EXPECT_EQ(Add("a.\"b.c\".d.e int"), "[a.b.c.d] [e] int");
  EXPECT_EQ(Add("tags map<string, int>"), "[] [tags] map<string, int>");
  EXPECT_EQ(Add(""), "character 1: expected a column, found the end");
  EXPECT_EQ(Add("zone"), "character 5: expected a type, found the end");
  EXPECT_EQ(Add("zone strin"), "character 6: there is no type strin; is string meant?");
  EXPECT_EQ(Add("zone string, b int"), "character 12: expected the end, found ','");
  EXPECT_EQ(Add("host..zone int"), "character 1: a name is empty");
  EXPECT_EQ(Add(".zone int"), "character 1: a name is empty");
  EXPECT_EQ(Add("host. , int"), "character 7: expected a column, found ','");
}

TEST(SchemaChangeText, OtherChangesNameTheirColumnFirst) {
  EXPECT_EQ(Drop(" host.zone "), "host.zone");
  EXPECT_EQ(Drop("the zone"), "character 5: expected the end, found 'zone'");
  EXPECT_EQ(Drop("\"the zone\""), "the zone");
  EXPECT_EQ(ParseMakeOptional("labels.value")->path, "labels.value");
  EXPECT_EQ(Rename("host.zone=rack"), "host.zone to rack");
  EXPECT_EQ(Rename("host.zone = host.rack"), "host.zone to rack");
  EXPECT_EQ(Rename("code=\"http.code\""), "code to http.code");
  EXPECT_EQ(Rename("zone=host.zone"),
            "character 6: a column stays where it is: give the new name alone, between "
            "double quotes where it has a dot");
  EXPECT_EQ(Rename("zone rack"), "character 6: expected '=', found 'rack'");
  EXPECT_EQ(Rename("zone="), "character 6: expected a column, found the end");
  EXPECT_EQ(Widen("point.x double"), "point.x to double");
  EXPECT_EQ(Widen("n bigint"), "n to long");
  EXPECT_EQ(Widen("n"), "character 2: expected a type, found the end");
  EXPECT_EQ(Widen("n list<int>"),
            "character 3: only primitive types widen: of others name the field");
  EXPECT_EQ(Doc("zone=a=b, 'c'"), "zone: a=b, 'c'");
  EXPECT_EQ(Doc("zone="), "zone: ");
  EXPECT_EQ(Doc("zone a"), "character 6: expected '=', found 'a'");
}

// JSON takes nothing else, so that two such names could become one.
TEST(SchemaChangeText, NamesAndDocsAreUtf8) {
  const std::string why = R"( is not UTF-8: names and texts of a table are)";
  EXPECT_EQ(Add("\"caf\xc3\xa9\" string 'd\xc3\xa9j\xc3\xa0'"),
            "[] [caf\xc3\xa9] string 'd\xc3\xa9j\xc3\xa0'");
  EXPECT_EQ(Add("\"c\xff\" string"), R"(character 3: the byte "\xff")" + why);
  EXPECT_EQ(Add("c\xff string"), R"(character 2: the byte "\xff")" + why);
  EXPECT_EQ(Add("s struct<a int, \xc3 int>"), R"(character 17: the byte "\xc3")" + why);
  EXPECT_EQ(Add("c string '\xc3('"), R"(character 11: the byte "\xc3")" + why);
  EXPECT_EQ(Rename("c=\x80"), R"(character 3: the byte "\x80")" + why);
  EXPECT_EQ(Doc("c=a\xff"), R"(character 4: the byte "\xff")" + why);
}

TEST(SchemaChangeText, AColumnMovesAmongThoseBesideIt) {
  EXPECT_EQ(Move("zone first"), "zone first");
  EXPECT_EQ(Move("zone before name"), "zone before name");
  EXPECT_EQ(Move("host.zone AFTER name"), "host.zone after name");
  EXPECT_EQ(Move("host.zone after host.name"), "host.zone after name");
  EXPECT_EQ(Move("zone after \"first\""), "zone after first");
  EXPECT_EQ(Move("zone"), "character 5: expected first, before or after, found the end");
  EXPECT_EQ(Move("zone after"), "character 11: expected a column, found the end");
  EXPECT_EQ(Move("zone first b"), "character 12: expected the end, found 'b'");
}

}  // namespace
}  // namespace firn::iceberg

// What clients learn of the API: discovery, OpenAPI, the version.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "apis/server/discovery.h"
#include "apis/server/openapi_document.h"
#include "apis/server/openapi_proto.h"
#include "apis/server/resources.h"
#include "specs/schema/openapi.h"
#include "specs/schema/type.h"
#include "test/unit/apis/peer.h"
#include "test/unit/apis/served.h"

namespace zoe::server {
namespace {

using codec::Value;
using schema::Type;

Value Parsed(const std::string& text) {
  auto value = codec::ParseJson(text, {.bytes = 8 << 20, .nodes = 1'000'000});
  EXPECT_TRUE(value.ok()) << text.substr(0, 200);
  return value.ok() ? *value : Value();
}

class Discovery : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(served_.server->Start().ok()); }

  Answer Get(const std::string& path, const std::string& headers = {}) {
    return Peer(served_.port()).Call("GET", path, {}, headers);
  }
  Value Json(const std::string& path) {
    const Answer answer = Get(path);
    EXPECT_EQ(answer.status, 200) << path;
    return Parsed(answer.body);
  }
  // "v1", "zoe/v1", ...
  std::vector<std::string> GroupVersions() {
    std::vector<std::string> all;
    const Value core = Json("/api"), groups = Json("/apis");
    for (const Value& version : core.Find("versions")->as_array())
      all.push_back(version.as_string());
    for (const Value& group : groups.Find("groups")->as_array()) {
      for (const Value& version : group.Find("versions")->as_array())
        all.push_back(version.StringAt("groupVersion"));
    }
    return all;
  }
  static std::string Base(const std::string& group_version) {
    return (group_version == "v1" ? "/api/" : "/apis/") + group_version;
  }

  Served served_;
};

// The path of a resource ("pods", "pods/log"), of an object in it if `name` is not empty.
std::string PathOf(const std::string& base, const Value& resource, const std::string& name) {
  const std::string full = resource.StringAt("name");
  const size_t slash = std::min(full.find('/'), full.size());
  std::string path = base +
                     (*resource.Find("namespaced") == Value(true) ? "/namespaces/alice" : "") +
                     "/" + full.substr(0, slash);
  if (!name.empty()) path += "/" + name;
  return path + full.substr(slash);
}

TEST_F(Discovery, ListsOnlyWhatAnswers) {
  size_t verbs = 0;
  for (const std::string& version : GroupVersions()) {
    const Value list = Json(Base(version));
    for (const Value& resource : list.Find("resources")->as_array()) {
      const bool below = resource.StringAt("name").find('/') != std::string::npos;
      const std::string collection = PathOf(Base(version), resource, below ? "none" : ""),
                        object = PathOf(Base(version), resource, "none");
      for (const Value& verb : resource.Find("verbs")->as_array()) {
        const std::string& word = verb.as_string();
        const bool all =
            word == "list" || word == "watch" || word == "create" || word == "deletecollection";
        const std::string method = word == "create"             ? "POST"
                                   : word == "update"           ? "PUT"
                                   : word == "patch"            ? "PATCH"
                                   : word.starts_with("delete") ? "DELETE"
                                                                : "GET";
        const std::string path =
            (all ? collection : object) + (word == "watch" ? "?watch=1" : "?dryRun=All");
        Peer peer(served_.port());
        Answer answer;
        if (word == "watch") {
          peer.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
          answer = peer.ReadHead();
        } else {
          answer =
              peer.Call(method, path, method == "GET" ? "" : "{}",
                        method == "PATCH" ? "Content-Type: application/merge-patch+json\r\n" : "");
        }
        const std::string what = method + " " + path + ": " + answer.body;
        EXPECT_NE(answer.status, 0) << what;
        EXPECT_NE(answer.status, 405) << what;
        EXPECT_NE(answer.status, 501) << what;
        EXPECT_EQ(answer.body.find("could not find the requested resource"), std::string::npos)
            << what;
        ++verbs;
      }
    }
  }
  EXPECT_GT(verbs, 60u);
}

TEST_F(Discovery, SaysTheSameAggregated) {
  for (const char* version : {"v2", "v2beta1"}) {
    std::set<std::string> plain, aggregated;
    for (const std::string& group_version : GroupVersions()) {
      const Value list = Json(Base(group_version));
      for (const Value& resource : list.Find("resources")->as_array())
        plain.insert(group_version + " " + resource.StringAt("name") + " " +
                     codec::ToJson(*resource.Find("verbs")));
    }
    const std::string media = std::string("application/json;g=apidiscovery.k8s.io;v=") + version +
                              ";as=APIGroupDiscoveryList";
    for (const char* path : {"/api", "/apis"}) {
      const Answer answer = Get(path, "Accept: " + media + ",application/json\r\n");
      EXPECT_EQ(answer.headers.at("content-type"), media);
      const Value list = Parsed(answer.body);
      EXPECT_EQ(list.StringAt("apiVersion"), std::string("apidiscovery.k8s.io/") + version);
      for (const Value& group : list.Find("items")->as_array()) {
        const std::string name = group.StringAt("metadata.name");
        for (const Value& of : group.Find("versions")->as_array()) {
          const std::string before = GroupVersion(name, of.StringAt("version")) + " ";
          for (const Value& resource : of.Find("resources")->as_array()) {
            const std::string plural = resource.StringAt("resource");
            aggregated.insert(before + plural + " " + codec::ToJson(*resource.Find("verbs")));
            const Value* below = resource.Find("subresources");
            if (below == nullptr) continue;
            for (const Value& sub : below->as_array())
              aggregated.insert(before + plural + "/" + sub.StringAt("subresource") + " " +
                                codec::ToJson(*sub.Find("verbs")));
          }
        }
      }
    }
    EXPECT_EQ(plain, aggregated);
  }
}

TEST_F(Discovery, GivesWhatIsAskedForOrSaysThatItCant) {
  const std::string v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const std::string beta =
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += "a/b;c,";
  const struct {
    std::string path, accept;
    int status;
    std::string type;
  } rows[] = {
      {"/apis", "application/json", 200, "application/json"},
      {"/apis", "*/*", 200, "application/json"},
      {"/apis", "application/*", 200, "application/json"},
      {"/apis", v2 + "," + beta + ",application/json", 200, v2},
      {"/apis", beta + "," + v2, 200, beta},
      {"/apis", "application/json," + v2, 200, "application/json"},
      {"/apis", "application/json; as=APIGroupDiscoveryList ;v=v2; g=apidiscovery.k8s.io;q=0.9",
       200, v2},
      {"/apis", "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList", 406, ""},
      {"/apis",
       "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json", 200,
       "application/json"},
      {"/apis/zoe/v1", v2, 406, ""},
      {"/apis/zoe/v1", "application/vnd.kubernetes.protobuf", 406, ""},
      {"/apis/zoe/v1", "application/vnd.kubernetes.protobuf,application/json", 200,
       "application/json"},
      {"/apis/zoe/v1", "application/yaml", 200, "application/yaml"},
      {"/apis", many + "application/json", 200, "application/json"},
      {"/apis", many, 406, ""},
      {"/apis", ";;;,,,===", 406, ""},
      {"/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", 200,
       "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"},
      {"/openapi/v2", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf,*/*", 200,
       "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"},
      {"/openapi/v2", "*/*", 200, "application/json"},
      {"/openapi/v2", "text/html", 406, ""},
      {"/openapi/v3", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf", 406, ""},
  };
  for (const auto& row : rows) {
    const Answer answer = Get(row.path, "Accept: " + row.accept + "\r\n");
    EXPECT_EQ(answer.status, row.status) << row.path << " " << row.accept.substr(0, 200);
    if (row.status == 200) {
      EXPECT_EQ(answer.headers.at("content-type"), row.type);
    }
  }
}

TEST_F(Discovery, KnowsNoPathThatIsNotThere) {
  for (const char* path : {"/apis/apps", "/apis/zoe/v2", "/apis/authorization.k8s.io/v2",
                           "/openapi", "/openapi/v1", "/openapi/v3/apis/zoe/v2", "/openapi/v2/x",
                           "/api/v2", "/openapi/v3/x/y/z/a/b/c/d/e/f/g/h"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

TEST_F(Discovery, SendsADocumentOnceToWhoKeepsIt) {
  for (const char* path : {"/api", "/apis", "/apis/zoe/v1", "/openapi/v2", "/openapi/v3"}) {
    const Answer first = Get(path);
    ASSERT_EQ(first.status, 200);
    EXPECT_EQ(first.headers.at("vary"), "Accept");
    const std::string tag = first.headers.at("etag");
    const Answer again = Get(path, "If-None-Match: " + tag + "\r\n");
    EXPECT_EQ(again.status, 304) << path;
    EXPECT_EQ(again.headers.at("etag"), tag);
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(Get(path, "If-None-Match: \"other\"\r\n").status, 200);
  }
}

TEST_F(Discovery, GivesOpenApi3UnderItsHash) {
  const Value index = Json("/openapi/v3");
  std::set<std::string> paths;
  for (const codec::Member& member : index.Find("paths")->as_object()) {
    paths.insert(member.key);
    const std::string url = member.value.StringAt("serverRelativeURL");
    ASSERT_TRUE(url.starts_with("/openapi/v3/" + member.key + "?hash=")) << url;
    const Answer answer = Get(url);
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.headers.at("cache-control").find("immutable"), std::string::npos);
    EXPECT_EQ(Parsed(answer.body).StringAt("openapi"), "3.0.0");
    const Answer stale = Get("/openapi/v3/" + member.key + "?hash=0");
    EXPECT_EQ(stale.status, 301);
    EXPECT_EQ(stale.headers.at("location"), url);
  }
  for (const std::string& version : GroupVersions())
    EXPECT_TRUE(paths.contains(Base(version).substr(1))) << version;
}

TEST_F(Discovery, NamesAMinorOfKubernetesAndItself) {
  const Value version = Json("/version");
  for (const char* field : {"major", "minor", "gitVersion", "gitCommit", "gitTreeState",
                            "buildDate", "goVersion", "compiler", "platform"}) {
    ASSERT_NE(version.Find(field), nullptr) << field;
    EXPECT_TRUE(version.Find(field)->is_string()) << field;
  }
  EXPECT_EQ(version.StringAt("gitVersion"), "v1.32.0+zoe-0.1.0");
  EXPECT_EQ(version.StringAt("zoeVersion"), "0.1.0");
}

// Every document with the place of its schemas.
std::vector<std::pair<Value, std::string>> Documents() {
  std::vector<std::pair<Value, std::string>> all;
  all.emplace_back(OpenApi2Document(), "#/definitions/");
  for (const ServedGroup& group : ServedGroups()) {
    for (const std::string_view version : group.versions)
      all.emplace_back(OpenApi3Document(GroupPath(group.name, version)), "#/components/schemas/");
  }
  return all;
}

const Value& SchemasOf(const Value& document) {
  const Value* definitions = document.Find("definitions");
  return definitions != nullptr ? *definitions : *document.Find("components")->Find("schemas");
}

void EachObject(const Value& value, const std::function<void(const Value&)>& look) {
  if (value.is_array()) {
    for (const Value& item : value.as_array()) EachObject(item, look);
  } else if (value.is_object()) {
    look(value);
    for (const codec::Member& member : value.as_object()) EachObject(member.value, look);
  }
}

TEST(OpenApi, HasWhatEveryReferenceNamesAndNoTwoOperationsOfOneName) {
  for (const auto& [document, prefix] : Documents()) {
    const Value& schemas = SchemasOf(document);
    std::set<std::string> operations;
    size_t references = 0;
    EachObject(document, [&, &at = prefix](const Value& value) {
      if (const Value* reference = value.Find("$ref"); reference && reference->is_string()) {
        ASSERT_TRUE(reference->as_string().starts_with(at)) << reference->as_string();
        EXPECT_NE(schemas.Find(reference->as_string().substr(at.size())), nullptr)
            << reference->as_string();
        ++references;
      }
      if (const Value* id = value.Find("operationId"); id && id->is_string()) {
        EXPECT_TRUE(operations.insert(id->as_string()).second) << id->as_string();
      }
    });
    EXPECT_GT(references, 5u);
    EXPECT_FALSE(operations.empty());
  }
}

// Looks up what a schema leads to through references, lists and maps; nullptr: nothing.
const Value* Through(const Value* schema, const Value& schemas) {
  while (schema != nullptr) {
    const Value* next = schema->Find("items");
    if (next == nullptr) next = schema->Find("additionalProperties");
    if (const Value* all = schema->Find("allOf")) next = &all->as_array()[0];
    if (const Value* reference = schema->Find("$ref"))
      next = schemas.Find(reference->as_string().substr(reference->as_string().rfind('/') + 1));
    if (next == nullptr) return schema;
    schema = next;
  }
  return nullptr;
}

void ExpectFields(const Type& type, const Value* schema, const Value& schemas,
                  std::set<const Type*>& seen, size_t& fields) {
  if (!seen.insert(&type).second) return;
  ASSERT_NE(schema, nullptr) << type.name;
  const Value* properties = schema->Find("properties");
  ASSERT_NE(properties, nullptr) << type.name;
  for (const schema::Field& field : type.fields) {
    const Value* property = properties->Find(field.name);
    ASSERT_NE(property, nullptr) << type.name << "." << field.name;
    EXPECT_TRUE(property->StringAt("description").starts_with(field.doc)) << field.name;
    ++fields;
    const Type* inner = field.type;
    while (inner->element != nullptr) inner = inner->element;
    if (inner->shape != schema::Shape::kStruct) continue;
    const Value* below = Through(property, schemas);
    if (!inner->short_form.empty() && below == property) {  // in version 2 nothing is said of it
      for (const codec::Member& member : schemas.as_object()) {
        if (member.key.ends_with("." + std::string(inner->name))) below = &member.value;
      }
    }
    ExpectFields(*inner, below, schemas, seen, fields);
  }
}

TEST(OpenApi, HasEveryFieldOfEveryKindWithItsDocumentation) {
  const Value two = OpenApi2Document();
  for (const v1::Kind* kind : ServedKinds()) {
    const Value three = OpenApi3Document(GroupPath(kind->group, VersionOf(*kind)));
    for (const Value* document : {&two, &three}) {
      const Value& schemas = SchemasOf(*document);
      const Value* found = nullptr;
      for (const codec::Member& member : schemas.as_object()) {
        const Value* kinds = member.value.Find("x-kubernetes-group-version-kind");
        if (kinds == nullptr) continue;
        const Value& one = kinds->as_array().at(0);
        if (one.StringAt("kind") == kind->name && one.StringAt("group") == kind->group)
          found = &member.value;
      }
      std::set<const Type*> seen;
      size_t fields = 0;
      ExpectFields(*kind->type, found, schemas, seen, fields);
      EXPECT_GT(fields, 15u) << kind->name;
    }
  }
}

// What kubectl looks at to see what a PATCH takes.
TEST(OpenApi, SaysThatPatchesTakeDryRunAndFieldValidation) {
  for (const Value& document : {OpenApi2Document(), OpenApi3Document("apis/zoe/v1")}) {
    const Value* path =
        document.Find("paths")->Find("/apis/zoe/v1/namespaces/{namespace}/executions/{name}");
    ASSERT_NE(path, nullptr);
    const Value& patch = *path->Find("patch");
    std::set<std::string> names;
    for (const Value& parameter : patch.Find("parameters")->as_array())
      names.insert(parameter.StringAt("name"));
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation", "force"})
      EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_EQ(patch.StringAt("x-kubernetes-action"), "patch");
    const Value& of = *patch.Find("x-kubernetes-group-version-kind");
    EXPECT_EQ(of.StringAt("kind"), "Execution");
  }
}

// Fields of a message by number; fails the test where the bytes are none.
std::vector<std::pair<uint64_t, std::string_view>> Fields(std::string_view bytes) {
  std::vector<std::pair<uint64_t, std::string_view>> fields;
  const auto varint = [&bytes] {
    uint64_t number = 0;
    for (int shift = 0; !bytes.empty() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      bytes.remove_prefix(1);
      number |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return number;
  };
  while (!bytes.empty()) {
    const uint64_t tag = varint();
    size_t length = 0;
    if ((tag & 7) == 2) {
      length = varint();
    } else if ((tag & 7) == 1) {
      length = 8;
    } else {
      EXPECT_EQ(tag & 7, 0u);
      varint();
    }
    EXPECT_LE(length, bytes.size());
    if (length > bytes.size()) break;
    fields.emplace_back(tag >> 3, bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return fields;
}

std::string_view FieldAt(std::string_view bytes, std::initializer_list<uint64_t> numbers) {
  for (const uint64_t number : numbers) {
    std::string_view next;
    for (const auto& [n, value] : Fields(bytes)) {
      if (n == number && next.empty()) next = value;
    }
    bytes = next;
  }
  return bytes;
}

TEST(OpenApi, IsTheSameAsProtocolBuffers) {
  const Value document = OpenApi2Document();
  const std::string bytes = EncodeOpenApi2(document);
  EXPECT_EQ(FieldAt(bytes, {1}), "2.0");
  EXPECT_EQ(FieldAt(bytes, {2, 1}), "Zoe");
  const Value& definitions = *document.Find("definitions");
  size_t at = 0;
  for (const auto& [number, named] : Fields(FieldAt(bytes, {9}))) {
    ASSERT_EQ(number, 1u);
    ASSERT_LT(at, definitions.as_object().size());
    const codec::Member& member = definitions.as_object()[at++];
    EXPECT_EQ(FieldAt(named, {1}), member.key);
    EXPECT_EQ(FieldAt(named, {2, 4}), member.value.StringAt("description"));
    EXPECT_EQ(FieldAt(named, {2, 22, 1}), member.value.StringAt("type"));
    const Value* properties = member.value.Find("properties");
    const auto encoded = Fields(FieldAt(named, {2, 25}));
    ASSERT_EQ(encoded.size(), properties == nullptr ? 0 : properties->as_object().size());
    for (size_t i = 0; i < encoded.size(); ++i) {
      const codec::Member& property = properties->as_object()[i];
      EXPECT_EQ(FieldAt(encoded[i].second, {1}), property.key);
      EXPECT_EQ(FieldAt(encoded[i].second, {2, 1}), property.value.StringAt("$ref"));
    }
  }
  EXPECT_EQ(at, definitions.as_object().size());
  EXPECT_EQ(Fields(FieldAt(bytes, {8})).size(), document.Find("paths")->as_object().size());
}

}  // namespace
}  // namespace zoe::server

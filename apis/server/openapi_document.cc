#include "apis/server/openapi_document.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "apis/server/discovery.h"
#include "apis/server/openapi_types.h"
#include "apis/server/resources.h"
#include "apis/server/reviews.h"
#include "specs/schema/openapi.h"

namespace zoe::server {
namespace {

using codec::Array;
using codec::Value;
using schema::Dialect;

struct Parameter {
  std::string_view name, type, doc;
};
using Parameters = std::vector<Parameter>;

const Parameter kNamespace{"namespace", "string", "Namespace of the object."};
const Parameter kName{"name", "string", "Name of the object."};
const Parameter kPretty{"pretty", "boolean", "True: JSON with line breaks."};
const Parameter kDryRun{"dryRun", "string", "All: everything is checked, nothing changes."};
const Parameter kManager{"fieldManager", "string", "Who sets the fields: a name."};
const Parameter kValidation{
    "fieldValidation", "string",
    "What is done with unknown and duplicate fields: Strict (refused), Warn or Ignore."};
const Parameter kForce{"force", "boolean",
                       "Server-side apply: true takes over fields that others have set."};

const Parameters kSelect = {
    {"labelSelector", "string", "Only objects with these labels: a=b,c!=d."},
    {"fieldSelector", "string", "Only objects with these fields: status.phase=Running."},
    {"limit", "integer", "At most so many at once; metadata.continue leads on."},
    {"continue", "string", "Goes on where the list before ended."},
    {"resourceVersion", "string", "Revision that is asked for."},
    {"resourceVersionMatch", "string", "How it is meant: Exact or NotOlderThan."},
    {"timeoutSeconds", "integer", "Ends after so long."},
};
const Parameters kWatch = {
    {"watch", "boolean", "True: a stream of changes instead of a list."},
    {"allowWatchBookmarks", "boolean", "True: the stream also says how far it has come."},
    {"sendInitialEvents", "boolean", "True: the stream begins with what there is."},
};
const Parameters kDelete = {
    kDryRun,
    {"gracePeriodSeconds", "integer", "Seconds that it gets to end by itself."},
    {"orphanDependents", "boolean", "An older way to say propagationPolicy=Orphan."},
    {"propagationPolicy", "string",
     "What becomes of the objects that it owns: Background, Foreground or Orphan."},
};

// What a GET or POST of a subresource takes beside `pretty`.
struct Options {
  std::string_view kind, subresource;
  Parameters parameters;
};
const std::vector<Options>& SubresourceOptions() {
  static const Parameter container{"container", "string", "Name of the container."};
  static const Parameter command{"command", "string", "Program and arguments, repeated."};
  static const Parameters streams = {{"stdin", "boolean", "True: with standard input."},
                                     {"stdout", "boolean", "True: with standard output."},
                                     {"stderr", "boolean", "True: with standard error."},
                                     {"tty", "boolean", "True: on a terminal."}};
  static const Parameters log = {{"follow", "boolean", "True: goes on as lines come."},
                                 {"tailLines", "integer", "Only the last lines."},
                                 {"sinceSeconds", "integer", "Only lines younger than this."},
                                 {"timestamps", "boolean", "True: each line with its time."}};
  static const auto with = [](Parameters some, const Parameters& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  };
  static const std::vector<Options> table = {
      {"Execution", "log",
       with({{"service", "string", "Only this service."},
             {"replica", "integer", "Only this replica."}},
            log)},
      {"Pod", "log",
       with({container, {"previous", "boolean", "True: of the container before this one."}}, log)},
      {"Pod", "exec", with({container, command}, streams)},
      {"Pod", "attach", with({container}, streams)},
      {"Pod", "portforward", {{"ports", "integer", "Ports of the pod, repeated."}}},
      {"Workspace", "files", {{"mkdir", "boolean", "PUT: true makes the directories on the way."}}},
  };
  return table;
}

std::string Capitalized(std::string_view word) {
  std::string out(word);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

bool IsMeta(std::string_view name) {
  static constexpr std::string_view kMeta[] = {
      "Condition",      "DeleteOptions", "ListMeta", "ManagedFieldsEntry", "ObjectMeta",
      "OwnerReference", "Preconditions", "Status",   "StatusCause",        "StatusDetails"};
  return std::find(std::begin(kMeta), std::end(kMeta), name) != std::end(kMeta);
}

// Before the names of a group's schemas; Kubernetes' own are named as there.
std::string PrefixOf(std::string_view group, std::string_view version) {
  if (group == "zoe") return "zoe." + std::string(version) + ".";
  const std::string_view first = group.empty() ? "core" : group.substr(0, group.find('.'));
  return "io.k8s.api." + std::string(first) + "." + std::string(version) + ".";
}

constexpr std::string_view kMetaPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1.";

class Builder {
 public:
  explicit Builder(Dialect dialect)
      : dialect_(dialect),
        schemas_(
            dialect, [this](const schema::Type& type) { return NameOf(type); }, "zoe.v1.Scalar") {}

  void Add(const v1::Kind& kind);
  void Add(const ReviewKind& review);
  bool empty() const { return paths_.as_object().empty(); }
  Value Take();

 private:
  // Where a set of operations stands, and of what they are.
  struct Place {
    std::string_view group, version, kind;  // of what is sent and answered
    std::string schema;                     // its name; empty: plain text
    std::string id;                         // NamespacedExecutionStatus
    Parameters path;
  };
  struct Operation {
    std::string_view action, prefix, doc;  // "list", of operationId, for people
    Parameters query = {};
    std::string body = {}, answer = {};  // names of schemas; empty: none, and plain text
    std::vector<std::string_view> body_media = {"application/json", "application/yaml"};
    int status = 200;
  };

  std::string NameOf(const schema::Type& type) const;
  Value TypeMeta(std::string_view group, std::string_view version, std::string_view kind) const;
  Value ParameterValue(const Parameter& parameter, const char* in) const;
  Value OperationValue(const Place& place, const Operation& operation);
  Value ResponseValue(const Operation& operation) const;
  Value Content(const std::string& schema, const std::vector<std::string_view>& media) const;
  std::string DefineMeta(const schema::Type& type);
  std::string DefineList(const v1::Kind& kind, const std::string& item);
  std::string DefinePatch();
  void Put(const std::string& path, const char* method, const Place& place,
           const Operation& operation);
  void AddObjects(const v1::Kind& kind, const std::string& base, const Place& place);
  void AddSubresource(const v1::Kind& kind, const Subresource& subresource, const std::string& base,
                      Place place);

  const Dialect dialect_;
  std::string prefix_;  // of the schemas that are being defined
  schema::SchemaWriter schemas_;
  Value paths_ = codec::Object{};
};

std::string Builder::NameOf(const schema::Type& type) const {
  if (type.shape == schema::Shape::kQuantity)
    return "io.k8s.apimachinery.pkg.api.resource.Quantity";
  if (type.shape == schema::Shape::kTime) return std::string(kMetaPrefix) + "Time";
  return (IsMeta(type.name) ? std::string(kMetaPrefix) : prefix_) + std::string(type.name);
}

Value Builder::TypeMeta(std::string_view group, std::string_view version,
                        std::string_view kind) const {
  Value value;
  value.Set("group", std::string(group));
  value.Set("kind", std::string(kind));
  value.Set("version", std::string(version));
  return value;
}

std::string Builder::DefineMeta(const schema::Type& type) { return schemas_.Define(type); }

std::string Builder::DefineList(const v1::Kind& kind, const std::string& item) {
  const std::string name = item + "List";
  if (schemas_.Has(name)) return name;
  Value properties, text, items, schema;
  text.Set("type", "string");
  Value version = text, kind_name = text;
  version.Set("description", "Version of this format.");
  kind_name.Set("description", "Kind of object.");
  items.Set("type", "array");
  items.Set("description", "The objects.");
  items.Set("items", schemas_.Reference(item));
  properties.Set("apiVersion", std::move(version));
  properties.Set("items", std::move(items));
  properties.Set("kind", std::move(kind_name));
  properties.Set("metadata",
                 schemas_.Described(DefineMeta(ListMetaType()), "Where the list stands."));
  schema.Set("description", "A list of " + std::string(kind.plural) + ".");
  schema.Set("type", "object");
  schema.Set("required", Array{"items"});
  schema.Set("properties", std::move(properties));
  schema.Set("x-kubernetes-group-version-kind",
             Array{TypeMeta(kind.group, VersionOf(kind), std::string(kind.name) + "List")});
  schemas_.Define(name, std::move(schema));
  return name;
}

std::string Builder::DefinePatch() {
  std::string name = std::string(kMetaPrefix) + "Patch";
  if (!schemas_.Has(name)) {
    Value schema;
    schema.Set("description", "A change of an object, in the form that Content-Type says.");
    schema.Set("type", "object");
    schemas_.Define(name, std::move(schema));
  }
  return name;
}

Value Builder::ParameterValue(const Parameter& parameter, const char* in) const {
  Value value;
  value.Set("name", std::string(parameter.name));
  value.Set("in", in);
  value.Set("description", std::string(parameter.doc));
  const bool path = in == std::string_view("path");
  if (path) value.Set("required", true);
  if (dialect_ == Dialect::kOpenApi2) {
    value.Set("type", std::string(parameter.type));
    return value;
  }
  Value schema;
  schema.Set("type", std::string(parameter.type));
  value.Set("schema", std::move(schema));
  return value;
}

Value Builder::Content(const std::string& schema,
                       const std::vector<std::string_view>& media) const {
  Value content;
  for (const std::string_view type : media) {
    Value of_type;
    of_type.Set("schema", schemas_.Reference(schema));
    content.Set(type, std::move(of_type));
  }
  return content;
}

Value Builder::ResponseValue(const Operation& operation) const {
  Value response;
  response.Set("description", operation.status == 201 ? "Created" : "OK");
  if (dialect_ == Dialect::kOpenApi3) {
    Value text;
    if (operation.answer.empty()) {
      Value type, media;
      type.Set("type", "string");
      media.Set("schema", std::move(type));
      text.Set("text/plain", std::move(media));
    } else {
      text = Content(operation.answer, {"application/json", "application/yaml"});
    }
    response.Set("content", std::move(text));
  } else if (operation.answer.empty()) {
    Value type;
    type.Set("type", "string");
    response.Set("schema", std::move(type));
  } else {
    response.Set("schema", schemas_.Reference(operation.answer));
  }
  return response;
}

Value Builder::OperationValue(const Place& place, const Operation& operation) {
  Value value, responses;
  value.Set("description", std::string(operation.doc));
  value.Set("operationId", std::string(operation.prefix) + place.id);
  const std::string_view first = place.group.substr(0, place.group.find('.'));
  value.Set("tags", Array{std::string(place.group.empty() ? "core" : first) + "_" +
                          std::string(place.version)});
  Array parameters;
  for (const Parameter& parameter : operation.query)
    parameters.push_back(ParameterValue(parameter, "query"));
  const bool required = operation.action != "delete" && operation.action != "deletecollection";
  if (!operation.body.empty() && dialect_ == Dialect::kOpenApi3) {
    Value body;
    body.Set("content", Content(operation.body, operation.body_media));
    if (required) body.Set("required", true);
    value.Set("requestBody", std::move(body));
  } else if (!operation.body.empty()) {
    Value body;
    body.Set("name", "body");
    body.Set("in", "body");
    if (required) body.Set("required", true);
    body.Set("schema", schemas_.Reference(operation.body));
    parameters.push_back(std::move(body));
    Array consumes;
    for (const std::string_view media : operation.body_media)
      consumes.emplace_back(std::string(media));
    value.Set("consumes", std::move(consumes));
  }
  if (dialect_ == Dialect::kOpenApi2)
    value.Set("produces", operation.answer.empty() ? Array{"text/plain"}
                                                   : Array{"application/json", "application/yaml"});
  value.Set("parameters", std::move(parameters));
  responses.Set(std::to_string(operation.status), ResponseValue(operation));
  value.Set("responses", std::move(responses));
  value.Set("x-kubernetes-action", std::string(operation.action));
  value.Set("x-kubernetes-group-version-kind", TypeMeta(place.group, place.version, place.kind));
  return value;
}

void Builder::Put(const std::string& path, const char* method, const Place& place,
                  const Operation& operation) {
  if (paths_.Find(path) == nullptr) {
    Array parameters;
    for (const Parameter& parameter : place.path)
      parameters.push_back(ParameterValue(parameter, "path"));
    parameters.push_back(ParameterValue(kPretty, "query"));
    Value item;
    item.Set("parameters", std::move(parameters));
    paths_.Set(path, std::move(item));
  }
  paths_.Find(path)->Set(method, OperationValue(place, operation));
}

Parameters With(Parameters some, const Parameters& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

const std::vector<std::string_view> kPatches = {
    "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"};

// The collection at `base`, and its objects.
void Builder::AddObjects(const v1::Kind& kind, const std::string& base, const Place& place) {
  const std::string_view verbs = VerbsOf(kind);
  const std::string list = DefineList(kind, place.schema), object = place.schema,
                    status = DefineMeta(StatusType());
  const std::string options = DefineMeta(DeleteOptionsType());
  if (HasVerb(verbs, "list"))
    Put(base, "get", place,
        {"list", "list", "List or watch objects.", With(kSelect, kWatch), "", list});
  if (HasVerb(verbs, "create"))
    Put(base, "post", place,
        {.action = "post",
         .prefix = "create",
         .doc = "Create an object.",
         .query = {kDryRun, kManager, kValidation},
         .body = object,
         .answer = object,
         .status = 201});
  if (HasVerb(verbs, "deletecollection"))
    Put(base, "delete", place,
        {"deletecollection", "deleteCollection", "Delete all that are selected.",
         With(kDelete, kSelect), options, status});
  Place one = place;
  one.path.push_back(kName);
  const std::string path = base + "/{name}";
  if (HasVerb(verbs, "get"))
    Put(path, "get", one, {"get", "read", "Read an object.", {}, "", object});
  if (HasVerb(verbs, "update"))
    Put(path, "put", one,
        {"put", "replace", "Replace an object.", {kDryRun, kManager, kValidation}, object, object});
  if (HasVerb(verbs, "patch"))
    Put(path, "patch", one,
        {"patch",
         "patch",
         "Change an object, or apply it.",
         {kDryRun, kManager, kValidation, kForce},
         DefinePatch(),
         object,
         kPatches});
  if (HasVerb(verbs, "delete"))
    Put(path, "delete", one, {"delete", "delete", "Delete an object.", kDelete, options, status});
  for (const Subresource& subresource : SubresourcesOf(kind)) {
    if (subresource.listed) AddSubresource(kind, subresource, path, one);
  }
}

void Builder::AddSubresource(const v1::Kind& kind, const Subresource& subresource,
                             const std::string& base, Place place) {
  Parameters query;
  for (const Options& options : SubresourceOptions()) {
    if (options.kind == kind.name && options.subresource == subresource.name)
      query = options.parameters;
  }
  const bool object = subresource.name == "status" || !subresource.group.empty();
  const bool stream = !subresource.takes.empty() && subresource.group.empty();
  place.id += Capitalized(subresource.name);
  if (!subresource.takes.empty()) place.kind = subresource.takes;
  if (!subresource.group.empty()) {
    place.group = subresource.group;
    place.version = subresource.version;
    if (const schema::Type* type = OtherType(place.group, place.kind)) {
      const std::string before = std::exchange(prefix_, PrefixOf(place.group, place.version));
      place.schema = schemas_.Define(*type);
      prefix_ = before;
    }
  }
  const std::string answer = object ? place.schema : "";
  const Parameters write = object ? Parameters{kDryRun, kManager, kValidation} : query;
  std::string path = base + "/" + std::string(subresource.name);
  if (subresource.name == "files") {
    path += "/{path}";
    place.path.push_back({"path", "string", "Path in the workspace."});
  }
  const std::string_view verbs = subresource.verbs;
  if (HasVerb(verbs, "get"))
    Put(path, "get", place,
        {stream ? "connect" : "get", stream ? "connectGet" : "read",
         stream ? "Open a stream." : "Read it.", object ? Parameters{} : query, "", answer});
  if (HasVerb(verbs, "create"))
    Put(path, "post", place,
        {stream ? "connect" : "post", stream ? "connectPost" : "create",
         stream ? "Open a stream." : "Create one.", write, "", answer});
  if (HasVerb(verbs, "update"))
    Put(path, "put", place, {"put", "replace", "Replace it.", write, answer, answer});
  if (HasVerb(verbs, "patch"))
    Put(path, "patch", place,
        {"patch", "patch", "Change it.", With(write, {kForce}), DefinePatch(), answer, kPatches});
  if (HasVerb(verbs, "delete"))
    Put(path, "delete", place, {"delete", "delete", "Delete it.", {}, "", answer});
}

void Builder::Add(const v1::Kind& kind) {
  const std::string_view version = VersionOf(kind);
  prefix_ = PrefixOf(kind.group, version);
  const std::string name = schemas_.Define(*kind.type);
  schemas_.Find(name)->Set("x-kubernetes-group-version-kind",
                           Array{TypeMeta(kind.group, version, kind.name)});
  const std::string root = kind.group.empty() ? "/api/" : "/apis/" + std::string(kind.group) + "/";
  const std::string base = root + std::string(version);
  const std::string_view first = kind.group.substr(0, kind.group.find('.'));
  const std::string id = Capitalized(kind.group.empty() ? "core" : first) + Capitalized(version);
  Place place{kind.group, version, kind.name, name, id + std::string(kind.name), {}};
  const std::string plural = "/" + std::string(kind.plural);
  if (!kind.namespaced) return AddObjects(kind, base + plural, place);
  Place all = place;
  all.id += "ForAllNamespaces";
  Put(base + plural, "get", all,
      {"list", "list", "List or watch objects of all namespaces.", With(kSelect, kWatch), "",
       DefineList(kind, name)});
  place.id = id + "Namespaced" + std::string(kind.name);
  place.path = {kNamespace};
  AddObjects(kind, base + "/namespaces/{namespace}" + plural, place);
}

void Builder::Add(const ReviewKind& review) {
  const schema::Type* type = OtherType(review.group, review.kind);
  if (type == nullptr) return;
  prefix_ = PrefixOf(review.group, review.version);
  const std::string name = schemas_.Define(*type);
  schemas_.Find(name)->Set("x-kubernetes-group-version-kind",
                           Array{TypeMeta(review.group, review.version, review.kind)});
  const std::string_view first = review.group.substr(0, review.group.find('.'));
  Put("/apis/" + std::string(review.group) + "/" + std::string(review.version) + "/" +
          std::string(review.plural),
      "post",
      {review.group,
       review.version,
       review.kind,
       name,
       Capitalized(first) + Capitalized(review.version) + std::string(review.kind),
       {}},
      {.action = "post",
       .prefix = "create",
       .doc = "Ask, and be answered.",
       .query = {kDryRun, kManager, kValidation},
       .body = name,
       .answer = name,
       .status = 201});
}

Value Builder::Take() {
  Value info, document, security, scheme;
  info.Set("title", "Zoe");
  info.Set("version", "v1");
  scheme.Set("type", "apiKey");
  scheme.Set("name", "authorization");
  scheme.Set("in", "header");
  scheme.Set("description", "Bearer TOKEN, or HTTP Basic.");
  security.Set("Authorization", std::move(scheme));
  if (dialect_ == Dialect::kOpenApi2) {
    document.Set("swagger", "2.0");
    document.Set("info", std::move(info));
    document.Set("paths", std::move(paths_));
    document.Set("definitions", schemas_.Take());
    document.Set("securityDefinitions", std::move(security));
  } else {
    Value components;
    components.Set("schemas", schemas_.Take());
    components.Set("securitySchemes", std::move(security));
    document.Set("openapi", "3.0.0");
    document.Set("info", std::move(info));
    document.Set("paths", std::move(paths_));
    document.Set("components", std::move(components));
  }
  Value anything;
  anything.Set("Authorization", Array{});
  document.Set("security", Array{std::move(anything)});
  return document;
}

}  // namespace

Value OpenApi2Document() {
  Builder builder(Dialect::kOpenApi2);
  for (const v1::Kind* kind : ServedKinds()) builder.Add(*kind);
  for (const ReviewKind& review : ReviewKinds()) builder.Add(review);
  return builder.Take();
}

Value OpenApi3Document(std::string_view path) {
  Builder builder(Dialect::kOpenApi3);
  const auto is_at = [path](std::string_view group, std::string_view version) {
    return path == GroupPath(group, version);
  };
  for (const v1::Kind* kind : ServedKinds()) {
    if (is_at(kind->group, VersionOf(*kind))) builder.Add(*kind);
  }
  for (const ReviewKind& review : ReviewKinds()) {
    if (is_at(review.group, review.version)) builder.Add(review);
  }
  return builder.empty() ? Value() : builder.Take();
}

}  // namespace zoe::server

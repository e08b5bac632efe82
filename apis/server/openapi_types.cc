#include "apis/server/openapi_types.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/schema/meta.h"

namespace zoe::server {
namespace {

using Strings = std::vector<std::string>;

struct ListMeta {
  int64_t resource_version = 0;
  std::string continue_token;
  std::optional<int64_t> remaining;
};
struct StatusCause {
  std::string reason, message, field;
};
struct StatusDetails {
  std::string name, group, kind, uid;
  std::vector<StatusCause> causes;
  std::optional<int32_t> retry_after;
};
struct Status {
  ListMeta metadata;
  std::string status, message, reason;
  StatusDetails details;
  std::optional<int32_t> code;
};
struct Preconditions {
  std::optional<std::string> uid, resource_version;
};
struct DeleteOptions {
  std::optional<int64_t> grace;
  Preconditions preconditions;
  std::optional<bool> orphan_dependents;
  std::string propagation;
  Strings dry_run;
};
struct ScaleSpec {
  int32_t replicas = 0;
};
struct ScaleStatus {
  int32_t replicas = 0;
  std::string selector;
};
struct Scale {
  Meta metadata;
  ScaleSpec spec;
  ScaleStatus status;
};
struct ResourceAttributes {
  std::string ns, verb, group, version, resource, subresource, name;
};
struct NonResourceAttributes {
  std::string path, verb;
};
struct AccessSpec {
  std::optional<ResourceAttributes> resource;
  std::optional<NonResourceAttributes> other;
};
struct AccessStatus {
  bool allowed = false, denied = false;
  std::string reason, evaluation_error;
};
struct AccessReview {
  Meta metadata;
  AccessSpec spec;
  AccessStatus status;
};
struct RulesSpec {
  std::string ns;
};
struct ResourceRule {
  Strings verbs, groups, resources, names;
};
struct NonResourceRule {
  Strings verbs, urls;
};
struct RulesStatus {
  std::vector<ResourceRule> resources;
  std::vector<NonResourceRule> others;
  bool incomplete = false;
  std::string evaluation_error;
};
struct RulesReview {
  Meta metadata;
  RulesSpec spec;
  RulesStatus status;
};
struct UserInfo {
  std::string username, uid;
  Strings groups;
};
struct SelfStatus {
  UserInfo user;
};
struct SelfReview {
  Meta metadata;
  SelfStatus status;
};

}  // namespace
}  // namespace zoe::server

namespace zoe::schema {
namespace {

// What every object begins with.
template <class T>
Struct<T> Whole(std::string_view name, std::string_view doc, std::string_view version) {
  Struct<T> whole(name, doc);
  whole.Constant("apiVersion", version, "Version of this format.")
      .Constant("kind", name, "Kind of object.");
  return whole;
}

}  // namespace

using namespace server;  // NOLINT(google-build-using-namespace): the structs above

template <>
const Type& Describe<ListMeta>() {
  static const Type type =
      Struct<ListMeta>("ListMeta", "What a list carries.")
          .Add("resourceVersion", &ListMeta::resource_version,
               "Revision at which the list is true; a watch goes on from it.")
          .IntegerAsString()
          .Add("continue", &ListMeta::continue_token, "Gets the next part; empty: this is all.")
          .Add("remainingItemCount", &ListMeta::remaining, "How many are in the parts to come.")
          .Build();
  return type;
}

template <>
const Type& Describe<StatusCause>() {
  static const Type type =
      Struct<StatusCause>("StatusCause", "One thing that is wrong.")
          .Add("reason", &StatusCause::reason, "Why, as one CamelCase word for programs.")
          .Add("message", &StatusCause::message, "Why, for people.")
          .Add("field", &StatusCause::field, "The field: spec.services[0].name.")
          .Build();
  return type;
}

template <>
const Type& Describe<StatusDetails>() {
  static const Type type =
      Struct<StatusDetails>("StatusDetails", "Of which object a Status speaks.")
          .Add("name", &StatusDetails::name, "Its name.")
          .Add("group", &StatusDetails::group, "Its group.")
          .Add("kind", &StatusDetails::kind, "Its kind, or the resource.")
          .Add("uid", &StatusDetails::uid, "Its uid.")
          .Add("causes", &StatusDetails::causes, "All that is wrong with it.")
          .Add("retryAfterSeconds", &StatusDetails::retry_after, "When to try again.")
          .Build();
  return type;
}

template <>
const Type& Describe<Status>() {
  static const Type type =
      Whole<Status>("Status", "How a request that gives no object has ended.", "v1")
          .Add("metadata", &Status::metadata, "Nothing.")
          .Add("status", &Status::status, "How it ended.")
          .Enum({"Success", "Failure"})
          .Add("message", &Status::message, "Why, for people.")
          .Add("reason", &Status::reason, "Why, as one CamelCase word for programs.")
          .Add("details", &Status::details, "Of which object it speaks.")
          .Add("code", &Status::code, "The HTTP status.")
          .Build();
  return type;
}

template <>
const Type& Describe<Preconditions>() {
  static const Type type =
      Struct<Preconditions>("Preconditions", "What must be true of an object that is deleted.")
          .Add("uid", &Preconditions::uid, "Its uid.")
          .Add("resourceVersion", &Preconditions::resource_version, "Its resourceVersion.")
          .Build();
  return type;
}

template <>
const Type& Describe<DeleteOptions>() {
  static const Type type =
      Whole<DeleteOptions>("DeleteOptions", "How an object is deleted.", "v1")
          .Add("gracePeriodSeconds", &DeleteOptions::grace,
               "Seconds that it gets to end by itself.")
          .AtLeast(0)
          .Add("preconditions", &DeleteOptions::preconditions, "What must be true of it; else 409.")
          .Add("orphanDependents", &DeleteOptions::orphan_dependents,
               "An older way to say propagationPolicy: Orphan.")
          .Add("propagationPolicy", &DeleteOptions::propagation,
               "What becomes of the objects that it owns.")
          .Enum({"Background", "Foreground", "Orphan"})
          .Add("dryRun", &DeleteOptions::dry_run, "[All]: nothing changes.")
          .Build();
  return type;
}

template <>
const Type& Describe<ScaleSpec>() {
  static const Type type = Struct<ScaleSpec>("ScaleSpec", "How many are wanted.")
                               .Add("replicas", &ScaleSpec::replicas, "Replicas wanted.")
                               .AtLeast(0)
                               .Build();
  return type;
}

template <>
const Type& Describe<ScaleStatus>() {
  static const Type type =
      Struct<ScaleStatus>("ScaleStatus", "How many there are.")
          .Add("replicas", &ScaleStatus::replicas, "Replicas that there are.")
          .Add("selector", &ScaleStatus::selector, "Labels of their pods, as a selector.")
          .Build();
  return type;
}

template <>
const Type& Describe<Scale>() {
  static const Type type =
      Whole<Scale>("Scale", "A count of replicas, by which an object is scaled.", "autoscaling/v1")
          .Add("metadata", &Scale::metadata, "The object's name and namespace.")
          .Add("spec", &Scale::spec, "How many are wanted.")
          .Add("status", &Scale::status, "How many there are.")
          .Build();
  return type;
}

template <>
const Type& Describe<ResourceAttributes>() {
  static const Type type =
      Struct<ResourceAttributes>("ResourceAttributes", "A request for objects.")
          .Add("namespace", &ResourceAttributes::ns, "Empty: all, or of the cluster.")
          .Add("verb", &ResourceAttributes::verb, "get, list, watch, create, ...; *: every one.")
          .Add("group", &ResourceAttributes::group, "Group of the resource; *: every one.")
          .Add("version", &ResourceAttributes::version, "Its version.")
          .Add("resource", &ResourceAttributes::resource, "Plural; *: every one.")
          .Add("subresource", &ResourceAttributes::subresource, "status, log, ...")
          .Add("name", &ResourceAttributes::name, "Empty: every one.")
          .Build();
  return type;
}

template <>
const Type& Describe<NonResourceAttributes>() {
  static const Type type =
      Struct<NonResourceAttributes>("NonResourceAttributes", "A request for something else.")
          .Add("path", &NonResourceAttributes::path, "Of the URL.")
          .Add("verb", &NonResourceAttributes::verb, "The method, in lower case.")
          .Build();
  return type;
}

template <>
const Type& Describe<AccessSpec>() {
  static const Type type =
      Struct<AccessSpec>("SelfSubjectAccessReviewSpec", "What is asked: one of both.")
          .Add("resourceAttributes", &AccessSpec::resource, "A request for objects.")
          .Add("nonResourceAttributes", &AccessSpec::other, "A request for something else.")
          .Build();
  return type;
}

template <>
const Type& Describe<AccessStatus>() {
  static const Type type =
      Struct<AccessStatus>("SubjectAccessReviewStatus", "The answer.")
          .Add("allowed", &AccessStatus::allowed, "True: it would be let through.")
          .Add("denied", &AccessStatus::denied, "True: and nothing else can allow it.")
          .Add("reason", &AccessStatus::reason, "Why, for people.")
          .Add("evaluationError", &AccessStatus::evaluation_error, "What could not be looked at.")
          .Build();
  return type;
}

template <>
const Type& Describe<AccessReview>() {
  static const Type type =
      Whole<AccessReview>("SelfSubjectAccessReview", "Asks whether one may do something.",
                          "authorization.k8s.io/v1")
          .Add("metadata", &AccessReview::metadata, "Nothing.")
          .Add("spec", &AccessReview::spec, "What is asked.")
          .Required()
          .Add("status", &AccessReview::status, "The answer, filled by the server.")
          .Build();
  return type;
}

template <>
const Type& Describe<RulesSpec>() {
  static const Type type = Struct<RulesSpec>("SelfSubjectRulesReviewSpec", "Where.")
                               .Add("namespace", &RulesSpec::ns, "The namespace.")
                               .Build();
  return type;
}

template <>
const Type& Describe<ResourceRule>() {
  static const Type type =
      Struct<ResourceRule>("ResourceRule", "Verbs on objects.")
          .Add("verbs", &ResourceRule::verbs, "get, list, ...; *: every one.")
          .Add("apiGroups", &ResourceRule::groups, "Groups; *: every one.")
          .Add("resources", &ResourceRule::resources, "Plurals; *: every one.")
          .Add("resourceNames", &ResourceRule::names, "Only these; empty: every one.")
          .Build();
  return type;
}

template <>
const Type& Describe<NonResourceRule>() {
  static const Type type = Struct<NonResourceRule>("NonResourceRule", "Verbs on other paths.")
                               .Add("verbs", &NonResourceRule::verbs, "Methods, in lower case.")
                               .Add("nonResourceURLs", &NonResourceRule::urls, "Paths.")
                               .Build();
  return type;
}

template <>
const Type& Describe<RulesStatus>() {
  static const Type type =
      Struct<RulesStatus>("SubjectRulesReviewStatus", "The answer.")
          .Add("resourceRules", &RulesStatus::resources, "What may be done with objects.")
          .Add("nonResourceRules", &RulesStatus::others, "What may be done elsewhere.")
          .Add("incomplete", &RulesStatus::incomplete, "True: there may be more.")
          .Add("evaluationError", &RulesStatus::evaluation_error, "What could not be looked at.")
          .Build();
  return type;
}

template <>
const Type& Describe<RulesReview>() {
  static const Type type =
      Whole<RulesReview>("SelfSubjectRulesReview", "Asks for all that one may do in a namespace.",
                         "authorization.k8s.io/v1")
          .Add("metadata", &RulesReview::metadata, "Nothing.")
          .Add("spec", &RulesReview::spec, "Where.")
          .Required()
          .Add("status", &RulesReview::status, "The answer, filled by the server.")
          .Build();
  return type;
}

template <>
const Type& Describe<UserInfo>() {
  static const Type type = Struct<UserInfo>("UserInfo", "Who somebody is.")
                               .Add("username", &UserInfo::username, "The User's name.")
                               .Add("uid", &UserInfo::uid, "The User's uid.")
                               .Add("groups", &UserInfo::groups, "Groups that one is in.")
                               .Build();
  return type;
}

template <>
const Type& Describe<SelfStatus>() {
  static const Type type = Struct<SelfStatus>("SelfSubjectReviewStatus", "The answer.")
                               .Add("userInfo", &SelfStatus::user, "Who one is.")
                               .Build();
  return type;
}

template <>
const Type& Describe<SelfReview>() {
  static const Type type =
      Whole<SelfReview>("SelfSubjectReview", "Asks who one is.", "authentication.k8s.io/v1")
          .Add("metadata", &SelfReview::metadata, "Nothing.")
          .Add("status", &SelfReview::status, "The answer, filled by the server.")
          .Build();
  return type;
}

}  // namespace zoe::schema

namespace zoe::server {

const schema::Type& ListMetaType() { return schema::Describe<ListMeta>(); }
const schema::Type& StatusType() { return schema::Describe<Status>(); }
const schema::Type& DeleteOptionsType() { return schema::Describe<DeleteOptions>(); }

const schema::Type* OtherType(std::string_view group, std::string_view kind) {
  if (group == "autoscaling" && kind == "Scale") return &schema::Describe<Scale>();
  if (kind == "SelfSubjectAccessReview") return &schema::Describe<AccessReview>();
  if (kind == "SelfSubjectRulesReview") return &schema::Describe<RulesReview>();
  if (kind == "SelfSubjectReview") return &schema::Describe<SelfReview>();
  return nullptr;
}

}  // namespace zoe::server

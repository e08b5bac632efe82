#include "apis/server/reviews.h"

#include <algorithm>
#include <string>

#include "apis/server/api.h"
#include "apis/server/documents.h"
#include "apis/server/review_proto.h"
#include "apis/server/rights.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Array;
using codec::Value;

// Bytes of a body: it is parsed on the connection's thread, which serves others too.
constexpr size_t kMaxReview = 32 * 1024;

// Older kubectl asks for the two beta versions of "who am I".
constexpr std::string_view kAuthorization = "authorization.k8s.io",
                           kAuthentication = "authentication.k8s.io";
constexpr ReviewKind kReviews[] = {
    {kAuthorization, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"},
    {kAuthorization, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"},
    {kAuthentication, "v1", "selfsubjectreviews", "SelfSubjectReview"},
    {kAuthentication, "v1beta1", "selfsubjectreviews", "SelfSubjectReview"},
    {kAuthentication, "v1alpha1", "selfsubjectreviews", "SelfSubjectReview"},
};

std::string_view TextOf(const Value& object, std::string_view name) {
  const Value* value = object.Find(name);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string())
                                                : std::string_view();
}

// Of a path that is no resource.
Expected<void> MayPath(const User& user, const Value& attributes) {
  const std::string_view verb = TextOf(attributes, "verb"), path = TextOf(attributes, "path");
  const auto route = ParseRoute(path);
  if (route.ok() && route->endpoint != Endpoint::kResource) return CheckRights(user, verb, *route);
  // Any path: what only an admin may.
  return May(user, {.verb = "*", .group = "*", .resource = "*"});
}

Value Access(const User& user, const Value& spec) {
  const Value* resource = spec.Find("resourceAttributes");
  const Value* path = spec.Find("nonResourceAttributes");
  Expected<void> may = MakeError(Code::kForbidden,
                                 "exactly one of spec.resourceAttributes and "
                                 "spec.nonResourceAttributes must be given");
  const bool of_resource = resource != nullptr && resource->is_object();
  const bool of_path = path != nullptr && path->is_object();
  if (of_resource && !of_path) {
    may = May(user, {.verb = TextOf(*resource, "verb"),
                     .group = TextOf(*resource, "group"),
                     .resource = TextOf(*resource, "resource"),
                     .subresource = TextOf(*resource, "subresource"),
                     .ns = TextOf(*resource, "namespace"),
                     .name = TextOf(*resource, "name")});
  } else if (of_path && !of_resource) {
    may = MayPath(user, *path);
  }
  Value status;
  status.Set("allowed", may.ok());
  if (!may.ok()) status.Set("reason", may.error().message);
  return status;
}

Value Strings(const std::vector<std::string_view>& words) {
  Array array;
  for (const std::string_view word : words) array.emplace_back(std::string(word));
  return array;
}

Value Rules(const User& user, std::string_view ns) {
  Array resources, paths;
  bool everything = false;
  for (const Rule& rule : RulesOf(user, ns)) {
    Value value;
    value.Set("verbs", Strings(rule.verbs));
    value.Set("apiGroups", Array{rule.group});
    value.Set("resources", Array{rule.resource});
    if (!rule.names.empty()) value.Set("resourceNames", Strings(rule.names));
    resources.push_back(std::move(value));
    everything = everything || rule.resource == "*";
  }
  for (const ReviewKind& review : kReviews) {
    if (everything || review.version != "v1") continue;
    Value value;
    value.Set("verbs", Strings({"create"}));
    value.Set("apiGroups", Array{std::string(review.group)});
    value.Set("resources", Array{std::string(review.plural)});
    resources.push_back(std::move(value));
  }
  Value path;
  path.Set("verbs", Strings({everything ? "*" : "get"}));
  path.Set("nonResourceURLs", everything
                                  ? Strings({"*"})
                                  : Strings({"/", "/api", "/api/*", "/apis", "/apis/*", "/healthz",
                                             "/livez", "/openapi/*", "/readyz", "/version"}));
  paths.push_back(std::move(path));
  Value status;
  status.Set("resourceRules", std::move(resources));
  status.Set("nonResourceRules", std::move(paths));
  status.Set("incomplete", false);
  return status;
}

}  // namespace

std::span<const ReviewKind> ReviewKinds() { return kReviews; }

bool IsReview(std::string_view group_version, std::string_view plural) {
  return std::any_of(std::begin(kReviews), std::end(kReviews), [&](const ReviewKind& review) {
    return group_version == std::string(review.group) + "/" + std::string(review.version) &&
           plural == review.plural;
  });
}

Response Api::Review(const Exchange& exchange) const {
  const auto kind = std::find_if(std::begin(kReviews), std::end(kReviews), [&](const auto& each) {
    return each.plural == exchange.route.rest;
  });
  const std::string_view media = MediaType(exchange.request.content_type);
  const bool proto = media == "application/vnd.kubernetes.protobuf";
  const Syntax syntax = SyntaxOf(media);
  if (!proto && syntax == Syntax::kUnsupported) {
    return StatusResponse(415, "UnsupportedMediaType",
                          "the body of the request was in an unknown format - accepted media "
                          "types include: application/json, application/yaml, "
                          "application/vnd.kubernetes.protobuf");
  }
  const std::string& body = exchange.request.body;
  if (body.size() > kMaxReview) {
    return ErrorResponse(MakeError(
        Code::kTooLarge, "a review has at most " + std::to_string(kMaxReview) + " bytes"));
  }
  const auto asked = proto ? ReviewFromProto(body, kind->kind) : ParseBody(body, syntax);
  if (!asked.ok()) return ErrorResponse(asked.error());
  const User& user = exchange.user;
  Value review;
  review.Set("kind", std::string(kind->kind));
  review.Set("apiVersion", exchange.route.group_version);
  review.Set("metadata", codec::Object{});
  const Value* spec = asked->is_object() ? asked->Find("spec") : nullptr;
  const bool has_spec = spec != nullptr && spec->is_object();
  if (has_spec) review.Set("spec", *spec);
  if (kind->kind == "SelfSubjectReview") {
    review.Set("status", Self(user));
  } else if (!has_spec) {
    return ErrorResponse(MakeError(Code::kBadRequest, "spec is missing"));
  } else if (kind->kind == "SelfSubjectRulesReview") {
    review.Set("status", Rules(user, TextOf(*spec, "namespace")));
  } else {
    review.Set("status", Access(user, *spec));
  }
  Response response{.prefix = codec::ToJson(review) + "\n"};
  response.status = 201;
  return response;
}

// {"userInfo": ...}
Value Api::Self(const User& user) const {
  static constexpr std::string_view kProofs[] = {"none", "password", "token", "session"};
  Value info;
  info.Set("username", user.name);
  if (const EntryPtr entry = deps_.cache.Get({"User", "", user.name}))
    info.Set("uid", entry->object->meta.uid);
  info.Set("groups", Array{"zoe:" + user.role, std::string("system:authenticated")});
  Value extra;
  extra.Set("zoe/proof", Array{std::string(kProofs[static_cast<size_t>(user.proof)])});
  info.Set("extra", std::move(extra));
  Value status;
  status.Set("userInfo", std::move(info));
  return status;
}

}  // namespace zoe::server

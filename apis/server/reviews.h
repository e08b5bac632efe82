// The reviews by which people ask what they may do and who they are: Kubernetes'
// SelfSubjectAccessReview, SelfSubjectRulesReview and SelfSubjectReview.
#pragma once

#include <span>
#include <string_view>

namespace zoe::server {

// Each is only ever created (POST), and answered with itself and its status.
struct ReviewKind {
  std::string_view group, version;  // "authorization.k8s.io", "v1"
  std::string_view plural, kind;    // "selfsubjectaccessreviews", "SelfSubjectAccessReview"
};
// For discovery: groups together, of each the preferred version first.
std::span<const ReviewKind> ReviewKinds();
bool IsReview(std::string_view group_version, std::string_view plural);

}  // namespace zoe::server

#include "apis/server/reviews.h"

#include <algorithm>
#include <string>

#include "apis/server/api.h"
#include "apis/server/status.h"

namespace zoe::server {
namespace {

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

}  // namespace

std::span<const ReviewKind> ReviewKinds() { return kReviews; }

bool IsReview(std::string_view group_version, std::string_view plural) {
  return std::any_of(std::begin(kReviews), std::end(kReviews), [&](const ReviewKind& review) {
    return group_version == std::string(review.group) + "/" + std::string(review.version) &&
           plural == review.plural;
  });
}

Response Api::Review(const Exchange&) const {
  return StatusResponse(501, "NotImplemented", "not served yet");
}

}  // namespace zoe::server

// /controllers: who stands for election, and who leads.
#include "apis/server/api.h"
#include "apis/server/status.h"
#include "controller/loop/replica.h"
#include "specs/codec/value.h"

namespace zoe::server {

// In the order in which they would lead.
Response Api::Controllers() {
  if (const auto since = store_health_.away_since())
    return ErrorResponse(MakeError(
        Code::kUnavailable,
        "the store has not answered since " + FormatTime(*since) + ": who leads is not known"));
  const auto candidates = deps_.store.Candidates();
  if (!candidates.ok()) return ErrorResponse(candidates.error());
  codec::Array controllers;
  for (const Candidate& candidate : *candidates) {
    const Replica replica = DecodeReplica(candidate.identity);
    codec::Value controller;
    controller.Set("id", replica.id);
    controller.Set("leading", candidate.leading);
    if (!replica.url.empty()) controller.Set("url", replica.url);
    if (replica.since) controller.Set("since", FormatTime(*replica.since));
    controllers.push_back(std::move(controller));
  }
  codec::Value value;
  value.Set("controllers", std::move(controllers));
  return {.prefix = codec::ToJson(value) + "\n"};
}

}  // namespace zoe::server

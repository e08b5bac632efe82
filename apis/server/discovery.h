// Groups and versions that are served, and the documents that tell of them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apis/server/exchange.h"
#include "specs/v1/kinds.h"

namespace zoe::server {

struct ServedGroup {
  std::string_view name;                   // "" is Kubernetes' core
  std::vector<std::string_view> versions;  // the preferred one first
};
// The core, ours, then those of reviews.
const std::vector<ServedGroup>& ServedGroups();
// nullptr: there is none of that name.
const ServedGroup* FindGroup(std::string_view name);

std::string_view VersionOf(const v1::Kind& kind);                            // "v1"
std::string GroupVersion(std::string_view group, std::string_view version);  // "v1", "zoe/v1"
std::string GroupPath(std::string_view group, std::string_view version);  // "api/v1", "apis/zoe/v1"

// A text that never changes while the program runs, and its entity tag (with quotes).
struct Document {
  Body body;
  std::string tag;
};
Document MakeDocument(std::string text);
// The document, or 304 to whoever has it.
Response DocumentResponse(const Exchange& exchange, const Document& document,
                          std::string_view content_type);

// Whether an Accept header takes this, which is a media type with its parameters in any order
// ("application/json;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2"); wildcards take what has
// no parameters. The place among the header's alternatives, which are in order of preference; npos:
// not at all.
size_t AcceptPlace(std::string_view accept, std::string_view media);

}  // namespace zoe::server

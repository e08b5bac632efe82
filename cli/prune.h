// What an apply that doesn't name it any more takes away.
#pragma once

#include <string>
#include <vector>

#include "cli/manifest.h"
#include "cli/session.h"
#include "specs/codec/value.h"

namespace zoe::cli {

// The id of a set: SET.NAMESPACE, for sets of one name in two namespaces are two. kBadRequest if
// that is no label's value.
Expected<std::string> ApplySetId(const std::string& set, const std::string& ns);

// What belongs to the set, if `set` is its id, else what carries `selector`; was applied by
// `manager`; is being deleted by nobody; and is not among `objects`.
//
//  - Of a set: all kinds, in all namespaces that the caller may list, else in those of the objects
//    and the session's own.
//  - Of a selector: executions and applications in the objects' namespaces.
//
// What depends on others comes before them.
struct PruneScope {
  std::string set, selector, manager;
};
struct Pruned {
  Resource resource;
  std::string ns, name;
  codec::Value object;
};
Expected<std::vector<Pruned>> FindPruned(Session& session, client::Client& client,
                                         const std::vector<Manifest>& objects,
                                         const PruneScope& scope);

}  // namespace zoe::cli

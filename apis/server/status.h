// Errors and outcomes as Kubernetes Status objects.
#pragma once

#include <string>
#include <string_view>

#include "apis/server/exchange.h"
#include "specs/meta/error.h"

namespace zoe::server {

// The answer to a request that failed. `route` names the object in details; may be null.
Response ErrorResponse(const Error& error, const Route* route = nullptr);
// For the HTTP codes that have no Code: 405, 406, 408, 415, 431.
Response StatusResponse(int http_status, std::string_view reason, std::string_view message);
Response StatusSuccess();
// 504: a replica that doesn't see `wanted` in time, in the form by which client-go knows it.
Response TooLargeRevision(Revision wanted, Revision current);
// Success of a DELETE.
Response DeletedResponse(const Route& route, std::string_view uid);
// The Status of an error as JSON: for ERROR events of a watch.
std::string StatusJson(const Error& error, const Route* route = nullptr);

std::string_view StatusText(int http_status);  // "Not Found"

// Kubernetes' words for what concerns one object.
Error NotFound(const Key& key);  // of a kind of ours
Error NotFound(const Route& route);
Error AlreadyExists(const Key& key);
Error Conflict(const Key& key);
Error Conflict(const Key& key, const std::string& why);

}  // namespace zoe::server

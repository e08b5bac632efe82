// Server-side apply of one object after the other: what apply and diff share.
#pragma once

#include <string>
#include <vector>

#include "apis/client/client.h"
#include "cli/manifest.h"
#include "specs/codec/value.h"

namespace zoe::cli {

// Each member of an apply set carries it, with the set's id.
inline constexpr std::string_view kApplySetLabel = "applyset.kubernetes.io/part-of";

struct ApplyOptions {
  enum class Mode { kReal, kServerDryRun, kClientDryRun } mode = Mode::kReal;
  std::string manager = "zoe";  // owner of the fields
  bool force = false;           // take over fields, and members of other sets
  std::string set;              // id; empty: none
};

struct Outcome {
  std::string verb;     // created, configured, unchanged
  codec::Value before;  // null: it wasn't there
  codec::Value object;  // as it is now, or would be
  std::vector<std::string> warnings;
};

// True of an error whose causes name fields and who holds them.
bool IsOwnedByOthers(const Error& error);

// Thread-safe.
class Applier {
 public:
  Applier(client::Client& client, ApplyOptions options)
      : client_(client), options_(std::move(options)) {}

  // Whoever changes the object meanwhile makes it look again. Errors: the server's (kConflict with
  // causes FieldManagerConflict: fields are somebody else's), kConflict with reason ApplySet: it is
  // a member of another set.
  Expected<Outcome> Apply(const Manifest& manifest);

  const ApplyOptions& options() const { return options_; }
  // dryRun=All, or nothing.
  client::Query DryRun() const;

 private:
  Expected<Outcome> Once(const Manifest& manifest, const codec::Value& live);
  // Makes `live` what it is after its adoption, if it had to be adopted first.
  Expected<client::Applied> Send(const Manifest& manifest, codec::Value& live);
  Expected<void> CheckSet(const Manifest& manifest, const codec::Value& live) const;
  codec::Value Written(const Manifest& manifest) const;

  client::Client& client_;
  const ApplyOptions options_;
};

}  // namespace zoe::cli

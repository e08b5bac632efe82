// The file that kubectl and its kin read: which server, as whom.
#pragma once

#include <string>

#include "cli/io.h"
#include "specs/codec/value.h"
#include "specs/meta/expected.h"

namespace zoe::cli {

// How another Kubernetes client reaches the server.
struct KubeEntry {
  std::string name;  // of cluster, user and context alike
  std::string server, ns;
  std::string authority;  // PEM; empty: the system's authorities
  bool insecure = false;  // the server's certificate isn't checked
  std::string token;      // empty: nobody logs in there
};

// $KUBECONFIG's first file, else ~/.kube/config.
std::string KubeconfigPath(const Io& io);

// Adds the entry to a kubeconfig or replaces it there; null: a new one. All else in it stays. It
// becomes the current one if `current`, or if none is. kInvalid: it is no kubeconfig.
Expected<void> AddEntry(codec::Value& config, const KubeEntry& entry, bool current);

struct KubeconfigWritten {
  bool replaced = false;       // there was a context of that name
  bool current = false;        // it is the current one now
  bool lost_comments = false;  // they don't outlive the writing
};
// Adds it to the file at `path`, under the lock that kubectl takes too (PATH.lock); other programs
// see the old file or the new one. On errors the file is as it was.
Expected<KubeconfigWritten> WriteKubeconfig(const std::string& path, const KubeEntry& entry,
                                            bool current);

}  // namespace zoe::cli

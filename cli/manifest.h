// Objects read from files, directories, URLs and standard input, with the places they came from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/io.h"
#include "cli/resource.h"
#include "specs/codec/value.h"
#include "specs/meta/error.h"

namespace zoe::cli {

struct Manifest {
  std::string file;     // as the user would find it again
  codec::Value object;  // with positions; nulls removed; metadata.namespace filled in
  codec::Value
      complete;  // what the object means: every default written out. Null if not validated.
  Resource resource;
  std::string ns, name;

  std::string Path() const { return resource.Path(ns, name); }
  std::string Label() const { return resource.Label(name); }
};

struct ReadOptions {
  std::vector<std::string> files;  // FILE, DIR, URL or "-"
  bool recursive = false;
  bool validate = true;  // the whole object, not only its identity
  std::string ns = "default";
  bool ns_given = false;  // then a different namespace in a file is a problem
};

struct Manifests {
  std::vector<Manifest> objects;      // in the order of the files, Lists taken apart
  std::vector<std::string> problems;  // "FILE:LINE:COLUMN: path: message"; all of them
};

Manifests ReadManifests(Io& io, const ReadOptions& options);

// Sorts by kind, in the order in which kinds depend on each other; otherwise stable.
void SortByKind(std::vector<Manifest>& objects);

// The value at "spec.services[0].env", or its nearest ancestor that is there. Keys may hold dots.
const codec::Value& Nearest(const codec::Value& root, std::string_view path);

// One line per cause, at its place in the file.
std::vector<std::string> Locate(const Manifest& manifest, const Error& error);

}  // namespace zoe::cli

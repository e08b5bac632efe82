#include "cli/manifest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "apis/client/client.h"

namespace zoe::cli {
namespace {

namespace fs = std::filesystem;
using codec::Value;

// Many objects may stand in one file; each is bounded by the server.
constexpr codec::Budget kFileBudget{
    .bytes = size_t{32} << 20, .depth = 64, .nodes = 5'000'000, .alias_nodes = 10'000};

std::string Place(const std::string& file, uint32_t line, uint32_t column) {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Problem(const std::string& place, const std::string& field,
                    const std::string& message) {
  return place + ": " + (field.empty() ? "" : field + ": ") + message;
}

Expected<std::string> ReadStream(std::istream& in) {
  std::string text;
  std::vector<char> block(size_t{1} << 16);
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    text.append(block.data(), static_cast<size_t>(in.gcount()));
    if (text.size() > kFileBudget.bytes) return MakeError(Code::kTooLarge, "larger than 32 MiB");
  }
  if (in.bad()) return MakeError(Code::kInvalid, std::strerror(errno));
  return text;
}

bool HasManifestExtension(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

// The files which an argument names, sorted; a problem if there are none.
Expected<std::vector<std::string>> Expand(const std::string& argument, bool recursive) {
  std::error_code error;
  const fs::file_status status = fs::status(argument, error);
  if (!fs::exists(status))
    return MakeError(Code::kNotFound, "the path \"" + argument + "\" does not exist");
  if (!fs::is_directory(status)) return std::vector<std::string>{argument};
  std::vector<std::string> files;
  const auto take = [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (entry.is_regular_file(ignored) && HasManifestExtension(entry.path()))
      files.push_back(entry.path().string());
  };
  if (recursive) {
    for (auto it = fs::recursive_directory_iterator(argument, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      take(*it);
    }
  } else {
    for (auto it = fs::directory_iterator(argument, error);
         !error && it != fs::directory_iterator(); it.increment(error)) {
      take(*it);
    }
  }
  if (error) return MakeError(Code::kInvalid, argument + ": " + error.message());
  if (files.empty()) {
    return MakeError(Code::kNotFound, "no .yaml, .yml or .json file in " + argument +
                                          (recursive ? "" : " (-R looks in its folders)"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void RemoveNulls(Value& value) {
  if (value.is_array()) {
    for (Value& item : value.as_array()) RemoveNulls(item);
  } else if (value.is_object()) {
    std::erase_if(value.as_object(), [](const codec::Member& m) { return m.value.is_null(); });
    for (codec::Member& member : value.as_object()) RemoveNulls(member.value);
  }
}

// A field that keeps any scalar as text ("012" of an env value) is sent as the text that was
// written: JSON has no such spelling.
void KeepText(Value& written, const Value& complete) {
  if (written.is_object() && complete.is_object()) {
    for (codec::Member& member : written.as_object()) {
      if (const Value* meant = complete.Find(member.key)) KeepText(member.value, *meant);
    }
  } else if (written.is_array() && complete.is_array() &&
             written.as_array().size() == complete.as_array().size()) {
    for (size_t i = 0; i < written.as_array().size(); ++i)
      KeepText(written.as_array()[i], complete.as_array()[i]);
  } else if (complete.is_string() && !written.is_string() && !written.is_object() &&
             !written.is_array()) {
    const codec::Position position = written.position;
    written = complete;
    written.position = position;
  }
}

class Reader {
 public:
  Reader(Io& io, const ReadOptions& options) : io_(io), options_(options) {}

  Manifests Run() {
    for (const std::string& argument : options_.files) {
      if (argument == "-") {
        Add("<stdin>", ReadStream(io_.in));
      } else if (argument.starts_with("http://") || argument.starts_with("https://")) {
        Add(argument, client::Fetch(argument, kFileBudget.bytes));
      } else {
        const auto files = Expand(argument, options_.recursive);
        if (!files.ok()) {
          result_.problems.push_back(files.error().message);
          continue;
        }
        for (const std::string& file : *files) {
          std::ifstream in(file, std::ios::binary);
          if (!in) {
            result_.problems.push_back(file + ": " + std::strerror(errno));
          } else {
            Add(file, ReadStream(in));
          }
        }
      }
    }
    return std::move(result_);
  }

 private:
  void Add(const std::string& file, const Expected<std::string>& text) {
    if (!text.ok()) {
      result_.problems.push_back(file + ": " + text.error().message);
      return;
    }
    auto documents = codec::ParseYaml(*text, kFileBudget);
    if (!documents.ok()) {
      AddProblems(file, Value(), documents.error());
      return;
    }
    for (Value& document : *documents) AddDocument(file, document, 0);
  }

  void AddDocument(const std::string& file, Value& document, int depth) {
    Value* items = document.Find("items");
    if (document.StringAt("kind").ends_with("List") && items != nullptr && items->is_array() &&
        depth < 4) {
      for (Value& item : items->as_array()) AddDocument(file, item, depth + 1);
      return;
    }
    AddObject(file, std::move(document));
  }

  void AddObject(const std::string& file, Value document) {
    Manifest manifest{.file = file};
    manifest.name = document.StringAt("metadata.name");
    manifest.ns = document.StringAt("metadata.namespace");
    const auto resource =
        document.is_object() ? ResourceOf(document) : MakeError(Code::kBadRequest, "");
    if (resource.ok()) {
      manifest.resource = *resource;
      if (!Place(file, document, manifest)) return;
    }
    if (options_.validate || !resource.ok()) {
      const auto decoded = v1::Decode(document);
      if (!decoded.ok()) {
        AddProblems(file, document, decoded.error());
        return;
      }
      auto complete =
          codec::ParseJson(v1::EncodeJson(*decoded->kind, *decoded->object), kFileBudget);
      if (complete.ok()) manifest.complete = std::move(*complete);
    }
    if (manifest.name.empty()) {
      const std::string message =
          "an object needs a name here (generateName can't be applied again)";
      result_.problems.push_back(Problem(At(file, document), "metadata.name", message));
      return;
    }
    RemoveNulls(document);
    KeepText(document, manifest.complete);
    manifest.object = std::move(document);
    result_.objects.push_back(std::move(manifest));
  }

  // Fills the namespace in; false if it is not the one that was asked for.
  bool Place(const std::string& file, Value& document, Manifest& manifest) {
    if (!manifest.resource.namespaced) {
      manifest.ns.clear();
      return true;
    }
    if (manifest.ns.empty()) {
      manifest.ns = options_.ns;
      Value* meta = document.Find("metadata");
      const bool absent = document.At("metadata.namespace") == nullptr ||
                          document.At("metadata.namespace")->is_null();
      if (meta != nullptr && meta->is_object() && absent) meta->Set("namespace", manifest.ns);
    } else if (options_.ns_given && manifest.ns != options_.ns) {
      result_.problems.push_back(Problem(
          At(file, *document.At("metadata.namespace")), "metadata.namespace",
          "the file says \"" + manifest.ns + "\", the command line --namespace=" + options_.ns));
      return false;
    }
    return true;
  }

  static std::string At(const std::string& file, const Value& value) {
    return cli::Place(file, value.position.line, value.position.column);
  }

  void AddProblems(const std::string& file, const Value& document, const Error& error) {
    Manifest manifest{.file = file, .object = document};
    for (std::string& line : Locate(manifest, error)) result_.problems.push_back(std::move(line));
  }

  Io& io_;
  const ReadOptions& options_;
  Manifests result_;
};

// The item of a list that `name="web"` tells from the others; nullptr if there is none.
const Value* Keyed(const Value& list, std::string_view key) {
  const size_t equal = std::min(key.find('='), key.size());
  std::string_view value = key.substr(std::min(equal + 1, key.size()));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  for (const Value& item : list.as_array()) {
    const Value* field = item.Find(key.substr(0, equal));
    if (field != nullptr && field->ScalarText() == value) return &item;
  }
  return nullptr;
}

}  // namespace

Manifests ReadManifests(Io& io, const ReadOptions& options) { return Reader(io, options).Run(); }

void SortByKind(std::vector<Manifest>& objects) {
  const auto rank = [](const Manifest& m) {
    const auto& kinds = v1::Kinds();
    const auto it = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const v1::Kind& k) { return k.name == m.resource.kind; });
    return it - kinds.begin();
  };
  std::stable_sort(objects.begin(), objects.end(),
                   [&](const Manifest& a, const Manifest& b) { return rank(a) < rank(b); });
}

const Value& Nearest(const Value& root, std::string_view path) {
  const Value* at = &root;
  const Value* placed = &root;
  while (!path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    const Value* next = nullptr;
    size_t used = 0;
    if (path.starts_with('[')) {
      const size_t close = std::min(path.find(']'), path.size());
      std::string_view inner = path.substr(1, close - 1);
      used = std::min(close + 1, path.size());
      if (inner.size() >= 2 && (inner.front() == '"' || inner.front() == '\''))
        inner = inner.substr(1, inner.size() - 2);
      if (at->is_array() && !inner.empty() &&
          inner.find_first_not_of("0123456789") == std::string_view::npos && inner.size() < 10) {
        const size_t index = std::stoul(std::string(inner));
        if (index < at->as_array().size()) next = &at->as_array()[index];
      } else if (at->is_array()) {
        next = Keyed(*at, inner);
      } else {
        next = at->Find(inner);
      }
    } else if (at->is_object()) {
      // The longest key that the path goes on with: keys such as "zoe/x.y" hold dots themselves.
      for (const codec::Member& member : at->as_object()) {
        const bool boundary =
            path.size() == member.key.size() ||
            (path.size() > member.key.size() &&
             std::string_view(".[").find(path[member.key.size()]) != std::string_view::npos);
        if (boundary && path.starts_with(member.key) &&
            (next == nullptr || member.key.size() > used)) {
          next = &member.value;
          used = member.key.size();
        }
      }
    }
    if (next == nullptr) break;
    at = next;
    if (at->position.line != 0) placed = at;
    path.remove_prefix(used);
  }
  return *placed;
}

std::vector<std::string> Locate(const Manifest& manifest, const Error& error) {
  std::vector<std::string> lines;
  if (error.causes.empty()) {
    const codec::Position& top = manifest.object.position;
    lines.push_back(Problem(Place(manifest.file, top.line, top.column), "", error.message));
  }
  for (const Cause& cause : error.causes) {
    uint32_t line = cause.line, column = cause.column;
    if (line == 0) {
      const codec::Position& position = Nearest(manifest.object, cause.field).position;
      line = position.line;
      column = position.column;
    }
    const std::string& field = cause.field;
    lines.push_back(Problem(Place(manifest.file, line, column),
                            field.starts_with('.') ? field.substr(1) : field, cause.message));
  }
  return lines;
}

}  // namespace zoe::cli

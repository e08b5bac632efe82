// Files of a workspace, .../workspaces/NAME/files/PATH; an empty PATH is its directory.
//
// GET     a file: its bytes, application/octet-stream, with ETag and Last-Modified. A directory:
//         {"kind": "FileList", "apiVersion": "zoe/v1", "metadata": {"continue": TOKEN}, "path":
//         PATH,
//          "items": [{"name", "type": "file"|"directory"|"symlink"|"other", "size", "mode": "0644",
//                     "mtime", "uid", "gid", "target" of a symlink}]},
//         sorted by name; at most ?limit= of them, never more than 10,000: `continue` is there if
//         there are more, and gives the next as ?continue=TOKEN. Bytes of names that are no UTF-8
//         are shown as U+FFFD. Symbolic links are followed while they stay within.
// PUT     a file, of any size: 201 if it is new, else 200, with its item. It has the new bytes only
//         once all have come. ?mkdir=true: its parents are made; without a body a directory.
// DELETE  a file, a link, an empty directory; ?recursive=true: any directory.
//
// Errors: 400 no path; 403 a path that leads out, what is no file, what the controller may not
// touch; 404; 409 another type, not empty, a Workspace that is being deleted; 429; 501 a Docker
// volume; 503 a filesystem in trouble; 507 it is full.
#include <array>
#include <cstdio>
#include <ctime>

#include "apis/server/api.h"
#include "apis/server/pipe.h"
#include "apis/server/status.h"
#include "controller/runtime/log.h"
#include "specs/codec/value.h"
#include "specs/v1/workspace.h"

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kPiece = 128 * 1024;
constexpr int64_t kMaxList = 10'000;
constexpr StepBudget kRemoval{.entries = 10'000, .time = Duration(200)};

std::string_view TypeName(FileType type) {
  switch (type) {
    case FileType::kFile:
      return "file";
    case FileType::kDirectory:
      return "directory";
    case FileType::kSymlink:
      return "symlink";
    case FileType::kOther:
      break;
  }
  return "other";
}

Value ItemValue(const FileItem& item) {
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "%04o", item.mode & 07777u);
  Value value;
  value.Set("name", item.name);
  value.Set("type", std::string(TypeName(item.type)));
  value.Set("size", static_cast<int64_t>(item.size));
  value.Set("mode", std::string(mode.data()));
  value.Set("mtime", FormatTime(item.modified));
  value.Set("uid", item.uid);
  value.Set("gid", item.gid);
  if (item.type == FileType::kSymlink) value.Set("target", item.target);
  return value;
}

Response JsonResponse(int status, const Value& value) {
  Response response{.status = status};
  response.prefix = codec::ToJson(value) + "\n";
  return response;
}

// A name as a token of a query: names may hold any byte.
std::string ToToken(std::string_view name) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string token;
  for (const char c : name) {
    token += kDigits[static_cast<unsigned char>(c) >> 4];
    token += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return token;
}

Expected<std::string> FromToken(std::string_view token) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string name;
  for (size_t i = 0; i + 1 < token.size(); i += 2) {
    const int high = digit(token[i]), low = digit(token[i + 1]);
    if (high < 0 || low < 0) break;
    name += static_cast<char>(high * 16 + low);
  }
  if (name.size() * 2 == token.size()) return name;
  return MakeError(Code::kBadRequest, "query parameter continue: this is no token of a list");
}

// RFC 9110 5.6.7.
std::string HttpDate(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// One request, on a thread of its own. The answer to a file's GET is streamed.
class FileRequest {
 public:
  FileRequest(FileTree& tree, ExchangePtr exchange)
      : tree_(tree), exchange_(std::move(exchange)), path_(exchange_->route.rest) {}

  // Nothing if the answer has been streamed.
  Expected<std::optional<Response>> Run() {
    const Method method = exchange_->request.method;
    if (method == Method::kGet || method == Method::kHead) return Get();
    Expected<Response> response = method == Method::kPut ? Put() : Delete();
    if (!response.ok()) return response.error();
    return std::optional(std::move(response).value());
  }

 private:
  Expected<std::optional<Response>> Get() {
    ZOE_ASSIGN(const FileItem item, tree_.Stat(path_));
    if (item.type == FileType::kDirectory) {
      ZOE_ASSIGN(Response list, List());
      return std::optional(std::move(list));
    }
    ZOE_ASSIGN(const std::unique_ptr<FileReader> file, tree_.Read(path_));
    Send(*file);
    return std::optional<Response>();
  }

  Expected<Response> List() {
    ZOE_ASSIGN(int64_t limit, exchange_->query.Int("limit", 0));
    if (limit == 0 || limit > kMaxList) limit = kMaxList;
    ZOE_ASSIGN(const std::string after, FromToken(exchange_->query.Get("continue")));
    ZOE_ASSIGN(const FileList list, tree_.List(path_, after, static_cast<size_t>(limit)));
    Value metadata{codec::Object{}};
    if (list.more) metadata.Set("continue", ToToken(list.last));
    codec::Array items;
    items.reserve(list.items.size());
    for (const FileItem& item : list.items) items.push_back(ItemValue(item));
    Value value;
    value.Set("kind", "FileList");
    value.Set("apiVersion", "zoe/v1");
    value.Set("metadata", std::move(metadata));
    value.Set("path", path_);
    value.Set("items", std::move(items));
    return JsonResponse(200, value);
  }

  void Send(FileReader& file) {
    const FileItem& item = file.item();
    Response head{.length = item.size, .content_type = "application/octet-stream"};
    head.headers = {{"ETag", "\"" + item.version + "\""},
                    {"Last-Modified", HttpDate(item.modified)},
                    // Whatever it holds, it is no page of this server.
                    {"Content-Disposition", "attachment"}};
    const auto pipe = std::make_shared<Pipe>();
    exchange_->Stream(std::move(head), pipe);
    const bool whole = exchange_->request.method == Method::kHead || Copy(file, *pipe);
    pipe->End(/*broken=*/!whole);
    exchange_->Wake();
  }

  // False: the file has become shorter, or can't be read on; or nobody wants it any more.
  bool Copy(FileReader& file, Pipe& pipe) {
    for (uint64_t left = file.item().size; left > 0;) {
      const auto piece = file.Read(static_cast<size_t>(std::min<uint64_t>(left, kPiece)));
      if (!piece.ok() || piece->empty() || !pipe.Push(*piece)) return false;
      exchange_->Wake();
      left -= piece->size();
    }
    return true;
  }

  Expected<std::string> NextPiece() {
    return exchange_->request.stream ? exchange_->request.stream->Next() : std::string();
  }

  Expected<Response> Put() {
    ZOE_ASSIGN(const bool mkdir, exchange_->query.Bool("mkdir", false));
    std::string piece;
    if (mkdir) {
      ZOE_ASSIGN(piece, NextPiece());
      if (piece.empty()) {
        ZOE_ASSIGN(const FileTree::Made made, tree_.MakeDirectory(path_));
        return JsonResponse(made.created ? 201 : 200, ItemValue(made.item));
      }
      if (const size_t slash = path_.rfind('/'); slash != std::string::npos)
        ZOE_TRY(tree_.MakeDirectory(path_.substr(0, slash)));
    }
    ZOE_ASSIGN(const std::unique_ptr<FileWriter> file, tree_.Write(path_));
    do {
      ZOE_TRY(file->Write(piece));
      ZOE_ASSIGN(piece, NextPiece());
    } while (!piece.empty());
    ZOE_ASSIGN(const FileWriter::Committed done, file->Commit());
    return JsonResponse(done.created ? 201 : 200, ItemValue(done.item));
  }

  Expected<Response> Delete() {
    ZOE_ASSIGN(const bool recursive, exchange_->query.Bool("recursive", false));
    bool begun = false;
    while (true) {
      const auto gone = tree_.Remove(path_, recursive, kRemoval);
      const bool went = begun && !gone.ok() && gone.error().code == Code::kNotFound;
      if (!gone.ok() && !went) return gone.error();
      if (went || *gone) break;
      begun = true;
      if (exchange_->stop().stop_requested())
        return MakeError(Code::kCancelled, "stopped before all was removed");
    }
    Value status;
    status.Set("kind", "Status");
    status.Set("apiVersion", "v1");
    status.Set("metadata", codec::Object{});
    status.Set("status", "Success");
    status.Set("message", "removed \"" + path_ + "\"");
    return JsonResponse(200, status);
  }

  FileTree& tree_;
  const ExchangePtr exchange_;
  const std::string path_;
};

Response FailedResponse(const Error& error, const Route& route) {
  if (error.reason == "NoSpace") return StatusResponse(507, "InsufficientStorage", error.message);
  return ErrorResponse(error, &route);
}

Response NoFiles(const std::string& why) {
  return StatusResponse(501, "NotImplemented", "its files can't be reached from here: " + why);
}

}  // namespace

void Api::Files(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  const auto workspace = deps_.cache.Get<v1::Workspace>(route.key());
  if (!workspace) return Reply(exchange, ErrorResponse(NotFound(route.key()), &route));
  if (workspace->spec.volume)
    return Reply(exchange, NoFiles("the workspace is a Docker volume, on the nodes that use it"));
  if (deps_.files == nullptr)
    return Reply(exchange, NoFiles("this server has no shared filesystem"));
  const Method method = exchange->request.method;
  const bool reads = method == Method::kGet || method == Method::kHead;
  if (!reads && workspace->meta.deletion_timestamp) {
    return Reply(
        exchange,
        ErrorResponse(MakeError(Code::kConflict, "the workspace is being deleted"), &route));
  }
  const bool posted = transfers_.Post(exchange->user.name, [this, exchange] {
    const auto answer = [&]() -> Expected<std::optional<Response>> {
      try {
        const Route& asked = exchange->route;
        ZOE_ASSIGN(
            const std::unique_ptr<FileTree> tree,
            deps_.files->Open(WorkspaceTree(deps_.workspace_root, deps_.deployment, asked.ns)));
        return FileRequest(*tree, exchange).Run();
      } catch (const std::exception& error) {
        log::Error("a request has failed", {{"reason", error.what()}});
        return MakeError(Code::kInternal, error.what());
      }
    }();
    if (!answer.ok()) return Reply(exchange, FailedResponse(answer.error(), exchange->route));
    if (*answer) return Reply(exchange, **answer);
    Count(*exchange, 200);
  });
  if (!posted) {
    Reply(exchange, ErrorResponse(MakeError(Code::kTooManyRequests,
                                            "too many files are being transferred: try again"),
                                  &route));
  }
}

}  // namespace zoe::server

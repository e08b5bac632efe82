#include "controller/backup/backup_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"

namespace zoe {
namespace {

constexpr std::string_view kFormat = "zoe-backup";
// A record in base64, with its key.
constexpr codec::Budget kLineBudget{
    .bytes = 4 * kMaxRecordBytes, .depth = 128, .nodes = 4 * kMaxRecordBytes};

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  codec::AppendJsonString(out, name);
  out += ':';
  codec::AppendJsonString(out, text);
}

// What a record's line begins with: all but its bytes.
std::string KeyPart(const Key& key) {
  std::string out = "{";
  AppendMember(out, "kind", key.kind);
  out += ',';
  AppendMember(out, "namespace", key.ns);
  out += ',';
  AppendMember(out, "name", key.name);
  return out + ',';
}

constexpr std::string_view kObject = "\"object\":", kBase64 = "\"base64\":";

// Whether the bytes can stand in a line as they are.
bool IsPlain(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != '{' || bytes.find('\n') != std::string_view::npos)
    return false;
  return codec::ParseJson(bytes, kLineBudget).ok();
}

std::string RecordLine(const Record& record) {
  std::string out = KeyPart(record.key);
  if (IsPlain(record.bytes)) {
    out.append(kObject).append(record.bytes);
  } else {
    out.append(kBase64) += '"' + crypto::EncodeBase64(record.bytes) + '"';
  }
  return out + "}\n";
}

int64_t IntAt(const codec::Value& value, std::string_view name) {
  const codec::Value* member = value.Find(name);
  return member != nullptr && member->kind() == codec::Value::Kind::kInt ? member->as_int() : -1;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Expected<Backup> Parse() {
    ZOE_TRY(Header());
    while (true) {
      const size_t begin = at_;
      ZOE_ASSIGN(const codec::Value line, NextLine("is truncated: its last line is missing"));
      if (line.Find("end") != nullptr) {
        ZOE_TRY(Trailer(line, text_.substr(0, begin)));
        return std::move(backup_);
      }
      ZOE_TRY(AddRecord(line));
    }
  }

 private:
  Error Wrong(std::string_view message) const {
    return MakeError(Code::kInvalid, "BadBackup",
                     name_ + ":" + std::to_string(number_) + ": " + std::string(message));
  }

  // Sets line_ to the next one, without its end.
  Expected<codec::Value> NextLine(std::string_view if_none) {
    ++number_;
    if (at_ == text_.size()) return Wrong(if_none);
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) return Wrong("is truncated in the middle of this line");
    line_ = text_.substr(at_, end - at_);
    at_ = end + 1;
    auto value = codec::ParseJson(line_, kLineBudget);
    if (!value.ok()) return Wrong("is no JSON: " + value.error().message);
    if (!value->is_object()) return Wrong("is no JSON object");
    return value;
  }

  Expected<void> Header() {
    ZOE_ASSIGN(const codec::Value line, NextLine("is empty: no backup"));
    if (line.StringAt("format") != kFormat) return Wrong("is no header of a backup");
    const int64_t format = IntAt(line, "formatVersion");
    if (format > kBackupFormat) {
      return Wrong("has backup format " + std::to_string(format) + ", this program knows " +
                   std::to_string(kBackupFormat) + ": use the version that wrote it (" +
                   line.StringAt("program") + ")");
    }
    backup_.schema_version = IntAt(line, "schemaVersion");
    backup_.store_id = line.StringAt("storeId");
    backup_.deployment = line.StringAt("deployment");
    backup_.revision = IntAt(line, "revision");
    backup_.program = line.StringAt("program");
    const auto created = ParseTime(line.StringAt("createdAt"));
    objects_ = IntAt(line, "objects");
    if (format < 1 || backup_.schema_version < 0 || backup_.deployment.empty() || !created.ok() ||
        objects_ < 0)
      return Wrong("is an incomplete header of a backup");
    backup_.created_at = *created;
    return {};
  }

  Expected<void> AddRecord(const codec::Value& line) {
    Record record{
        .key = {line.StringAt("kind"), line.StringAt("namespace"), line.StringAt("name")}};
    const std::string begin = KeyPart(record.key);
    if (record.key.kind.empty() || !line_.starts_with(begin) || !line_.ends_with('}'))
      return Wrong("is no record: it was changed");
    std::string_view rest = line_.substr(begin.size());
    rest.remove_suffix(1);
    if (rest.starts_with(kObject)) {
      record.bytes = rest.substr(kObject.size());
    } else if (rest.starts_with(kBase64)) {
      record.bytes = crypto::DecodeBase64(line.StringAt("base64"));
    } else {
      return Wrong("is no record: it was changed");
    }
    if (record.bytes.size() > kMaxRecordBytes) {
      return Wrong(record.key.ToString() + " is larger than a store takes (" +
                   std::to_string(kMaxRecordBytes) + " bytes)");
    }
    if (!keys_.insert(record.key).second) return Wrong(record.key.ToString() + " is there twice");
    backup_.records.push_back(std::move(record));
    return {};
  }

  Expected<void> Trailer(const codec::Value& line, std::string_view before) {
    const auto count = static_cast<int64_t>(backup_.records.size());
    if (line.StringAt("end") != kFormat) return Wrong("is no last line of a backup");
    if (IntAt(line, "objects") != count || objects_ != count) {
      return Wrong("counts " + std::to_string(IntAt(line, "objects")) + " objects, the header " +
                   std::to_string(objects_) + ", but there are " + std::to_string(count) +
                   ": the file was changed");
    }
    backup_.sha256 = crypto::Sha256(before);
    if (line.StringAt("sha256") != backup_.sha256)
      return Wrong("the checksum is another one: the file was changed");
    if (at_ != text_.size()) return Wrong("is followed by something else");
    return {};
  }

  const std::string_view text_;
  const std::string& name_;
  std::string_view line_;
  size_t at_ = 0, number_ = 0;
  int64_t objects_ = 0;
  std::set<Key> keys_;
  Backup backup_;
};

Error Failed(const std::string& what) {
  return MakeError(Code::kUnavailable, what + ": " + std::strerror(errno));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Expected<std::string> EncodeBackup(const Backup& backup) {
  codec::Value header;
  header.Set("format", std::string(kFormat));
  header.Set("formatVersion", kBackupFormat);
  header.Set("schemaVersion", backup.schema_version);
  header.Set("storeId", backup.store_id);
  header.Set("deployment", backup.deployment);
  header.Set("revision", backup.revision);
  header.Set("createdAt", FormatTime(backup.created_at));
  header.Set("program", backup.program);
  header.Set("objects", static_cast<int64_t>(backup.records.size()));
  std::string text = codec::ToJson(header) + "\n";
  for (const Record& record : backup.records) text += RecordLine(record);
  codec::Value trailer;
  trailer.Set("end", std::string(kFormat));
  trailer.Set("objects", static_cast<int64_t>(backup.records.size()));
  trailer.Set("sha256", crypto::Sha256(text));
  text += codec::ToJson(trailer) + "\n";

  // What can't be read back is no backup.
  ZOE_ASSIGN(const Backup back, ParseBackup(text, "backup"));
  for (size_t i = 0; i < backup.records.size(); ++i) {
    const Record& record = backup.records[i];
    if (record.key != back.records[i].key || record.bytes != back.records[i].bytes) {
      return MakeError(Code::kInternal, record.key.ToString() +
                                            " can't be written to a backup: its name is no text");
    }
  }
  return text;
}

Expected<Backup> ParseBackup(std::string_view text, const std::string& name) {
  return Parser(text, name).Parse();
}

Expected<void> WriteBackupFile(const std::string& path, std::string_view text) {
  if (path == "-") {
    if (!WriteAll(STDOUT_FILENO, text)) return Failed("can't write to stdout");
    return {};
  }
  // The rename would put the backup in the place of a device, a pipe or a link.
  struct stat there {};
  if (lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return MakeError(Code::kInvalid, "can't write " + path +
                                         ": it is no regular file; name another one, or - for "
                                         "stdout");
  }
  // In the same directory, so that the rename is one step.
  std::string temporary = path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return Failed("can't make a file beside " + path);
  bool done = WriteAll(fd, text) && fsync(fd) == 0;
  done = close(fd) == 0 && done && rename(temporary.c_str(), path.c_str()) == 0;
  if (!done) {
    Error error = Failed("can't write " + path);
    unlink(temporary.c_str());
    return error;
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int directory = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (directory < 0) return {};
  const bool safe = fsync(directory) == 0 || errno == EINVAL;
  close(directory);
  if (!safe) return Failed("can't make sure that " + path + " is on disk");
  return {};
}

Expected<std::string> ReadBackupFile(const std::string& path) {
  const int fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("can't read " + path);
  std::string text;
  ssize_t got = 0;
  char buffer[1 << 16];
  while ((got = read(fd, buffer, sizeof buffer)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  const bool whole = got == 0;
  Error error = Failed("can't read " + path);
  if (fd != STDIN_FILENO) close(fd);
  if (!whole) return error;
  return text;
}

}  // namespace zoe

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "specs/codec/builder.h"
#include "specs/codec/text.h"
#include "specs/codec/value.h"
#include "specs/codec/yaml_scalar.h"
#include "specs/codec/yaml_text.h"

namespace zoe::codec {
namespace {

// Carries an error out of yaml-cpp's calls to the handler.
struct Stop {
  Error error;
};

// Nodes that copying a value costs; long text counts as several.
size_t WeightOf(const Value& value) {
  constexpr size_t kBytesPerNode = 256;
  size_t weight = 1;
  if (value.is_string()) weight += value.as_string().size() / kBytesPerNode;
  if (value.is_array()) {
    for (const Value& item : value.as_array()) weight += WeightOf(item);
  }
  if (value.is_object()) {
    for (const Member& m : value.as_object()) {
      weight += WeightOf(m.value) + m.key.size() / kBytesPerNode;
    }
  }
  return weight;
}

int HeightOf(const Value& value) {
  int height = 0;
  if (value.is_array()) {
    for (const Value& item : value.as_array()) height = std::max(height, HeightOf(item));
    return height + 1;
  }
  if (value.is_object()) {
    for (const Member& m : value.as_object()) height = std::max(height, HeightOf(m.value));
    return height + 1;
  }
  return 0;
}

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

class Handler : public YAML::EventHandler {
 public:
  Handler(std::string_view text, const Budget& budget)
      : text_(text),
        budget_(budget),
        locator_(text),
        builder_(budget),
        repair_(text.find("\\N") != text.npos || text.find("\\_") != text.npos) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    const size_t at = Offset(mark);
    const bool marked = text_.substr(at).starts_with("---");
    // Of `[a], b` and `- a\nb: c` the library makes two documents, and of `,` endlessly many.
    if (started_ && !marked && !HasDocumentEnd(text_, document_start_, at)) FailLeftover(at);
    started_ = true;
    document_start_ = last_ = at;
    anchors_.clear();
  }
  void OnDocumentEnd() override {
    if (bare_key_) Fail(*bare_key_, "there is no ':' after this key");
    Value root = builder_.TakeRoot();
    if (!root.is_null()) documents_.push_back(std::move(root));
    objects_.clear();
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const size_t at = Offset(mark);
    if (ExpectsKey()) {
      Fail(at, text_.substr(at).starts_with(':') ? "a key is missing before ':'"
                                                 : "a key can't be null: quote it");
    }
    // For a key without a colon the library invents a null at, or before, the key. It does so too
    // in a flow list that the text ends within, and then has more to say.
    if (builder_.in_object() && at <= objects_.back().key_offset && !bare_key_) {
      bare_key_ = objects_.back().key_offset;
    }
    Place(at, Value(), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckContainerTag(Offset(mark), tag, "seq");
    Open(Offset(mark), Value(Array()), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckContainerTag(Offset(mark), tag, "map");
    Open(Offset(mark), Value(Object()), anchor);
    objects_.push_back({});
  }
  void OnMapEnd() override {
    if (objects_.back().merge) Merge();
    objects_.pop_back();
    Close();
  }

  std::vector<Value> TakeDocuments() { return std::move(documents_); }
  // What the library complains of, in plain words.
  Error Explain(const YAML::Exception& e);

 private:
  struct OpenObject {
    bool expects_value = false;
    bool merge = false;  // has a plain key "<<"
    size_t key_offset = 0;
  };
  struct Anchored {
    Value value;
    size_t weight = 0;
    int height = 0;
  };

  [[noreturn]] void Fail(size_t at, std::string message, std::string reason = "FieldValueInvalid") {
    throw Stop{SyntaxError(locator_.At(at), std::move(message), std::move(reason))};
  }
  [[noreturn]] void FailLeftover(size_t at) {
    Fail(at,
         FollowsQuote(at)
             ? kFollowsQuote
             : "this does not belong to what stands before it: check indentation and brackets, or "
               "begin another document with a line \"---\"");
  }
  static constexpr const char* kFollowsQuote =
      "nothing can follow the closing quote: quote the whole text";
  bool FollowsQuote(size_t at) const {
    while (at > 0 && (text_[at - 1] == ' ' || text_[at - 1] == '	')) --at;
    return at > 0 && (text_[at - 1] == '"' || text_[at - 1] == '\'');
  }
  // Line and column of a mark are wrong at the end of the text; its offset is right.
  size_t Offset(const YAML::Mark& mark) {
    if (mark.is_null()) return last_;
    return last_ = std::min(static_cast<size_t>(std::max(mark.pos, 0)), text_.size());
  }
  bool ExpectsKey() const { return builder_.in_object() && !objects_.back().expects_value; }
  void CheckContainerTag(size_t at, const std::string& tag, std::string_view type);
  void CheckQuote(size_t at);
  void Key(size_t at, const std::string& key, bool plain);
  Value Typed(size_t at, const std::string& tag, const std::string& text);
  void Place(size_t at, Value value, YAML::anchor_t anchor, size_t weight = 1);
  void Open(size_t at, Value container, YAML::anchor_t anchor);
  void Close();
  void Remember(YAML::anchor_t anchor, const Value& value);
  void Merge();

  std::string_view text_;
  const Budget& budget_;
  Locator locator_;
  Builder builder_;
  std::vector<OpenObject> objects_;  // of the open containers, the objects
  std::vector<std::pair<YAML::anchor_t, size_t>>
      open_;                                    // anchor and offset of every open container
  std::map<YAML::anchor_t, Anchored> anchors_;  // complete ones only: others would be cycles
  size_t anchored_weight_ = 0, alias_weight_ = 0;
  const bool repair_;  // there are escapes that the library gets wrong
  bool started_ = false;
  size_t document_start_ = 0;
  std::optional<size_t> bare_key_;  // offset of a key without a colon
  size_t last_ = 0;                 // offset of the last event
  std::vector<Value> documents_;
};

void Handler::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const size_t at = Offset(mark);
  if (ExpectsKey()) Fail(at, "an alias can't be a key: write the key itself");
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end())
    Fail(at, "this alias stands within what it names: it would never end");
  const Anchored& anchored = found->second;
  alias_weight_ += anchored.weight;
  if (alias_weight_ > budget_.alias_nodes) {
    Fail(at, "aliases expand to more than " + std::to_string(budget_.alias_nodes) + " values");
  }
  if (builder_.depth() + anchored.height > budget_.depth) {
    Fail(at, "nested deeper than " + std::to_string(budget_.depth) + " levels");
  }
  Place(at, anchored.value, 0, anchored.weight);
}

void Handler::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& read) {
  const size_t at = Offset(mark);
  if (tag != "?") CheckQuote(at);
  std::string repaired;
  if (repair_) repaired = RepairEscapes(read);
  const std::string& text = repair_ ? repaired : read;
  if (ExpectsKey()) {
    Key(at, text, tag == "?");
  } else {
    Place(at, Typed(at, tag, text), anchor);
  }
}

// A quote that is never closed passes the library if only blanks follow.
void Handler::CheckQuote(size_t at) {
  const size_t start = SkipProperties(text_, at);
  if (start >= text_.size() || (text_[start] != '"' && text_[start] != '\'')) return;
  if (ClosingQuote(text_, start) == text_.npos) Fail(start, "this quote is never closed");
}

void Handler::CheckContainerTag(size_t at, const std::string& tag, std::string_view type) {
  if (ExpectsKey())
    Fail(at,
         "a key must be text: a list or mapping can't be one (quote a text that begins with [ or "
         "{)");
  if (tag.empty() || tag == "?" || tag == "!") return;
  if (tag == std::string(kTagPrefix) + std::string(type)) return;
  Fail(at, "the tag " + Excerpt(tag) + " isn't understood: remove it");
}

void Handler::Key(size_t at, const std::string& key, bool plain) {
  if (const Member* first = builder_.FindKey(key)) {
    Fail(at,
         "key " + Excerpt(key) + " appears twice: first at line " +
             std::to_string(first->position.line) + ", column " +
             std::to_string(first->position.column),
         "FieldValueDuplicate");
  }
  OpenObject& object = objects_.back();
  object.expects_value = true;
  object.key_offset = at;
  if (plain && key == "<<") object.merge = true;
  builder_.AddKey(key, locator_.At(at));
}

Value Handler::Typed(size_t at, const std::string& tag, const std::string& text) {
  if (tag == "!" || tag == std::string(kTagPrefix) + "str") return Value(text);
  std::optional<Value> value = ResolvePlain(text);
  if (!value)
    Fail(at, Excerpt(text) + " is a number that can't be held: quote it if it is meant as text");
  if (tag == "?") return *std::move(value);
  using Kind = Value::Kind;
  const std::string_view type = std::string_view(tag).starts_with(kTagPrefix)
                                    ? std::string_view(tag).substr(kTagPrefix.size())
                                    : std::string_view();
  const Kind kind = value->kind();
  if ((type == "int" && kind == Kind::kInt) || (type == "bool" && kind == Kind::kBool) ||
      (type == "null" && kind == Kind::kNull) || (type == "float" && kind == Kind::kDouble)) {
    return *std::move(value);
  }
  if (type == "float" && kind == Kind::kInt) return Value(static_cast<double>(value->as_int()));
  if (type == "int" || type == "bool" || type == "null" || type == "float") {
    Fail(at, Excerpt(text) + " isn't of the type that its tag !!" + std::string(type) + " says");
  }
  Fail(at, "the tag " + Excerpt(tag) + " isn't understood: remove it");
}

void Handler::Place(size_t at, Value value, YAML::anchor_t anchor, size_t weight) {
  value.position = locator_.At(at);
  if (builder_.in_object()) objects_.back().expects_value = false;
  const Value* placed = builder_.Add(std::move(value), weight);
  if (placed == nullptr) Fail(at, builder_.problem());
  if (anchor != 0) Remember(anchor, *placed);
}

void Handler::Open(size_t at, Value container, YAML::anchor_t anchor) {
  container.position = locator_.At(at);
  if (builder_.in_object()) objects_.back().expects_value = false;
  if (builder_.Open(std::move(container)) == nullptr) Fail(at, builder_.problem());
  open_.emplace_back(anchor, at);
}

void Handler::Close() {
  const YAML::anchor_t anchor = open_.back().first;
  open_.pop_back();
  const Value& closed = builder_.Close();
  if (anchor != 0) Remember(anchor, closed);
}

void Handler::Remember(YAML::anchor_t anchor, const Value& value) {
  Anchored anchored{.value = Value(), .weight = WeightOf(value), .height = HeightOf(value)};
  anchored_weight_ += anchored.weight;
  if (anchored_weight_ > budget_.nodes) {
    Fail(last_, "anchors name more than " + std::to_string(budget_.nodes) + " values");
  }
  anchored.value = value;
  anchors_[anchor] = std::move(anchored);
}

// "<<: *a" and "<<: [*a, *b]": members that the object doesn't have itself; of two, the first
// counts. Source: yaml.org/type/merge.html, version 1.1.
void Handler::Merge() {
  const Member& member = *builder_.FindKey("<<");
  const Position position = member.position;
  const auto complain = [&] {
    throw Stop{
        SyntaxError(position, "\"<<\" takes a mapping or a list of mappings, mostly aliases")};
  };
  Array sources;
  if (member.value.is_array()) {
    sources = member.value.as_array();
  } else {
    sources.push_back(member.value);
  }
  for (Value& source : sources) {
    if (!source.is_object()) complain();
    for (Member& m : source.as_object()) {
      if (builder_.FindKey(m.key) != nullptr) continue;
      builder_.AddKey(m.key, m.position).value = std::move(m.value);
    }
  }
  builder_.RemoveKey("<<");
}

Error Handler::Explain(const YAML::Exception& e) {
  namespace Msg = YAML::ErrorMsg;
  if (e.msg == Msg::EOF_IN_SCALAR) {
    const size_t quote = UnclosedQuote(text_, last_);
    if (quote != text_.npos) return SyntaxError(locator_.At(quote), "this quote is never closed");
    return SyntaxError(locator_.At(text_.size()),
                       "the text ends within quotes: one is never closed");
  }
  const size_t last = last_;
  const size_t at = e.mark.is_null() ? last : Offset(e.mark);
  const size_t line_start = at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
  const size_t content = text_.find_first_not_of(" \t", line_start);
  const size_t tab = text_.find('\t', line_start);
  if (tab < content) return SyntaxError(locator_.At(tab), "a tab can't indent: use spaces");
  // A container that the text ends within is best shown where it began.
  if (at == text_.size() && !open_.empty() &&
      (e.msg == Msg::END_OF_SEQ_FLOW || e.msg == Msg::END_OF_MAP_FLOW)) {
    const bool list = text_[open_.back().second] == '[';
    return SyntaxError(locator_.At(open_.back().second),
                       list ? "this '[' is never closed" : "this '{' is never closed");
  }
  if ((e.msg == Msg::END_OF_MAP || e.msg == Msg::END_OF_SEQ) && FollowsQuote(at)) {
    return SyntaxError(locator_.At(at), kFollowsQuote);
  }
  const std::string_view ours = PlainWords(e.msg);
  if (!ours.empty()) return SyntaxError(locator_.At(at), std::string(ours));
  return SyntaxError(locator_.At(at), "this is no YAML (" + e.msg + ")");
}

Expected<std::vector<Value>> Parse(std::string_view text, const Budget& budget) {
  Handler handler(text, budget);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(handler)) {
    }
    return handler.TakeDocuments();
  } catch (Stop& stop) {
    return std::move(stop.error);
  } catch (const YAML::Exception& e) {
    return handler.Explain(e);
  } catch (const std::exception& e) {
    return MakeError(Code::kInternal, std::string("YAML can't be read: ") + e.what());
  }
}

}  // namespace

Expected<std::vector<Value>> ParseYaml(std::string_view text, const Budget& budget) {
  if (text.size() > budget.bytes) {
    return MakeError(Code::kTooLarge, "the text has " + std::to_string(text.size()) +
                                          " bytes; at most " + std::to_string(budget.bytes) +
                                          " are read");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  ZOE_TRY(CheckCharacters(text));
  Expected<std::vector<Value>> documents = Parse(text, budget);
  if (documents.ok()) return documents;
  // JSON that the library can't read (surrogate pairs as escapes, long keys) is YAML all the same.
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && (text[first] == '{' || text[first] == '[')) {
    Expected<Value> json = ParseJson(text, budget);
    if (json.ok()) {
      std::vector<Value> one;
      one.push_back(std::move(json).value());
      return one;
    }
  }
  return documents;
}

}  // namespace zoe::codec

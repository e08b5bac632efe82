// explain: the documentation of kinds and fields, from the schema that is compiled in.
#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "specs/core/kinds.h"
#include "specs/schema/markdown.h"
#include "specs/schema/type.h"

namespace zoe::cli {
namespace {

using schema::Field;
using schema::Shape;
using schema::Type;

constexpr size_t kWidth = 76;  // of a line, without what it is indented by

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

void PrintWrapped(std::ostream& out, const std::string& indent, const std::string& text) {
  std::istringstream words(text);
  std::string word, line;
  while (words >> word) {
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      out << indent << line << '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) out << indent << line << '\n';
}

// Through lists, maps and optionals to what they hold.
const Type& Inner(const Type& type) {
  const Type* inner = &type;
  while (inner->element != nullptr) inner = inner->element;
  return *inner;
}

// As kubectl writes types: "[]Service", "map[string]string".
std::string TypeText(const Type& type, const Field& field) {
  switch (type.shape) {
    case Shape::kString:
      return field.any_scalar ? "Scalar" : "string";
    case Shape::kInteger:
      return field.integer_as_string ? "string" : "integer";
    case Shape::kBoolean:
      return "boolean";
    case Shape::kQuantity:
      return "Quantity";
    case Shape::kTime:
      return "Time";
    case Shape::kRaw:
      return "Object";
    case Shape::kOptional:
      return TypeText(*type.element, field);
    case Shape::kList:
      return "[]" + TypeText(*type.element, field);
    case Shape::kMap:
      return "map[string]" + TypeText(*type.element, field);
    case Shape::kStruct:
      return std::string(type.name);
  }
  return "";
}

std::string Documentation(const Field& field) {
  std::string text(field.doc);
  if (!field.default_text.empty() && field.default_text != "false")
    text += " Default: " + field.default_text + ".";
  Field bounds = field;
  bounds.values.clear();  // they have a line of their own
  bounds.constant = {};
  if (const std::string more = schema::Bounds(bounds); !more.empty()) text += " " + more;
  if (!field.example.empty()) text += " Example: " + std::string(field.example);
  return text;
}

std::string Joined(const std::vector<std::string_view>& words, std::string_view separator) {
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : separator).append(word);
  return out;
}

std::vector<const Field*> InOrder(const Type& type) {
  std::vector<const Field*> fields;
  for (const Field& field : type.fields) fields.push_back(&field);
  std::sort(fields.begin(), fields.end(),
            [](const Field* a, const Field* b) { return a->name < b->name; });
  return fields;
}

// Types that a struct leads to; `above` are those that it stands in.
void PrintFields(std::ostream& out, const Type& type, bool recursive,
                 std::vector<const Type*> above) {
  const std::string indent((above.size() + 1) * 2, ' ');
  above.push_back(&type);
  for (const Field* field : InOrder(type)) {
    out << indent << field->name << "\t<" << TypeText(*field->type, *field) << '>'
        << (field->required && field->constant.empty() ? " -required-" : "") << '\n';
    if (!field->values.empty() && field->constant.empty())
      out << indent << "enum: " << Joined(field->values, ", ") << '\n';
    if (!recursive) {
      PrintWrapped(out, indent + "  ", Documentation(*field));
      out << '\n';
      continue;
    }
    const Type& inner = Inner(*field->type);
    if (inner.shape == Shape::kStruct &&
        std::find(above.begin(), above.end(), &inner) == above.end())
      PrintFields(out, inner, true, above);
  }
}

void PrintHead(std::ostream& out, const v1::Kind& kind) {
  const size_t slash = kind.api_version.find('/');
  if (!kind.group.empty()) out << "GROUP:      " << kind.group << '\n';
  out << "KIND:       " << kind.name << "\nVERSION:    "
      << kind.api_version.substr(slash == std::string_view::npos ? 0 : slash + 1) << "\n\n";
}

void PrintField(std::ostream& out, const Field& field) {
  out << "FIELD: " << field.name << " <" << TypeText(*field.type, field) << ">\n";
  if (!field.values.empty() && field.constant.empty())
    out << "ENUM:\n    " << Joined(field.values, "\n    ") << '\n';
  out << '\n';
}

// Ours first; "events" of the core are "events.v1".
const v1::Kind* FindAnyKind(const std::string& name) {
  if (const v1::Kind* kind = v1::FindResource(name)) return kind;
  const auto resource = FindResource(name);
  return resource.ok() ? core::FindKind(resource->kind) : nullptr;
}

}  // namespace

int ExplainKind(Session& session) {
  if (session.words().size() != 1)
    return session.Usage("explain takes one KIND or KIND.FIELD…, such as execution.spec");
  std::vector<std::string> path = Split(session.words()[0], '.');
  const v1::Kind* kind = FindAnyKind(path[0]);
  if (kind == nullptr) return session.Usage(FindResource(path[0]).error().message);
  path.erase(path.begin());
  if (!path.empty() && path[0] == kind->group) path.erase(path.begin());
  const Type* type = kind->type;
  const Field* field = nullptr;
  for (const std::string& name : path) {
    field = type->Find(name);
    if (field == nullptr) {
      std::vector<std::string_view> names;
      for (const Field& known : type->fields) names.push_back(known.name);
      const std::string close = Closest(name, names);
      return session.Fail("field \"" + name + "\" does not exist" +
                          (close.empty() ? "" : "; did you mean \"" + close + "\"?"));
    }
    type = &Inner(*field->type);
  }
  std::ostream& out = session.out();
  PrintHead(out, *kind);
  if (field != nullptr) PrintField(out, *field);
  out << "DESCRIPTION:\n";
  if (field != nullptr) PrintWrapped(out, "    ", Documentation(*field));
  PrintWrapped(out, "    ", std::string(type->doc));
  out << '\n';
  if (type->fields.empty()) return kOk;
  out << "FIELDS:\n";
  PrintFields(out, *type, session.args().Is("recursive"), {});
  if (session.args().Is("recursive")) out << '\n';
  return kOk;
}

}  // namespace zoe::cli

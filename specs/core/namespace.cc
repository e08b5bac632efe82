#include "specs/core/namespace.h"

#include "specs/schema/meta.h"

namespace zoe::schema {

template <>
const Type& Describe<core::NamespaceStatus>() {
  using core::NamespaceStatus;
  static const Type type =
      Struct<NamespaceStatus>("NamespaceStatus", "How the namespace is.")
          .Add("phase", &NamespaceStatus::phase, "Terminating while its user is being deleted.")
          .Enum({"Active", "Terminating"})
          .Build();
  return type;
}

template <>
const Type& Describe<core::Namespace>() {
  using core::Namespace;
  static const Type type =
      Struct<Namespace>("Namespace",
                        "The place of a user's objects: made with the User of the same name. "
                        "Read only.")
          .Constant("apiVersion", "v1", "Version of this format.")
          .Constant("kind", "Namespace", "Kind of object.")
          .Add("metadata", &Namespace::meta, "Name, labels and history.")
          .Add("status", &Namespace::status, "How it is.")
          .Build();
  return type;
}

}  // namespace zoe::schema

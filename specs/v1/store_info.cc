#include "specs/v1/store_info.h"

#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::v1 {

const Key& StoreInfoKey() {
  static const Key key{std::string(kStoreInfo), "", "self"};
  return key;
}

}  // namespace zoe::v1

namespace zoe::schema {

using v1::StoreInfo, v1::StoreInfoSpec;

template <>
const Type& Describe<StoreInfoSpec>() {
  static const Type type =
      Struct<StoreInfoSpec>("StoreInfoSpec", "What a store says of itself.")
          .Add("id", &StoreInfoSpec::id, "Tells stores apart.")
          .Add("schemaVersion", &StoreInfoSpec::schema_version, "Form of its records.")
          .Add("createdAt", &StoreInfoSpec::created_at, "When it was made.")
          .Add("restoring", &StoreInfoSpec::restoring, "A backup is being written into it.")
          .Add("restoringFrom", &StoreInfoSpec::restoring_from, "SHA-256 of that backup.")
          .Add("replaced", &StoreInfoSpec::replaced, "Ids of stores whose place it took.")
          .Build();
  return type;
}

template <>
const Type& Describe<v1::StoreInfoStatus>() {
  static const Type type = Struct<v1::StoreInfoStatus>("StoreInfoStatus", "Nothing.").Build();
  return type;
}

template <>
const Type& Describe<StoreInfo>() {
  static const Type type = Struct<StoreInfo>("StoreInfo", "What a store says of itself.")
                               .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
                               .Constant("kind", "StoreInfo", "Kind of object.")
                               .Add("metadata", &StoreInfo::meta, "Name.")
                               .Add("spec", &StoreInfo::spec, "What it says.")
                               .Add("status", &StoreInfo::status, "Nothing.")
                               .Build();
  return type;
}

}  // namespace zoe::schema

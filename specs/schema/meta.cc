#include "specs/schema/meta.h"

#include "specs/schema/names.h"

namespace zoe::schema {

template <>
const Type& Describe<OwnerReference>() {
  static const Type type =
      Struct<OwnerReference>("OwnerReference",
                             "An object that this one belongs to: it goes when that goes.")
          .Add("apiVersion", &OwnerReference::api_version, "apiVersion of the owner.")
          .Required()
          .Example("zoe/v1")
          .Add("kind", &OwnerReference::kind, "Kind of the owner.")
          .Required()
          .Example("Execution")
          .Add("name", &OwnerReference::name,
               "Name of the owner, in the same namespace or cluster-scoped.")
          .Required()
          .Add("uid", &OwnerReference::uid,
               "uid of the owner, so that a later object of that name is not mistaken for it.")
          .Required()
          .Add("controller", &OwnerReference::controller,
               "True for the one owner that manages this object.")
          .Add("blockOwnerDeletion", &OwnerReference::block_owner_deletion,
               "True: the owner is kept until this object has gone.")
          .Build();
  return type;
}

template <>
const Type& Describe<ManagedFields>() {
  static const Type type =
      Struct<ManagedFields>("ManagedFieldsEntry", "Fields that one manager has set last.")
          .Add("manager", &ManagedFields::manager, "Who: a program, or a part of one.")
          .Add("operation", &ManagedFields::operation, "How the fields were set.")
          .Enum({"Apply", "Update"})
          .Add("apiVersion", &ManagedFields::api_version, "apiVersion of the fields.")
          .Add("time", &ManagedFields::time, "When the manager's fields changed last.")
          .Add("fieldsType", &ManagedFields::fields_type, "Format of fieldsV1: FieldsV1.")
          .Add("fieldsV1", &ManagedFields::fields,
               "The fields, as a tree: \"f:NAME\" is a field, \"k:{...}\" an item of a list.")
          .Add("subresource", &ManagedFields::subresource,
               "The subresource through which they were set.")
          .Build();
  return type;
}

template <>
const Type& Describe<Meta>() {
  static const Type type =
      Struct<Meta>("ObjectMeta", "What every object carries: its name, labels and history.")
          .Add("name", &Meta::name,
               "Name, unique per kind and namespace. A DNS label: at most 63 lower-case letters, "
               "digits and \"-\".")
          .Immutable()
          .Example("wordcount")
          .Add("generateName", &Meta::generate_name,
               "Used where name is missing: the server appends five random characters.")
          .Example("wordcount-")
          .Add("namespace", &Meta::ns,
               "Namespace, which is the name of the user to whom it belongs. Default: the calling "
               "user's own.")
          .Immutable()
          .Must(MustBeDnsLabel)
          .Example("alice")
          .Add("uid", &Meta::uid,
               "Identity for ever, given by the server: another object of the same name has "
               "another one.")
          .Immutable()
          .Add("resourceVersion", &Meta::resource_version,
               "Revision of the last change, given by the server. In a write: the change is "
               "refused if the object has "
               "changed since.")
          .IntegerAsString()
          .Add("generation", &Meta::generation,
               "Grows with each change of spec. Given by the server.")
          .OmitZero()
          .AtLeast(0)
          .Add("creationTimestamp", &Meta::creation_timestamp,
               "When the object was created. Given by the server.")
          .Add("deletionTimestamp", &Meta::deletion_timestamp,
               "When deletion was asked for; the object goes when finalizers is empty. Given by "
               "the server.")
          .Add("deletionGracePeriodSeconds", &Meta::deletion_grace_period_seconds,
               "Seconds that the containers get to end by themselves. Given by the server.")
          .AtLeast(0)
          .Add("labels", &Meta::labels, "Words to select objects by.")
          .KeysMust(MustBeLabelKey)
          .Must(MustBeLabelValue)
          .Example("{project: books}")
          .Add("annotations", &Meta::annotations,
               "Notes of people and programs; any text, at most 256 KiB together.")
          .KeysMust(MustBeLabelKey)
          .Example("{example.com/ticket: \"42\"}")
          .Add("finalizers", &Meta::finalizers,
               "Who still has to clean up before the object may go.")
          .Must(MustBeLabelKey)
          .ListSet()
          .Add("ownerReferences", &Meta::owner_references, "Objects that this one belongs to.")
          .ListMap({"uid"})
          .Add("managedFields", &Meta::managed_fields,
               "Who has set which fields last: by this server-side apply finds conflicts. Kept by "
               "the server.")
          .Ignore("selfLink")
          .Build();
  return type;
}

template <>
const Type& Describe<Condition>() {
  static const Type type =
      Struct<Condition>("Condition",
                        "One thing that is true of the object, or not, and since when.")
          .Add("type", &Condition::type, "What is said.")
          .Required()
          .Add("status", &Condition::status, "Whether it is so.")
          .Required()
          .Enum({"True", "False", "Unknown"})
          .Add("reason", &Condition::reason, "Why, as one CamelCase word for programs.")
          .Add("message", &Condition::message, "Why, for people.")
          .Add("lastTransitionTime", &Condition::last_transition_time, "When status changed last.")
          .Add("observedGeneration", &Condition::observed_generation,
               "The metadata.generation that was looked at.")
          .OmitZero()
          .Build();
  return type;
}

}  // namespace zoe::schema

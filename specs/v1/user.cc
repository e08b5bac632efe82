#include "specs/v1/user.h"

#include "specs/schema/names.h"
#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::User, v1::UserNetwork, v1::UserSpec, v1::UserStatus;

template <>
const Type& Describe<UserNetwork>() {
  static const Type type =
      Struct<UserNetwork>("UserNetwork",
                          "The private network of the user's namespace. Changes take effect when "
                          "the network is made again.")
          .Add("addresses", &UserNetwork::addresses,
               "Containers that must fit in at one time. The subnet is chosen large enough for "
               "them and for the nodes of the Swarm, each of which takes one address.")
          .Range(8, 60'000)
          .Aka({"size"})
          .Add("subnet", &UserNetwork::subnet,
               "A fixed subnet in CIDR notation. Empty: one is planned from the controller's "
               "--network-pool.")
          .Must(v1::MustBeSubnet)
          .Example("10.20.30.0/24")
          .Aka({"cidr"})
          .Add("encrypted", &UserNetwork::encrypted,
               "True: traffic between nodes is encrypted (IPsec).")
          .Build();
  return type;
}

template <>
const Type& Describe<UserSpec>() {
  static const Type type =
      Struct<UserSpec>("UserSpec", "Who may do what, and as which numeric user on files.")
          .Add("role", &UserSpec::role,
               "admin may do everything; user has a namespace of the same name and may run what "
               "the catalog offers; guest may only run applications of the catalog, one at a time.")
          .Enum({v1::kRoleAdmin, v1::kRoleUser, v1::kRoleGuest})
          .Add("enabled", &UserSpec::enabled,
               "False: no login, and the gateway is closed; executions go on.")
          .Always()
          .Add("fullName", &UserSpec::full_name, "Name, for people.")
          .MaxLength(256)
          .Example("Alice Liddell")
          .Aka({"displayName"})
          .Add("email", &UserSpec::email, "Address, for people.")
          .MaxLength(256)
          .Example("alice@example.org")
          .Add("password", &UserSpec::password,
               "Sets the password, 8 to 1024 bytes. Never shown again: only hashes of it are kept.")
          .MaxLength(1024)
          .Example("correct horse battery staple")
          .Add("passwordHash", &UserSpec::password_hash,
               "Sets the password by its Argon2id hash, for files that others read; the gateway's "
               "SOCKS5 then doesn't know the password. Never shown again.")
          .Must(v1::MustBeArgon2id)
          .MaxLength(256)
          .Add("quota", &UserSpec::quota,
               "Name of the Quota that limits this user. Absent, and while there is no such Quota: "
               "the one that is for the role.")
          .Must(MustBeDnsLabel)
          .Example("students")
          .Add("sshKeys", &UserSpec::ssh_keys,
               "Public keys that open the gateway, a line each, as in authorized_keys, without "
               "options.")
          .Must(v1::MustBeSshKey)
          .ListSet()
          .MaxItems(100)
          .Example(
              "[ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ "
              "alice@laptop]")
          .Aka({"sshKey", "publicKeys", "authorizedKeys", "ssh_keys", "keys"})
          .Add("uid", &UserSpec::uid,
               "Numeric user on files and in containers. Absent: one is chosen by the name, the "
               "same each time.")
          .Range(1, 2'147'483'647)
          .Example("1001")
          .Add("gid", &UserSpec::gid, "Numeric group on files and in containers.")
          .Range(1, 2'147'483'647)
          .Default("uid")
          .Example("1001")
          .Add("network", &UserSpec::network, "The private network of the user's namespace.")
          .Example("{addresses: 500}")
          .Build();
  return type;
}

template <>
const Type& Describe<UserStatus>() {
  static const Type type =
      Struct<UserStatus>("UserStatus", "What stands of the user's place.")
          .Add("observedGeneration", &UserStatus::observed_generation,
               "The metadata.generation that was looked at.")
          .OmitZero()
          .Add("network", &UserStatus::network, "Name of the private network on the Swarm.")
          .Add("subnet", &UserStatus::subnet, "Its subnet.")
          .Add("conditions", &UserStatus::conditions,
               "NetworkReady, WorkspaceReady, GatewayReady, Ready.")
          .ListMap({"type"})
          .Build();
  return type;
}

template <>
const Type& Describe<User>() {
  static const Type type =
      Struct<User>("User",
                   "A person with a namespace of the same name: its private network, its Workspace "
                   "and its Gateway.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "User", "Kind of object.")
          .Add("metadata", &User::meta, "Name, labels and history.")
          .Required()
          .Example("{name: alice}")
          .Add("spec", &User::spec, "Who may do what.")
          .Add("status", &User::status, "What stands; written by the controller.")
          .Build();
  return type;
}

}  // namespace zoe::schema

#include "specs/v1/gateway.h"

#include "specs/v1/checks.h"
#include "specs/v1/describe.h"
#include "specs/v1/kinds.h"

namespace zoe::schema {

using v1::Gateway, v1::GatewayPorts, v1::GatewaySpec, v1::GatewayStatus;

template <>
const Type& Describe<GatewayPorts>() {
  static const Type type =
      Struct<GatewayPorts>("GatewayPorts", "Where the gateway listens.")
          .Add(
              "mode", &GatewayPorts::mode,
              "host: on the node that it runs on; ingress: on every node, by Swarm's routing mesh.")
          .Enum({"host", "ingress"})
          .Add("ssh", &GatewayPorts::ssh, "Published port of SSH; 0: Docker chooses.")
          .Range(0, 65535)
          .Add("socks", &GatewayPorts::socks, "Published port of SOCKS5; 0: Docker chooses.")
          .Range(0, 65535)
          .Build();
  return type;
}

template <>
const Type& Describe<GatewaySpec>() {
  static const Type type =
      Struct<GatewaySpec>("GatewaySpec", "How the way in is made.")
          .Add("image", &GatewaySpec::image, "Image to run.")
          .Must(v1::MustBeImage)
          .Default("the controller's --gateway-image")
          .Example("zoe/gateway:latest")
          .Add("ports", &GatewaySpec::ports, "Where it listens.")
          .Example("{mode: host, ssh: 30022, socks: 30080}")
          .Add("sshKeys", &GatewaySpec::ssh_keys, "Public keys that open it beside the User's.")
          .Must(v1::MustBeSshKey)
          .ListSet()
          .MaxItems(100)
          .Aka({"sshKey", "publicKeys", "authorizedKeys"})
          .Add("shell", &GatewaySpec::shell,
               "True: SSH also gives a shell and files in the gateway's container; else it only "
               "forwards.")
          .Add("constraints", &GatewaySpec::constraints,
               "Conditions on the node, as a service's: which nodes users can reach.")
          .Must(v1::MustBeConstraint)
          .Example("[\"node.labels.public == true\"]")
          .Build();
  return type;
}

template <>
const Type& Describe<GatewayStatus>() {
  static const Type type =
      Struct<GatewayStatus>("GatewayStatus", "Where the way in is.")
          .Add("observedGeneration", &GatewayStatus::observed_generation,
               "The metadata.generation that was looked at.")
          .OmitZero()
          .Add("node", &GatewayStatus::node, "Name of the node that it runs on.")
          .Add("address", &GatewayStatus::address, "Address of that node.")
          .Add("sshPort", &GatewayStatus::ssh_port, "Port of SSH there.")
          .OmitZero()
          .Add("socksPort", &GatewayStatus::socks_port, "Port of SOCKS5 there.")
          .OmitZero()
          .Add("user", &GatewayStatus::user, "Account of SSH and SOCKS5.")
          .Add("hostKey", &GatewayStatus::host_key, "SSH host key, as known_hosts has it.")
          .Add("hostKeyFingerprint", &GatewayStatus::host_key_fingerprint,
               "Its SHA256 fingerprint.")
          .Add("ssh", &GatewayStatus::ssh, "A ready command line.")
          .Add("socks", &GatewayStatus::socks, "Address of the SOCKS5 proxy, as a URL.")
          .Add("conditions", &GatewayStatus::conditions, "Ready.")
          .ListMap({"type"})
          .Build();
  return type;
}

template <>
const Type& Describe<Gateway>() {
  static const Type type =
      Struct<Gateway>("Gateway",
                      "A user's way into the private network: SSH and SOCKS5. Named as its "
                      "namespace, which has one only.")
          .Constant("apiVersion", v1::kApiVersion, "Version of this format.")
          .Constant("kind", "Gateway", "Kind of object.")
          .Add("metadata", &Gateway::meta, "Name, labels and history.")
          .Required()
          .Example("{name: alice, namespace: alice}")
          .Add("spec", &Gateway::spec, "How the way in is made.")
          .Add("status", &Gateway::status, "Where it is; written by the controller.")
          .Build();
  return type;
}

}  // namespace zoe::schema

// gateway: how to reach the network of a namespace. open: an execution's endpoints.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/table.h"

namespace zoe::cli {
namespace {

using codec::Value;

// As ssh's known_hosts and URLs write an address.
std::string Bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

// Why a gateway can't be used; empty if it can.
std::string WhyNot(const Value& gateway) {
  const Value* ready = Condition(gateway, "Ready");
  const bool up = ready != nullptr && ready->StringAt("status") == "True";
  if (up && !gateway.StringAt("status.address").empty()) return "";
  if (ready == nullptr) return "it has just been asked for";
  const std::string reason = ready->StringAt("reason"), message = ready->StringAt("message");
  if (up) return "its address isn't known yet";
  return message.empty() ? reason : reason + ": " + message;
}

void Line(std::ostream& out, std::string_view name, const std::string& value) {
  std::string label = std::string(name) + ":";
  label.resize(std::max<size_t>(14, label.size() + 1), ' ');
  if (!value.empty()) out << label << OneLine(value) << '\n';
}

void Show(Session& session, const Value& gateway) {
  std::ostream& out = session.out();
  const std::string address = gateway.StringAt("status.address");
  const std::string user = gateway.StringAt("status.user");
  const std::string key = gateway.StringAt("status.hostKey");
  const std::string ssh_port = std::to_string(IntAt(gateway, "status.sshPort"));
  const std::string socks_port = std::to_string(IntAt(gateway, "status.socksPort"));
  const std::string socks = Bracketed(address) + ":" + socks_port;
  const std::string tunnel = "ssh -N -D 1080 -p " + ssh_port + " " + user + "@" + address;
  Line(out, "Gateway", gateway.StringAt("metadata.name"));
  Line(out, "Node", gateway.StringAt("status.node"));
  Line(out, "SSH", Bracketed(address) + ":" + ssh_port + "  (user " + user + ", with your key)");
  Line(out, "SOCKS5", socks + "  (user " + user + ", with your Zoe password)");
  Line(out, "Host key", gateway.StringAt("status.hostKeyFingerprint"));
  if (!key.empty()) {
    out << "\nKnow it beforehand, a line for ~/.ssh/known_hosts:\n  "
        << OneLine("[" + address + "]:" + ssh_port + " " + key) << '\n';
  }
  out << "\nSOCKS5 on this machine, without a password, for as long as it runs:\n  "
      << OneLine(tunnel) << '\n'
      << "\nFor a browser beside it, a file that sends only this network's names there:\n"
         "  zoe gateway --pac zoe.pac\n"
         "\nA program at a time:\n  "
      << OneLine("curl --proxy socks5h://" + user + "@" + socks)
      << " http://SERVICE.EXECUTION:PORT/\n";
}

// JavaScript that says which names lie in the network. An execution's names are taken one by one:
// "*.EXECUTION" would take a part of the Internet along if an execution has the name of one.
std::string PacText(const std::string& ns, const std::string& proxy,
                    const std::vector<Value>& executions) {
  std::set<std::string> hosts;
  for (const Value& execution : executions) {
    const std::string name = execution.StringAt("metadata.name");
    for (const char* path : {"status.services", "spec.application.services"}) {
      const Value* services = execution.At(path);
      if (services == nullptr || !services->is_array()) continue;
      for (const Value& service : services->as_array())
        hosts.insert(service.StringAt("name") + "." + name);
    }
  }
  std::string list;
  for (const std::string& host : hosts) {
    if (!list.empty()) list += ",\n    ";
    codec::AppendJsonString(list, host);
  }
  const std::string suffix = "." + ns;
  std::string quoted, answer;
  codec::AppendJsonString(quoted, suffix);
  codec::AppendJsonString(answer, "SOCKS5 " + proxy);
  return "// Sends the names of namespace " + ns + " through " + proxy +
         ", everything else directly.\n"
         "// Names SERVICE.EXECUTION are those of now; SERVICE.EXECUTION" +
         suffix +
         " are always known.\n"
         "function FindProxyForURL(url, host) {\n"
         "  var names = [\n    " +
         list +
         "\n  ];\n"
         "  host = host.toLowerCase();\n"
         "  if (dnsDomainIs(host, " +
         quoted + ") && dnsDomainLevels(host) == 2) return " + answer +
         ";\n"
         "  for (var i = 0; i < names.length; i++) {\n"
         "    var dot = names[i].indexOf(\".\");\n"
         "    var replica = names[i].substring(0, dot) + \"-*\" + names[i].substring(dot);\n"
         "    if (host == names[i] || (dnsDomainLevels(host) == 1 && shExpMatch(host, replica)))\n"
         "      return " +
         answer +
         ";\n"
         "  }\n"
         "  return \"DIRECT\";\n"
         "}\n";
}

bool IsHostAndPort(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || text.size() > 300)
    return false;
  return text.find_first_not_of("0123456789", colon + 1) == std::string::npos &&
         text.find_first_of(" \t\r\n;\"'\\/") == std::string::npos;
}

int WritePac(Session& session, client::Client& client) {
  const std::string& proxy = session.args().Get("proxy");
  if (!IsHostAndPort(proxy)) return session.Usage("--proxy takes HOST:PORT, not \"" + proxy + "\"");
  const auto resource = FindResource("executions");
  if (!resource.ok()) return session.Fail(resource.error().message);
  const auto list = client.List(resource->Path(session.ns()));
  if (!list.ok()) return session.Fail(list.error());
  const std::string text = PacText(session.ns(), proxy, list->Find("items")->as_array());
  const std::string path = session.words().empty() ? "-" : session.words()[0];
  if (path == "-") {
    session.out() << text;
    return kOk;
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return session.Fail("can't write " + path + ": " + std::strerror(errno));
  session.err() << "written: " << path << '\n';
  return kOk;
}

int ShowCredentials(Session& session, client::Client& client, const std::string& path,
                    const Output& output) {
  const auto credentials = client.Get(path + "/credentials");
  if (!credentials.ok()) return session.Fail(credentials.error());
  if (!output.IsTable()) {
    PrintObject(session.out(), output, *credentials);
    return kOk;
  }
  for (const codec::Member& member : credentials->as_object()) {
    if (member.key == "kind" || member.key == "apiVersion" || member.value.is_object()) continue;
    std::string title = member.key;
    title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
    Line(session.out(), title, member.value.ScalarText());
  }
  return kOk;
}

// The endpoint that was asked for, or the only one.
Expected<Value> ChooseEndpoint(const Value& execution, const std::string& wanted) {
  const Value* list = execution.At("status.endpoints");
  const std::string name = execution.StringAt("metadata.name");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) {
    const Value* services = execution.At("status.services");
    const bool known = services != nullptr && services->is_array() && !services->as_array().empty();
    return MakeError(Code::kNotFound,
                     "execution \"" + name + "\" has no endpoint" +
                         (known ? ": no port of its services says \"endpoint: true\""
                                : " yet: see \"zoe describe execution " + name + "\""));
  }
  std::vector<const Value*> found;
  std::string choice;
  for (const Value& endpoint : list->as_array()) {
    const std::string port = endpoint.StringAt("name"), service = endpoint.StringAt("service");
    const std::string full = service + "." + port;
    if (wanted.empty() || wanted == port || wanted == full || wanted == service)
      found.push_back(&endpoint);
    choice += (choice.empty() ? "" : ", ") + full;
  }
  if (found.size() == 1) return *found[0];
  return MakeError(
      Code::kNotFound,
      found.empty() ? "execution \"" + name + "\" has no endpoint \"" + wanted + "\", but " + choice
                    : "execution \"" + name + "\" has several endpoints, say which: " + choice);
}

}  // namespace

int GatewayCommand(Session& session) {
  const Arguments& args = session.args();
  const auto output = ParseOutput(args.Get("output"));
  if (!output.ok()) return session.Usage(output.error().message);
  const bool pac = args.Is("pac");
  if (session.words().size() > (pac ? 1 : 0))
    return session.Usage("gateway takes no words but --pac's file; another's: -n NAMESPACE");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  if (pac) return WritePac(session, **client);
  const auto resource = FindResource("gateways");
  if (!resource.ok()) return session.Fail(resource.error().message);
  const std::string path = resource->Path(session.ns(), session.ns());
  if (args.Is("show-credentials")) return ShowCredentials(session, **client, path, *output);
  const auto gateway = (*client)->Get(path);
  if (!gateway.ok()) return session.Fail(gateway.error());
  if (!output->IsTable()) {
    PrintObject(session.out(), *output, *gateway);
    return kOk;
  }
  if (const std::string why = WhyNot(*gateway); !why.empty())
    return session.Fail("gateway \"" + session.ns() + "\" is not ready: " + why);
  Show(session, *gateway);
  return kOk;
}

int OpenEndpoint(Session& session) {
  const std::vector<std::string>& words = session.words();
  if (words.empty() || words.size() > 2)
    return session.Usage("open takes an execution: zoe open EXECUTION [ENDPOINT]");
  const auto ones = ParseOnes({words[0]}, "executions");
  if (!ones.ok()) return session.Usage(ones.error().message);
  const One& one = ones->front();
  if (one.resource.kind != "Execution") return session.Usage("only executions can be opened");
  const auto client = session.Connect();
  if (!client.ok()) return session.Fail(client.error().message);
  const auto execution = (*client)->Get(one.resource.Path(session.ns(), one.name));
  if (!execution.ok()) return session.Fail(execution.error());
  const auto endpoint = ChooseEndpoint(*execution, words.size() > 1 ? words[1] : "");
  if (!endpoint.ok()) return session.Fail(endpoint.error().message);
  std::string url = endpoint->StringAt("url");
  if (url.starts_with('/')) url = (*client)->server() + url;
  if (url.empty()) return session.Fail("the endpoint has no address yet");
  const std::string phase = execution->StringAt("status.phase");
  if (phase != "Running")
    session.err() << "execution \"" << one.name << "\" is " << (phase.empty() ? "Pending" : phase)
                  << '\n';
  session.out() << OneLine(url) << '\n';
  const Io& io = session.io();
  const bool display =
      io.env("DISPLAY").value_or("") + io.env("WAYLAND_DISPLAY").value_or("") != "";
  const bool web = url.starts_with("http://") || url.starts_with("https://");
  if (session.args().Is("print") || !io.out_is_terminal || !display || !web || !io.launch)
    return kOk;
  if (!io.launch({"xdg-open", url})) session.err() << "xdg-open can't be started\n";
  return kOk;
}

}  // namespace zoe::cli

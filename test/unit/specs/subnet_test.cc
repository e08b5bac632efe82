// Subnets and endpoints.
#include "specs/meta/subnet.h"

#include <gtest/gtest.h>

#include "specs/v1/endpoints.h"

namespace zoe {
namespace {

TEST(SubnetTest, ReadsWhatItWrites) {
  for (const char* text : {"10.0.0.0/8", "10.192.0.0/11", "192.168.1.128/25", "1.2.3.4/32",
                           "0.0.0.0/0", "255.255.255.255/32"}) {
    const auto subnet = ParseSubnet(text);
    ASSERT_TRUE(subnet) << text;
    EXPECT_EQ(subnet->ToString(), text);
  }
  EXPECT_EQ(ParseSubnet("10.1.2.3")->ToString(), "10.1.2.3/32");
  EXPECT_EQ(ParseSubnet("10.1.2.3/16")->ToString(), "10.1.0.0/16");
  for (const char* wrong :
       {"", "10", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.256", "10.0.0.0/8x", "10.0.00.0/8",
        "10.0.0.0.0/8", "::/0", "10.0.0.-1", " 10.0.0.0"})
    EXPECT_FALSE(ParseSubnet(wrong)) << wrong;
}

TEST(SubnetTest, OverlapsWhatItSharesAnAddressWith) {
  const auto overlap = [](const char* a, const char* b) {
    return ParseSubnet(a)->Overlaps(*ParseSubnet(b)) && ParseSubnet(b)->Overlaps(*ParseSubnet(a));
  };
  EXPECT_TRUE(overlap("10.0.0.0/8", "10.255.255.255"));
  EXPECT_TRUE(overlap("0.0.0.0/0", "255.255.255.255"));
  EXPECT_TRUE(overlap("10.0.0.0/24", "10.0.0.0/24"));
  EXPECT_FALSE(overlap("10.0.0.0/24", "10.0.1.0/24"));
  EXPECT_FALSE(overlap("10.0.0.0/25", "10.0.0.128/25"));
}

v1::Service MakeService(const std::string& name, std::initializer_list<const char*> ports) {
  v1::Service service;
  service.name = name;
  for (const char* port : ports) {
    service.ports.push_back({.name = port, .port = 80, .endpoint = true});
  }
  service.ports.push_back({.name = "inner", .port = 81});
  return service;
}

TEST(EndpointsTest, HaveTheNameOfTheirPortWhereThatIsUnique) {
  const auto endpoints =
      v1::EndpointsOf({MakeService("master", {"web", "api"}), MakeService("worker", {"web"})});
  std::string ids;
  for (const v1::EndpointTarget& endpoint : endpoints) ids += endpoint.id + " ";
  EXPECT_EQ(ids, "master.web api worker.web ");
  EXPECT_EQ(v1::FindEndpoint(endpoints, "api")->service, "master");
  EXPECT_EQ(v1::FindEndpoint(endpoints, "master.api")->service, "master");
  EXPECT_EQ(v1::FindEndpoint(endpoints, "worker.web")->service, "worker");
  EXPECT_EQ(v1::FindEndpoint(endpoints, "web"), nullptr);
  EXPECT_EQ(v1::FindEndpoint(endpoints, "inner"), nullptr);
  EXPECT_EQ(v1::ProxyPath("alice", "note", "web"),
            "/apis/zoe/v1/namespaces/alice/executions/note/endpoints/web/proxy");
}

}  // namespace
}  // namespace zoe

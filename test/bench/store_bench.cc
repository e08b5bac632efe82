// How many durable writes per second each store takes from 1, 4, 16 and 64 writers at once, and
// what one of them waits. Usage: store_bench [directory for the embedded store]. Each writer swaps
// objects of its own, 1 kB each, for two seconds.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "apis/memory/memory_store.h"
#include "apis/sqlite/sqlite_store.h"
#include "apis/zookeeper/zookeeper_store.h"
#include "test/conformance/store/zookeeper_server.h"

namespace zoe {
namespace {

using std::chrono::steady_clock;
constexpr auto kRun = std::chrono::seconds(2);

// Microseconds of each write.
std::vector<double> WriteAs(Store& store, int writer, int writers) {
  std::vector<double> waits;
  const Key key{"Execution", "bench", std::to_string(writers) + "-" + std::to_string(writer)};
  Expected<Revision> revision = store.Create(key, "{}");
  for (const auto end = steady_clock::now() + kRun; revision.ok() && steady_clock::now() < end;) {
    const auto start = steady_clock::now();
    revision = store.Replace(key, *revision, std::string(1000, 'x'));
    waits.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
  if (!revision.ok()) std::fprintf(stderr, "%s\n", revision.error().message.c_str());
  return waits;
}

void Print(const char* name, int writers, std::vector<double> waits, double seconds) {
  if (waits.empty()) return;
  std::sort(waits.begin(), waits.end());
  std::printf("| %s | %d | %.0f | %.0f | %.0f |\n", name, writers,
              static_cast<double>(waits.size()) / seconds, waits[waits.size() / 2],
              waits[waits.size() * 99 / 100]);
  std::fflush(stdout);
}

// Appends 4 kB and waits for them, over and over.
void MeasureDisk(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string page(4096, 'x');
  std::vector<double> waits;
  for (const auto end = steady_clock::now() + kRun; steady_clock::now() < end;) {
    const auto start = steady_clock::now();
    if (write(fd, page.data(), page.size()) < 0 || fdatasync(fd) != 0) break;
    waits.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
  close(fd);
  Print("(disk)", 1, std::move(waits), std::chrono::duration<double>(kRun).count());
}

void Measure(const char* name, Store& store) {
  for (const int writers : {1, 4, 16, 64}) {
    std::vector<std::vector<double>> waits(static_cast<size_t>(writers));
    std::vector<std::thread> threads;
    const auto start = steady_clock::now();
    for (int i = 0; i < writers; ++i)
      threads.emplace_back([&, i] { waits[static_cast<size_t>(i)] = WriteAs(store, i, writers); });
    for (std::thread& thread : threads) thread.join();
    const double seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
    std::vector<double> all;
    for (const auto& one : waits) all.insert(all.end(), one.begin(), one.end());
    Print(name, writers, std::move(all), seconds);
  }
}

int Run(const std::string& directory) {
  std::printf("| store | writers | writes/s | p50 us | p99 us |\n|---|---|---|---|---|\n");
  const std::string path = directory + "/store_bench/state.db";
  std::filesystem::create_directories(directory + "/store_bench");
  MeasureDisk(directory + "/store_bench/disk");
  Measure("memory", *MakeMemoryStore());
  if (auto store = OpenSqliteStore(path); store.ok()) {
    Measure("sqlite", **store);
  } else {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
  }
  std::filesystem::remove_all(directory + "/store_bench");
  const auto server = conformance::ZooKeeperServer::Start(true);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 0;
  }
  if (auto store = OpenZooKeeperStore({.hosts = (*server)->hosts()}); store.ok())
    Measure("zookeeper", **store);
  return 0;
}

}  // namespace
}  // namespace zoe

int main(int argc, char** argv) {
  return zoe::Run(argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string());
}

#include <iostream>

#include "controller/scheduler/simulator/command.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return zoe::scheduler::simulator::Main({argv + 1, argv + argc}, std::cout, std::cerr);
}

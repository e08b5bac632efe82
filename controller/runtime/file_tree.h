#pragma once

#include <memory>

#include "controller/ports/files.h"
#include "controller/runtime/fd.h"

namespace zoe::files {

// FileTree of an open directory (O_PATH is enough). Needs /proc.
std::unique_ptr<FileTree> MakeFileTree(Fd top);

}  // namespace zoe::files

// Walks over whole trees that others change meanwhile, in steps, with few open files.
#pragma once

#include <dirent.h>

#include <memory>
#include <string>

#include "controller/ports/files.h"
#include "controller/runtime/fd.h"

namespace zoe::files {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using DirectoryPtr = std::unique_ptr<DIR, CloseDirectory>;

// Takes the descriptor over. nullptr: errno.
DirectoryPtr ReadDirectory(Fd fd);
// The next entry but "." and ".."; nullptr at the end (errno 0) and on errors.
const dirent* NextEntry(DIR* directory);

// Files::Measure of an open directory.
std::unique_ptr<Measurement> CountTree(Fd top);

// One step of removing directory `name` of `parent` with all that it holds; true once it is gone.
// Nothing is remembered between steps. Errors as FileTree's, naming `path`; kNotFound if it isn't
// there.
Expected<bool> RemoveStep(int parent, const std::string& name, const std::string& path,
                          const StepBudget& budget);

}  // namespace zoe::files

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/error.h"
#include "specs/v1/application.h"

namespace zoe::v1 {

// What is wrong with `text` as a value of `parameter`; empty: nothing.
std::string ParameterProblem(const Parameter& parameter, const std::string& text);

// Checks the declarations themselves: unique names, bounds and defaults that fit. Appends causes
// under `path` ("spec.parameters").
void CheckDeclared(const std::vector<Parameter>& parameters, std::string_view path,
                   std::vector<Cause>& causes);

}  // namespace zoe::v1

// A value or an Error. C++20 has no std::expected.
#pragma once

#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "specs/meta/error.h"

namespace zoe {

// Holds a T or an Error. Reading the wrong one is a defect and ends the process.
template <class T>
class [[nodiscard]] Expected {
 public:
  using value_type = T;
  Expected(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Expected(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Expected*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &value(); }
  template <class U>
  T value_or(U&& other) const& {
    return ok() ? value() : static_cast<T>(std::forward<U>(other));
  }

  const Error& error() const& {
    if (ok()) std::abort();
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    if (ok()) std::abort();
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T& Checked() {
    if (!ok()) std::abort();
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Expected<void> {
 public:
  using value_type = void;
  Expected() = default;
  Expected(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    if (!error_) std::abort();
    return *error_;
  }
  Error&& error() && {
    if (!error_) std::abort();
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace zoe

#define ZOE_CONCAT_(a, b) a##b
#define ZOE_CONCAT(a, b) ZOE_CONCAT_(a, b)

// Returns the error of `expr` from the enclosing function, if it has one.
#define ZOE_TRY(expr)                                     \
  do {                                                    \
    auto zoe_try = (expr);                                \
    if (!zoe_try.ok()) return std::move(zoe_try).error(); \
  } while (false)

// ZOE_ASSIGN(const auto x, F()): declares x from F()'s value, or returns its error.
#define ZOE_ASSIGN(declaration, expr) \
  ZOE_ASSIGN_(ZOE_CONCAT(zoe_assign_, __LINE__), declaration, expr)
#define ZOE_ASSIGN_(temp, declaration, expr)      \
  auto temp = (expr);                             \
  if (!temp.ok()) return std::move(temp).error(); \
  declaration = std::move(temp).value()

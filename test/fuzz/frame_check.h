// What must hold of every input of the decoders of frames: of SPDY and of WebSockets.
#pragma once

#include <string>
#include <string_view>

namespace zoe::fuzz {

// Empty if all is well, else what is wrong. Checked: the bytes mean the same in whatever pieces
// they come; no more comes out than the bounds allow; what SPDY frames say survives being encoded
// and decoded again.
std::string CheckSpdy(std::string_view bytes);
std::string CheckWebSocket(std::string_view bytes);

}  // namespace zoe::fuzz

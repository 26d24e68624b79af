// What the byte sources share.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "weir/io/byte_source.h"

namespace weir::detail {

struct FreeMemory {
  void operator()(char* memory) const noexcept { std::free(memory); }
};
using PageMemory = std::unique_ptr<char, FreeMemory>;
/// Page-aligned, zeroed. Null where there is none.
PageMemory take_pages(std::size_t bytes) noexcept;

/// The source behind make_file_source, without decompression.
std::unique_ptr<ByteSource> make_plain_file_source(const FileSourceConfig& config);
/// `open` counts the connection down when it is gone.
std::unique_ptr<ByteSource> make_counted_tcp_source(IoHandle connection, std::string name,
                                                    std::shared_ptr<std::uint32_t> open);

}  // namespace weir::detail

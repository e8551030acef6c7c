// CRC-32C (Castagnoli), the checksum of record batches. The fastest implementation this CPU has is chosen once, at run
// time: carry-less multiplication in AVX-512 registers, three interleaved SSE4.2 streams, the ARMv8 CRC instructions, or a
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace odradek {

// Of `bytes`, in the usual form (initial and final inversion): crc32c("123456789") == 0xE3069283.
uint32_t crc32c(std::span<const uint8_t> bytes);

// Of `before` ++ `bytes`, given crc == crc32c(before).
uint32_t crc32c_extend(uint32_t crc, std::span<const uint8_t> bytes);

// Of head' ++ tail, given crc == crc32c(head ++ tail), |head| == |head'| and |tail| == tail_size: a change of a batch's
// header costs no second pass over its records.
uint32_t crc32c_replace_head(uint32_t crc, std::span<const uint8_t> head, std::span<const uint8_t> new_head,
                             uint64_t tail_size);

// "avx512", "sse4.2", "arm" or "table".
const char* crc32c_implementation();

// For tests and benchmarks: the portable one, whatever the CPU; and a named one, if this CPU has it.
uint32_t crc32c_extend_portable(uint32_t crc, std::span<const uint8_t> bytes);
std::optional<uint32_t> crc32c_extend_as(std::string_view implementation, uint32_t crc, std::span<const uint8_t> bytes);

}  // namespace odradek

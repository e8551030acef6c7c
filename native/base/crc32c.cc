#include "base/crc32c.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/invariant.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace odradek {

namespace {

// Polynomials over GF(2) modulo P, bit-reflected: the top bit is x^0.
constexpr uint32_t kP = 0x82F63B78;
constexpr uint32_t kOne = 0x80000000;

constexpr uint32_t times_x(uint32_t a) { return (a & 1) != 0 ? (a >> 1) ^ kP : a >> 1; }

constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = times_x(b);
  }
  return product;
}

// kSquares[i] == x^(2^i).
constexpr std::array<uint32_t, 64> make_squares() {
  std::array<uint32_t, 64> squares{};
  squares[0] = times_x(kOne);
  for (size_t i = 1; i < squares.size(); ++i) squares[i] = multiply(squares[i - 1], squares[i - 1]);
  return squares;
}
constexpr auto kSquares = make_squares();

constexpr uint32_t x_to_the(uint64_t n) {
  uint32_t power = kOne;
  for (size_t i = 0; n != 0; ++i, n >>= 1) {
    if ((n & 1) != 0) power = multiply(power, kSquares[i]);
  }
  return power;
}

// kTables[0] advances a CRC by one byte, kTables[k] by that byte and k zero bytes after it.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

// The functions below carry the CRC without its initial and final inversion.
using Extend = uint32_t (*)(uint32_t raw, const uint8_t* at, size_t size);

uint32_t extend_table(uint32_t raw, const uint8_t* at, size_t size) {
  for (; size >= 8; at += 8, size -= 8) {
    uint32_t low = raw ^ (static_cast<uint32_t>(at[0]) | static_cast<uint32_t>(at[1]) << 8 |
                          static_cast<uint32_t>(at[2]) << 16 | static_cast<uint32_t>(at[3]) << 24);
    raw = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][at[4]] ^ kTables[2][at[5]] ^ kTables[1][at[6]] ^ kTables[0][at[7]];
  }
  for (; size > 0; ++at, --size) raw = (raw >> 8) ^ kTables[0][(raw ^ *at) & 0xff];
  return raw;
}

#if defined(__x86_64__)

inline uint64_t load_word(const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// A product of two reflected 32-bit polynomials read as a reflected 64-bit one is x times too large, and the CRC
// instruction multiplies what it is fed by x^32; so 33 powers are taken off the constant beforehand.
constexpr uint32_t shift_constant(size_t bytes) { return x_to_the(8 * static_cast<uint64_t>(bytes) - 33); }

__attribute__((target("sse4.2,pclmul"))) inline uint32_t shift(uint32_t raw, uint32_t constant) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(raw)),
                                               _mm_cvtsi32_si128(static_cast<int>(constant)), 0);
  return static_cast<uint32_t>(_mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product))));
}

// The CRC instruction takes three cycles but can start every cycle: three streams side by side keep it busy.
template <size_t kStream>
__attribute__((target("sse4.2,pclmul"))) inline uint32_t three_streams(uint32_t raw, const uint8_t* at) {
  uint64_t a = raw;
  uint64_t b = 0;
  uint64_t c = 0;
  for (size_t i = 0; i < kStream; i += 8) {
    a = _mm_crc32_u64(a, load_word(at + i));
    b = _mm_crc32_u64(b, load_word(at + kStream + i));
    c = _mm_crc32_u64(c, load_word(at + 2 * kStream + i));
  }
  constexpr uint32_t kOver2 = shift_constant(2 * kStream);
  constexpr uint32_t kOver1 = shift_constant(kStream);
  return shift(static_cast<uint32_t>(a), kOver2) ^ shift(static_cast<uint32_t>(b), kOver1) ^ static_cast<uint32_t>(c);
}

__attribute__((target("sse4.2,pclmul"))) uint32_t extend_sse42(uint32_t raw, const uint8_t* at, size_t size) {
  for (; size >= 3 * 4096; at += 3 * 4096, size -= 3 * 4096) raw = three_streams<4096>(raw, at);
  for (; size >= 3 * 512; at += 3 * 512, size -= 3 * 512) raw = three_streams<512>(raw, at);
  for (; size >= 3 * 64; at += 3 * 64, size -= 3 * 64) raw = three_streams<64>(raw, at);
  uint64_t wide = raw;
  for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, load_word(at));
  raw = static_cast<uint32_t>(wide);
  for (; size > 0; ++at, --size) raw = _mm_crc32_u8(raw, *at);
  return raw;
}

// Carry-less products move 16 bytes at a time past what follows them: each half is multiplied by what its distance makes
// of x, modulo P (the first half is 64 bits further away), and added to the bytes it lands on. A reflected product is x
// times too small, hence the shift.
template <uint64_t kBits>
__attribute__((target("avx512f,avx512dq"))) inline __m512i fold_constant() {
  constexpr long long kFirst = static_cast<long long>(uint64_t{x_to_the(kBits + 32)} << 1);
  constexpr long long kSecond = static_cast<long long>(uint64_t{x_to_the(kBits - 32)} << 1);
  return _mm512_set_epi64(kSecond, kFirst, kSecond, kFirst, kSecond, kFirst, kSecond, kFirst);
}

__attribute__((target("avx512f,avx512dq,vpclmulqdq"))) inline __m512i fold(__m512i from, __m512i constant, __m512i onto) {
  constexpr int kXorOfThree = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(from, constant, 0x00), _mm512_clmulepi64_epi128(from, constant, 0x11),
                                   onto, kXorOfThree);
}

// Four streams of 64 bytes, then one, whose last 64 bytes the CRC instruction takes.
__attribute__((target("avx512f,avx512dq,vpclmulqdq,sse4.2,pclmul"))) uint32_t extend_avx512(uint32_t raw, const uint8_t* at, size_t size) {
  constexpr size_t kWide = 256;
  constexpr size_t kLane = 64;
  if (size < 2 * kWide) return extend_sse42(raw, at, size);
  __m512i streams[4];
  for (size_t i = 0; i < 4; ++i) streams[i] = _mm512_loadu_si512(at + i * kLane);
  streams[0] = _mm512_xor_si512(streams[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(raw))));
  at += kWide;
  size -= kWide;
  const __m512i wide = fold_constant<8 * kWide>();
  for (; size >= kWide; at += kWide, size -= kWide) {
    for (size_t i = 0; i < 4; ++i) streams[i] = fold(streams[i], wide, _mm512_loadu_si512(at + i * kLane));
  }
  const __m512i lane = fold_constant<8 * kLane>();
  __m512i sum = streams[0];
  for (size_t i = 1; i < 4; ++i) sum = fold(sum, lane, streams[i]);
  for (; size >= kLane; at += kLane, size -= kLane) sum = fold(sum, lane, _mm512_loadu_si512(at));
  uint8_t folded[kLane];
  _mm512_storeu_si512(folded, sum);
  uint64_t rest = 0;
  for (size_t i = 0; i < kLane; i += 8) rest = _mm_crc32_u64(rest, load_word(folded + i));
  return extend_sse42(static_cast<uint32_t>(rest), at, size);
}

#elif defined(__aarch64__)

// As assembly, because GCC and Clang agree neither on the name of the target nor on who may use the intrinsics.
inline uint32_t take_word(uint32_t raw, uint64_t word) {
  asm(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(raw) : "r"(word));
  return raw;
}

inline uint32_t take_byte(uint32_t raw, uint8_t byte) {
  asm(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(raw) : "r"(uint32_t{byte}));
  return raw;
}

uint32_t extend_arm(uint32_t raw, const uint8_t* at, size_t size) {
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    raw = take_word(raw, word);
  }
  for (; size > 0; ++at, --size) raw = take_byte(raw, *at);
  return raw;
}

#endif

struct Implementation {
  Extend extend;
  const char* name;
};

// Those this CPU has, the fastest first.
std::span<const Implementation> available() {
  static const auto found = [] {
    std::array<Implementation, 3> all{};
    size_t count = 0;
#if defined(__x86_64__)
    const bool sse42 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("vpclmulqdq");
    if (sse42 && wide) all[count++] = {extend_avx512, "avx512"};
    if (sse42) all[count++] = {extend_sse42, "sse4.2"};
#elif defined(__aarch64__)
    if ((getauxval(AT_HWCAP) & (1ul << 7)) != 0) all[count++] = {extend_arm, "arm"};
#endif
    all[count++] = {extend_table, "table"};
    return std::pair(all, count);
  }();
  return {found.first.data(), found.second};
}

const Implementation& chosen() {
  static const Implementation implementation = available().front();
  return implementation;
}

}  // namespace

uint32_t crc32c_extend(uint32_t crc, std::span<const uint8_t> bytes) {
  return ~chosen().extend(~crc, bytes.data(), bytes.size());
}

uint32_t crc32c(std::span<const uint8_t> bytes) { return crc32c_extend(0, bytes); }

std::optional<uint32_t> crc32c_extend_as(std::string_view implementation, uint32_t crc, std::span<const uint8_t> bytes) {
  for (const Implementation& one : available()) {
    if (one.name == implementation) return ~one.extend(~crc, bytes.data(), bytes.size());
  }
  return std::nullopt;
}

uint32_t crc32c_extend_portable(uint32_t crc, std::span<const uint8_t> bytes) {
  return ~extend_table(~crc, bytes.data(), bytes.size());
}

// A CRC is linear: the two differ by the difference of the heads' CRCs, moved past the tail.
uint32_t crc32c_replace_head(uint32_t crc, std::span<const uint8_t> head, std::span<const uint8_t> new_head,
                             uint64_t tail_size) {
  INVARIANT(head.size() == new_head.size());
  return crc ^ multiply(crc32c(head) ^ crc32c(new_head), x_to_the(8 * tail_size));
}

const char* crc32c_implementation() { return chosen().name; }

}  // namespace odradek

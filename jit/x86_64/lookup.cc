#include "jit/x86_64/lookup.h"

#include <nmmintrin.h>

#include <cstring>

#include "vm/maps/hash_view.h"
#include "vm/maps/lpm_ipv6_view.h"
#include "vm/maps/lpm_trie_view.h"

namespace sluice::jit::x86_64 {
namespace {

using vm::HashView;

// vm/maps/hash_function_view.h for a key of kBytes, which the compiler unrolls.
template <std::uint32_t kBytes>
__attribute__((target("sse4.2"))) inline std::uint32_t hash_of(const std::uint8_t* key, std::uint64_t seed) {
  std::uint64_t crc = static_cast<std::uint32_t>(seed);
  for (std::uint32_t at = 0; at + 8 <= kBytes; at += 8) {
    crc = _mm_crc32_u64(crc, vm::hash_mix(vm::key_word_at(key + at), seed));
  }
  if (kBytes % 8 != 0) {
    crc = _mm_crc32_u64(crc, vm::hash_mix(vm::word_tail(key + kBytes / 8 * 8, kBytes % 8), seed));
  }
  return static_cast<std::uint32_t>(crc);
}

// vm::hash_view_scan with the tags of a bucket compared at once. Fewer instructions a look-up are more look-ups that
// the CPU has under way, each waiting for memory. The 16 bytes may be of two moments: the caller's sequence check
// tells.
template <std::uint32_t kBytes>
__attribute__((target("sse4.2"))) inline std::uint32_t scan_sized(const HashView& view, const vm::HashBucket* bucket,
                                                                  const std::uint8_t* key, std::uint16_t tag) {
  const __m128i wanted = _mm_set1_epi16(static_cast<std::int16_t>(tag));
  for (;;) {
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(bucket->tags));
    asm volatile("" : : : "memory");  // an acquire load: what follows comes after it
    // Two bits a slot.
    for (auto left = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi16(tags, wanted))); left != 0;) {
      const auto bit = static_cast<unsigned>(__builtin_ctz(left));
      const std::uint32_t element = __atomic_load_n(&bucket->slots[bit / 2], __ATOMIC_ACQUIRE);
      if (element != 0 && vm::words_equal(view.elements + std::uint64_t{element} * view.element_stride, key, kBytes)) {
        return element;
      }
      left &= ~(3U << bit);
    }
    const std::uint32_t next = __atomic_load_n(&bucket->next, __ATOMIC_ACQUIRE);
    if (next == 0) return 0;
    bucket = view.buckets + next;
  }
}

// vm::hash_view_find likewise.
template <std::uint32_t kBytes>
__attribute__((target("sse4.2"))) inline std::uint32_t find_sized(const HashView& view, const std::uint8_t* key) {
  const std::uint32_t hash = hash_of<kBytes>(key, view.seed);
  const vm::HashBucket* const first = view.buckets + (hash & view.bucket_mask);
  for (;;) {
    const std::uint32_t before = __atomic_load_n(&first->sequence, __ATOMIC_ACQUIRE);
    const std::uint32_t element = scan_sized<kBytes>(view, first, key, vm::hash_view_tag(hash));
    if ((before & 1) == 0 && __atomic_load_n(&first->sequence, __ATOMIC_RELAXED) == before) return element;
  }
}

// What the LRU types' look-ups do beside finding.
template <bool kLru>
inline std::uint32_t noted(const HashView& view, std::uint32_t element) {
  if constexpr (kLru) {
    if (element != 0) vm::hash_view_mark(&view, element);
  }
  return element;
}

template <std::uint32_t kBytes, bool kLru>
__attribute__((target("sse4.2"), flatten)) std::uint8_t* hash_sized(const void* view, const std::uint8_t* key,
                                                                    std::uint32_t) noexcept {
  const auto& hash = *static_cast<const HashView*>(view);
  const std::uint32_t element = noted<kLru>(hash, find_sized<kBytes>(hash, key));
  return element != 0 ? vm::hash_view_value(&hash, element) : nullptr;
}

template <std::uint32_t kBytes, bool kLru>
__attribute__((target("sse4.2"), flatten)) std::uint8_t* percpu_hash_sized(const void* view, const std::uint8_t* key,
                                                                           std::uint32_t cpu) noexcept {
  const auto& hash = *static_cast<const HashView*>(view);
  const std::uint32_t element = noted<kLru>(hash, find_sized<kBytes>(hash, key));
  return element != 0 ? vm::hash_view_percpu_value(&hash, element, cpu) : nullptr;
}

std::uint8_t* hash_any(const void* view, const std::uint8_t* key, std::uint32_t) noexcept {
  return vm::hash_view_lookup(static_cast<const HashView*>(view), key);
}

std::uint8_t* percpu_hash_any(const void* view, const std::uint8_t* key, std::uint32_t cpu) noexcept {
  return vm::hash_view_percpu_lookup(static_cast<const HashView*>(view), key, cpu);
}

std::uint8_t* lru_hash_any(const void* view, const std::uint8_t* key, std::uint32_t) noexcept {
  return vm::hash_view_lru_lookup(static_cast<const HashView*>(view), key);
}

std::uint8_t* lru_percpu_hash_any(const void* view, const std::uint8_t* key, std::uint32_t cpu) noexcept {
  return vm::hash_view_lru_percpu_lookup(static_cast<const HashView*>(view), key, cpu);
}

__attribute__((noinline)) std::uint8_t* lpm_trie(const void* view, const std::uint8_t* key, std::uint32_t) noexcept {
  return vm::lpm_trie_lookup(static_cast<const vm::LpmTrieView*>(view), key);
}

template <std::uint32_t kBytes>  // of data
bool asks_for_all(const std::uint8_t* key) noexcept {
  std::uint32_t bits = 0;
  std::memcpy(&bits, key, sizeof bits);
  return bits == kBytes * 8;
}

// Programs nearly always ask for all bits of a key, and the index nearly always answers by the tables from its
// first on: what else there is begins anew in lpm_trie, so that most look-ups need neither a stack nor a second turn.
template <std::uint32_t kBytes>
__attribute__((noinline, flatten)) std::uint8_t* lpm_trie_sized(const void* shared, const std::uint8_t* key,
                                                                std::uint32_t) noexcept {
  const auto& view = *static_cast<const vm::LpmTrieView*>(shared);
  if (!asks_for_all<kBytes>(key)) [[unlikely]]
    return lpm_trie(shared, key, 0);
  const std::uint32_t before = __atomic_load_n(&view.sequence, __ATOMIC_ACQUIRE);
  const std::uint32_t node = vm::lpm_index_quick(&view, kBytes, key + 4);
  if (node == 0 || __atomic_load_n(&view.sequence, __ATOMIC_RELAXED) != before) return lpm_trie(shared, key, 0);
  return vm::lpm_trie_value(&view, node);
}

// The same for IPv6 addresses. kFirstBits: the view's.
template <std::uint32_t kFirstBits>
__attribute__((noinline, flatten)) std::uint8_t* lpm_trie_ipv6(const void* shared, const std::uint8_t* key,
                                                               std::uint32_t) noexcept {
  const auto& view = *static_cast<const vm::LpmTrieView*>(shared);
  if (!asks_for_all<16>(key)) [[unlikely]]
    return lpm_trie(shared, key, 0);
  const std::uint32_t before = __atomic_load_n(&view.sequence, __ATOMIC_ACQUIRE);
  const std::uint32_t node = vm::lpm_ipv6_quick(&view, kFirstBits, __builtin_bswap64(vm::key_word_at(key + 4)));
  if (node == 0 || __atomic_load_n(&view.sequence, __ATOMIC_RELAXED) != before) [[unlikely]]
    return lpm_trie(shared, key, 0);
  return vm::lpm_trie_value(&view, node);
}

// What the first table and, where that has nothing, the one above it answer is answered here. A prefix of the latter
// counts when the former has nothing afterwards: what is shorter is read before what is longer. That needs no sequence:
// each load is whole.
std::uint8_t* lpm_trie_ipv4(const void* shared, const std::uint8_t* key, std::uint32_t) noexcept {
  const auto& view = *static_cast<const vm::LpmTrieView*>(shared);
  if (!asks_for_all<4>(key)) [[unlikely]]
    return lpm_trie(shared, key, 0);
  const std::uint32_t first = vm::lpm_index_first(&view, 4, key + 4);
  const std::uint32_t* const above = vm::lpm_index_above(&view);
  vm::LpmEntry entry = __atomic_load_n(&view.first[first], __ATOMIC_ACQUIRE);
  if (entry == 0 && above != nullptr) {
    const std::uint32_t shorter = __atomic_load_n(&above[first >> 8], __ATOMIC_ACQUIRE);
    entry = __atomic_load_n(&view.first[first], __ATOMIC_ACQUIRE);
    if (entry == 0) entry = shorter;
  }
  if (static_cast<std::int32_t>(entry) <= 0) return lpm_trie_sized<4>(shared, key, 0);
  return vm::lpm_trie_value(&view, entry);
}

// The look-ups of the four hash types.
struct Hashes {
  LookupFunction shared, percpu, lru, lru_percpu;

  [[nodiscard]] LookupFunction of(vm::MapType type) const {
    if (type == vm::MapType::kHash) return shared;
    if (type == vm::MapType::kPercpuHash) return percpu;
    if (type == vm::MapType::kLruHash) return lru;
    return type == vm::MapType::kLruPercpuHash ? lru_percpu : nullptr;
  }
};
struct Sized {
  std::uint32_t key_size;
  Hashes functions;
};
template <std::uint32_t kBytes>
constexpr Sized sized() {
  return {kBytes,
          {hash_sized<kBytes, false>, percpu_hash_sized<kBytes, false>, hash_sized<kBytes, true>,
           percpu_hash_sized<kBytes, true>}};
}
constexpr Hashes kAnySize = {hash_any, percpu_hash_any, lru_hash_any, lru_percpu_hash_any};
// IPv4 address, MAC, MAC and VLAN, 5-tuples with and without padding, IPv6 address, its 5-tuples.
constexpr Sized kSized[] = {sized<4>(),  sized<6>(),  sized<8>(),  sized<12>(), sized<13>(),
                            sized<16>(), sized<20>(), sized<36>(), sized<37>(), sized<40>()};

}  // namespace

LookupFunction lookup_function(const vm::Map& map, Features features) {
  if (map.view() == nullptr) return nullptr;
  const vm::MapSpec& spec = map.spec();
  if (spec.type == vm::MapType::kLpmTrie) {
    if (spec.key_size == 4 + 4) return lpm_trie_ipv4;
    if (spec.key_size != 4 + 16) return lpm_trie;
    const std::uint32_t first_bits = static_cast<const vm::LpmTrieView*>(map.view())->first_bits;
    return first_bits == 24 ? lpm_trie_ipv6<24> : first_bits == 16 ? lpm_trie_ipv6<16> : lpm_trie_ipv6<8>;
  }
  for (const Sized& s : kSized) {
    if (features.sse42 && s.key_size == spec.key_size) return s.functions.of(spec.type);
  }
  return kAnySize.of(spec.type);
}

}  // namespace sluice::jit::x86_64

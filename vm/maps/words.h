#pragma once
// Copies of keys and values that other threads may be reading: 8-byte words, each read and written whole, so that no
// word is ever torn. Freestanding (C and C++); part of the views. `shared` addresses are 8-byte aligned and padded with
// zeroes to 8 bytes; the other side may lie anywhere and is touched only within its `bytes`. Any thread.
#include <stdint.h>

#ifdef __cplusplus
namespace sluice::vm {
#endif

// The word at `at`, which may be unaligned.
static inline uint64_t word_at(const uint8_t* at) {
  uint64_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return word;
}

// word_at of a key, in two loads: programs have often just written it by fields of 4 bytes, and a load that spans two
// stores waits until both have left the CPU, with every look-up behind it.
static inline uint64_t key_word_at(const uint8_t* key) {
  uint32_t low, high;
  __builtin_memcpy(&low, key, sizeof low);
  __builtin_memcpy(&high, key + 4, sizeof high);
  __asm__("" : "+r"(high));  // or compilers make one load of both
  return (uint64_t)high << 32 | low;
}

// The first `bytes` (0..7) bytes at `at` as a word, the rest zero.
static inline uint64_t word_tail(const uint8_t* at, uint32_t bytes) {
  uint64_t word = 0;
  uint32_t done = 0;
  if (bytes & 4) {
    uint32_t four;
    __builtin_memcpy(&four, at, sizeof four);
    word = four;
    done = 4;
  }
  if (bytes & 2) {
    uint16_t two;
    __builtin_memcpy(&two, at + done, sizeof two);
    word |= (uint64_t)two << (8 * done);
    done += 2;
  }
  if (bytes & 1) word |= (uint64_t)at[done] << (8 * done);
  return word;
}

// Release and acquire order cost nothing on x86 and make sequence checks around these copies sound: who sees a word
// sees everything its writer had done before.
static inline void words_store(uint8_t* shared, const uint8_t* from, uint32_t bytes) {
  uint64_t* to = (uint64_t*)(void*)shared;
  uint32_t i = 0;
  for (; i + 8 <= bytes; i += 8) __atomic_store_n(to++, word_at(from + i), __ATOMIC_RELEASE);
  if (i < bytes) __atomic_store_n(to, word_tail(from + i, bytes - i), __ATOMIC_RELEASE);
}

static inline void words_load(uint8_t* to, const uint8_t* shared, uint32_t bytes) {
  const uint64_t* from = (const uint64_t*)(const void*)shared;
  for (; bytes >= 8; bytes -= 8, to += 8) {
    const uint64_t word = __atomic_load_n(from++, __ATOMIC_ACQUIRE);
    __builtin_memcpy(to, &word, sizeof word);
  }
  if (bytes != 0) {
    const uint64_t word = __atomic_load_n(from, __ATOMIC_ACQUIRE);
    __builtin_memcpy(to, &word, bytes);
  }
}

static inline void words_clear(uint8_t* shared, uint32_t bytes) {
  uint64_t* to = (uint64_t*)(void*)shared;
  for (uint32_t i = 0; i < bytes; i += 8) __atomic_store_n(to++, 0, __ATOMIC_RELEASE);
}

// 1 when the `bytes` bytes at `key` are those at `shared`.
static inline int words_equal(const uint8_t* shared, const uint8_t* key, uint32_t bytes) {
  const uint64_t* stored = (const uint64_t*)(const void*)shared;
  for (; bytes >= 8; bytes -= 8, key += 8) {
    if (__atomic_load_n(stored++, __ATOMIC_ACQUIRE) != word_at(key)) return 0;
  }
  return bytes == 0 || __atomic_load_n(stored, __ATOMIC_ACQUIRE) == word_tail(key, bytes);
}

#ifdef __cplusplus
}  // namespace sluice::vm
#endif

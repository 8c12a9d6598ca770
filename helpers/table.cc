#include "helpers/table.h"

#include <algorithm>
#include <functional>

#include "helpers/functions.h"
#include "vm/maps/map.h"

namespace sluice::helpers {
namespace {

using vm::ArgKind;
using vm::Effect;
using vm::RetKind;

constexpr std::uint32_t number(vm::MapType type) { return static_cast<std::uint32_t>(type); }

// Which map types a helper takes, as the kernel's verifier has it.
constexpr std::uint32_t kLookupTypes[] = {
    number(vm::MapType::kHash),        number(vm::MapType::kArray),       number(vm::MapType::kPercpuHash),
    number(vm::MapType::kPercpuArray), number(vm::MapType::kLruHash),     number(vm::MapType::kLruPercpuHash),
    number(vm::MapType::kLpmTrie),     number(vm::MapType::kArrayOfMaps), number(vm::MapType::kHashOfMaps),
    number(vm::MapType::kDevmap),      number(vm::MapType::kDevmapHash)};
constexpr std::uint32_t kUpdateTypes[] = {number(vm::MapType::kHash),       number(vm::MapType::kArray),
                                          number(vm::MapType::kPercpuHash), number(vm::MapType::kPercpuArray),
                                          number(vm::MapType::kLruHash),    number(vm::MapType::kLruPercpuHash),
                                          number(vm::MapType::kLpmTrie)};
constexpr std::uint32_t kQueueTypes[] = {number(vm::MapType::kQueue), number(vm::MapType::kStack)};
constexpr std::uint32_t kTailCallTypes[] = {number(vm::MapType::kProgArray)};
constexpr std::uint32_t kForEachTypes[] = {number(vm::MapType::kHash),       number(vm::MapType::kArray),
                                           number(vm::MapType::kPercpuHash), number(vm::MapType::kPercpuArray),
                                           number(vm::MapType::kLruHash),    number(vm::MapType::kLruPercpuHash)};
constexpr std::uint32_t kRedirectTypes[] = {number(vm::MapType::kDevmap), number(vm::MapType::kDevmapHash)};

constexpr vm::HelperDesc kHelpers[] = {
    {.id = 1,
     .name = "map_lookup_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey},
     .ret = RetKind::kMapValueOrNull,
     .takes_packet = true,
     .fn = map_lookup_elem,
     .map_types = kLookupTypes,
     .doc = "Address of the value stored under a key, or null; of a map of maps the inner map."},
    {.id = 2,
     .name = "map_update_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey, ArgKind::kMapValue, ArgKind::kAnything},
     .ret = RetKind::kError,
     .takes_packet = true,
     .fn = map_update_elem,
     .map_types = kUpdateTypes,
     .doc = "Stores a value under a key; flags: BPF_ANY, BPF_NOEXIST or BPF_EXIST."},
    {.id = 3,
     .name = "map_delete_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapKey},
     .ret = RetKind::kError,
     .takes_packet = true,
     .fn = map_delete_elem,
     .map_types = kUpdateTypes,
     .doc = "Removes a key."},
    {.id = 5,
     .name = "ktime_get_ns",
     .fn = ktime_get_ns,
     .doc = "Nanoseconds since boot without suspend (CLOCK_MONOTONIC); in replay the frame's time stamp."},
    {.id = 6,
     .name = "trace_printk",
     // r3 to r5 may be unwritten, as in the kernel: the format says how many count
     .args = {ArgKind::kReadMem, ArgKind::kSize},
     .fn = trace_printk,
     .doc = "Formats a line with up to three arguments for the trace; returns its length."},
    {.id = 7,
     .name = "get_prandom_u32",
     .fn = get_prandom_u32,
     .doc = "A pseudo-random 32-bit number; seeded in replay."},
    {.id = 8, .name = "get_smp_processor_id", .fn = get_smp_processor_id, .doc = "The number of the worker, from 0."},
    {.id = 12,
     .name = "tail_call",
     .args = {ArgKind::kContext, ArgKind::kConstMap, ArgKind::kAnything},
     .effect = Effect::kTailCall,
     .map_types = kTailCallTypes,
     .doc = "Jumps to the program in a slot of a prog array; comes back only when there is none or after 33 jumps."},
    {.id = 23,
     .name = "redirect",
     .args = {ArgKind::kAnything, ArgKind::kAnything},
     .fn = redirect,
     .doc = "Asks for the frame to leave by the port with an ifindex; returns XDP_REDIRECT. Flags must be 0."},
    {.id = 28,
     .name = "csum_diff",
     .args = {ArgKind::kReadMemOrNull, ArgKind::kSizeOrZero, ArgKind::kReadMemOrNull, ArgKind::kSizeOrZero,
              ArgKind::kAnything},
     .takes_packet = true,
     .fn = csum_diff,
     .doc = "Checksum difference of two buffers plus a seed, folded to 16 bits."},
    {.id = 44,
     .name = "xdp_adjust_head",
     .args = {ArgKind::kContext, ArgKind::kAnything},
     .ret = RetKind::kError,
     .effect = Effect::kMovesPacket,
     .fn = xdp_adjust_head,
     .doc = "Moves the start of the frame; metadata moves with it."},
    {.id = 51,
     .name = "redirect_map",
     .args = {ArgKind::kConstMap, ArgKind::kAnything, ArgKind::kAnything},
     .fn = redirect_map,
     .map_types = kRedirectTypes,
     .doc = "Asks for the frame to go where a map's entry says; on a miss the two low bits of flags are the verdict."},
    {.id = 54,
     .name = "xdp_adjust_meta",
     .args = {ArgKind::kContext, ArgKind::kAnything},
     .ret = RetKind::kError,
     .effect = Effect::kMovesPacket,
     .fn = xdp_adjust_meta,
     .doc = "Moves the start of the metadata in front of the frame; its length is a multiple of 4, at most 252."},
    {.id = 65,
     .name = "xdp_adjust_tail",
     .args = {ArgKind::kContext, ArgKind::kAnything},
     .ret = RetKind::kError,
     .effect = Effect::kMovesPacket,
     .fn = xdp_adjust_tail,
     .doc = "Moves the end of the frame; bytes gained are zero."},
    {.id = 87,
     .name = "map_push_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapValue, ArgKind::kAnything},
     .ret = RetKind::kError,
     .takes_packet = true,
     .fn = map_push_elem,
     .map_types = kQueueTypes,
     .doc = "Puts a value into a queue or stack; with BPF_EXIST the oldest value of a full one goes."},
    {.id = 88,
     .name = "map_pop_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapValueOut},
     .ret = RetKind::kError,
     .fn = map_pop_elem,
     .map_types = kQueueTypes,
     .doc = "Takes the next value out of a queue or stack; an empty one gives zeroes."},
    {.id = 89,
     .name = "map_peek_elem",
     .args = {ArgKind::kConstMap, ArgKind::kMapValueOut},
     .ret = RetKind::kError,
     .fn = map_peek_elem,
     .map_types = kQueueTypes,
     .doc = "Reads the next value of a queue or stack and leaves it there."},
    {.id = 164,
     .name = "for_each_map_elem",
     .args = {ArgKind::kConstMap, ArgKind::kCallback, ArgKind::kCallbackContext, ArgKind::kAnything},
     .effect = Effect::kCallback,
     .callback = vm::CallbackKind::kForEach,
     .map_types = kForEachTypes,
     .doc =
         "Calls a static function for the elements of a map until it returns 1; returns how many it was called for."},
    {.id = 181,
     .name = "loop",
     .args = {ArgKind::kAnything, ArgKind::kCallback, ArgKind::kCallbackContext, ArgKind::kAnything},
     .effect = Effect::kCallback,
     .callback = vm::CallbackKind::kLoop,
     .doc = "Calls a static function a number of times, at most 1<<23, until it returns 1; returns how often it did."},
    {.id = 188,
     .name = "xdp_get_buff_len",
     .args = {ArgKind::kContext},
     .fn = xdp_get_buff_len,
     .doc = "Length of the whole frame, fragments included."},
    {.id = 189,
     .name = "xdp_load_bytes",
     .args = {ArgKind::kContext, ArgKind::kAnything, ArgKind::kWriteMem, ArgKind::kSize},
     .ret = RetKind::kError,
     .fn = xdp_load_bytes,
     .doc = "Copies bytes out of the frame, fragments included."},
    {.id = 190,
     .name = "xdp_store_bytes",
     .args = {ArgKind::kContext, ArgKind::kAnything, ArgKind::kReadMem, ArgKind::kSize},
     .ret = RetKind::kError,
     .fn = xdp_store_bytes,
     .doc = "Copies bytes into the frame, fragments included."},
};
static_assert(std::ranges::adjacent_find(kHelpers, std::ranges::greater_equal{}, &vm::HelperDesc::id) ==
                  std::end(kHelpers),
              "helper ids must be unique and ascending");

constexpr vm::HelperTable kTable{kHelpers};

}  // namespace

const vm::HelperTable& table() noexcept { return kTable; }

}  // namespace sluice::helpers

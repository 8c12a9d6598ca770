#include "verifier/explain.h"

#include <algorithm>

namespace sluice::verifier {
namespace {

struct Teller {
  Rule rule;
  void (*tell)(Story&);
};
constexpr Teller kTellers[] = {
    {Rule::kPacketSign, explain_packet_bounds},
    {Rule::kPacketBounds, explain_packet_bounds},
    {Rule::kMetaBounds, explain_packet_bounds},
    {Rule::kAddressNull, explain_null},
    {Rule::kPointerNull, explain_null},
    {Rule::kRegisterInit, explain_stale_pointer},
    {Rule::kArgInit, explain_stale_pointer},
    {Rule::kAddressPointer, explain_stale_pointer},
    {Rule::kMapBounds, explain_index},
    {Rule::kStackBounds, explain_index},
    {Rule::kPointerOffset, explain_added_number},
    {Rule::kSizeSign, explain_argument_size},
    {Rule::kSizeLimit, explain_argument_size},
    {Rule::kSizeZero, explain_argument_size},
    {Rule::kArgContext, explain_argument},
    {Rule::kArgMap, explain_argument},
    {Rule::kArgMemory, explain_argument},
    {Rule::kArgRecord, explain_held},
    {Rule::kArgSocket, explain_held},
    {Rule::kArgScalar, explain_argument},
    {Rule::kArgMapType, explain_map_type},
    {Rule::kArgMapUse, explain_map_use},
    {Rule::kMapWrite, explain_map_use},
    {Rule::kMapRead, explain_map_use},
    {Rule::kContextField, explain_context},
    {Rule::kContextSize, explain_context},
    {Rule::kContextWrite, explain_context},
    {Rule::kContextOffset, explain_context},
    {Rule::kAtomicAlign, explain_atomic},
    {Rule::kPointerKind, explain_pointer_kind},
    {Rule::kBoundedLoop, explain_endless_loop},
    {Rule::kHelperKnown, explain_missing_helper},
    {Rule::kAtomicTarget, explain_atomic},
    {Rule::kReturnScalar, explain_return},
};

}  // namespace

void explain(Failure& failure, Context& context, const PathTree& tree) {
  // A path of the length of the limit is not worth walking step by step.
  if (failure.code == "too-complex") {
    const PathTree nothing;
    Story story(failure, context, nothing);
    story.path.slots = {failure.insn};
    const auto rounds = hottest_loop(context, tree, tree.last);
    explain_too_complex(story, rounds ? &*rounds : nullptr);
    return;
  }
  const auto* const teller = std::ranges::find(kTellers, failure.rule, &Teller::rule);
  if (teller == std::end(kTellers)) return;
  Story story(failure, context, tree);
  if (story.path.complete) teller->tell(story);
}

}  // namespace sluice::verifier

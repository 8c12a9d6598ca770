#pragma once
// Tells how a failure came about, in notes: where values were set, where they were checked, what made a check void
// (`why`), and what to type (`fix`). Fixes that are lines of C say where they go: "after line 12: CODE", "before line
// 12: CODE", "remove line 12: CODE", "line 12: write `NEW` instead of `OLD`", "in the declaration of MAP: write `NEW`
// instead of `OLD`". Runs only for programs that are refused. Internal to the verifier.
#include "verifier/story.h"

namespace sluice::verifier {

// Rewrites the notes of `failure`, which the walk recorded in `tree` ended with.
void explain(Failure& failure, Context& context, const PathTree& tree);

// By kind of failure; each leaves alone what it has nothing to say about.
void explain_packet_bounds(Story& story);
void explain_null(Story& story);
void explain_held(Story& story);
void explain_stale_pointer(Story& story);
void explain_index(Story& story);
void explain_added_number(Story& story);
void explain_argument_size(Story& story);
void explain_argument(Story& story);
void explain_map_type(Story& story);
void explain_map_use(Story& story);
void explain_context(Story& story);
void explain_missing_helper(Story& story);
void explain_atomic(Story& story);
void explain_pointer_kind(Story& story);
void explain_return(Story& story);
void explain_endless_loop(Story& story);
void explain_too_complex(Story& story, const Rounds* rounds);

}  // namespace sluice::verifier

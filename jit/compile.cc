#include "jit/compile.h"

#include <string>

#include "jit/code_region.h"
#include "jit/liveness.h"
#include "jit/lower.h"
#include "jit/x86_64/emitter.h"

namespace sluice::jit {

// Lowers, emits once for the sizes, takes memory, emits for that place, publishes.
class Compiler {
 public:
  Compiler(const vm::VerifiedProgram& program, const vm::HelperTable& helpers, x86_64::Features features)
      : program_(program), helpers_(helpers), features_(features) {}

  Result<CompiledProgram> run() {
    Result<Lowered> lowered = lower(program_, helpers_);
    if (!lowered) return Error(lowered.error());
    find_live(*lowered, [this](const Op& op) { return x86_64::registers_read(op, features_); });
    try {
      return translate(*lowered);
    } catch (const Xbyak::Error& error) {
      return Error{ErrorCode::kInternal, "program '" + program_.name() + "': assembler: " + error.what()};
    }
  }

 private:
  Result<CompiledProgram> translate(const Lowered& lowered) const {
    const x86_64::Code draft = x86_64::Emitter(lowered, features_, {}, nullptr).emit();
    // Helpers are functions of this binary, so its own text is what the code should lie near to.
    const auto* const near_to = reinterpret_cast<const void*>(&anchor);
    Result<std::unique_ptr<CodeRegion>> region = CodeRegion::reserve(draft.bytes.size(), near_to);
    if (!region) return std::move(region).error().in("program '" + program_.name() + "'");
    const x86_64::Placement placement{true, reinterpret_cast<std::uint64_t>((*region)->base())};
    x86_64::Code code = x86_64::Emitter(lowered, features_, placement, &draft).emit();
    SLUICE_CHECK(code.bytes.size() <= draft.bytes.size());
    const Result<void> published = (*region)->publish(code.bytes);
    if (!published) return Error(published.error()).in("program '" + program_.name() + "'");
    return finish(std::move(*region), std::move(code));
  }

  CompiledProgram finish(std::unique_ptr<CodeRegion> region, x86_64::Code code) const {
    CompiledProgram compiled;
    const std::byte* const base = region->base();
    if (program_.program().type->context == vm::ContextKind::kXdp) {
      compiled.burst_ = reinterpret_cast<BurstEntry>(reinterpret_cast<std::uintptr_t>(base + code.entry));
    } else {
      compiled.memory_ = reinterpret_cast<MemoryEntry>(reinterpret_cast<std::uintptr_t>(base + code.entry));
    }
    compiled.frame_entry_ = base + code.frame_entry;
    compiled.offsets_ = std::move(code.offsets);
    compiled.region_ = std::move(region);
    return compiled;
  }

  static void anchor() {}

  const vm::VerifiedProgram& program_;
  const vm::HelperTable& helpers_;
  x86_64::Features features_;
};

CompiledProgram::CompiledProgram() = default;
CompiledProgram::CompiledProgram(CompiledProgram&&) noexcept = default;
CompiledProgram& CompiledProgram::operator=(CompiledProgram&&) noexcept = default;
CompiledProgram::~CompiledProgram() = default;

std::span<const std::byte> CompiledProgram::code() const noexcept { return region_->code(); }

Result<CompiledProgram> compile_for(const vm::VerifiedProgram& program, const vm::HelperTable& helpers,
                                    x86_64::Features features) {
  return Compiler(program, helpers, features).run();
}

Result<CompiledProgram> compile(const vm::VerifiedProgram& program, const vm::HelperTable& helpers) {
  return compile_for(program, helpers, x86_64::detect_features());
}

}  // namespace sluice::jit

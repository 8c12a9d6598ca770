#pragma once
// One packaged program with one fixture, made ready twice: here on one engine, and in the running kernel with the same
// map contents. packaged_parity.cc runs both on the same frames. One thread.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/kernel/peer.h"
#include "dataplane/pipeline/fixture.h"
#include "dataplane/pipeline/frame.h"
#include "dataplane/pipeline/runner.h"
#include "tests/kernel/side.h"
#include "vm/maps/xskmap.h"

namespace sluice::kernel {

struct Input {
  Bytes metadata, frame;
};

// Of the slots of the entry program; the second half of a 16-byte instruction is neither.
struct Executed {
  std::vector<bool> reachable, executed;  // for the verifier; in the runs so far
};

// The object with all its maps, sized and with globals set by the fixture, and what was asked for of its programs.
class SluiceSubject {
 public:
  // `object` was opened by load_packaged, `fixture` may be null. Errors: kConfig for the fixture's mistakes, kProgram
  // when a program or a map of it is refused here.
  static Result<std::unique_ptr<SluiceSubject>> make(const vm::ElfObject& object, const std::string& program,
                                                     const pipeline::Fixture* fixture, pipeline::Engine engine);

  Outcome run(const Input& input);
  // At the end: queues and rings are empty afterwards. What own_inner gives goes as MAP.inner.
  [[nodiscard]] Contents contents() const;
  // The interpreter runs checked and counts; of other engines nothing.
  [[nodiscard]] Executed executed() const;
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

  // For the kernel's side.
  [[nodiscard]] const vm::ElfObject& object() const noexcept { return object_; }
  [[nodiscard]] const std::vector<std::shared_ptr<vm::Map>>& maps() const noexcept { return maps_; }
  [[nodiscard]] const std::string& entry() const noexcept { return entry_->program().name(); }
  [[nodiscard]] bool sets_globals() const noexcept { return sets_globals_; }
  // What was made to lie in this map, because the fixture says what lies inside and gives no entry; or null.
  [[nodiscard]] const vm::Map* own_inner(const vm::Map& outer) const {
    const auto found = own_inner_.find(&outer);
    return found == own_inner_.end() ? nullptr : found->second.get();
  }

 private:
  explicit SluiceSubject(pipeline::Engine engine) : engine_(engine), buffer_(pipeline::FrameModel::kLinux) {}
  Result<const pipeline::Runner*> runner(const std::string& program);
  Result<const vm::ProgramSlot*> slot(const std::string& program);
  Result<void> make_inner(const pipeline::Fixture& fixture);

  struct Ready {
    pipeline::Runner runner;
    vm::ProgramSlot slot;
  };
  pipeline::Engine engine_;
  pipeline::FrameBuffer buffer_;
  vm::ExecEnv env_;
  vm::ElfObject object_;
  std::vector<std::shared_ptr<vm::Map>> maps_;  // null where `unmade_` says why
  std::vector<std::string> unmade_;
  std::map<const vm::Map*, std::shared_ptr<vm::Map>> own_inner_;  // by the map of maps
  std::map<std::string, std::unique_ptr<Ready>> programs_;
  const pipeline::Runner* entry_ = nullptr;
  bool sets_globals_ = false;
  std::vector<std::uint64_t> counts_;
  std::string fault_;
};

// The same in the kernel: by libbpf, else from the instructions as we read them.
class KernelSubject {
 public:
  // `like` must not have run yet. The Error is the kernel's refusal.
  static Result<std::unique_ptr<KernelSubject>> make(const SluiceSubject& like);
  Outcome run(const Input& input);
  [[nodiscard]] Contents contents() const;

 private:
  Result<void> load_by_libbpf(const SluiceSubject& like, const std::vector<std::string>& programs);
  Result<void> load_instructions_of(const SluiceSubject& like, const std::vector<std::string>& programs);
  Result<void> fill(const SluiceSubject& like);
  Result<void> fill_map(const SluiceSubject& like, vm::Map& from, const MapHandle& to);
  // Sockets of no interface: a test run hands them nothing.
  Result<void> put_sockets(const vm::Xskmap& from, const MapHandle& to);
  // The descriptor of the map that stands here for `inner`, or -1: that of its name, or a new one for one of our own.
  Result<int> inner_like(const vm::Map& inner, const vm::Map* own, const std::string& outer);
  [[nodiscard]] const MapHandle* map(const std::string& name) const;

  std::unique_ptr<Object> object_;  // libbpf's, or null
  std::vector<Fd> descriptors_;     // of our own maps, otherwise
  std::vector<MapHandle> maps_;
  std::map<std::string, std::unique_ptr<KernelReader>> readers_;  // by map
  std::vector<Fd> sockets_;
  struct OwnInner {
    Fd fd;
    vm::MapSpec spec;
  };
  std::map<std::string, OwnInner> own_inner_;  // by map of maps
  std::map<std::string, Fd> programs_;
  Fd entry_;
};

// Opens an object as the harness takes it: sizes left open are 1 and, with `relabel`, devmap and cpumap programs are
// XDP programs, for BPF_PROG_TEST_RUN does not run them otherwise.
Result<vm::ElfObject> load_packaged(const std::string& path, bool relabel);
}  // namespace sluice::kernel

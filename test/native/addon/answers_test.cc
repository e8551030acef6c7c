#include "addon/answers.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>

using namespace odradek;

namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int32_t kNotLeader = 6;
constexpr int32_t kTimedOut = 7;

// Notes what becomes of answers: "sent 5", "none 5", "failed 5", "told 5", "frame 5".
struct Desk final : AnswerOutlet {
  void send(Answer& answer) override {
    const uint32_t slot = answer.slot;
    const auto close = answer.close;
    answer.busy.store(false, std::memory_order_release);
    note(close == Answer::Close::kSend ? "sent" : close == Answer::Close::kNothing ? "none" : "failed", slot);
  }
  void tell(uint32_t answer) override { note("told", answer); }
  void release_frame(uint32_t slot) override { note("frame", slot); }
  void note(const char* what, uint32_t slot) { news += std::string(news.empty() ? "" : ", ") + what + " " + std::to_string(slot); }
  std::string hears() { return std::exchange(news, ""); }
  std::string news;
};

struct Story {
  Answers answers;
  Desk desk;
  uint64_t now_ns = 0;
  std::vector<ParkedAppend> released;

  void begin(uint32_t slot, uint32_t rows, int64_t timeout_ms) {
    REQUIRE(answers.begin(slot, rows, timeout_ms < 0 ? Answer::kNoCommit : timeout_ms * kMs));
    for (uint32_t row = 0; row < rows; ++row) answers.add(answers.at(slot));
  }
  void close(uint32_t slot, Answer::Close how = Answer::Close::kSend) {
    Answer& answer = answers.at(slot);
    answer.close = how;
    answers.close(answer, desk);
  }
  void written(CommitGate& gate, uint32_t slot, uint32_t row, int64_t last_offset) {
    answers.ended(slot, row, {.base_offset = last_offset}, last_offset, gate, now_ns, desk);
  }
  void fails(CommitGate& gate, uint32_t slot, uint32_t row, Code code) { answers.ended(slot, row, {.code = code}, -1, gate, now_ns, desk); }
  void advance(CommitGate& gate, int64_t watermark) {
    released.clear();
    gate.advance(watermark, &released);
    answers.committed(released, desk);
  }
  int64_t commit_alone(CommitGate& gate, bool alone, int64_t end) {
    released.clear();
    const int64_t said = gate.commit_alone(alone, [end] { return end; }, &released);
    answers.committed(released, desk);
    return said;
  }
  void take_back(CommitGate& gate, int32_t code) {
    released.clear();
    gate.take_back(code, &released);
    answers.refused(released, code, desk);
  }
  void expire(CommitGate& gate) {
    released.clear();
    gate.expire(now_ns, &released);
    answers.refused(released, kTimedOut, desk);
  }
  // Main has read what it was told.
  void read(uint32_t slot) {
    Answer& answer = answers.at(slot);
    answer.failed.store(false);
    answer.refused.store(false);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Story, "an answer is sent when it is closed and all its appends are written, whichever comes last") {
  CommitGate gate;
  begin(5, 2, -1);
  written(gate, 5, 1, 0);
  close(5);
  CHECK(desk.hears().empty());
  written(gate, 5, 0, 1);
  CHECK(desk.hears() == "sent 5");
  begin(5, 1, -1);
  written(gate, 5, 0, 2);
  CHECK(desk.hears().empty());
  close(5, Answer::Close::kNothing);
  CHECK(desk.hears() == "none 5");
}

TEST_CASE_FIXTURE(Story, "a slot has one answer at a time") {
  begin(5, 1, -1);
  CHECK(!answers.begin(5, 1, -1));
  CHECK(answers.begin(5 + 4 * 256, 1, -1));
  CHECK(answers.begin(kMostSlots - 1, 1, -1));
}

TEST_CASE_FIXTURE(Story, "appends to several logs: those that commit alone do not wait, the others for the watermark") {
  CommitGate alone, led;
  commit_alone(alone, true, 0);
  commit_alone(led, false, 0);
  begin(5, 2, 1000);
  close(5);
  written(alone, 5, 0, 10);
  CHECK(desk.hears().empty());
  written(led, 5, 1, 4);
  CHECK(desk.hears() == "frame 5");
  advance(led, 4);
  CHECK(desk.hears().empty());
  advance(led, 5);
  CHECK(desk.hears() == "sent 5");
  CHECK(led.parked() == 0);
}

TEST_CASE_FIXTURE(Story, "a watermark that is told before the append has come lets it through") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  advance(gate, 8);
  begin(5, 1, 1000);
  close(5);
  written(gate, 5, 0, 7);
  CHECK(desk.hears() == "sent 5");
}

TEST_CASE_FIXTURE(Story, "a watermark releases what it covers, in order, and no more") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  for (uint32_t slot = 0; slot < 5; ++slot) {
    begin(slot, 1, 1000);
    close(slot);
    written(gate, slot, 0, slot);
  }
  CHECK(desk.hears() == "frame 0, frame 1, frame 2, frame 3, frame 4");
  advance(gate, 3);
  CHECK(desk.hears() == "sent 0, sent 1, sent 2");
  CHECK(gate.parked() == 2);
  CHECK(commit_alone(gate, true, 5) == 5);
  CHECK(desk.hears() == "sent 3, sent 4");
}

TEST_CASE_FIXTURE(Story, "who ceases to commit alone has committed everything up to the end that is said; what comes then waits") {
  CommitGate gate;
  commit_alone(gate, true, 0);
  CHECK(commit_alone(gate, false, 2) == 2);
  for (uint32_t slot = 0; slot < 2; ++slot) {
    begin(slot, 1, 1000);
    close(slot);
    // The first was in the log by then, though it comes to the gate only now.
    written(gate, slot, 0, slot + 1);
  }
  CHECK(desk.hears() == "sent 0, frame 1");
}

TEST_CASE_FIXTURE(Story, "taken back: what is parked and what comes later, until somebody leads again, whose watermark begins anew") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  advance(gate, 100);
  for (uint32_t slot = 0; slot < 3; ++slot) begin(slot, 1, 1000), close(slot);
  written(gate, 0, 0, 100);
  CHECK(desk.hears() == "frame 0");
  take_back(gate, kNotLeader);
  CHECK(desk.hears() == "told 0");
  CHECK(answers.at(0).outcomes[0].refusal == kNotLeader);
  CHECK(answers.at(0).outcomes[0].base_offset == 100);
  written(gate, 1, 0, 101);
  CHECK(desk.hears() == "told 1");
  advance(gate, 200);  // said before, and handed over late
  commit_alone(gate, false, 50);
  written(gate, 2, 0, 60);
  CHECK(desk.hears() == "frame 2");
  read(0);
  close(0);
  CHECK(desk.hears() == "sent 0");
}

TEST_CASE_FIXTURE(Story, "nobody leads a log that was only opened") {
  CommitGate gate;
  begin(5, 1, 1000);
  close(5);
  written(gate, 5, 0, 0);
  CHECK(desk.hears() == "told 5");
  CHECK(answers.at(5).outcomes[0].refusal == kNotLeader);
}

TEST_CASE_FIXTURE(Story, "each waits as long as it may from the end of its append") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  begin(0, 1, 500), begin(1, 1, 100), begin(2, 1, 0);
  for (uint32_t slot = 0; slot < 3; ++slot) close(slot), written(gate, slot, 0, slot);
  desk.hears();
  expire(gate);
  CHECK(desk.hears() == "told 2");
  now_ns = 99 * kMs;
  expire(gate);
  CHECK(desk.hears().empty());
  now_ns = 100 * kMs;
  expire(gate);
  CHECK(desk.hears() == "told 1");
  CHECK(answers.at(1).outcomes[0].refusal == kTimedOut);
  advance(gate, 10);
  CHECK(desk.hears() == "sent 0");
  now_ns = 1000 * kMs;
  expire(gate);
  CHECK(desk.hears().empty());
}

TEST_CASE_FIXTURE(Story, "a gate is listed once while anything is parked, and again when it was empty in between") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  CHECK(!gate.to_be_listed());
  begin(0, 1, 500), begin(1, 1, 500);
  for (uint32_t slot = 0; slot < 2; ++slot) close(slot), written(gate, slot, 0, slot);
  CHECK(gate.to_be_listed());
  CHECK(!gate.to_be_listed());
  CHECK(gate.expire(0, &released));
  advance(gate, 2);
  CHECK(!gate.expire(0, &released));
  begin(0, 1, 500);
  close(0);
  written(gate, 0, 0, 2);
  CHECK(gate.to_be_listed());
}

TEST_CASE_FIXTURE(Story, "an append that fails is told at once, while others wait to be committed; its frame is kept until it was given again") {
  CommitGate gate, other;
  commit_alone(gate, false, 0);
  commit_alone(other, false, 0);
  begin(5, 2, 1000);
  close(5);
  written(gate, 5, 0, 0);
  CHECK(desk.hears().empty());
  fails(other, 5, 1, Code::kStaleGeneration);
  CHECK(desk.hears() == "told 5");
  // Committed while main decides about the other.
  advance(gate, 1);
  CHECK(desk.hears().empty());
  read(5);
  REQUIRE(answers.begin(5, 2, 1000 * kMs));
  answers.add(answers.at(5));
  written(other, 5, 1, 7);
  close(5);
  CHECK(desk.hears() == "frame 5");
  advance(other, 8);
  CHECK(desk.hears() == "sent 5");
}

TEST_CASE_FIXTURE(Story, "one that is to end its connection does so when nothing of it is with a log any more") {
  CommitGate gate;
  commit_alone(gate, false, 0);
  begin(5, 2, 1000);
  written(gate, 5, 0, 0);
  close(5, Answer::Close::kFail);
  fails(gate, 5, 1, Code::kCorruptBatch);
  CHECK(desk.hears() == "told 5");
  read(5);
  close(5, Answer::Close::kFail);
  take_back(gate, kNotLeader);
  CHECK(desk.hears() == "frame 5, failed 5");
}

TEST_CASE("appends that end while the watermark moves, leadership changes and time runs out: each answer ends once") {
  constexpr uint32_t kAnswers = 3000;
  constexpr uint32_t kLogs = 2;
  struct Counter final : AnswerOutlet {
    explicit Counter(std::atomic<uint32_t>* sent, std::vector<uint32_t>* told) : sent(sent), told(told) {}
    void send(Answer& answer) override {
      answer.busy.store(false, std::memory_order_release);
      sent->fetch_add(1);
    }
    void tell(uint32_t answer) override { told->push_back(answer); }
    void release_frame(uint32_t) override {}
    std::atomic<uint32_t>* sent;
    std::vector<uint32_t>* told;
  };
  Answers answers;
  CommitGate gates[kLogs];
  std::atomic<int64_t> ends[kLogs] = {};
  std::atomic<uint32_t> sent{0}, given{0};
  SpinLock told_lock;
  std::vector<uint32_t> told;
  const auto pass_on = [&](std::vector<uint32_t>& news) {
    const std::lock_guard guard(told_lock);
    told.insert(told.end(), news.begin(), news.end());
    news.clear();
  };
  std::vector<std::thread> logs;
  for (uint32_t log = 0; log < kLogs; ++log) {
    logs.emplace_back([&, log] {
      std::vector<uint32_t> news;
      Counter outlet(&sent, &news);
      for (uint32_t slot = 0; slot < kAnswers; ++slot) {
        while (given.load(std::memory_order_acquire) <= slot) std::this_thread::yield();
        ends[log].store(slot + 1, std::memory_order_release);
        const Code code = slot % 97 == log ? Code::kCorruptBatch : Code::kOk;
        answers.ended(slot, log, {.code = code, .base_offset = slot}, slot, gates[log], slot, outlet);
        pass_on(news);
      }
    });
  }
  std::vector<uint32_t> news, mine;
  Counter outlet(&sent, &news);
  std::vector<ParkedAppend> released;
  const auto settle_told = [&] {
    pass_on(news);
    {
      const std::lock_guard guard(told_lock);
      mine.swap(told);
    }
    for (const uint32_t slot : mine) {
      Answer& answer = answers.at(slot);
      CHECK(answer.told.load(std::memory_order_acquire));
      bool why = false;
      for (AppendOutcome& outcome : answer.outcomes) {
        why = why || outcome.code != Code::kOk || outcome.refusal != 0;
        if (outcome.code != Code::kOk || outcome.refusal != 0) outcome = AppendOutcome{};
      }
      CHECK(why);
      answer.failed.store(false);
      answer.refused.store(false);
      answers.close(answer, outlet);
    }
    mine.clear();
  };
  for (CommitGate& gate : gates) gate.commit_alone(false, [] { return 0; }, &released);
  for (uint32_t step = 0; sent.load() < kAnswers; ++step) {
    if (step < kAnswers) {
      REQUIRE(answers.begin(step, kLogs, 50));
      Answer& answer = answers.at(step);
      for (uint32_t log = 0; log < kLogs; ++log) answers.add(answer);
      given.store(step + 1, std::memory_order_release);
      answer.close = Answer::Close::kSend;
      answers.close(answer, outlet);
    }
    for (uint32_t log = 0; log < kLogs; ++log) {
      CommitGate& gate = gates[log];
      released.clear();
      const uint32_t turn = step % 50;
      if (turn == 10 + log) {
        gate.take_back(kNotLeader, &released);
        answers.refused(released, kNotLeader, outlet);
      } else if (turn == 13 + log || turn == 20) {
        gate.commit_alone(turn == 20, [&] { return ends[log].load(std::memory_order_acquire); }, &released);
        answers.committed(released, outlet);
      } else if (turn == 30) {
        gate.expire(step, &released);
        answers.refused(released, kTimedOut, outlet);
      } else {
        gate.advance(ends[log].load(std::memory_order_acquire), &released);
        answers.committed(released, outlet);
      }
    }
    settle_told();
  }
  for (std::thread& log : logs) log.join();
  CHECK(sent.load() == kAnswers);
  for (CommitGate& gate : gates) CHECK(gate.parked() == 0);
}

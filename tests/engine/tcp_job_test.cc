// Jobs that listen: several peers, peers that break off, a port that is taken; in a simulated world and on sockets.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "engine/job_run.h"

namespace weir::test {
namespace {

std::string tcp_table(const std::string& name, const std::string& listen, const std::string& more = {}) {
  return "CREATE TABLE " + name + " (peer INT, n INT) WITH ('connector' = 'tcp', 'listen' = '" + listen +
         "', 'format' = 'csv'" + (more.empty() ? "" : ", " + more) + ");\n";
}

struct Rows {
  std::vector<std::pair<int, int>> rows;
  HostTable table() {
    HostTable host;
    host.write = [this](std::uint32_t, const Batch& batch) {
      for (std::uint32_t i = 0; i < batch.selected_count(); ++i) {
        const std::uint32_t row = batch.has_selection() ? batch.selection()[i] : i;
        rows.emplace_back(batch.column(0).values<std::int32_t>()[row], batch.column(1).values<std::int32_t>()[row]);
      }
    };
    return host;
  }
};

constexpr const char* kCopy =
    "CREATE TABLE o (peer INT, n INT) WITH ('connector' = 'host');\nINSERT INTO o SELECT peer, n FROM t;";

std::string rows_of(int peer, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += std::to_string(peer) + "," + std::to_string(i) + "\n";
  return bytes;
}

class SimTcp : public testing::Test {
 protected:
  std::unique_ptr<Job> make(const std::string& sql) {
    JobOptions options = small_options();
    options.world = &world_;
    options.host_tables["o"] = rows_.table();
    auto job = make_job(sql, std::move(options));
    EXPECT_TRUE(job.has_value()) << job.error().to_string();
    return job.has_value() ? std::move(job).value() : nullptr;
  }
  /// Connects once the job listens.
  SimPeer connect(Job& job, std::uint16_t port) {
    for (int i = 0; i < 1000; ++i) {
      if (SimPeer peer = world_.connect_peer(port); peer.valid()) return peer;
      job.poll();
    }
    ADD_FAILURE() << "nobody listens on " << port;
    return {};
  }
  void poll_until(Job& job, const std::function<bool()>& done) {
    for (int i = 0; i < 200'000 && !done(); ++i) job.poll();
    EXPECT_TRUE(done()) << "what was waited for does not happen";
  }

  ManualClock clock_;
  SimWorld world_{clock_, 7};
  Rows rows_;
};

TEST_F(SimTcp, subscribers_of_a_side_output_are_heard_so_that_one_that_has_gone_gives_its_place_away) {
  world_.write_file("/in/a.csv", "1,1\n");
  auto job = make(
      "CREATE TABLE t (peer INT, n INT) WITH ('connector' = 'filesystem', 'path' = '/in/a.csv', 'format' = 'csv', "
      "'source.monitor-interval' = '1 s');\n"
      "CREATE TABLE dead (record_text STRING, reason STRING) WITH ('connector' = 'socket', 'listen' = "
      "'127.0.0.1:7002', 'format' = 'csv', 'subscribers-max' = '1', 'close-timeout' = '0');\n"
      "SET 'weir.malformed-rows' = 'dead';\n" +
      std::string(kCopy));
  ASSERT_NE(job, nullptr);
  SimPeer first = connect(*job, 7002);
  poll_until(*job, [&] { return first.accepted() && !rows_.rows.empty(); });
  first.reset();
  SimPeer second = connect(*job, 7002);
  poll_until(*job, [&] { return second.accepted(); });
  for (int i = 0; i < 1000; ++i) job->poll();
  world_.append_file("/in/a.csv", "no number,2\n");
  std::string got;
  poll_until(*job, [&] {
    got += second.receive();
    return got.find('\n') != std::string::npos;
  });
  EXPECT_NE(got.find("is no INT"), std::string::npos) << got;
  job->drain();
  const Outcome outcome = finish(*job, false, 500'000, [&](std::uint64_t) { got += second.receive(); });
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
  EXPECT_EQ(outcome.ledger.dead_lettered, 1u);
  ASSERT_EQ(outcome.ledger.deliveries.size(), 1u);
  EXPECT_EQ(outcome.ledger.deliveries[0].table, "dead");
  EXPECT_EQ(outcome.ledger.deliveries[0].counts.delivered, 1u);
  EXPECT_EQ(outcome.ledger.deliveries[0].counts.offered, 1u) << "nothing was owed to the first";
}

TEST_F(SimTcp, several_peers_each_keep_their_order_and_the_last_one_ends_the_input) {
  auto job = make(tcp_table("t", "127.0.0.1:7001", "'connections-until-end' = '3'") + kCopy);
  ASSERT_NE(job, nullptr);
  std::vector<SimPeer> peers;
  for (int p = 0; p < 3; ++p) peers.push_back(connect(*job, 7001));
  std::vector<std::string> left;
  for (int p = 0; p < 3; ++p) left.push_back(rows_of(p, 2000));
  const Outcome outcome = finish(*job, false, 500'000, [&](std::uint64_t round) {
    for (std::size_t p = 0; p < 3; ++p) {
      if (left[p].empty() && round > 3) peers[p].shutdown_send();
      left[p].erase(0, peers[p].send(std::string_view(left[p]).substr(0, 700 + 13 * p)));
    }
  });
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  ASSERT_EQ(rows_.rows.size(), 6000u);
  std::stable_sort(rows_.rows.begin(), rows_.rows.end(), [](auto& a, auto& b) { return a.first < b.first; });
  for (int i = 0; i < 6000; ++i)
    ASSERT_EQ(rows_.rows[static_cast<std::size_t>(i)], (std::pair<int, int>{i / 2000, i % 2000}));
  expect_closed(outcome.ledger);
}

TEST_F(SimTcp, a_source_that_cannot_connect_says_so_and_goes_on_when_its_peer_is_there) {
  const std::string peer_sql =
      "CREATE TABLE t (peer INT, n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');\n"
      "CREATE TABLE s (peer INT, n INT) WITH ('connector' = 'tcp', 'listen' = '127.0.0.1:7001', 'format' = 'csv', "
      "'wait-for-subscribers' = '1', 'close-timeout' = '0');\nINSERT INTO s SELECT peer, n FROM t;";
  auto job = make(
      "CREATE TABLE t (peer INT, n INT) WITH ('connector' = 'tcp', 'connect' = '127.0.0.1:7001', 'format' = 'csv');\n" +
      std::string(kCopy));
  ASSERT_NE(job, nullptr);
  poll_until(*job, [&] { return job->progress().stalled == "t: there is no connection"; });
  JobOptions options = small_options();
  options.world = &world_;
  auto peer = make_job(peer_sql, std::move(options));
  ASSERT_TRUE(peer.has_value()) << peer.error().to_string();
  const Outcome given = finish(**peer, false, 500'000, [&](std::uint64_t) { job->poll(); });
  EXPECT_TRUE(given.ok()) << given.text();
  peer->reset();  // a job of the world that has ended would hold its clock
  const Outcome outcome = finish(*job, false, 500'000);
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(rows_.rows.size(), 10u);
  EXPECT_EQ(job->progress().stalled, "");
  expect_closed(outcome.ledger);
}

TEST_F(SimTcp, a_peer_that_resets_in_the_middle_of_a_record_ends_alone_and_the_record_is_counted) {
  auto job = make(tcp_table("t", "127.0.0.1:7001", "'connections-until-end' = '2'") + kCopy);
  ASSERT_NE(job, nullptr);
  SimPeer bad = connect(*job, 7001);
  bad.send("1,0\n1,1\n1,");
  poll_until(*job, [&] { return job->progress().rows_in == 2; });
  bad.reset();
  poll_until(*job, [&] { return job->progress().malformed == 1; });
  EXPECT_FALSE(job->progress().finished) << "a peer's reset ended the job";
  SimPeer good = connect(*job, 7001);
  good.send("2,0\n2,1\n");
  good.shutdown_send();
  const Outcome outcome = finish(*job, false);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(rows_.rows, (std::vector<std::pair<int, int>>{{1, 0}, {1, 1}, {2, 0}, {2, 1}}));
  EXPECT_EQ(outcome.ledger.records_read, 5u);
  EXPECT_EQ(outcome.ledger.malformed, 1u);
  ASSERT_EQ(outcome.ledger.malformed_samples.size(), 1u);
  EXPECT_NE(outcome.ledger.malformed_samples[0].find("connection broke"), std::string::npos);
  expect_closed(outcome.ledger);
}

TEST_F(SimTcp, a_drain_keeps_whole_records_and_counts_a_cut_one) {
  auto job = make(tcp_table("t", "127.0.0.1:7001") + kCopy);
  ASSERT_NE(job, nullptr);
  SimPeer peer = connect(*job, 7001);
  peer.send("1,10\n1,11\n1,12");  // what would come behind 12 is not known
  poll_until(*job, [&] { return job->progress().rows_in == 2; });
  job->drain();
  const Outcome outcome = finish(*job, false, 100'000);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(rows_.rows, (std::vector<std::pair<int, int>>{{1, 10}, {1, 11}})) << "a cut record became a row";
  EXPECT_EQ(outcome.ledger.malformed, 1u);
  expect_closed(outcome.ledger);
}

TEST_F(SimTcp, a_peer_that_never_pauses_neither_starves_the_others_nor_stops_a_drain) {
  auto job = make(tcp_table("t", "127.0.0.1:7001") + kCopy);
  ASSERT_NE(job, nullptr);
  SimPeer flood = connect(*job, 7001);
  SimPeer quiet = connect(*job, 7001);
  const std::string block = rows_of(1, 5000);
  const auto pour = [&] {  // as much as the window takes, whole rows
    if (flood.send("") == 0) (void)flood.send(block);
  };
  quiet.send("2,0\n");
  bool heard = false;
  for (int i = 0; i < 20'000 && !heard; ++i) {
    pour();
    job->poll();
    heard = std::find(rows_.rows.begin(), rows_.rows.end(), std::pair{2, 0}) != rows_.rows.end();
  }
  EXPECT_TRUE(heard) << "one peer starves another";
  job->drain();
  const Outcome outcome = finish(*job, false, 50'000, [&](std::uint64_t) { pour(); });
  EXPECT_TRUE(outcome.ok()) << outcome.text();
  expect_closed(outcome.ledger);
}

TEST_F(SimTcp, a_malformed_record_of_a_peer_ends_the_job_and_names_the_connection) {
  auto job = make(tcp_table("t", "127.0.0.1:7001") + kCopy);
  ASSERT_NE(job, nullptr);
  SimPeer peer = connect(*job, 7001);
  peer.send("1,0\n1,x\n");
  expect_error(finish(*job, false, 100'000), ErrorCode::kMalformedRecord, {"tcp:7001#0", "record 1 at byte 4", "'x'"});
}

TEST_F(SimTcp, peers_beyond_connections_max_wait_for_their_turn) {
  auto job = make(tcp_table("t", "127.0.0.1:7001", "'connections-max' = '1', 'connections-until-end' = '3'") + kCopy);
  ASSERT_NE(job, nullptr);
  std::vector<SimPeer> peers;
  for (int p = 0; p < 3; ++p) {
    peers.push_back(connect(*job, 7001));
    peers.back().send(rows_of(p, 10));
    peers.back().shutdown_send();
  }
  const Outcome outcome = finish(*job, false, 200'000);
  ASSERT_TRUE(outcome.ok()) << outcome.text();
  EXPECT_EQ(rows_.rows.size(), 30u);
  EXPECT_TRUE(std::is_sorted(rows_.rows.begin(), rows_.rows.end()));
}

// ---- On sockets -------------------------------------------------------------------------------------------------

class Tcp : public testing::TestWithParam<BackendKind> {
 protected:
  static int connect_to(const std::string& address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << std::strerror(errno);
    return fd;
  }
  static void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << std::strerror(errno);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  static std::string address_of(Job& job) {
    for (int i = 0; i < 600'000 && job.listening().empty(); ++i) (void)job.wait_for(100'000);
    const auto addresses = job.listening();
    EXPECT_EQ(addresses.count("t"), 1u);
    return addresses.count("t") == 1 ? addresses.at("t") : "";
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, Tcp, testing::Values(BackendKind::kAuto, BackendKind::kEpoll),
                         [](const auto& i) { return i.param == BackendKind::kAuto ? "best" : "epoll"; });

TEST_P(Tcp, peers_on_sockets_one_of_which_resets) {
  Rows rows;
  JobOptions options = small_options();
  options.backend = GetParam();
  options.host_tables["o"] = rows.table();
  auto job = make_job(tcp_table("t", "127.0.0.1:0", "'connections-until-end' = '3'") + kCopy, std::move(options));
  ASSERT_TRUE(job.has_value()) << job.error().to_string();
  ASSERT_TRUE((*job)->start().has_value());
  const std::string address = address_of(**job);
  ASSERT_FALSE(address.empty());
  const int bad = connect_to(address);
  send_all(bad, "9,0\n9,");
  for (int i = 0; i < 600'000 && (*job)->progress().rows_in == 0; ++i) (void)(*job)->wait_for(100'000);
  const linger hard{1, 0};
  ::setsockopt(bad, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(bad);  // RST
  for (int p = 0; p < 2; ++p) {
    const int fd = connect_to(address);
    send_all(fd, rows_of(p, 20'000));
    ::close(fd);
  }
  ASSERT_TRUE((*job)->wait_for(60'000'000'000)) << "the job hangs";
  const auto result = (*job)->wait();
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  const JobLedger ledger = (*job)->ledger();
  EXPECT_EQ(ledger.rows_written, 40'001u);
  EXPECT_EQ(ledger.malformed, 1u) << ledger.to_text();
  expect_closed(ledger);
}

TEST_P(Tcp, a_port_in_use_is_named_with_what_to_do) {
  Rows rows;
  JobOptions options = small_options();
  options.backend = GetParam();
  options.host_tables["o"] = rows.table();
  auto first = make_job(tcp_table("t", "127.0.0.1:0") + kCopy, options);
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE((*first)->start().has_value());
  const std::string address = address_of(**first);
  expect_error(run_sql(tcp_table("t", address) + kCopy, options), ErrorCode::kAddressInUse,
               {address, "taken", "hint: "});
  (*first)->drain();
  ASSERT_TRUE((*first)->wait_for(60'000'000'000));
  EXPECT_TRUE((*first)->wait().has_value());
}

TEST_P(Tcp, two_tables_of_one_job_on_one_port_are_refused) {
  JobOptions options = small_options();
  options.backend = GetParam();
  Rows rows;
  options.host_tables["o"] = rows.table();
  // A port that is free now: the system gave it to a listener that is gone.
  std::string address;
  {
    auto probe = make_job(tcp_table("t", "127.0.0.1:0") + kCopy, options);
    ASSERT_TRUE(probe.has_value() && (*probe)->start().has_value());
    address = address_of(**probe);
    (*probe)->stop();
    (void)(*probe)->wait();
  }
  const std::string sql = tcp_table("t", address) + tcp_table("u", address) +
                          "CREATE TABLE o (peer INT, n INT) WITH ('connector' = 'host');\n"
                          "EXECUTE STATEMENT SET BEGIN INSERT INTO o SELECT peer, n FROM t; INSERT INTO o SELECT "
                          "peer, n FROM u; END;";
  expect_error(run_sql(sql, options), ErrorCode::kAddressInUse, {address});
}

}  // namespace
}  // namespace weir::test

// The yardstick of `replay`: frames of a capture by libpcap's pcap_next_ex and nothing else.
//     bench/pcap_next_ex CAPTURE      prints the frames and the seconds from opening to the end
#include <chrono>
#include <cstdio>

#include <pcap/pcap.h>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: pcap_next_ex CAPTURE\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  char why[PCAP_ERRBUF_SIZE];
  pcap_t* capture = pcap_open_offline(argv[1], why);
  if (capture == nullptr) {
    std::fprintf(stderr, "%s\n", why);
    return 5;
  }
  pcap_pkthdr* header = nullptr;
  const unsigned char* data = nullptr;
  unsigned long frames = 0;
  unsigned long multicast = 0;
  int result = 0;
  while ((result = pcap_next_ex(capture, &header, &data)) == 1) {
    ++frames;
    multicast += header->caplen == 0 ? 0 : data[0] & 1U;  // touches the frame, as any reader would
  }
  pcap_close(capture);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("{\"frames\": %lu, \"multicast\": %lu, \"seconds\": %.6f}\n", frames, multicast, seconds.count());
  return result == PCAP_ERROR_BREAK ? 0 : 5;
}

/*
 * The load on a server: a number of connections, with a number of frames in flight on each.
 *
 *     load PORT CONNECTIONS WINDOW FRAMES SECONDS SIZE[,SIZE...]
 *     load PORT CONNECTIONS WINDOW FRAMES SECONDS REQUEST REPLY [REQUEST REPLY...]
 *
 * Each connection sends FRAMES frames, with at most WINDOW of them unanswered, and compares every byte of
 * the replies. The frames of an echo server have a 4-byte big-endian length prefix and payloads of the SIZEs
 * in turn. Other servers get the REQUESTs in turn, written in hex, and must answer each with its REPLY.
 *
 * It connects, warms up, prints "ready", waits for a line, sends the load, prints one line of JSON and
 * ends. It fails after SECONDS, or if the server sends anything but the expected replies.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 4, EVENTS = 256, WARM_UP = 64, FEW = 100, CHUNK = 1 << 18 };

struct connection {
    int fd;
    long sent_bytes, received_bytes, received_frames;
    uint64_t sent_at;
};

/* The frames of one cycle, repeated for as many as may be in flight. */
struct stream {
    long cycle_frames, cycle_bytes, *starts, length;
    char *data;
};

static long window;
static struct stream requests, replies;
static struct connection *connections;
static long connection_count;
static int poller;
static uint64_t deadline;
static uint32_t *latencies;
static long latency_count;

static void fail(const char *what)
{
    fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail("memory");
    return memory;
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static long start_of(const struct stream *stream, long frame)
{
    return frame / stream->cycle_frames * stream->cycle_bytes + stream->starts[frame % stream->cycle_frames];
}

static void add_size(struct stream *stream, long size)
{
    stream->starts[stream->cycle_frames + 1] = stream->starts[stream->cycle_frames] + size;
    stream->cycle_frames++;
}

/* Allocate the data, because all sizes are known. */
static void make_room(struct stream *stream)
{
    long largest = 0;
    for (long frame = 0; frame < stream->cycle_frames; frame++) {
        long size = stream->starts[frame + 1] - stream->starts[frame];
        largest = size > largest ? size : largest;
    }
    stream->cycle_bytes = stream->starts[stream->cycle_frames];
    stream->length = stream->cycle_bytes + (window + 1) * largest;
    stream->data = allocate((size_t)stream->length, 1);
}

static void make_echo(const char *sizes)
{
    long capacity = 1;
    for (const char *at = sizes; *at; at++)
        capacity += *at == ',';
    requests.starts = allocate((size_t)capacity + 1, sizeof *requests.starts);
    for (const char *at = sizes; *at;) {
        char *end;
        long size = strtol(at, &end, 10);
        if (end == at || size < 0)
            fail("a payload size is no number");
        add_size(&requests, HEADER + size);
        at = *end ? end + 1 : end;
    }
    make_room(&requests);
    for (long frame = 0; start_of(&requests, frame + 1) <= requests.length; frame++) {
        long start = start_of(&requests, frame), size = start_of(&requests, frame + 1) - start - HEADER;
        uint32_t prefix = htonl((uint32_t)size);
        memcpy(requests.data + start, &prefix, HEADER);
        memset(requests.data + start + HEADER, 'a' + (int)(frame % requests.cycle_frames % 26), (size_t)size);
    }
    replies = requests;
}

static char byte_of(const char *hex)
{
    char digits[] = {hex[0], hex[1], 0}, *end;
    long byte = strtol(digits, &end, 16);
    if (end != digits + 2)
        fail("a request or reply is not written in hex");
    return (char)byte;
}

/* Every second one of these texts in hex, from the first one on. */
static void make_texts(struct stream *stream, char **texts, int count)
{
    stream->starts = allocate((size_t)count / 2 + 1, sizeof *stream->starts);
    for (int index = 0; index < count; index += 2)
        add_size(stream, (long)strlen(texts[index]) / 2);
    make_room(stream);
    for (long frame = 0; start_of(stream, frame + 1) <= stream->length; frame++) {
        const char *text = texts[frame % stream->cycle_frames * 2];
        for (char *to = stream->data + start_of(stream, frame); *text; text += 2)
            *to++ = byte_of(text);
    }
}

static void connect_all(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (long index = 0; index < connection_count; index++) {
        int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
            fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event interest = {.events = EPOLLIN, .data.ptr = &connections[index]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest) < 0)
            fail("epoll_ctl");
        connections[index].fd = fd;
    }
}

/* Send as many frames as the window allows. Bytes that the socket does not accept are sent after the next
 * reply. A reply must come, because a full socket means that bytes are on their way. */
static void send_frames(struct connection *connection, long frames)
{
    long last = connection->received_frames + window;
    long target = start_of(&requests, last < frames ? last : frames);
    while (connection->sent_bytes < target) {
        ssize_t count = send(connection->fd, requests.data + connection->sent_bytes % requests.cycle_bytes,
                             (size_t)(target - connection->sent_bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0)
            fail("send");
        connection->sent_bytes += count;
    }
}

/* Receive the available bytes; return the number of frames that they complete. */
static long receive(struct connection *connection)
{
    static char chunk[CHUNK];
    ssize_t count = recv(connection->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return 0;
    if (count < 0)
        fail("recv");
    errno = 0;
    if (count == 0)
        fail("the server closed the connection");
    if (connection->received_bytes + count > start_of(&replies, connection->received_frames + window))
        fail("the server sent more than it was asked for");
    if (memcmp(chunk, replies.data + connection->received_bytes % replies.cycle_bytes, (size_t)count) != 0)
        fail("the server sent other bytes than expected");
    connection->received_bytes += count;
    long before = connection->received_frames;
    while (start_of(&replies, connection->received_frames + 1) <= connection->received_bytes)
        connection->received_frames++;
    return connection->received_frames - before;
}

/* Send this many frames on each connection, and receive them again; return the seconds. */
static double run(long frames)
{
    uint64_t began = now();
    latency_count = 0;
    for (long index = 0; index < connection_count; index++) {
        struct connection *connection = &connections[index];
        connection->sent_bytes = connection->received_bytes = connection->received_frames = 0;
        connection->sent_at = now();
        send_frames(connection, frames);
    }
    for (long unfinished = connection_count; unfinished > 0;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, 100);
        if (ready < 0 && errno != EINTR)
            fail("epoll_wait");
        errno = 0;
        if (now() > deadline)
            fail("the load took too long");
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            long completed = receive(connection);
            uint64_t time = now();
            if (completed && window == 1)
                latencies[latency_count++] = (uint32_t)(time - connection->sent_at);
            if (completed && connection->received_frames == frames) {
                unfinished--;
            } else {
                if (completed)
                    connection->sent_at = time;
                send_frames(connection, frames);
            }
        }
    }
    return (double)(now() - began) / 1e9;
}

static int ascending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments)
{
    if (count < 7 || (count > 7 && count % 2 == 1))
        fail("usage: load PORT CONNECTIONS WINDOW FRAMES SECONDS SIZE[,SIZE...] | REQUEST REPLY ...");
    connection_count = atol(arguments[2]);
    window = atol(arguments[3]);
    long frames = atol(arguments[4]), total = connection_count * frames;
    deadline = now() + (uint64_t)(atof(arguments[5]) * 1e9);
    if (connection_count < 1 || window < 1 || frames < 1 || total > 10000000)
        fail("a count is out of its range");
    if (count == 7) {
        make_echo(arguments[6]);
    } else {
        make_texts(&requests, arguments + 6, count - 6);
        make_texts(&replies, arguments + 7, count - 6);
    }
    connections = allocate((size_t)connection_count, sizeof *connections);
    latencies = allocate((size_t)(total > connection_count * WARM_UP ? total : connection_count * WARM_UP),
                         sizeof *latencies);
    poller = epoll_create1(0);
    connect_all(atoi(arguments[1]));
    long warm_up = connection_count > FEW ? WARM_UP * FEW / connection_count + 1 : WARM_UP;
    run(warm_up < frames ? warm_up : frames); /* slow commands are few */
    printf("ready\n");
    fflush(stdout);
    char line[16];
    if (fgets(line, sizeof line, stdin) == NULL)
        return 0;
    double seconds = run(frames);
    printf("{\"frames\": %ld, \"seconds\": %.9f", total, seconds);
    if (latency_count) {
        qsort(latencies, (size_t)latency_count, sizeof *latencies, ascending);
        printf(", \"p50\": %.3f, \"p99\": %.3f", latencies[latency_count / 2] / 1e3,
               latencies[latency_count * 99 / 100] / 1e3);
    }
    printf("}\n");
    return 0;
}

/*
 * A steady load on an echo server: so many frames a second, whether the replies come fast or slowly.
 *
 *     paced PORT CONNECTIONS FRAMES_PER_SECOND SECONDS SIZE
 *
 * The frames have a 4-byte big-endian length prefix. Frame k is due at k / FRAMES_PER_SECOND, and goes out on
 * the next connection. The round trip counts from when the frame was due, so that a frame which waits for the
 * reply before it on its connection counts in full. A warm-up of half a second is not counted.
 *
 * It connects, prints "ready", waits for a line, sends the load, prints one line of JSON and ends.
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
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, CHUNK = 1 << 16 };

struct connection {
    int fd, is_waiting;
    long received;
    uint64_t due; /* of the frame that waits for its reply */
    long first, last; /* the frames that wait for their turn: every CONNECTIONS-th one */
};

static void fail(const char *what)
{
    fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int by_size(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static long count, rate, size;
static uint64_t began;
static char *frame, buffer[CHUNK];
static struct connection *connections;

static uint64_t due_at(long number)
{
    return began + (uint64_t)number * 1000000000u / (uint64_t)rate;
}

static void send_next(struct connection *each)
{
    long number = each->first;
    each->first += count;
    each->due = due_at(number);
    each->is_waiting = 1;
    each->received = 0;
    if (send(each->fd, frame, (size_t)size, MSG_NOSIGNAL) != size)
        fail("send");
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("usage: paced PORT CONNECTIONS FRAMES_PER_SECOND SECONDS SIZE");
    count = atol(argv[2]);
    rate = atol(argv[3]);
    double seconds = atof(argv[4]);
    long payload = atol(argv[5]), frames = (long)((double)rate * seconds), warm_up = rate / 2;
    size = payload + 4;
    frame = malloc((size_t)size);
    connections = calloc((size_t)count, sizeof *connections);
    uint32_t *latencies = calloc((size_t)frames + 1, sizeof *latencies);
    if (frame == NULL || connections == NULL || latencies == NULL)
        fail("memory");
    uint32_t header = htonl((uint32_t)payload);
    memcpy(frame, &header, 4);
    memset(frame + 4, 'x', (size_t)payload);
    int poller = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event))
        fail("epoll");
    for (long at = 0; at < count; at++) {
        struct connection *each = &connections[at];
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int yes = 1;
        each->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (each->fd < 0 || connect(each->fd, (struct sockaddr *)&address, sizeof address))
            fail("connect");
        setsockopt(each->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        each->first = each->last = at;
        event.data.ptr = each;
        if (epoll_ctl(poller, EPOLL_CTL_ADD, each->fd, &event))
            fail("epoll_ctl");
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;
    long sent = 0, answered = 0, total = frames + warm_up, counted = 0;
    began = now();
    uint64_t deadline = began + (uint64_t)(seconds * 1e9) + 30u * 1000000000u;
    while (answered < total) {
        uint64_t time = now();
        if (time > deadline)
            fail("the server is too slow for this load");
        for (; sent < total && due_at(sent) <= time; sent++) {
            struct connection *each = &connections[sent % count];
            each->last = sent + count;
            if (!each->is_waiting)
                send_next(each);
        }
        if (sent < total) {
            uint64_t next = due_at(sent);
            struct itimerspec when = {.it_value = {(time_t)(next / 1000000000u), (long)(next % 1000000000u)}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
        }
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        for (int at = 0; at < ready; at++) {
            struct connection *each = events[at].data.ptr;
            if (each == NULL)
                continue; /* the timer */
            ssize_t got = recv(each->fd, buffer, sizeof buffer, 0);
            if (got <= 0)
                fail("the server closed the connection");
            each->received += got;
            if (each->received < size)
                continue;
            uint64_t took = now() - each->due;
            if (answered++ >= warm_up)
                latencies[counted++] = (uint32_t)(took > UINT32_MAX ? UINT32_MAX : took);
            each->is_waiting = 0;
            if (each->first < each->last)
                send_next(each);
        }
    }
    qsort(latencies, (size_t)counted, sizeof *latencies, by_size);
    printf("{\"frames\": %ld, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n", counted,
           latencies[counted / 2] / 1e3, latencies[counted * 99 / 100] / 1e3, latencies[counted - 1] / 1e3);
    return 0;
}

/*
 * The least cost of an echo server: it sends back all bytes that it reads, and does not read frames.
 *
 * Like every peer it prints its port, answers each line on its standard input with the CPU seconds that
 * it has used, and ends with its input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int poller;

static void check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void watch(int fd)
{
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest), "epoll_ctl");
}

static void tell_cpu(void)
{
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) <= 0)
        exit(0);
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    printf("%.9f\n", (double)used.tv_sec + (double)used.tv_nsec / 1e9);
    fflush(stdout);
}

static void accept_one(int listener)
{
    int one = 1, fd = accept(listener, NULL, NULL);
    check(fd, "accept");
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    watch(fd);
}

static void echo(int fd)
{
    static char chunk[1 << 16];
    ssize_t count = recv(fd, chunk, sizeof chunk, 0);
    if (count <= 0 || send(fd, chunk, (size_t)count, MSG_NOSIGNAL) != count)
        close(fd);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, 1024), "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
    check(poller = epoll_create1(0), "epoll_create1");
    watch(listener);
    watch(STDIN_FILENO);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int index = 0; index < ready; index++) {
            int fd = events[index].data.fd;
            if (fd == STDIN_FILENO)
                tell_cpu();
            else if (fd == listener)
                accept_one(listener);
            else
                echo(fd);
        }
    }
}
